#!lua flags=allow-oom
-- reroute: what waits for an ailing provider and may go another way is decided again. Once through what waits, a few at
-- a time, each time that ways may have opened: it became ailing, another became well, a pause ended, a new policy.
--
-- ARGV  limit, JSON: per provider a list of its name, its queues, and as keys the categories that have another route
--
-- Returns the server's time (ms), the epoch, how many were moved, 1 if there is nothing left to look through.
-- In `health`, `ways|<provider>` holds how far it has come: which of the queues, and the cursor in it.

local now = server_time()
local book, limit = PREFIX .. 'health', ARGV[1]
local moved = 0

local function look_through(queue, cursor, categories)
  local found = redis.call('ZSCAN', PREFIX .. 'ready:' .. queue, cursor, 'COUNT', limit)
  for at = 1, #found[2], 2 do
    local id = found[2][at]
    local e = redis.call('HMGET', PREFIX .. 'e:' .. id, 'h', 'l', 'c', 'dl')
    if e[1] == queue and categories[e[3]] then
      leave(id, queue)
      redis.call('HSET', PREFIX .. 'e:' .. id, 'h', 'dispatch.' .. e[2])
      enter(id, 'dispatch.' .. e[2], e[4])
      moved = moved + 1
    end
  end
  return found[1]
end

for _, p in ipairs(cjson.decode(ARGV[2])) do
  local provider, queues, categories = unpack(p)
  local place = redis.call('HGET', book, 'ways|' .. provider)
  if place then
    local number, cursor = string.match(place, '^(%d+):(%d+)$')
    number = tonumber(number)
    if queues[number] then cursor = look_through(queues[number], cursor, categories) end
    if cursor == '0' then number = number + 1 end
    if queues[number] then
      redis.call('HSET', book, 'ways|' .. provider, number .. ':' .. cursor)
    else
      redis.call('HDEL', book, 'ways|' .. provider)
    end
    close(now)
    return { now, EPOCH, moved, 0 }
  end
end
return { now, EPOCH, 0, 1 }
