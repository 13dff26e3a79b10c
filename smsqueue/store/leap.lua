#!lua flags=allow-oom
-- leap: the end of a recovery. The epoch rises above whatever anybody can have seen of the store that was lost.
--
-- ARGV  by how much
-- Returns the server's time (ms) and the epoch.

local now = server_time()
return { now, redis.call('HINCRBY', PREFIX .. 'meta', 'epoch', ARGV[1]) }
