#!lua flags=allow-oom
-- door: close lanes to new messages while memory is short, or open all.
--
-- KEYS  the door, after those of all scripts
-- ARGV  names of closed lanes between commas or '', how long they stay closed (ms) if nobody says so again
-- Returns the server's time (ms) and the epoch.

local now = server_time()
if ARGV[1] == '' then
  redis.call('DEL', PREFIX .. 'door')
else
  redis.call('SET', PREFIX .. 'door', ARGV[1], 'PX', ARGV[2])
end
return { now, EPOCH }
