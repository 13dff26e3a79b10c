#!lua flags=allow-oom
-- apply: write decided changes. Each names the version it was decided on; the loser does nothing.
--
-- ARGV  1 if the pumps are told of queues that were empty (0: the caller tops them up itself), JSON: per change
--       a list of id, version, state, reason, home ('=' if it stays), score, whether the payload goes,
--       retention (ms) or 0, whether the outside is told, provider, attempt, fence it was decided under or '',
--       fields to set with their values, fields to delete
--
-- Returns the server's time (ms), the epoch, then a code per change:
--   ok, again (it is what a first run of this very call wrote), lost (somebody was faster), missing

local now = server_time()
local answer = { now, EPOCH }
local NOT_SENT = { queued = true, held = true, failed = true, expired = true, suppressed = true, cancelled = true }

-- A pause that ended since the decision lets nothing go any more: what would park after it is decided again instead.
local function still_paused(id)
  local e = redis.call('HMGET', PREFIX .. 'e:' .. id, 'l', 'c', 't', 'g')
  for _, scope in ipairs(redis.call('HKEYS', PREFIX .. 'pause')) do
    local what, name = string.match(scope, '^(%a+):(.*)$')
    if what == 'all' or what == 'provider' or what == 'lane' and name == e[1] or what == 'category' and name == e[2]
      or what == 'tenant' and name == (e[3] or '') or what == 'campaign' and name == (e[4] or '') then return true end
  end
  return false, e[1]
end

each_then_close(now, function()
  for _, m in ipairs(cjson.decode(ARGV[2])) do
    local id, version, state, reason, home, score, drop, retention, told, provider, attempt, fence = unpack(m, 1, 12)
    local sets, deletes = m[13], m[14]

    local envelope = PREFIX .. 'e:' .. id
    local e = redis.call('HMGET', envelope, 'v', 's', 'h', 'g', 'c', 'lk', 'cp', 'fe')
    local code = 'ok'
    if not e[1] then
      code = 'missing'
    elseif tonumber(e[1]) ~= version then
      code = (tonumber(e[1]) == version + 1 and e[2] == state) and 'again' or 'lost'
      if code == 'lost' then tally('lost|' .. e[5]) end
    elseif fence ~= '' and fence ~= e[8] then
      code = 'lost' -- the version is right by chance: the caller's gate never ran, and another's did
    else
      if home == 'park:paused' then
        local paused, lane = still_paused(id)
        if not paused then home = 'dispatch.' .. lane end
      end
      if home ~= '=' then
        leave(id, e[3] or '')
        if home ~= '' then
          enter(id, home, score)
          sets[#sets + 1] = 'h'
          sets[#sets + 1] = home
        end
      end
      redis.call('HSET', envelope, 's', state, 'rs', reason, 'v', version + 1, unpack(sets))
      if #deletes > 0 then redis.call('HDEL', envelope, unpack(deletes)) end
      if e[6] and e[2] ~= state then
        redis.call('HDEL', envelope, 'lk')
        redis.call('SREM', PREFIX .. 'suspects', id)
      end
      if e[7] and e[2] == 'submitting' and NOT_SENT[state] then -- surely not sent: it does not count for the recipient's cap
        redis.call('ZREM', PREFIX .. 'cap:' .. e[7], id)
        redis.call('HDEL', envelope, 'cp')
      end
      if drop then redis.call('UNLINK', PREFIX .. 'p:' .. id) end
      count(e[4], e[2], state)
      if told then tell(now, id, state, reason, e[5], provider, attempt)
      elseif state == 'held' then tally('held|' .. reason .. '|' .. e[5]) end
      if e[2] ~= state then
        if state == 'unknown' then tally('doubt|' .. e[5], 1) elseif e[2] == 'unknown' then tally('doubt|' .. e[5], -1) end
      end
      if retention ~= 0 then finish(id, retention) end
    end
    answer[#answer + 1] = code
  end
end, ARGV[1] == '0')
return answer
