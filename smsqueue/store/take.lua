#!lua flags=allow-oom
-- take: hand out waiting ids, as many as the queue's window has room for and the provider's rate allows now.
--
-- ARGV  queue, window, limit, lease (ms), provider or '', its rate (segments/s, 0: none), burst (segments),
--       1 if this is the first lane, then per queue that shares window and rate (this one included):
--       queue, wire or '', guaranteed places
--
-- A queue may use whatever is free, but for what the others are guaranteed and do not use.
-- Returns the server's time (ms), the epoch, how many of the following ids travel alone, then the ids: those first,
-- then the others, earliest deadline first. What is not settled before its lease ends is looked at again.
-- Not safe to repeat: a lost answer is healed by the lease.

local now = server_time()
local queue, limit, lease = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local window, provider, rate, burst = tonumber(ARGV[2]), ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local room, guaranteed = window, 0
for at = 9, #ARGV, 3 do
  local used = redis.call('ZCARD', PREFIX .. 'out:' .. ARGV[at])
  if ARGV[at + 1] ~= '' then used = used + redis.call('ZCARD', PREFIX .. ARGV[at + 1]) end
  if ARGV[at] ~= queue then used = math.max(used, tonumber(ARGV[at + 2])) else guaranteed = tonumber(ARGV[at + 2]) end
  room = room - used
end
room = math.min(room, limit)
local nothing = { now, EPOCH, 0 }
if room <= 0 then return nothing end

local book = PREFIX .. 'rate:' .. provider
if provider ~= '' and now < tonumber(redis.call('HGET', book, 'hold') or 0) then return nothing end
local PROBES = 20 -- handed out to let one pass: the others cost a load and a gate
local ask = provider ~= '' and next_probe(redis.call('HGET', PREFIX .. 'health', 'ask|' .. provider), now)
if ask then
  if now < ask then return nothing end
  room = math.min(room, PROBES)
end

local RESERVE = 0.2 -- of the burst: the first lane's own
local OWED = 1000 -- ms: so long at most does a lane pay for having used what the others left

-- GCRA: a theoretical arrival time rises by each segment's interval; who is ahead of it by more than the burst waits.
-- A second one per lane counts its guaranteed part, which holds while another lane that is below its own waits.
local function afforded()
  local interval = 1000 / rate
  local stamps = redis.call('HMGET', book, 'tat', 'tat:' .. queue)
  local tat, own = math.max(now, tonumber(stamps[1] or 0)), math.max(now, tonumber(stamps[2] or 0))
  local own_interval = guaranteed > 0 and interval * window / guaranteed or math.huge
  local contended = false
  for at = 9, #ARGV, 3 do
    if ARGV[at] ~= queue and tonumber(ARGV[at + 2]) > 0 and redis.call('ZCARD', PREFIX .. 'ready:' .. ARGV[at]) > 0
      and tonumber(redis.call('HGET', book, 'tat:' .. ARGV[at]) or 0) <= now then contended = true end
  end
  local ahead = burst * interval * (ARGV[8] == '1' and 1 or 1 - RESERVE)
  local n = 0
  for _, id in ipairs(redis.call('ZRANGE', PREFIX .. 'ready:' .. queue, 0, room - 1)) do
    local segments = tonumber(redis.call('HGET', PREFIX .. 'e:' .. id, 'sg') or 1) or 1
    local cost = segments * interval
    if tat > now and tat + cost - now > ahead or contended and own - now > burst * interval then
      redis.call('HINCRBY', book, 'waits', 1)
      break
    end
    tat, own, n = tat + cost, own + segments * own_interval, n + 1
  end
  if n > 0 then
    redis.call('HSET', book, 'tat', tat, 'tat:' .. queue, math.min(own, math.max(tat, now + OWED)))
  end
  return n
end

if rate > 0 then
  room = afforded()
  if room == 0 then return nothing end
end

local popped = redis.call('ZPOPMIN', PREFIX .. 'ready:' .. queue, room)
local suspects = redis.call('SCARD', PREFIX .. 'suspects') > 0
local alone, together, places = {}, {}, {}
for i = 1, #popped, 2 do
  local id = popped[i]
  places[#places + 1] = now + lease
  places[#places + 1] = id
  local list = together
  if suspects and redis.call('SISMEMBER', PREFIX .. 'suspects', id) == 1 then list = alone end
  list[#list + 1] = id
end
if #places > 0 then redis.call('ZADD', PREFIX .. 'out:' .. queue, unpack(places)) end
local answer = { now, EPOCH, #alone }
for _, id in ipairs(alone) do answer[#answer + 1] = id end
for _, id in ipairs(together) do answer[#answer + 1] = id end
return answer
