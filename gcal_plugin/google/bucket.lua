-- One request's admission: project, user and tenant at once, on the server's own clock.
-- KEYS: project bucket, user bucket, tenants of this stretch, project pause, user pause
-- ARGV: project rate/s, project capacity, user rate/s, user capacity, reserve (0..1), urgent (0|1),
--       tenant, length of the tenants' stretch in seconds
-- Answers {milliseconds to wait (0 = admitted), strikes against the project, against the user}.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

local function strikes(key)
  return tonumber(redis.call('HGET', key, 'strikes') or '0')
end
local function pause(key)
  return tonumber(redis.call('HGET', key, 'until') or '0') - now
end
local held = math.max(pause(KEYS[4]), pause(KEYS[5]))
if held > 0 then
  return {held, strikes(KEYS[4]), strikes(KEYS[5])}
end

local function level(key, rate, capacity)
  local stored = redis.call('HMGET', key, 'level', 'at')
  if not stored[1] then return capacity end
  local grown = math.max(0, now - tonumber(stored[2])) * rate / 1000
  return math.min(capacity, tonumber(stored[1]) + grown)
end
local rate, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local user_rate, user_capacity = tonumber(ARGV[3]), tonumber(ARGV[4])
local urgent = ARGV[6] == '1'
local kept = urgent and 0 or capacity * tonumber(ARGV[5])
local user_kept = urgent and 0 or user_capacity * tonumber(ARGV[5])
local project = level(KEYS[1], rate, capacity)
local user = level(KEYS[2], user_rate, user_capacity)

-- With less than half left, who used more than an even share lets the others go first.
if not urgent and project < capacity / 2 then
  local mine = tonumber(redis.call('HGET', KEYS[3], ARGV[7]) or '0')
  local all = tonumber(redis.call('HGET', KEYS[3], '*') or '0')
  local tenants = math.max(1, redis.call('HLEN', KEYS[3]) - 1)
  if mine == 0 then tenants = tenants + 1 end
  if mine * tenants > all + tenants then kept = capacity / 2 end
end

local wait = math.max(
  (kept + 1 - project) / rate * 1000,
  (user_kept + 1 - user) / user_rate * 1000)
if wait > 0 then
  return {math.ceil(wait), strikes(KEYS[4]), strikes(KEYS[5])}
end
redis.call('HSET', KEYS[1], 'level', project - 1, 'at', now)
redis.call('PEXPIRE', KEYS[1], 120000)
redis.call('HSET', KEYS[2], 'level', user - 1, 'at', now)
redis.call('PEXPIRE', KEYS[2], 120000)
redis.call('HINCRBY', KEYS[3], ARGV[7], 1)
if redis.call('HINCRBY', KEYS[3], '*', 1) == 1 then
  redis.call('EXPIRE', KEYS[3], ARGV[8])
end
return {0, strikes(KEYS[4]), strikes(KEYS[5])}
