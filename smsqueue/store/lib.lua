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

-- When the next probe of an ailing provider may go (ms); nil if it is well. A server that was set back in time does not
-- wait for what lies further ahead than any.
local GAP_LONGEST = 10000 -- ms between probes
local function next_probe(field, now)
  local ask = tonumber(field or nil)
  return ask and ask <= now + GAP_LONGEST and ask or ask and now
end

-- Ways may have opened for what waits for ailing providers: see reroute.lua.
local function look_for_ways()
  for _, field in ipairs(redis.call('HKEYS', PREFIX .. 'health')) do
    local provider = string.match(field, '^ask|(.*)')
    if provider then redis.call('HSET', PREFIX .. 'health', 'ways|' .. provider, '1:0') end
  end
end

local function is_queue(home)
  local kind = string.sub(home, 1, 5)
  return home ~= 'due' and kind ~= 'wire:' and kind ~= 'park:'
end

-- Moves and counts are gathered while a script runs and written by `close`: a command for each home, not for each id.
local left, entered, entering = {}, {}, {} -- home -> ids; home -> scores and ids; ids in `entered`
local filled = {} -- queues that this call put something into: were they empty before?

local function move()
  for home, ids in pairs(left) do
    if not is_queue(home) then
      redis.call('ZREM', PREFIX .. home, unpack(ids))
    elseif redis.call('ZREM', PREFIX .. 'out:' .. home, unpack(ids)) < #ids then
      -- Which of the two a queue's message is in is not written down, so that take need not write it.
      redis.call('ZREM', PREFIX .. 'ready:' .. home, unpack(ids))
    end
  end
  for home, places in pairs(entered) do
    local key = PREFIX .. home
    if is_queue(home) then
      key = PREFIX .. 'ready:' .. home
      if filled[home] == nil then filled[home] = redis.call('ZCARD', key) == 0 end
    end
    redis.call('ZADD', key, unpack(places))
  end
  left, entered, entering = {}, {}, {}
end

local function leave(id, home)
  if home == '' then return end
  if entering[id] then move() end -- it came with this very call
  local ids = left[home]
  if ids then ids[#ids + 1] = id else left[home] = { id } end
end

-- A score that somebody damaged must not stop all others: then it is looked at at once.
local function enter(id, home, score)
  local places = entered[home]
  if not places then
    places = {}
    entered[home] = places
  end
  places[#places + 1] = tonumber(score) or 0
  places[#places + 1] = id
  entering[id] = true
end

local counted = {} -- campaign -> state -> by how much
local function count(campaign, from, to)
  if not campaign or campaign == '' or from == to then return end
  local states = counted[campaign]
  if not states then
    states = {}
    counted[campaign] = states
  end
  if from ~= '' then states[from] = (states[from] or 0) - 1 end
  states[to] = (states[to] or 0) + 1
end

-- The last step of a script that moves or counts. Pumps are woken for queues that were empty, so that they need not
-- wait for their tick, unless the caller tops up what it filled. Since when a queue was never empty bounds how long
-- anything has waited in it.
local function close(now, caller_tops_up)
  move()
  for campaign, states in pairs(counted) do
    for state, by in pairs(states) do
      if by ~= 0 then redis.call('HINCRBY', PREFIX .. 'n:' .. campaign, state, by) end
    end
  end
  for queue, was_empty in pairs(filled) do
    if was_empty then
      if not caller_tops_up then redis.call('PUBLISH', PREFIX .. 'wake', queue) end
      redis.call('HSET', PREFIX .. 'm', 'since|' .. queue, now)
    end
  end
  for field, by in pairs(tallied) do
    if by ~= 0 then redis.call('HINCRBY', PREFIX .. 'm', field, by) end
  end
end

-- Runs a body that is a loop over messages. If one that somebody damaged ends it, those before it are moved all the same.
local function each_then_close(now, body, caller_tops_up)
  local ok, problem = pcall(body)
  close(now, caller_tops_up)
  if not ok then error(problem) end
end

local trimmed = false
local function tell(now, id, state, reason, category, provider, attempt)
  tally('told|' .. state .. '|' .. reason .. '|' .. category .. '|' .. provider)
  redis.call('XADD', PREFIX .. 'events', '*',
    'id', id, 'state', state, 'reason', reason, 'category', category, 'provider', provider, 'attempt', attempt)
  if not trimmed then
    redis.call('XTRIM', PREFIX .. 'events', 'MINID', '~', now - EVENTS_KEPT)
    trimmed = true
  end
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
