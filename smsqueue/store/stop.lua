#!lua flags=allow-oom
-- stop: withdraw messages. What may be at the provider is marked, so that it is not submitted again.
--
-- ARGV  reason, retention (ms), then the ids
--
-- Returns the server's time (ms), the epoch, then a code per id:
--   cancelled, stopping (on the wire or in doubt), submitted (too late), final, missing

local now = server_time()
advance(now)
local answer = { now, EPOCH }
for at = 3, #ARGV do
  answer[#answer + 1] = halt(now, ARGV[at], ARGV[1], ARGV[2])
end
close(now)
return answer
