-- The shared bucket on a server: aiolimiter/_core/shared/slots.py, step by step, and in
-- the same order of operations, so that both give the same numbers to the bit.
-- Why a step is as it is stands there; here stands what the server adds to it.
--
-- KEYS[1]  "v3 size count level ... last given raised heard changed version until at
--          rate ... cap ... period ... beneath ...", and for each of count lows,
--          the newest first, "at level ...": units for each rate, microseconds;
--          periods 0 where the rates are not of a change, until 0 without a pause
-- ARGV[1]  a request, as aiolimiter/redis/_script.py writes it
-- reply    now, given, raised, whether the refund was the tail (0 or 1), changed,
--          how many rates are in force if others than the caller's (or 0), then
--          version, rates, caps and periods; levels before, levels after, and for
--          each group how many are booked and whether the others are refused (0, 1)
--
-- Both ways it is one text: a tenth of the cost of as many replies, no matter
-- whether the client decodes, and 17 digits bring every double back as it was.
-- The server runs nothing else meanwhile, so loops stand where closures would be
-- shorter.

local ceil, floor, max, min, huge = math.ceil, math.floor, math.max, math.min, math.huge
local format, concat, gmatch = string.format, table.concat, string.gmatch
local match = string.match

local FULL = 1 + 2 ^ -40
local WHOLE = 1e-9
local LONGEST, HIGHEST = 2 ^ 53, 2 ^ 1000
local LOWS = 32
local LEASE = 60000000
local MONTH = 30 * 86400000

local request, cursor = {}, 0
for word in gmatch(ARGV[1], '%S+') do
  cursor = cursor + 1
  request[cursor] = tonumber(word)
end

cursor = 0

local function take()
  cursor = cursor + 1
  return request[cursor]
end

local function row(count)
  local numbers = {}
  for i = 1, count do
    numbers[i] = take()
  end
  return numbers
end

-- What the caller was started with; below, size, rates and caps are those in force.
local own_size = take()
local own_rates, own_caps = row(own_size), row(own_size)
local size, rates, caps, periods = own_size, own_rates, own_caps, nil
local heard, changed_at, version = 0, 0, 0

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

-- The levels of which none runs dry while a faster rate puts off.
local function held(levels)
  local most, full = huge, {}
  for i = 1, size do
    most = min(most, caps[i])
  end
  for i = 1, size do
    full[i] = levels[i]
    for k = 1, size do
      if rates[k] >= rates[i] then
        full[i] = max(full[i], rates[i] * ((levels[k] + most - caps[k] * FULL) / rates[k]))
      end
    end
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

-- How low the bucket has stood: aiolimiter/_core/shared/lows.py.  Each low is its
-- levels and, in the place behind them, its instant.

local function same(low, other)
  for i = 1, size do
    if low[i] ~= other[i] then
      return false
    end
  end
  return true
end

local function low_at(at, levels)
  local low = {}
  for i = 1, size do
    low[i] = levels[i]
  end
  low[size + 1] = at
  return low
end

local function sunk(lows, levels)
  local kept = {}
  for _, low in ipairs(lows) do
    local lower = low_at(low[size + 1], low)
    for i = 1, size do
      lower[i] = min(low[i], levels[i])
    end
    local count = #kept
    if count == 0 or not same(kept[count], lower) then
      count = count + 1
    end
    kept[count] = lower
  end
  return kept
end

local function shortened(lows)
  if #lows <= LOWS then
    return lows
  end
  local least, place, before = huge, 0, nil
  for k, low in ipairs(lows) do
    local sum = 0
    for i = 1, size do
      sum = sum + low[i]
    end
    if before and sum - before < least then
      least, place = sum - before, k
    end
    before = sum
  end
  lows[place - 1][size + 1] = lows[place][size + 1]
  table.remove(lows, place)
  return lows
end

local function is_below(low, levels)
  for i = 1, size do
    if low[i] > levels[i] then
      return false
    end
  end
  return true
end

local function is_near(low, levels)
  for i = 1, size do
    if levels[i] - low[i] >= caps[i] / LOWS then
      return false
    end
  end
  return true
end

