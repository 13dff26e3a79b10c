#!lua flags=allow-oom
-- give_back: a worker stops before it came to these. They wait again, without waiting for their lease.
--
-- ARGV  queue, then the ids
-- Returns the server's time (ms) and the epoch.

local now = server_time()
for at = 2, #ARGV do
  if redis.call('ZREM', PREFIX .. 'out:' .. ARGV[1], ARGV[at]) == 1 then
    enter(ARGV[at], ARGV[1], redis.call('HGET', PREFIX .. 'e:' .. ARGV[at], 'dl') or now)
  end
end
close(now)
return { now, EPOCH }
