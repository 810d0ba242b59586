-- gcra.rs, on the server and by the server's clock, so that the clocks of our machines
-- don't matter. KEYS[1]: whose; ARGV: interval and window in microseconds.
-- Answers how far the TAT lies ahead, and how long to wait (0: let through), in
-- microseconds. A Lua number is a double, exact up to 2^53; microseconds since 1970
-- pass that in the year 2255.
local interval, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local start = tonumber(redis.call('GET', KEYS[1]) or now)
start = math.min(math.max(start, now), now + window)
local ahead = start + interval - now
if ahead > window then
  return { start - now, ahead - window }
end
redis.call('SET', KEYS[1], string.format('%.0f', start + interval), 'PX', math.ceil(ahead / 1000))
return { ahead, 0 }