local function noted_in(lows, at, levels)
  local last = lows[#lows]
  if last and not is_below(last, levels) then
    lows = sunk(lows, levels)
    last = lows[#lows]
  end
  if not last then
    return { low_at(at, levels) }
  elseif last[size + 1] >= at then
    return lows
  elseif is_near(last, levels) then
    last[size + 1] = at
    return lows
  end
  lows[#lows + 1] = low_at(at, levels)
  return shortened(lows)
end

local function lowest(lows, instant, levels)
  for _, low in ipairs(lows) do
    if low[size + 1] > instant then
      return sunk({ low }, levels)[1]
    end
  end
  return levels
end

local function lowered(lows, instant, amount, now)
  local older, newer, ahead = {}, {}, {}
  local reached = 0
  for _, low in ipairs(lows) do
    if low[size + 1] > now then
      ahead[#ahead + 1] = low
    else
      reached = low[size + 1]
      local part = reached <= instant and older or newer
      part[#part + 1] = low
    end
  end
  if #ahead > 0 and (#older + #newer == 0 or reached < now) then
    local part = now <= instant and older or newer
    part[#part + 1] = low_at(now, ahead[1])
  end
  for k, low in ipairs(newer) do
    newer[k] = low_at(low[size + 1], low)
    for i = 1, size do
      newer[k][i] = max(0, low[i] - amount)
    end
  end
  if #newer > 0 then
    older[#older + 1] = newer[1]
    older = sunk(older, newer[1])
    older[#older] = nil
  end
  for _, part in ipairs({ newer, ahead }) do
    for _, low in ipairs(part) do
      older[#older + 1] = low
    end
  end
  return shortened(older)
end

-- As they are stored they are a text, and of one rate most trips look at its
-- beginning only: lows is what was read of it, many how many it names.
local lows, written, many = nil, '', 0

local function read_lows()
  if lows then
    return lows
  end
  lows = {}
  local at
  for word in gmatch(written, '%S+') do
    -- What can't be read allows nothing to come back.
    local value = tonumber(word) or 0
    if at then
      table.insert(lows, 1, { value, at })
      at = nil
    else
      at = value
    end
  end
  return lows
end

local function note(at, levels)
  if not lows then
    local last_at, last, rest = match(written, '^(%S+) (%S+)(.*)$')
    local rise = last and levels[1] - tonumber(last)
    if not last then
      written, many = format('%.0f %.17g', at, levels[1]), 1
      return
    elseif rise >= 0 and tonumber(last_at) >= at then
      return
    elseif rise >= 0 and rise < caps[1] / LOWS then
      written = format('%.0f %s%s', at, last, rest)
      return
    elseif rise >= 0 and many < LOWS then
      written, many = format('%.0f %.17g %s', at, levels[1], written), many + 1
      return
    end
  end
  lows = noted_in(read_lows(), at, levels)
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
-- The last pause: when it ends, and what is beneath it, at which instant.
local paused, beneath_at, beneath = 0, 0, { 0 }
-- The rates, caps and periods as they are written there, as long as they stay so.
local force_written = nil

-- NaN is not itself, and would be stored for ever.
local function is_number(value)
  return value and value == value and value >= 0 and value < huge
end

local function read(count)
  local texts, words, number = {}, {}, 0
  for word in gmatch(stored, '%S+') do
    local value = tonumber(word)
    number = number + 1
    if number > 3 and not is_number(value) then
      return false
    end
    texts[number], words[number] = word, value
  end
  local width = count >= 1 and many >= 0 and number - 11 - 5 * count
  if not width or width ~= many * (count + 1) then
    return false
  end

  local function numbers(first)
    local levels = {}
    for i = 1, count do
      levels[i] = words[first + i - 1]
    end
    return levels
  end

  found = numbers(4)
  last, given, raised = unpack(words, count + 4, count + 6)
  heard, changed_at, version = unpack(words, count + 7, count + 9)
  paused, beneath_at = unpack(words, count + 10, count + 11)
  rates, caps = numbers(count + 12), numbers(2 * count + 12)
  periods, beneath = numbers(3 * count + 12), numbers(4 * count + 12)
  for i = 1, count do
    if rates[i] == 0 or caps[i] == 0 then
      return false
    end
  end
  size, periods = count, periods[1] > 0 and periods or nil
  lows = {}
  for first = 5 * count + 12, number, count + 1 do
    table.insert(lows, 1, low_at(words[first], numbers(first + 1)))
  end
  force_written = concat(texts, ' ', count + 12, 4 * count + 11)
  return true
end

-- One rate that was never changed and never paused, which most have.
local ONE = '^v3 1 (%d+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) 0 0 0 (%S+) (%S+) 0 0 ?(.*)$'
local function read_one(words)
  force_written, written = concat({ words[8], words[9], '0' }, ' '), words[10]
  for i = 1, 9 do
    words[i] = tonumber(words[i])
    if not is_number(words[i]) then
      return false
    end
  end
  many, found[1], last, given, raised, heard, changed_at = unpack(words)
  local rate, cap = words[8], words[9]
  if rate == 0 or cap == 0 then
    return false
  end
  size, rates, caps = 1, { rate }, { cap }
  local at, level = match(written, '^(%S+) (%S+)')
  if many == 0 or not at then
    return many == 0 and written == ''
  end
  return is_number(tonumber(at)) and is_number(tonumber(level))
end

if stored then
  local one, is_read = { match(stored, ONE) }, nil
  if one[1] then
    is_read = read_one(one)
  else
    local count, number = match(stored, '^v3 (%d+) (%d+) ')
    if not count then
      return foreign()
    end
    many = tonumber(number)
    is_read = read(tonumber(count))
  end
  if not is_read then
    return foreign()
  end
else
  lows = size > 1 and {} or nil
  for i = 1, size do
    found[i] = 0
  end
end

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local levels = leaked(found, last, now)
if last > now then
  for _, low in ipairs(read_lows()) do
    low[size + 1] = max(0, low[size + 1] - (last - now))
  end
  paused, beneath_at = paused - (last - now), max(0, beneath_at - (last - now))
end
local untouched, untouched_given, untouched_raised = levels, given, raised
local untouched_changed, untouched_version = changed_at, version

-- As many levels as there are rates in force.
local function fitted(numbers)
  local count = #numbers
  if count == size then
    return numbers
  end
  local fit = {}
  for i = 1, size do
    fit[i] = numbers[min(i, count)]
  end
  return fit
end

-- What the caller knows and the store has lost: last, levels.

local seen_last = take()
local seen = row(take())
local seen_version, seen_rates, seen_caps, seen_periods = take(), nil, nil, nil
if seen_version > 0 then
  local count = take()
  seen_rates, seen_caps, seen_periods = row(count), row(count), row(count)
end
if last < seen_last then
  levels = {}
  for i, known in ipairs(leaked(fitted(seen), seen_last, now)) do
    levels[i] = max(untouched[i], known)
  end
end

-- The refund of a tail: kept, before, level, last (below 0: none).

local keep = take()
local start = fitted(row(take()))
local tail_level, tail_last = take(), take()
local refunded = last == tail_last and found[1] == tail_level
if refunded then
  if keep > 0 then
    start = poured(start, keep)
  end
  levels = leaked(start, tail_last, now)
end

-- What was there before anything is added to it in this trip.

local least = {}
for i = 1, size do
  least[i] = min(untouched[i], levels[i])
end
note(now, least)

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
  if due_at < changed_at then
    past = huge
  end
  local low = lowest(read_lows(), due_at, levels)
  for i = 1, size do
    local left = max(0, -amount - past * rates[i], min(-amount, low[i]))
    back[i] = min(levels[i], left)
    time = min(time, back[i] / rates[i])
    ahead = ahead or levels[i] > caps[i]
  end
  lows = lowered(lows, due_at, -amount, now)
  for i = 1, size do
    settled[i] = ahead and max(0, levels[i] - time * rates[i]) or levels[i] - back[i]
  end
  if ahead then
    given = given + time
  end
  return settled
end

local settlements = take()
for _ = 1, settlements do
  levels = settle(take(), take(), take())
end

-- What else is wanted: a change (below 0: none, 0: back, or how many rates, caps and
-- periods), whether to reset (0 or 1), how many pauses and restrictions, each wait
-- and remaining, and the quantum.

local change_size = take()
local change_rates = row(max(0, change_size))
local change_caps, change_periods = row(#change_rates), row(#change_rates)
local resets, floors = take() == 1, row(2 * take())
local quantum = take()
local books = cursor < #request

-- Which rates are in force: aiolimiter/_core/shared/force.py.

local function equal(one, other)
  for i = 1, max(#one, #other) do
    if one[i] ~= other[i] then
      return false
    end
  end
  return true
end

local function are_in_force(wanted_rates, wanted_caps)
  return equal(rates, wanted_rates) and equal(caps, wanted_caps)
end

-- What came on top of a pause that lasts.
local function on_top()
  local under, added = leaked(beneath, beneath_at, now), {}
  for i = 1, size do
    added[i] = max(0, levels[i] - max(under[i], caps[i] + (paused - now) * rates[i]))
  end
  return under, added
end

local old_rates, old_caps, under, added = rates, caps, nil, nil
if paused > now then
  under, added = on_top()
end
heard, changed_at = min(heard, now), min(changed_at, now)
local is_own, switched = are_in_force(own_rates, own_caps), false
if is_own and version == 0 and seen_version == 0 and change_size < 0 then
  -- Which is so for most.
  if books then
    heard = now
  end
else
  local function switch(new_rates, new_caps)
    if not are_in_force(new_rates, new_caps) then
      rates, caps, changed_at = new_rates, new_caps, now
    end
  end

  local function stricter(one, other)
    local least = {}
    for i = 1, max(#one, #other) do
      least[i] = min(one[i] or huge, other[i] or huge)
    end
    return least
  end

  force_written = nil
  if seen_version > version then
    switch(seen_rates, seen_caps)
    version, periods = seen_version, seen_periods[1] > 0 and seen_periods or nil
  end
  if change_size >= 0 then
    local back = change_size == 0
    switch(back and own_rates or change_rates, back and own_caps or change_caps)
    heard, version = now, max(version + 1, now)
    periods = not back and change_periods or nil
  elseif books and not periods then
    local new_rates, new_caps = own_rates, own_caps
    if heard > now - LEASE and not are_in_force(own_rates, own_caps) then
      new_rates, new_caps = stricter(own_rates, rates), stricter(own_caps, caps)
    end
    switch(new_rates, new_caps)
    if are_in_force(own_rates, own_caps) then
      heard = now
    end
  end
  is_own = are_in_force(own_rates, own_caps)
  switched = not are_in_force(old_rates, old_caps)
end
if switched then
  local known = read_lows()
  local old_size = size
  size = #rates

  -- The levels without what the faster ones put off for a slower one.
  local function real(numbers, by_rates, by_caps)
    local sober = {}
    for i = 1, #numbers do
      local most = huge
      for k = 1, #numbers do
        if by_rates[k] <= by_rates[i] then
          most = min(most, numbers[k])
        end
      end
      sober[i] = min(numbers[i], max(by_caps[i], most))
    end
    return sober
  end

  -- The levels of which no slower one is below a faster one.
  local function ordered(numbers)
    local high = {}
    for i = 1, size do
      high[i] = 0
      for k = 1, size do
        if rates[k] >= rates[i] then
          high[i] = max(high[i], numbers[k])
        end
      end
    end
    return high
  end

  local function renewed(numbers)
    return ordered(fitted(real(numbers, old_rates, old_caps)))
  end

  if paused > now then
    levels, beneath, beneath_at = {}, renewed(under), now
    added = renewed(added)
    for i = 1, size do
      levels[i] = added[i] + max(beneath[i], caps[i] + (paused - now) * rates[i])
    end
  else
    levels = renewed(levels)
  end
  for k, low in ipairs(known) do
    local at = low[old_size + 1]
    low[old_size + 1] = nil
    known[k] = low_at(at, fitted(low))
  end
end

-- A reset.  The key outlives what was owed, or whoever remembers that would write
-- it again.

local expiry = 0
local function outlive(owed)
  for i = 1, size do
    expiry = max(expiry, ceil(owed[i] / rates[i] / 1000) + 1)
  end
end

if resets then
  outlive(levels)
  local nothing = {}
  for i = 1, size do
    nothing[i] = 0
  end
  levels, raised, lows = nothing, now, {}
  paused, beneath_at, beneath = 0, 0, nothing
end

-- Pauses and restrictions.

for k = 1, #floors, 2 do
  local wait, remaining = floors[k], floors[k + 1]
  local higher, changed = {}, wait > 0
  for i = 1, size do
    higher[i] = max(levels[i], caps[i] + wait * rates[i] - remaining)
    changed = changed or higher[i] > levels[i]
  end
  if wait > 0 then
    local still = levels
    if paused > now then
      local under, added = on_top()
      still = {}
      for i = 1, size do
        still[i] = under[i] + added[i]
      end
    end
    paused = max(paused, ceil(min(now + wait, LONGEST)))
    beneath, beneath_at = {}, now
    for i = 1, size do
      beneath[i] = min(still[i], HIGHEST)
    end
  end
  levels = higher
  if changed then
    raised = now
  end
end

-- What is stored is bounded.

local bounded = {}
for i = 1, size do
  bounded[i] = min(levels[i], caps[i] + rates[i] * LONGEST, HIGHEST)
end
levels, given, raised = bounded, min(given, LONGEST), max(0, min(raised, now))

-- Booking: for each group number, amount, wait.

local before, served = levels, {}
if books then
  before = size > 1 and held(levels) or levels
  local taken, limit = 0, reach(before, due(before, 0) + quantum)
  local largest = 0

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
    if count > 0 then
      largest = max(largest, amount)
    end
    if count < asked and refused == 0 then
      break
    end
  end
  if taken > 0 then
    levels = poured(before, taken)
    local ahead = due(levels, 0)
    if ahead > 0 then
      local low = {}
      for i = 1, size do
        low[i] = size == 1 and max(0, caps[1] - largest) or 0
      end
      note(min(now + ceil(ahead), LONGEST), low)
    end
  end
end

-- What to store.

local changed = given ~= untouched_given or raised ~= untouched_raised
changed = changed or last > now or refunded or settlements > 0 or switched
changed = changed or version ~= untouched_version or changed_at ~= untouched_changed
for i = 1, size do
  changed = changed or levels[i] ~= untouched[i]
end
local after, tail = text(levels), format('%.17g %.0f', given, raised)

-- The rates in force, and the periods they are told in.
local function force_text()
  if not force_written then
    local told = periods and text(periods) or ('0 '):rep(size - 1) .. '0'
    force_written = concat({ text(rates), text(caps), told }, ' ')
  end
  return force_written
end

if changed then
  -- At least what is owed takes to drain: a key that is gone sooner forgives it.
  -- A key without a debt is as good as none, but 0 would be an error.
  outlive(levels)
  if version > 0 then
    expiry = max(expiry, MONTH)
  end
  expiry = min(max(expiry, redis.call('PTTL', KEYS[1])), 1e15)
  if lows then
    local words = {}
    for k, low in ipairs(lows) do
      words[#lows + 1 - k] = format('%.0f %s', low[size + 1], text(low))
    end
    written, many = concat(words, ' '), #words
  end
  -- A pause that is over needs no place.
  local pause, under = '0 0', ('0 '):rep(size - 1) .. '0'
  if paused > now then
    pause, under = format('%.0f %.0f', paused, beneath_at), text(beneath)
  end
  local head = format('v3 %d %d %s %.0f %s %.0f %.0f %.0f', size, many, after, now,
    tail, heard, changed_at, version)
  head = concat({ head, pause, force_text(), under }, ' ')
  local state = many > 0 and head .. ' ' .. written or head
  redis.call('SET', KEYS[1], state, 'PX', format('%.0f', expiry))
end

local told = '0'
if version > 0 or not is_own then
  told = format('%d %.0f %s', size, version, force_text())
end
return format('%.0f %s %d %.0f %s %s %s %s', now, tail, refunded and 1 or 0,
  changed_at, told, text(before), after, concat(served, ' '))
