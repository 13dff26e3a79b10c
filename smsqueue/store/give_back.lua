#!lua flags=allow-oom
-- give_back: a worker stops before it came to these. They wait again, without waiting for their lease.
--
-- ARGV  queue, JSON: categories and how long before its deadline (ms) a message of theirs leaves the queue, then the ids
-- Returns the server's time (ms) and the epoch.

local now = server_time()
local before = cjson.decode(ARGV[2])
for at = 3, #ARGV do
  if redis.call('ZREM', PREFIX .. 'out:' .. ARGV[1], ARGV[at]) == 1 then
    local e = redis.call('HMGET', PREFIX .. 'e:' .. ARGV[at], 'dl', 'c')
    enter(ARGV[at], ARGV[1], (tonumber(e[1] or nil) or now) - (before[e[2] or ''] or 0))
  end
end
close(now)
return { now, EPOCH }
