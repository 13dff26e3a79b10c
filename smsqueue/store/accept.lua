#!lua
-- accept: store messages, each with its payload and its first home. Accepting an id again changes nothing.
--
-- ARGV  retention (ms) of a superseded message, then per message:
--       id, lane, category, campaign, fingerprint, state, reason, home, score, decisions, region, segments, key id,
--       created (s), deadline (ms), tenant, sender, zones, not before (ms) or '',
--       supersede token or '', its lifetime (ms), payload
--
-- Returns the server's time (ms), the epoch, the policy's version, then per message a code and a state:
--   new, same (accepted before, with its present state), conflict (the id belongs to another request),
--   closed (memory is short for its lane)

local now = server_time()
advance(now)
local answer = { now, EPOCH, redis.call('HGET', PREFIX .. 'policy', 'version') or '0' }
local closed = redis.call('GET', PREFIX .. 'door')
local OPTIONAL = { 't', 'n', 'z', 'nb' } -- in the order of ARGV

each_then_close(now, function()
  for at = 2, #ARGV, 22 do
    local id, lane, category, campaign, fingerprint, state, reason, home, score = unpack(ARGV, at, at + 8)
    local envelope = PREFIX .. 'e:' .. id
    local known = redis.call('HMGET', envelope, 'f', 's')
    if known[1] then
      answer[#answer + 1] = known[1] == fingerprint and 'same' or 'conflict'
      answer[#answer + 1] = known[2]
    elseif closed and string.find(closed, ',' .. lane .. ',', 1, true) then
      answer[#answer + 1] = 'closed'
      answer[#answer + 1] = ''
    else
      local decisions, region, segments, key, created, deadline = unpack(ARGV, at + 9, at + 14)
      local fields = { 's', state, 'rs', reason, 'v', 1, 'h', home, 'l', lane, 'c', category,
        'f', fingerprint, 'd', decisions, 'r', region, 'sg', segments, 'k', key, 'cr', created, 'dl', deadline }
      for i, field in ipairs(OPTIONAL) do -- what has its default is left out
        if ARGV[at + 14 + i] ~= '' then
          fields[#fields + 1] = field
          fields[#fields + 1] = ARGV[at + 14 + i]
        end
      end
      if campaign ~= '' then
        fields[#fields + 1] = 'g'
        fields[#fields + 1] = campaign
      end
      redis.call('HSET', envelope, unpack(fields))
      redis.call('SET', PREFIX .. 'p:' .. id, ARGV[at + 21])
      enter(id, home, score)
      count(campaign, '', state)
      tally('accepted|' .. category)
      local token = ARGV[at + 19]
      if token ~= '' then
        local older = redis.call('SET', PREFIX .. 'rep:' .. token, id, 'PX', ARGV[at + 20], 'GET')
        if older and older ~= id then halt(now, older, 'superseded', ARGV[1]) end
      end
      answer[#answer + 1] = 'new'
      answer[#answer + 1] = state
    end
  end
end)
return answer
