#!lua flags=allow-oom
-- gate: the last door before a provider. Who passes is SUBMITTING under the caller's fence, and on the wire.
--
-- ARGV  fence, provider, queue, wire, lease (ms), JSON: per message a list of
--       id, version, valid until (ms), attempt (its number), lane, category, tenant, campaign,
--       cap token or '', most of them per day
--
-- Returns the server's time (ms), the epoch, then a code per message:
--   yes, watch (yes, and if its call ends well that is news to the store), probe (the same, alone, to see whether an ailing
--   provider is well again), lost (changed since it was decided, or twice in
--   this call), late, paused, withdrawn, throttled (the provider asked for patience), ailing (see health.lua),
--   capped:<ms> (the recipient has had as many as allowed; then there is room again)
-- The same fence again gets the same yes.

local now = server_time()
advance(now)
local fence, provider, queue, wire, lease = unpack(ARGV, 1, 5)
local ends = now + lease
local throttled = now < tonumber(redis.call('HGET', PREFIX .. 'rate:' .. provider, 'hold') or 0)
local something_paused = redis.call('HLEN', PREFIX .. 'pause') > 0
local health = redis.call('HMGET', PREFIX .. 'health', 'ask|' .. provider, 'gap|' .. provider, 'bad|' .. provider)
local ask, gap, passed = next_probe(health[1], now), tonumber(health[2] or nil), health[3] and 'watch' or 'yes'
local answer = { now, EPOCH }

local function held_back(lane, category, tenant, campaign)
  local p = redis.call('HMGET', PREFIX .. 'pause', 'provider:' .. provider, 'lane:' .. lane,
    'category:' .. category, 'tenant:' .. tenant, 'campaign:' .. campaign, 'withdrawn:' .. campaign, 'all:')
  if p[6] then return 'withdrawn' end
  if p[1] or p[2] or p[3] or p[4] or p[5] or p[7] then return 'paused' end
end

-- How many one recipient had within a day, by message: attempts of one message count once.
local DAY = 24 * 3600 * 1000
local function full(id, token, most)
  local book = PREFIX .. 'cap:' .. token
  redis.call('ZREMRANGEBYSCORE', book, '-inf', now - DAY)
  if redis.call('ZSCORE', book, id) or redis.call('ZCARD', book) < most then return false end
  return 'capped:' .. string.format('%.0f', redis.call('ZRANGE', book, 0, 0, 'WITHSCORES')[2] + DAY)
end

local asked = {} -- an id that comes twice in one call gets one yes: two would be two calls of the provider
each_then_close(now, function()
  for _, m in ipairs(cjson.decode(ARGV[6])) do
    local id, version, valid_until, attempt, lane, category, tenant, campaign, token, most = unpack(m, 1, 10)
    local envelope = PREFIX .. 'e:' .. id
    local e = redis.call('HMGET', envelope, 'v', 's', 'h', 'x', 'fe', 'dl')
    local code = 'yes'
    if asked[id] then
      code = 'lost'
    elseif e[2] == 'submitting' and e[5] == fence then
      code = ask and 'probe' or passed -- this very call, repeated because its answer was lost
    elseif tonumber(e[1]) ~= version or e[3] ~= queue or e[4] or (e[2] ~= 'queued' and e[2] ~= 'held') then
      code = 'lost'
    elseif now >= valid_until or now >= tonumber(e[6]) then
      code = 'late'
    else
      code = something_paused and held_back(lane, category, tenant, campaign) or throttled and 'throttled'
        or ask and now < ask and 'ailing' or 'yes'
      if code == 'yes' and token ~= '' then code = full(id, token, most) or 'yes' end
      if code == 'yes' then
        if token ~= '' then
          redis.call('ZADD', PREFIX .. 'cap:' .. token, now, id)
          redis.call('PEXPIRE', PREFIX .. 'cap:' .. token, DAY)
          redis.call('HSET', envelope, 'cp', token)
        end
        leave(id, queue)
        redis.call('HSET', envelope, 's', 'submitting', 'rs', 'none', 'v', version + 1, 'h', wire,
          'fe', fence, 'a', attempt, 'a' .. attempt, fence .. '|' .. provider .. '|||')
        enter(id, wire, ends)
        count(campaign, e[2], 'submitting')
        code = passed
        if ask then
          code, ask, gap = 'probe', now + gap, math.min(2 * gap, GAP_LONGEST)
          redis.call('HSET', PREFIX .. 'health', 'ask|' .. provider, ask, 'gap|' .. provider, gap)
        end
      end
    end
    asked[id] = true
    answer[#answer + 1] = code
  end
end)
return answer
