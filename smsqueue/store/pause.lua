#!lua flags=allow-oom
-- pause: hold a scope back, or let it go; also while memory is short, when it is needed most.
--
-- ARGV  scope, 1 (hold it back) or 0 (let it go)
-- Returns the server's time (ms), the epoch, and 1 if it was not so before.

local now = server_time()
local changed
if ARGV[2] == '1' then
  changed = redis.call('HSETNX', PREFIX .. 'pause', ARGV[1], now)
else
  changed = redis.call('HDEL', PREFIX .. 'pause', ARGV[1])
  look_for_ways()
end
return { now, EPOCH, changed }
