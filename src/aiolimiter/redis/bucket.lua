-- The shared bucket on a server: aiolimiter/_core/slots.py, step by step, and in
-- the same order of operations, so that both give the same numbers to the bit.
-- Why a step is as it is stands there; here stands what the server adds to it.
--
-- KEYS[1]  "level ... last given raised": units for each rate, microseconds
-- ARGV     a request, as aiolimiter/redis/_script.py writes it
-- reply    now, given, raised, levels before, levels after, whether the refund was
--          the tail (0 or 1), then for each group how many are booked and whether
--          the others are refused (0 or 1)
--
-- The clock is the server's.  Levels go as text: a reply would cut them to whole
-- numbers, and 17 digits bring every double back as it was.

local function number(value)
  return string.format('%.17g', value)
end

local function text(levels)
  local words = {}
  for i, level in ipairs(levels) do
    words[i] = number(level)
  end
  return table.concat(words, ' ')
end

-- The request.

local cursor = 0

local function take()
  cursor = cursor + 1
  return tonumber(ARGV[cursor])
end

local function numbers(count)
  local list = {}
  for i = 1, count do
    list[i] = take()
  end
  return list
end

local size = take()
local rates, caps = numbers(size), numbers(size)

local FULL = 1 + 2 ^ -40

-- The levels, as functions of time and amount.

local function each(levels, change)
  local changed = {}
  for i, level in ipairs(levels) do
    changed[i] = change(level, rates[i], caps[i])
  end
  return changed
end

local function least(levels, value)
  local found = math.huge
  for i, level in ipairs(levels) do
    found = math.min(found, value(level, rates[i], caps[i]))
  end
  return found
end

local function due(levels, amount)
  local wait = 0
  for i, level in ipairs(levels) do
    wait = math.max(wait, (level + amount - caps[i] * FULL) / rates[i])
  end
  return wait
end

local function reach(levels, wait)
  return least(levels, function(level, rate, cap)
    return wait * rate + cap * FULL - level
  end)
end

local function idle_until(levels, wait, amount)
  return each(levels, function(level, rate)
    return math.max(level, wait * rate + amount)
  end)
end

local function leaked(levels, last, now)
  local past = math.max(0, now - last)
  return each(levels, function(level, rate)
    return math.max(0, level - past * rate)
  end)
end

local function fitted(levels)
  local list = {}
  for i = 1, size do
    list[i] = levels[i] or levels[#levels]
  end
  return list
end

local function times(space, amount)
  if amount == 0 then
    return space >= 0 and math.huge or 0
  end
  return math.max(0, math.floor(space / amount + 1e-9))
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
  for word in string.gmatch(stored, '%S+') do
    local value = tonumber(word)
    -- NaN is not itself, and would be stored for ever.
    if not value or value ~= value or value < 0 or value == math.huge then
      return foreign()
    end
    found[#found + 1] = value
  end
  if #found < 4 then
    return foreign()
  end
  raised, given, last = table.remove(found), table.remove(found), table.remove(found)
else
  found[1] = 0
end
found = fitted(found)

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local levels = leaked(found, last, now)
local untouched = text(levels)
local untouched_given, untouched_raised = given, raised

-- What the caller knows and the store has lost.

local seen_last, seen = take(), fitted(numbers(take()))
if last < seen_last then
  local known = leaked(seen, seen_last, now)
  for i = 1, size do
    levels[i] = math.max(levels[i], known[i])
  end
end

-- The refund of a tail: amount (0 for none), level, last.

local unused, tail_level, tail_last = take(), take(), take()
local refunded = unused > 0 and last == tail_last and found[1] == tail_level
if refunded then
  levels = each(levels, function(level)
    return math.max(0, level - unused)
  end)
end

-- Settlements: amount, due, booked.

local function settle(amount, due_at, booked)
  if amount >= 0 then
    levels = each(levels, function(level)
      return level + amount
    end)
    return
  end
  if booked < raised or now < due_at then
    return
  end
  local past = now - due_at
  local function back(level, rate)
    return math.min(level, math.max(0, -amount - past * rate))
  end
  local ahead = least(levels, function(level, _, cap)
    return cap - level
  end)
  if ahead >= 0 then
    levels = each(levels, function(level, rate)
      return level - back(level, rate)
    end)
    return
  end
  local time = least(levels, function(level, rate)
    return back(level, rate) / rate
  end)
  levels = each(levels, function(level, rate)
    return math.max(0, level - time * rate)
  end)
  given = given + time
end

for _ = 1, take() do
  settle(take(), take(), take())
end

-- Pauses and restrictions: wait, remaining.

for _ = 1, take() do
  local wait, remaining = take(), take()
  local before = text(levels)
  levels = each(levels, function(level, rate, cap)
    return math.max(level, cap + wait * rate - remaining)
  end)
  if wait > 0 or text(levels) ~= before then
    raised = now
  end
end

-- Booking: quantum, then groups of number, amount, wait.

local quantum = take()
local before, served = levels, {}
if cursor < #ARGV then
  local most, taken = tonumber(ARGV[cursor + 2]), 0
  before = idle_until(levels, due(levels, most), 0)
  local limit = reach(before, due(before, 0) + quantum)

  local function part(asked, amount, wait)
    local count = math.min(asked, times(limit - taken, amount))
    if taken == 0 then
      count = math.max(count, 1)
    end
    if wait >= 0 then
      local in_time = times(reach(before, wait) - taken, amount)
      if in_time < count or (in_time == count and count < asked) then
        return in_time, true
      end
    end
    return count, false
  end

  while cursor < #ARGV do
    local asked, amount, wait = take(), take(), take()
    if size > 1 and amount > most then
      break
    end
    local count, refused = part(asked, amount, wait)
    served[#served + 1] = count
    served[#served + 1] = refused and 1 or 0
    taken = taken + count * amount
    if count < asked and not refused then
      break
    end
  end
  if taken > 0 then
    local after = each(before, function(level)
      return level + taken
    end)
    levels = idle_until(after, due(before, taken), most)
  end
end

-- What to store.

local after = text(levels)
if after ~= untouched or given ~= untouched_given or raised ~= untouched_raised then
  local drain = 0
  for i, level in ipairs(levels) do
    drain = math.max(drain, level / rates[i])
  end
  -- At least what is owed takes to drain: a key that is gone sooner forgives it.
  -- A key without a debt is as good as none, but 0 would be an error.
  local expiry = math.min(math.ceil(drain / 1000) + 1, 1e15)
  local state = string.format('%s %.0f %s %.0f', after, now, number(given), raised)
  redis.call('SET', KEYS[1], state, 'PX', string.format('%.0f', expiry))
end

local reply = {now, number(given), raised, text(before), after, refunded and 1 or 0}
for i, value in ipairs(served) do
  reply[6 + i] = value
end
return reply
