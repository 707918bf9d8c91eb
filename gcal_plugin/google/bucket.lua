-- Admission of requests: project, user and tenant at once, on the server's own clock.
-- KEYS: five for each request: project bucket, user bucket, tenants of this stretch, project pause,
--       user pause
-- ARGV: project rate/s, project capacity, user rate/s, user capacity, reserve (0..1), length of the
--       tenants' stretch in seconds; then for each request: urgent (0|1), tenant
-- Answers for each request: milliseconds to wait (0 = admitted), strikes against the project,
--       strikes against the user; negative ones where that pause is what is waited for.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local rate, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local user_rate, user_capacity = tonumber(ARGV[3]), tonumber(ARGV[4])
local reserve, stretch = tonumber(ARGV[5]), ARGV[6]

local function paused(key)
  local stored = redis.call('HMGET', key, 'until', 'strikes')
  return tonumber(stored[1] or '0') - now, tonumber(stored[2] or '0')
end

local function level(key, per_second, most)
  local stored = redis.call('HMGET', key, 'level', 'at')
  if not stored[1] then return most end
  local grown = math.max(0, now - tonumber(stored[2])) * per_second / 1000
  return math.min(most, tonumber(stored[1]) + grown)
end

local function take(key, left)
  redis.call('HSET', key, 'level', left - 1, 'at', now)
  redis.call('PEXPIRE', key, 120000)
end

local function admit(first, urgent, tenant)
  local project_key, user_key, tenants_key = KEYS[first], KEYS[first + 1], KEYS[first + 2]
  local project_pause, project_strikes = paused(KEYS[first + 3])
  local user_pause, user_strikes = paused(KEYS[first + 4])
  local held = math.max(project_pause, user_pause)
  if held > 0 then
    if project_pause == held then return held, -project_strikes, 0 end
    return held, 0, -user_strikes
  end

  local kept = urgent and 0 or capacity * reserve
  local user_kept = urgent and 0 or user_capacity * reserve
  local project = level(project_key, rate, capacity)
  local user = level(user_key, user_rate, user_capacity)

  -- With less than half left, who used more than an even share lets the others go first.
  if not urgent and project < capacity / 2 then
    local mine = tonumber(redis.call('HGET', tenants_key, tenant) or '0')
    local all = tonumber(redis.call('HGET', tenants_key, '*') or '0')
    local tenants = math.max(1, redis.call('HLEN', tenants_key) - 1)
    if mine == 0 then tenants = tenants + 1 end
    if mine * tenants > all + tenants then kept = capacity / 2 end
  end

  local wait = math.max(
    (kept + 1 - project) / rate * 1000,
    (user_kept + 1 - user) / user_rate * 1000)
  if wait > 0 then return math.ceil(wait), project_strikes, user_strikes end
  take(project_key, project)
  take(user_key, user)
  redis.call('HINCRBY', tenants_key, tenant, 1)
  if redis.call('HINCRBY', tenants_key, '*', 1) == 1 then
    redis.call('EXPIRE', tenants_key, stretch)
  end
  return 0, project_strikes, user_strikes
end

local answer = {}
for request = 1, #KEYS / 5 do
  local wait, project_strikes, user_strikes = admit(
    request * 5 - 4, ARGV[request * 2 + 5] == '1', ARGV[request * 2 + 6])
  answer[#answer + 1] = wait
  answer[#answer + 1] = project_strikes
  answer[#answer + 1] = user_strikes
end
return answer
