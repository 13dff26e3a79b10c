#!lua flags=allow-oom
-- take: hand out waiting ids, as many as the queue's window has room for.
--
-- ARGV  queue, window, limit, lease (ms), then per queue that shares the window (this one included):
--       queue, wire or '', guaranteed places
--
-- A queue may use whatever is free, but for what the others are guaranteed and do not use.
-- Returns the server's time (ms), the epoch, how many of the following ids travel alone, then the ids: those first,
-- then the others, earliest deadline first. What is not settled before its lease ends is looked at again.
-- Not safe to repeat: a lost answer is healed by the lease.

local now = server_time()
local queue, limit, lease = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local room = tonumber(ARGV[2])
for at = 5, #ARGV, 3 do
  local used = redis.call('ZCARD', PREFIX .. 'out:' .. ARGV[at])
  if ARGV[at + 1] ~= '' then used = used + redis.call('ZCARD', PREFIX .. ARGV[at + 1]) end
  if ARGV[at] ~= queue then used = math.max(used, tonumber(ARGV[at + 2])) end
  room = room - used
end
room = math.min(room, limit)
if room <= 0 then return { now, EPOCH, 0 } end

local popped = redis.call('ZPOPMIN', PREFIX .. 'ready:' .. queue, room)
local suspects = redis.call('SCARD', PREFIX .. 'suspects') > 0
local alone, together = {}, {}
for i = 1, #popped, 2 do
  local id = popped[i]
  redis.call('ZADD', PREFIX .. 'out:' .. queue, now + lease, id)
  local list = together
  if suspects and redis.call('SISMEMBER', PREFIX .. 'suspects', id) == 1 then list = alone end
  list[#list + 1] = id
end
local answer = { now, EPOCH, #alone }
for _, id in ipairs(alone) do answer[#answer + 1] = id end
for _, id in ipairs(together) do answer[#answer + 1] = id end
return answer
