-- The shared bucket on a server: aiolimiter/_core/slots.py, step by step, and in
-- the same order of operations, so that both give the same numbers to the bit.
-- Why a step is as it is stands there; here stands what the server adds to it.
--
-- KEYS[1]  "level ... last given raised": units for each rate, microseconds
-- ARGV[1]  a request, as aiolimiter/redis/_script.py writes it
-- reply    now, given, raised, whether the refund was the tail (0 or 1), levels
--          before, levels after, then for each group how many are booked and
--          whether the others are refused (0 or 1)
--
-- Both ways it is one text: a tenth of the cost of as many replies, no matter
-- whether the client decodes, and 17 digits bring every double back as it was.
-- The server runs nothing else meanwhile, so loops stand where closures would be
-- shorter.

local floor, max, min, huge = math.floor, math.max, math.min, math.huge
local format, concat, gmatch = string.format, table.concat, string.gmatch

local FULL = 1 + 2 ^ -40
local WHOLE = 1e-9

local request, cursor = {}, 0
for word in gmatch(ARGV[1], '%S+') do
  cursor = cursor + 1
  request[cursor] = tonumber(word)
end

local size = request[1]
local rates, caps = {}, {}
for i = 1, size do
  rates[i], caps[i] = request[1 + i], request[1 + size + i]
end
cursor = 1 + 2 * size

local function take()
  cursor = cursor + 1
  return request[cursor]
end

local function text(levels)
  if size == 1 then
    return format('%.17g', levels[1])
  end
  local words = {}
  for i = 1, size do
    words[i] = format('%.17g', levels[i])
  end
  return concat(words, ' ')
end

-- Microseconds until an amount fits on top of the levels.
local function due(levels, amount)
  local wait = 0
  for i = 1, size do
    wait = max(wait, (levels[i] + amount - caps[i] * FULL) / rates[i])
  end
  return wait
end

-- The amount that fits on top of the levels within a wait.
local function reach(levels, wait)
  local amount = huge
  for i = 1, size do
    amount = min(amount, wait * rates[i] + caps[i] * FULL - levels[i])
  end
  return amount
end

-- The levels with an amount on top.
local function poured(levels, amount)
  local wait, full = due(levels, amount), {}
  for i = 1, size do
    full[i] = max(levels[i] + amount, wait * rates[i] + min(amount, caps[i]))
  end
  return full
end

local function leaked(levels, last, now)
  local past, left = max(0, now - last), {}
  for i = 1, size do
    left[i] = max(0, levels[i] - past * rates[i])
  end
  return left
end

local function times(space, amount)
  if amount == 0 then
    return space >= 0 and huge or 0
  end
  return max(0, floor(space / amount + WHOLE))
end

-- What is stored.

local function foreign()
  return redis.error_reply('BADSTATE the key holds something that is not a limiter')
end

local stored = redis.pcall('GET', KEYS[1])
if type(stored) == 'table' and stored.err then
  if string.find(stored.err, 'WRONGTYPE', 1, true) then
    return foreign()
  end
  return stored
end

local found, last, given, raised = {}, 0, 0, 0
if stored then
  local count = 0
  for word in gmatch(stored, '%S+') do
    local value = tonumber(word)
    -- NaN is not itself, and would be stored for ever.
    if not value or value ~= value or value < 0 or value == huge then
      return foreign()
    end
    count = count + 1
    found[count] = value
  end
  count = count - 3
  if count < 1 then
    return foreign()
  end
  last, given, raised = found[count + 1], found[count + 2], found[count + 3]
  for i = count + 1, max(size, count + 3) do
    found[i] = found[count]
  end
else
  for i = 1, size do
    found[i] = 0
  end
end

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local levels = leaked(found, last, now)
local untouched, untouched_given, untouched_raised = levels, given, raised

-- What the caller knows and the store has lost: last, levels.

local seen_last, seen = take(), {}
for i = 1, size do
  seen[i] = take()
end
if last < seen_last then
  levels = {}
  for i, known in ipairs(leaked(seen, seen_last, now)) do
    levels[i] = max(untouched[i], known)
  end
end

-- The refund of a tail: amount (0 for none), level, last.

local unused, tail_level, tail_last = take(), take(), take()
local refunded = unused > 0 and last == tail_last and found[1] == tail_level
if refunded then
  local left = {}
  for i = 1, size do
    left[i] = max(0, levels[i] - unused)
  end
  levels = left
end

-- Settlements: how many, then amount, due, booked.

local function settle(amount, due_at, booked)
  local settled, back = {}, {}
  if amount >= 0 then
    for i = 1, size do
      settled[i] = levels[i] + amount
    end
    return settled
  end
  if booked < raised or now < due_at then
    return levels
  end
  local past, ahead, time = now - due_at, false, huge
  for i = 1, size do
    back[i] = min(levels[i], max(0, -amount - past * rates[i]))
    time = min(time, back[i] / rates[i])
    ahead = ahead or levels[i] > caps[i]
  end
  for i = 1, size do
    settled[i] = ahead and max(0, levels[i] - time * rates[i]) or levels[i] - back[i]
  end
  if ahead then
    given = given + time
  end
  return settled
end

for _ = 1, take() do
  levels = settle(take(), take(), take())
end

-- Pauses and restrictions: how many, then wait, remaining.

for _ = 1, take() do
  local wait, remaining = take(), take()
  local higher, changed = {}, wait > 0
  for i = 1, size do
    higher[i] = max(levels[i], caps[i] + wait * rates[i] - remaining)
    changed = changed or higher[i] > levels[i]
  end
  levels = higher
  if changed then
    raised = now
  end
end

-- Booking: quantum, then for each group number, amount, wait.

local before, quantum, served = levels, take(), {}
if cursor < #request then
  local taken, limit = 0, reach(before, due(before, 0) + quantum)

  local function part(asked, amount, wait)
    local count = min(asked, times(limit - taken, amount))
    if taken == 0 then
      count = max(count, 1)
    end
    if wait >= 0 then
      local in_time = times(reach(before, wait) - taken, amount)
      if in_time < count or (in_time == count and count < asked) then
        return in_time, 1
      end
    end
    return count, 0
  end

  while cursor < #request do
    local asked, amount, wait = take(), take(), take()
    local count, refused = part(asked, amount, wait)
    served[#served + 1] = count
    served[#served + 1] = refused
    taken = taken + count * amount
    if count < asked and refused == 0 then
      break
    end
  end
  if taken > 0 then
    levels = poured(before, taken)
  end
end

-- What to store.

local changed, drain = given ~= untouched_given or raised ~= untouched_raised, 0
changed = changed or last > now
for i = 1, size do
  changed = changed or levels[i] ~= untouched[i]
  drain = max(drain, levels[i] / rates[i])
end
local after, tail = text(levels), format('%.17g %.0f', given, raised)
if changed then
  -- At least what is owed takes to drain: a key that is gone sooner forgives it.
  -- A key without a debt is as good as none, but 0 would be an error.
  local expiry = format('%.0f', min(math.ceil(drain / 1000) + 1, 1e15))
  local state = format('%s %.0f %s', after, now, tail)
  redis.call('SET', KEYS[1], state, 'PX', expiry)
end

return format('%.0f %s %d %s %s %s', now, tail, refunded and 1 or 0,
  text(before), after, concat(served, ' '))
