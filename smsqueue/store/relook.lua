#!lua flags=allow-oom
-- relook: a new policy may allow sooner what sleeps for quiet hours. It is looked at again, a few at a time.
--
-- ARGV  limit, a margin (ms): what is looked at within it anyway is left alone
--
-- Returns the server's time (ms), the epoch, the policy's version, how many were woken, 1 if there is nothing left to look through.
-- `meta` holds the version that was looked through last, and how far (a score) the present one has come.

local now = server_time()
local meta = PREFIX .. 'meta'
local limit, margin = tonumber(ARGV[1]), tonumber(ARGV[2])
local version = redis.call('HGET', PREFIX .. 'policy', 'version') or '0'
local m = redis.call('HMGET', meta, 'looked', 'looking', 'place', 'skip')
if m[1] == version then return { now, EPOCH, version, 0, 1 } end
local place, skip = now + margin, 0
if m[2] == version then place, skip = tonumber(m[3]), tonumber(m[4]) else look_for_ways() end

-- Many sleep until the same instant: `skip` counts those of the place's score that were left where they are.
local found = redis.call('ZRANGE', KEYS[1], place, '+inf', 'BYSCORE', 'LIMIT', skip, limit, 'WITHSCORES')
local woken = 0
for i = 1, #found, 2 do
  local id, score = found[i], tonumber(found[i + 1])
  if score ~= place then place, skip = score, 0 end
  local e = redis.call('HMGET', PREFIX .. 'e:' .. id, 's', 'rs')
  if e[1] == 'held' and e[2] == 'quiet_hours' then
    redis.call('ZADD', KEYS[1], now, id)
    woken = woken + 1
  else
    skip = skip + 1
  end
end
local done = #found < 2 * limit and 1 or 0
if done == 1 then
  redis.call('HSET', meta, 'looked', version)
  redis.call('HDEL', meta, 'looking', 'place', 'skip')
else
  redis.call('HSET', meta, 'looking', version, 'place', place, 'skip', skip)
end
return { now, EPOCH, version, woken, done }
