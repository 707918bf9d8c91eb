-- A pause after Google asked for less, on the server's own clock: one for all workers.
-- KEYS: the pause of a project or of a user
-- ARGV: 'strike', longest pause in ms, most strikes, share of the pause (0.5..1), least in ms
--       (Retry-After), how much longer the strikes are remembered in ms; or 'forgive'
-- Answers: milliseconds that are left of the pause, strikes.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local key = KEYS[1]
local stored = redis.call('HMGET', key, 'until', 'strikes')
local ends, strikes = tonumber(stored[1] or '0'), tonumber(stored[2] or '0')

if ARGV[1] == 'forgive' then
  -- A request that was on its way when the pause began says nothing about it.
  if ends > now then return {ends - now, strikes} end
  redis.call('DEL', key)
  return {0, 0}
end

local least = now + tonumber(ARGV[5])
if ends > now then
  -- One strike a pause, however many requests were on their way; Google's own time counts.
  ends = math.max(ends, least)
else
  strikes = math.min(strikes + 1, tonumber(ARGV[3]))
  local pause = math.min(2 ^ strikes * 1000, tonumber(ARGV[2])) * tonumber(ARGV[4])
  ends = math.ceil(math.max(now + pause, least))
end
redis.call('HSET', key, 'until', ends, 'strikes', strikes)
redis.call('PEXPIRE', key, ends - now + tonumber(ARGV[6]))
return {ends - now, strikes}
