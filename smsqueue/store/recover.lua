#!lua flags=allow-oom
-- recover: after a restore. What was open may have been submitted since: it is in doubt, and never submitted again.
--
-- ARGV  retention (ms), when the store last knew what went on (ms), then the ids
--
-- Returns the server's time (ms), the epoch, then a code per id:
--   doubt, expired (its deadline had passed when the store still knew), kept (asleep until an instant that has
--   not come, or submitted: nothing to fear), final, missing

local now = server_time()
local retention, known_until = ARGV[1], tonumber(ARGV[2])
local ASLEEP = { quiet_hours = true, scheduled = true }
local answer = { now, EPOCH }

local function recover(id)
  local envelope = PREFIX .. 'e:' .. id
  local e = redis.call('HMGET', envelope, 's', 'rs', 'h', 'dl', 'g', 'c', 'a')
  local state, home = e[1], e[3] or ''
  if not state then return 'missing' end
  if not OPEN[state] then return 'final' end
  if state == 'submitted' or (state == 'unknown' and e[2] == 'restored') then return 'kept' end
  local waits = state == 'queued' or state == 'held'
  if waits and home == 'due' and ASLEEP[e[2]] and tonumber(redis.call('ZSCORE', KEYS[1], id) or 0) > now then
    return 'kept'
  end
  leave(id, home)
  redis.call('HINCRBY', envelope, 'v', 1)
  if waits and tonumber(e[4]) <= known_until then
    redis.call('HSET', envelope, 's', 'expired', 'rs', 'ttl')
    count(e[5], state, 'expired')
    tell(now, id, 'expired', 'ttl', e[6], '', e[7] or 0)
    finish(id, retention)
    return 'expired'
  end
  redis.call('HSET', envelope, 's', 'unknown', 'rs', 'restored', 'h', 'due')
  redis.call('UNLINK', PREFIX .. 'p:' .. id)
  enter(id, 'due', tonumber(e[4]) + 3600 * 1000)
  count(e[5], state, 'unknown')
  if state ~= 'unknown' then
    tally('doubt|' .. e[6], 1)
    tell(now, id, 'unknown', 'restored', e[6], '', e[7] or 0)
  end
  return 'doubt'
end

for at = 3, #ARGV do answer[#answer + 1] = recover(ARGV[at]) end
close(now)
return answer
