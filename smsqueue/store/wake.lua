#!lua flags=allow-oom
-- wake: the pump's tick. Moves what is due, what ran out of its lease and what passed its deadline.
--
-- ARGV  limit of moves, looks after which an id travels alone, looks after which it ends, retention (ms),
--       number of queues, queues (all), number of wires, wires, number of parks, parks
--
-- Returns the server's time (ms), the epoch, the number of moves, the number of ids given up as poison, then per queue
-- how many wait in it.

local now = server_time()
local room, alone, poison, retention = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local at = 5
local function names()
  local list, n = {}, tonumber(ARGV[at])
  for i = 1, n do list[i] = ARGV[at + i] end
  at = at + n + 1
  return list
end
local queues, wires, parks = names(), names(), names()
local UPKEEP = 'dispatch.upkeep'
local moves, given_up = 0, 0

local function to_queue(id, queue, deadline)
  redis.call('HSET', PREFIX .. 'e:' .. id, 'h', queue)
  enter(id, queue, deadline)
  moves = moves + 1
end

-- An id without an envelope is never dropped in silence, and one that somebody damaged stops no other.
local function orphan(id)
  redis.call('ZADD', PREFIX .. 'park:orphan', now, id)
  moves = moves + 1
end

-- Takes these ids out of a home, and gives each, with these fields of its envelope, another one.
local function move(home, ids, deal, ...)
  if #ids == 0 then return end
  redis.call('ZREM', PREFIX .. home, unpack(ids))
  for _, id in ipairs(ids) do
    local e = redis.call('HMGET', PREFIX .. 'e:' .. id, ...)
    if not e[1] or not pcall(deal, id, e) then orphan(id) end
  end
end

-- The same for what has passed its score, the longest first.
local function passed(home, ...)
  if room - moves <= 0 then return end
  move(home, redis.call('ZRANGE', PREFIX .. home, '-inf', now, 'BYSCORE', 'LIMIT', 0, room - moves), ...)
end

-- The call's lease is over and nobody settled: the provider may have it. Never submit again from here.
for _, wire in ipairs(wires) do
  passed(wire, function(id, e)
    if e[1] ~= 'submitting' then return end
    local envelope = PREFIX .. 'e:' .. id
    redis.call('HSET', envelope, 's', 'unknown', 'rs', 'lease_ended')
    redis.call('HINCRBY', envelope, 'v', 1)
    tally('lease|' .. wire)
    tally('doubt|' .. e[4], 1)
    count(e[3], 'submitting', 'unknown')
    tell(now, id, 'unknown', 'lease_ended', e[4], string.match(wire, ':([^.]*)'), e[5] or 0)
    to_queue(id, UPKEEP, e[2])
  end, 's', 'dl', 'g', 'c', 'a')
end

-- A hint that nobody acted on: look again. Who comes back often travels alone, then ends loudly.
for _, queue in ipairs(queues) do
  passed('out:' .. queue, function(id, e)
    local envelope = PREFIX .. 'e:' .. id
    local looks = redis.call('HINCRBY', envelope, 'lk', 1)
    tally('lease|' .. queue)
    if looks >= alone then redis.call('SADD', PREFIX .. 'suspects', id) end
    if looks < poison then return to_queue(id, queue, e[2]) end
    if e[1] == 'queued' or e[1] == 'held' then
      redis.call('HSET', envelope, 's', 'failed', 'rs', 'poison')
      redis.call('HINCRBY', envelope, 'v', 1)
      count(e[3], e[1], 'failed')
      tell(now, id, 'failed', 'poison', e[4], '', 0)
      finish(id, retention)
    else -- the provider may have it: only a later look can end it
      redis.call('HSET', envelope, 'h', 'due')
      enter(id, 'due', now + 3600 * 1000)
    end
    given_up = given_up + 1
    moves = moves + 1
  end, 's', 'dl', 'g', 'c')
end

local function awake(id, e)
  if e[1] == 'queued' or e[1] == 'held' then to_queue(id, 'dispatch.' .. e[3], e[2])
  elseif OPEN[e[1]] then to_queue(id, UPKEEP, e[2])
  end
end
-- Those that became due last go first, up to a tenth: behind a million that woke in one instant the second attempt of
-- a one-time code would wait for minutes.
local part = math.min(math.ceil(room / 10), room - moves)
if part > 0 then
  move('due', redis.call('ZRANGE', KEYS[1], now, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, part), awake, 's', 'dl', 'l')
end
passed('due', awake, 's', 'dl', 'l')

-- Past its deadline, it ends now, paused or not, and not when its turn would come.
local function expire(id, e) to_queue(id, UPKEEP, e[2]) end
for _, queue in ipairs(queues) do
  if queue ~= UPKEEP then passed('ready:' .. queue, expire, 's', 'dl') end
end
for _, park in ipairs(parks) do
  if park ~= 'park:orphan' then passed(park, expire, 's', 'dl') end
end

close(now)
local answer = { now, EPOCH, moves, given_up }
for _, queue in ipairs(queues) do
  answer[#answer + 1] = redis.call('ZCARD', PREFIX .. 'ready:' .. queue)
end
return answer
