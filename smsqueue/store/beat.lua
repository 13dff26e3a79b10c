#!lua flags=allow-oom
-- beat: a process's sign of life, and what it counted since its last one; also while memory is short.
--
-- KEYS  the hash of signs of life, after those of all scripts
-- ARGV  the process, 1 (it lives) or 0 (it ends), then per counter: its field, how many
-- Returns the server's time (ms) and the epoch.

local now = server_time()
if ARGV[2] == '1' then
  redis.call('HSET', PREFIX .. 'beats', ARGV[1], now)
else
  redis.call('HDEL', PREFIX .. 'beats', ARGV[1])
end
for at = 3, #ARGV, 2 do tally(ARGV[at], tonumber(ARGV[at + 1])) end
close(now)
return { now, EPOCH }
