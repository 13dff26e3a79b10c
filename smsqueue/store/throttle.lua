#!lua flags=allow-oom
-- throttle: a provider asked for patience. Nobody takes or gates anything for it until then.
--
-- ARGV  provider, how long (ms)
-- Returns the server's time (ms) and the epoch.

local now = server_time()
local book = PREFIX .. 'rate:' .. ARGV[1]
local ends = now + tonumber(ARGV[2])
if ends > tonumber(redis.call('HGET', book, 'hold') or 0) then redis.call('HSET', book, 'hold', ends) end
return { now, EPOCH }
