#!lua flags=allow-oom,no-writes
-- load: read envelopes, on demand with their payloads, and what policy has to know besides.
--
-- ARGV  1 if payloads are wanted, else 0; then the ids
--
-- Returns the server's time (ms), the epoch, the policy's version, the paused providers joined by commas, the ailing ones, the ailing ones for the first lane, then per id:
-- the envelope's fields and values with a unit separator between (or false), the payload (or false), 1 if paused, 1 if withdrawn.

local now = server_time()
local answer = { now, EPOCH, redis.call('HGET', PREFIX .. 'policy', 'version') or '0', '', '', '' }
local something_paused = redis.call('HLEN', PREFIX .. 'pause') > 0
if something_paused then
  local providers = {}
  for _, scope in ipairs(redis.call('HKEYS', PREFIX .. 'pause')) do
    local name = string.match(scope, '^provider:(.*)')
    if name then providers[#providers + 1] = name end
  end
  answer[4] = table.concat(providers, ',')
end
-- Whose probe is long due is not shown as ailing, or nobody would be one: first who has no other way, then anybody, and
-- one-time codes last.
local WAITS, WAITS_FIRST = 2000, 4000 -- ms
local ailing, ailing_first, health = {}, {}, redis.call('HGETALL', PREFIX .. 'health')
for at = 1, #health, 2 do
  local name = string.match(health[at], '^ask|(.*)')
  local overdue = name and now - next_probe(health[at + 1], now)
  if name and overdue < WAITS then ailing[#ailing + 1] = name end
  if name and overdue < WAITS_FIRST then ailing_first[#ailing_first + 1] = name end
end
answer[5], answer[6] = table.concat(ailing, ','), table.concat(ailing_first, ',')

for at = 2, #ARGV do
  local id = ARGV[at]
  local fields = redis.call('HGETALL', PREFIX .. 'e:' .. id)
  local paused, withdrawn = 0, 0
  if something_paused and #fields > 0 then
    local e = redis.call('HMGET', PREFIX .. 'e:' .. id, 'l', 'c', 't', 'g')
    local p = redis.call('HMGET', PREFIX .. 'pause', 'lane:' .. e[1], 'category:' .. e[2],
      'tenant:' .. (e[3] or ''), 'campaign:' .. (e[4] or ''), 'withdrawn:' .. (e[4] or ''), 'all:')
    if p[1] or p[2] or p[3] or p[4] or p[6] then paused = 1 end
    if p[5] then withdrawn = 1 end
  end
  answer[#answer + 1] = #fields > 0 and table.concat(fields, '\31') or false
  answer[#answer + 1] = ARGV[1] == '1' and redis.call('GET', PREFIX .. 'p:' .. id) or false
  answer[#answer + 1] = paused
  answer[#answer + 1] = withdrawn
end
return answer
