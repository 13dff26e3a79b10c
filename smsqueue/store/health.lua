#!lua flags=allow-oom
-- health: how calls to a provider ended. When many in a row ended badly it is ailing: nothing is taken or gated for it
-- but one message now and then, as a probe, and others go another way if they have one, until a call ends well.
--
-- ARGV  provider, 1 if a call ended well, how many ended badly since
-- Returns the server's time (ms), the epoch, and what is new: `ailing`, `well` or ''.
-- Not safe to repeat: ends would be counted twice. A lost answer loses a log line.
--
-- Kept in one hash: `bad|<provider>` in a row, `at|` (ms) the last of them, and while it is ailing `ask|`, when the next
-- probe may go (ms), `gap|`, how long after it the one that follows (ms), and `ways|`: see reroute.lua.

local AFTER = 20 -- bad ends in a row
local FIRST = 1000 -- ms until the first probe
local FORGOTTEN = 60000 -- ms after which a bad end is not of the same row

local now = server_time()
local book, provider, bad = PREFIX .. 'health', ARGV[1], tonumber(ARGV[3])
local news = ''
if ARGV[2] == '1' then
  if redis.call('HEXISTS', book, 'ask|' .. provider) == 1 then news = 'well' end
  for _, field in ipairs({ 'bad|', 'at|', 'ask|', 'gap|', 'ways|' }) do redis.call('HDEL', book, field .. provider) end
end
if bad > 0 then
  local known = redis.call('HMGET', book, 'bad|' .. provider, 'at|' .. provider, 'ask|' .. provider)
  if now - tonumber(known[2] or 0) < FORGOTTEN then bad = bad + tonumber(known[1] or 0) end
  redis.call('HSET', book, 'bad|' .. provider, bad, 'at|' .. provider, now)
  if bad >= AFTER and not known[3] then
    redis.call('HSET', book, 'ask|' .. provider, now + FIRST, 'gap|' .. provider, FIRST)
    news = 'ailing'
  end
end
if news ~= '' then look_for_ways() end
return { now, EPOCH, news }
