#!lua flags=allow-oom
-- release: somebody acted. What is parked goes back to be decided.
--
-- ARGV  park, limit
-- Returns the server's time (ms), the epoch, and how many were moved: call again until it is none.

local now = server_time()
local ids = redis.call('ZRANGE', PREFIX .. ARGV[1], 0, tonumber(ARGV[2]) - 1)
if #ids > 0 then redis.call('ZREM', PREFIX .. ARGV[1], unpack(ids)) end
for _, id in ipairs(ids) do
  local e = redis.call('HMGET', PREFIX .. 'e:' .. id, 'l', 'dl')
  if not e[1] then
    redis.call('ZADD', PREFIX .. 'park:orphan', now, id)
  else
    redis.call('HSET', PREFIX .. 'e:' .. id, 'h', 'dispatch.' .. e[1])
    enter(id, 'dispatch.' .. e[1], e[2])
  end
end
close(now)
return { now, EPOCH, #ids }
