#!lua flags=allow-oom
-- audit: compare envelopes with homes, id by id, and mend what differs. Each id is looked at and mended in one
-- step, so whatever the running system does meanwhile, it is never taken for a fault.
--
-- ARGV  '' if the ids come from envelopes, else the home they were seen in; then the ids
--
-- Returns the server's time (ms), the epoch, then a code per id:
--   ok, gone (moved or ended since it was seen), homeless (open and nowhere: it got a home),
--   orphan (in a home without an envelope: it is parked), stray (in a home that its envelope does not name, or
--   twice in one queue: it is taken out there)

local now = server_time()
local seen_in = ARGV[1]
local answer = { now, EPOCH }

local function at_home(id, home)
  if home == '' then return false end
  if not is_queue(home) then return redis.call('ZSCORE', PREFIX .. home, id) end
  return redis.call('ZSCORE', PREFIX .. 'out:' .. home, id) or redis.call('ZSCORE', PREFIX .. 'ready:' .. home, id)
end

-- What is surely not sent is decided again. What may be at a provider only ever gets another look.
local function give_home(id, e)
  local envelope, home = PREFIX .. 'e:' .. id, 'due'
  if e[1] == 'queued' or e[1] == 'held' then
    home = 'dispatch.' .. e[3]
  elseif e[1] == 'submitting' then
    redis.call('HSET', envelope, 's', 'unknown', 'rs', 'lease_ended')
    redis.call('HINCRBY', envelope, 'v', 1)
    tally('doubt|' .. e[6], 1)
    count(e[5], 'submitting', 'unknown')
    tell(now, id, 'unknown', 'lease_ended', e[6], string.match(e[2] or '', '^wire:([^.]*)') or '', e[7] or 0)
  end
  redis.call('HSET', envelope, 'h', home)
  enter(id, home, home == 'due' and now or e[4])
end

local function look(id)
  local e = redis.call('HMGET', PREFIX .. 'e:' .. id, 's', 'h', 'l', 'dl', 'g', 'c', 'a')
  local home, found = e[2] or '', 'ok'
  if seen_in ~= '' then
    local set = PREFIX .. seen_in
    local queue = string.match(seen_in, '^ready:(.*)') or string.match(seen_in, '^out:(.*)') or seen_in
    if not redis.call('ZSCORE', set, id) then return 'gone' end
    if not e[1] then
      redis.call('ZREM', set, id)
      redis.call('ZADD', PREFIX .. 'park:orphan', now, id)
      return 'orphan'
    end
    local twice = set == PREFIX .. 'out:' .. queue and redis.call('ZSCORE', PREFIX .. 'ready:' .. queue, id)
    if home ~= queue or twice then
      redis.call('ZREM', set, id)
      found = 'stray'
    end
  elseif not e[1] then
    return 'gone'
  end
  if not OPEN[e[1]] or at_home(id, home) then return found end
  give_home(id, e)
  move() -- before the next look: an id may come twice in one call
  return found == 'ok' and 'homeless' or found
end

for at = 2, #ARGV do answer[#answer + 1] = look(ARGV[at]) end
close(now)
return answer
