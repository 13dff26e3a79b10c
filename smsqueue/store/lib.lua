-- What all scripts share. KEYS[1] is always the home `due`: the other keys' prefix is read off it.
-- Every other home is declared in KEYS too, so that a Cluster that moves the slot answers ASK, not "missing".

local PREFIX = string.sub(KEYS[1], 1, -4)
local OPEN = { queued = true, held = true, submitting = true, unknown = true, submitted = true }
local EVENTS_KEPT = 24 * 3600 * 1000 -- ms

-- The only clock there is, in ms. Tests travel in time by `clock`; workers refuse it elsewhere.
-- Every script returns it and the epoch first.
local function server_time()
  local t = redis.call('TIME')
  local ms = t[1] * 1000 + math.floor(t[2] / 1000)
  local shift = redis.call('GET', PREFIX .. 'clock')
  if shift then ms = ms + tonumber(shift) end
  return ms
end

-- A server that knows less than the caller has seen of it was restored, or lost its last writes: it may have
-- forgotten what was submitted. The last of ARGV is the highest epoch that the caller has seen.
local SEEN = tonumber(table.remove(ARGV))
local EPOCH = tonumber(redis.call('HGET', PREFIX .. 'meta', 'epoch') or '0')
if EPOCH < SEEN then return redis.error_reply('BEHIND this store knows less than was seen of it') end

-- Called by every script whose loss could let something be submitted twice, or be lost: accept, gate, stop.
-- A lost settle is not among them: its message is in doubt when its lease ends.
local function advance(now)
  EPOCH = redis.call('HINCRBY', PREFIX .. 'meta', 'epoch', 1)
  redis.call('HSET', PREFIX .. 'meta', 'at', now)
end

-- Cumulative counters for whoever watches: gathered while a script runs, written once at its end, so that
-- they cost a table entry per message and cannot differ from what was written. Fields: smsqueue/store/gauges.py.
local tallied = {}
local function tally(field, by)
  tallied[field] = (tallied[field] or 0) + (by or 1)
end

local function is_queue(home)
  local kind = string.sub(home, 1, 5)
  return home ~= 'due' and kind ~= 'wire:' and kind ~= 'park:'
end

-- A message in a queue is `out` or `ready`; which one is not written down, so that take need not write it.
local function leave(id, home)
  if home == '' then return end
  if not is_queue(home) then
    redis.call('ZREM', PREFIX .. home, id)
  elseif redis.call('ZREM', PREFIX .. 'out:' .. home, id) == 0 then
    redis.call('ZREM', PREFIX .. 'ready:' .. home, id)
  end
end

local filled = {} -- queues that this call puts something into: were they empty before?
local function enter(id, home, score)
  if not is_queue(home) then
    redis.call('ZADD', PREFIX .. home, score, id)
    return
  end
  local ready = PREFIX .. 'ready:' .. home
  if filled[home] == nil then filled[home] = redis.call('ZCARD', ready) == 0 end
  redis.call('ZADD', ready, score, id)
end

-- Wakes the pumps for queues that were empty: they need not wait for their next tick.
local function wake_pumps()
  for queue, was_empty in pairs(filled) do
    if was_empty then redis.call('PUBLISH', PREFIX .. 'wake', queue) end
  end
end

-- The last step of a script. Since when a queue was never empty bounds how long anything has waited in it.
local function write_tally(now)
  for field, by in pairs(tallied) do
    if by ~= 0 then redis.call('HINCRBY', PREFIX .. 'm', field, by) end
  end
  for queue, was_empty in pairs(filled) do
    if was_empty then redis.call('HSET', PREFIX .. 'm', 'since|' .. queue, now) end
  end
end

local function count(campaign, from, to)
  if campaign and campaign ~= '' and from ~= to then
    if from ~= '' then redis.call('HINCRBY', PREFIX .. 'n:' .. campaign, from, -1) end
    redis.call('HINCRBY', PREFIX .. 'n:' .. campaign, to, 1)
  end
end

local function tell(now, id, state, reason, category, provider, attempt)
  tally('told|' .. state .. '|' .. reason .. '|' .. category .. '|' .. provider)
  redis.call('XADD', PREFIX .. 'events', 'MINID', '~', now - EVENTS_KEPT, '*',
    'id', id, 'state', state, 'reason', reason, 'category', category, 'provider', provider, 'attempt', attempt)
end

-- The end: the payload goes, the envelope is cut to what `status` and the idempotency key need.
local function finish(id, retention)
  local envelope = PREFIX .. 'e:' .. id
  redis.call('UNLINK', PREFIX .. 'p:' .. id)
  redis.call('HDEL', envelope, 'h', 'nb', 'z', 'n', 'k', 'lk', 'x', 'fe', 'r', 'cp')
  redis.call('PEXPIRE', envelope, retention)
  redis.call('SREM', PREFIX .. 'suspects', id)
end

-- Ends a message that is surely not at a provider, or marks one that may be, so that it is not tried again.
local function halt(now, id, reason, retention)
  local envelope = PREFIX .. 'e:' .. id
  local e = redis.call('HMGET', envelope, 's', 'h', 'g', 'c', 'x')
  local state = e[1]
  if not state then return 'missing' end
  if not OPEN[state] then return 'final' end
  if state == 'submitted' then return 'submitted' end
  if state == 'queued' or state == 'held' then
    leave(id, e[2] or '')
    redis.call('HSET', envelope, 's', 'cancelled', 'rs', reason)
    redis.call('HINCRBY', envelope, 'v', 1)
    count(e[3], state, 'cancelled')
    tell(now, id, 'cancelled', reason, e[4], '', 0)
    finish(id, retention)
    return 'cancelled'
  end
  if not e[5] then
    redis.call('HSET', envelope, 'x', reason)
    redis.call('HINCRBY', envelope, 'v', 1)
  end
  return 'stopping'
end
