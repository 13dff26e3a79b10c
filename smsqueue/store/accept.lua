#!lua
-- accept: store messages, each with its payload and its first home. Accepting an id again changes nothing.
--
-- ARGV  retention (ms) of a superseded message, JSON: per message a list of
--       id, lane, category, campaign, fingerprint, state, reason, home, score, decisions, region, segments, key id,
--       created (s), deadline (ms), tenant, sender, zones, not before (ms) or '', supersede token or '', its
--       lifetime (ms); then their payloads
--
-- Returns the server's time (ms), the epoch, the policy's version, then per message a code and a state:
--   new, same (accepted before, with its present state), conflict (the id belongs to another request),
--   closed (memory is short for its lane)

local now = server_time()
advance(now)
local answer = { now, EPOCH, redis.call('HGET', PREFIX .. 'policy', 'version') or '0' }
local closed = redis.call('GET', PREFIX .. 'door')
local OPTIONAL = { 't', 'n', 'z', 'nb' } -- in the order of the list

each_then_close(now, function()
  for n, m in ipairs(cjson.decode(ARGV[2])) do
    local id, lane, category, campaign, fingerprint, state, reason, home, score = unpack(m, 1, 9)
    local envelope = PREFIX .. 'e:' .. id
    local known = redis.call('HMGET', envelope, 'f', 's')
    if known[1] then
      answer[#answer + 1] = known[1] == fingerprint and 'same' or 'conflict'
      answer[#answer + 1] = known[2]
    elseif closed and string.find(closed, ',' .. lane .. ',', 1, true) then
      answer[#answer + 1] = 'closed'
      answer[#answer + 1] = ''
    else
      local decisions, region, segments, key, created, deadline = unpack(m, 10, 15)
      local fields = { 's', state, 'rs', reason, 'v', 1, 'h', home, 'l', lane, 'c', category,
        'f', fingerprint, 'd', decisions, 'r', region, 'sg', segments, 'k', key, 'cr', created, 'dl', deadline }
      for i, field in ipairs(OPTIONAL) do -- what has its default is left out
        if m[15 + i] ~= '' then
          fields[#fields + 1] = field
          fields[#fields + 1] = m[15 + i]
        end
      end
      if campaign ~= '' then
        fields[#fields + 1] = 'g'
        fields[#fields + 1] = campaign
      end
      redis.call('HSET', envelope, unpack(fields))
      redis.call('SET', PREFIX .. 'p:' .. id, ARGV[2 + n])
      enter(id, home, score)
      count(campaign, '', state)
      tally('accepted|' .. category)
      local token = m[20]
      if token ~= '' then
        local older = redis.call('SET', PREFIX .. 'rep:' .. token, id, 'PX', m[21], 'GET')
        if older and older ~= id then halt(now, older, 'superseded', ARGV[1]) end
      end
      answer[#answer + 1] = 'new'
      answer[#answer + 1] = state
    end
  end
end)
return answer
