-- The shared bucket on a server: aiolimiter/_core/shared/slots.py, step by step, and in
-- the same order of operations, so that both give the same numbers to the bit.
-- Why a step is as it is stands there; here stands what the server adds to it.
--
-- KEYS[1]  a text of four lines; units for each rate, microseconds:
--          v4 [level, ..., last, given, raised, how many lows, at, level, ...]: the
--          last ones are the newest low, 0 if there is none
--          [[rate, ...], [cap, ...]]
--          [heard, changed, version, until, at, [period, ...], [beneath, ...]]:
--          periods 0 where the rates are not of a change, until 0 without a pause;
--          nothing if heard is last and all others are 0
--          [at, level, ...], ...: the lows before the newest, the newest first
-- ARGV[1]  a request, as aiolimiter/redis/_script.py writes it
-- reply    [now, given, raised, whether the refund was the tail (0 or 1), changed,
--          [level before, ...], [level after, ...], [for each group how many are
--          booked and whether the others are refused (0 or 1), ...]], and if others
--          than the caller's are in force version, [[rate, ...], [cap, ...]] and
--          [period, ...]
--
-- All three are JSON: an operator can read it, it is a tenth of the cost of as many
-- replies, no matter whether the client decodes, and 17 digits bring every double
-- back as it was.  Nothing else is read as fast; what most trips don't need is left
-- out, and what stays as it was is written as it was found.
-- The server runs nothing else meanwhile, so loops stand where closures would be
-- shorter, and a function that few trips need is made where it is needed.

local ceil, floor, max, min, huge = math.ceil, math.floor, math.max, math.min, math.huge
local format, concat, match = string.format, table.concat, string.match

local FULL = 1 + 2 ^ -40
local WHOLE = 1e-9
local LONGEST, HIGHEST = 2 ^ 53, 2 ^ 1000
local LOWS = 32
local LEASE = 60000000
local MONTH = 30 * 86400000

-- What the caller was started with, and what it wants.
local own_text, wanted = match(ARGV[1], '^([^\n]*)\n(.*)$')
local own_rates, own_caps = unpack(cjson.decode(own_text))
local seen_last, seen, quantum, groups, seen_force, refund, settlements, change, resets,
  floors = unpack(cjson.decode(wanted))

-- Those in force, and as they are written.
local rates, caps, force_text = own_rates, own_caps, own_text
local own_size = #own_rates
local size = own_size
local heard, changed_at, version, periods = 0, 0, 0, nil

local function text(levels)
  if size == 1 then
    return format('%.17g', levels[1])
  end
  local words = {}
  for i = 1, size do
    words[i] = format('%.17g', levels[i])
  end
  return concat(words, ',')
end

local function nothing()
  local levels = {}
  for i = 1, size do
    levels[i] = 0
  end
  return levels
end

-- Microseconds until an amount fits on top of the levels.
local function due(levels, amount)
  local wait = 0
  for i = 1, size do
    local later = (levels[i] + amount - caps[i] * FULL) / rates[i]
    if later > wait then
      wait = later
    end
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
    full[i] = min(max(levels[i] + amount, wait * rates[i] + min(amount, caps[i])), HIGHEST)
  end
  return full
end

local function leaked(levels, last, now)
  local past, left = max(0, now - last), {}
  for i = 1, size do
    local level = levels[i] - past * rates[i]
    left[i] = level > 0 and level or 0
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
-- The last pause: when it ends, and what is beneath it, at which instant.
local paused, beneath_at, beneath = 0, 0, nil
-- How low the bucket has stood: how many lows, the newest, and the text of the others.
-- A low is its levels and, in the place behind them, its instant.
local many, newest, older = 0, {}, ''

local function low_at(at, levels)
  local low = {}
  for i = 1, size do
    low[i] = levels[i]
  end
  low[size + 1] = at
  return low
end

-- Whether these are numbers of ours; others are an error, or no number is itself.
local function are_numbers(values, first, final)
  for i = first, final do
    local value = values[i]
    if value ~= value or value < 0 or value == huge then
      return false
    end
  end
  return true
end

local function read_terms(words)
  rates, caps = unpack(cjson.decode(words))
  force_text = words
  for i = 1, size do
    if rates[i] == 0 or caps[i] == 0 then
      return false
    end
  end
  return #rates == size and are_numbers(rates, 1, size) and are_numbers(caps, 1, size)
end

local function read_force(words)
  local values = cjson.decode(words)
  heard, changed_at, version, paused, beneath_at, periods, beneath = unpack(values)
  local is_read = are_numbers(values, 1, 5) and are_numbers(periods, 1, size)
    and are_numbers(beneath, 1, size)
  if periods[1] == 0 then
    periods = nil
  end
  return is_read
end

local function read()
  local head, terms, force, rest =
    match(stored, '^v4 ([^\n]*)\n([^\n]*)\n([^\n]*)\n()')
  -- What follows a NUL is not read, and would be lost.
  if string.find(stored, '\0', 1, true) then
    return false
  end
  local values = cjson.decode(head)
  size, older = (#values - 5) / 2, string.sub(stored, rest)
  if size < 1 or not are_numbers(values, 1, #values) then
    return false
  end
  local at
  found, last, given, raised, many, at = values, unpack(values, size + 1, size + 5)
  for i = 1, size do
    newest[i] = values[size + 5 + i]
  end
  newest[size + 1], heard = at, last
  return (many > 1) == (older ~= '')
    and (terms == own_text and size == own_size or read_terms(terms))
    and (force == '' or read_force(force))
end

if stored then
  -- What fails is not what was written here.
  local is_done, is_read = pcall(read)
  if not is_done or not is_read then
    return foreign()
  end
else
  found = nothing()
end

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local now_text = format('%.0f', now)

local function low_text(low)
  local at = low[size + 1]
  return (at == now and now_text or format('%.0f', at)) .. ',' .. text(low)
end

-- How low it has stood: aiolimiter/_core/shared/lows.py.  Most trips look at the
-- newest only; these are for all others.

local lows = nil

local function all_lows()
  if lows then
    return lows
  end

  local function same(low, other)
    for i = 1, size do
      if low[i] ~= other[i] then
        return false
      end
    end
    return true
  end

  local function sunk(list, levels)
    local kept = {}
    for _, low in ipairs(list) do
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

  local function shortened(list)
    if #list <= LOWS then
      return list
    end
    local least, place, before = huge, 0, nil
    for k, low in ipairs(list) do
      local sum = 0
      for i = 1, size do
        sum = sum + low[i]
      end
      if before and sum - before < least then
        least, place = sum - before, k
      end
      before = sum
    end
    list[place - 1][size + 1] = list[place][size + 1]
    table.remove(list, place)
    return list
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

  local function noted(list, at, levels)
    local last = list[#list]
    if last and not is_below(last, levels) then
      list = sunk(list, levels)
      last = list[#list]
    end
    if not last then
      return { low_at(at, levels) }
    elseif last[size + 1] >= at then
      return list
    elseif is_near(last, levels) then
      last[size + 1] = at
      return list
    end
    list[#list + 1] = low_at(at, levels)
    return shortened(list)
  end

  local function lowest(list, instant, levels)
    for _, low in ipairs(list) do
      if low[size + 1] > instant then
        return sunk({ low }, levels)[1]
      end
    end
    return levels
  end

  local function lowered(list, instant, amount, now)
    local older, newer, ahead = {}, {}, {}
    local reached = 0
    for _, low in ipairs(list) do
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

  -- The newest comes first in the text, and last in the list.
  local function read_older()
    local list, texts = {}, cjson.decode('[' .. older .. ']')
    for k = #texts, 1, -1 do
      local low = {}
      assert(are_numbers(texts[k], 1, size + 1))
      for i = 1, size do
        low[i] = texts[k][1 + i]
      end
      low[size + 1] = texts[k][1]
      list[#list + 1] = low
    end
    return list
  end

  -- What can't be read allows nothing to come back.
  local is_read, list = pcall(read_older)
  if not is_read then
    list = { low_at(newest[size + 1], nothing()) }
  end
  list[#list + 1] = many > 0 and newest or nil
  lows = { list = list, noted = noted, lowest = lowest, lowered = lowered }
  return lows
end

local function note(at, levels)
  local is_above, is_near = many > 0, true
  for i = 1, lows and 0 or many > 0 and size or 0 do
    local rise = levels[i] - newest[i]
    is_above, is_near = is_above and rise >= 0, is_near and rise < caps[i] / LOWS
  end
  if lows or many > 0 and not is_above or many >= LOWS and not is_near then
    local all = all_lows()
    all.list = all.noted(all.list, at, levels)
  elseif many > 0 and newest[size + 1] >= at then
    return
  elseif many > 0 and is_near then
    newest[size + 1] = at
  else
    if many > 0 then
      older = '[' .. low_text(newest) .. (older == '' and ']' or '],') .. older
    end
    newest, many = low_at(at, levels), many + 1
  end
end

local levels = leaked(found, last, now)
if last > now then
  for _, low in ipairs(all_lows().list) do
    low[size + 1] = max(0, low[size + 1] - (last - now))
  end
  paused, beneath_at = paused - (last - now), max(0, beneath_at - (last - now))
end
local untouched, untouched_given, untouched_raised = levels, given, raised
local untouched_changed, untouched_version = changed_at, version

-- As many levels as there are rates in force.
local function fitted(given_levels)
  local count = #given_levels
  if count == size then
    return given_levels
  end
  local fit = {}
  for i = 1, size do
    fit[i] = given_levels[min(i, count)]
  end
  return fit
end

-- What the caller knows and the store has lost.

if last < seen_last then
  local known = leaked(fitted(seen), seen_last, now)
  levels = {}
  for i = 1, size do
    levels[i] = max(untouched[i], known[i])
  end
end

-- The refund of a tail: kept, the levels before, level, last.

local refunded = false
if refund and #refund > 0 then
  local keep, start, tail_level, tail_last = unpack(refund)
  refunded = last == tail_last and found[1] == tail_level
  if refunded then
    start = fitted(start)
    if keep > 0 then
      start = poured(start, keep)
    end
    levels = leaked(start, tail_last, now)
  end
end

-- What was there before anything is added to it in this trip.

local least = levels
if levels ~= untouched then
  least = {}
  for i = 1, size do
    least[i] = min(untouched[i], levels[i])
  end
end
note(now, least)

-- Settlements: each amount, due, booked.

local settles = settlements and #settlements > 0
if settles then
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
    local all = all_lows()
    local low = all.lowest(all.list, due_at, levels)
    for i = 1, size do
      local left = max(0, -amount - past * rates[i], min(-amount, low[i]))
      back[i] = min(levels[i], left)
      time = min(time, back[i] / rates[i])
      ahead = ahead or levels[i] > caps[i]
    end
    all.list = all.lowered(all.list, due_at, -amount, now)
    for i = 1, size do
      settled[i] = ahead and max(0, levels[i] - time * rates[i]) or levels[i] - back[i]
    end
    if ahead then
      given = given + time
    end
    return settled
  end

  for _, settlement in ipairs(settlements) do
    levels = settle(unpack(settlement))
  end
end

-- Which rates are in force: aiolimiter/_core/shared/force.py.

-- What came on top of a pause that lasts.
local function on_top()
  local under, added = leaked(beneath, beneath_at, now), {}
  for i = 1, size do
    added[i] = max(0, levels[i] - max(under[i], caps[i] + (paused - now) * rates[i]))
  end
  return under, added
end

-- A change is rates, caps and periods, or none of each to take it back; of what is
-- known of one the version comes first.
local changes, books = change and #change > 0, #groups > 0
local seen_version = seen_force and seen_force[1] or 0
local old_rates, old_caps, under, added = rates, caps, nil, nil
if paused > now then
  under, added = on_top()
end
heard, changed_at = min(heard, now), min(changed_at, now)
local is_own, switched = true, false
if force_text == own_text and version + seen_version == 0 and not changes then
  -- Which is so for most.
  if books then
    heard = now
  end
else
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

  force_text = nil
  if seen_version > version then
    local seen_rates, seen_caps, seen_periods = unpack(seen_force, 2)
    switch(seen_rates, seen_caps)
    version, periods = seen_version, seen_periods[1] > 0 and seen_periods or nil
  end
  if changes then
    local back = #change[1] == 0
    switch(back and own_rates or change[1], back and own_caps or change[2])
    heard, version = now, max(version + 1, now)
    periods = not back and change[3] or nil
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
  if is_own then
    force_text = own_text
  end
  switched = not are_in_force(old_rates, old_caps)
end
if switched then
  local all = all_lows()
  local old_size = size
  size = #rates

  -- The levels without what the faster ones put off for a slower one.
  local function real(full, by_rates, by_caps)
    local sober = {}
    for i = 1, #full do
      local most = huge
      for k = 1, #full do
        if by_rates[k] <= by_rates[i] then
          most = min(most, full[k])
        end
      end
      sober[i] = min(full[i], max(by_caps[i], most))
    end
    return sober
  end

  -- The levels of which no slower one is below a faster one.
  local function ordered(full)
    local high = {}
    for i = 1, size do
      high[i] = 0
      for k = 1, size do
        if rates[k] >= rates[i] then
          high[i] = max(high[i], full[k])
        end
      end
    end
    return high
  end

  local function renewed(full)
    return ordered(fitted(real(full, old_rates, old_caps)))
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
  for k, low in ipairs(all.list) do
    local at = low[old_size + 1]
    low[old_size + 1] = nil
    all.list[k] = fitted(low)
    all.list[k][size + 1] = at
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
  levels, raised = nothing(), now
  many, newest, older, lows = 0, {}, '', nil
  paused, beneath_at, beneath = 0, 0, nothing()
end

-- Pauses and restrictions.

for _, least in ipairs(floors or {}) do
  local wait, remaining = unpack(least)
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
  if size > 1 then
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
        full[i] = min(full[i], HIGHEST)
      end
      return full
    end

    before = held(levels)
  end
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
        return in_time, true
      end
    end
    return count, false
  end

  for k = 1, #groups, 3 do
    local asked, amount, wait = groups[k], groups[k + 1], groups[k + 2]
    local count, refused = part(asked, amount, wait)
    served[#served + 1] = format(refused and '%.0f,1' or '%.0f,0', count)
    taken = taken + count * amount
    if count > 0 then
      largest = max(largest, amount)
    end
    if count < asked and not refused then
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
changed = changed or last > now or refunded or settles or switched
changed = changed or version ~= untouched_version or changed_at ~= untouched_changed
for i = 1, size do
  changed = changed or levels[i] ~= untouched[i]
end
local after, tail = text(levels), '0,0'
if given > 0 or raised > 0 then
  tail = format('%.17g,%.0f', given, raised)
end
if not force_text then
  force_text = '[[' .. text(rates) .. '],[' .. text(caps) .. ']]'
end

local function zeros()
  return ('0,'):rep(size - 1) .. '0'
end

if changed then
  -- At least what is owed takes to drain: a key that is gone sooner forgives it.
  -- A key without a debt is as good as none, but 0 would be an error.
  outlive(levels)
  if version > 0 then
    expiry = max(expiry, MONTH)
  end
  expiry = min(max(expiry, redis.call('PTTL', KEYS[1])), 1e15)

  local in_force = ''
  if heard ~= now or changed_at > 0 or version > 0 or paused > now then
    -- A pause that is over needs no place.
    local pause, under = '0,0', zeros()
    if paused > now then
      pause, under = format('%.0f,%.0f', paused, beneath_at), text(beneath)
    end
    in_force = format('[%.0f,%.0f,%.0f,', heard, changed_at, version) .. pause .. ',['
      .. (periods and text(periods) or zeros()) .. '],[' .. under .. ']]'
  end

  if lows then
    local list, texts = lows.list, {}
    many = #list
    for k = many - 1, 1, -1 do
      texts[#texts + 1] = '[' .. low_text(list[k]) .. ']'
    end
    newest, older = list[many] or {}, concat(texts, ',')
  end
  local low = many > 0 and low_text(newest) or '0,' .. zeros()
  local state = 'v4 [' .. after .. ',' .. now_text .. ',' .. tail .. ',' .. many .. ','
    .. low .. ']\n' .. force_text .. '\n' .. in_force .. '\n' .. older
  redis.call('SET', KEYS[1], state, 'PX', format('%.0f', expiry))
end

local others = ''
if version > 0 or not is_own then
  others = format(',%.0f,', version) .. force_text .. ',['
    .. (periods and text(periods) or zeros()) .. ']'
end
return '[' .. now_text .. ',' .. tail .. (refunded and ',1,' or ',0,')
  .. (changed_at > 0 and format('%.0f', changed_at) or '0') .. ',['
  .. (before == levels and after or text(before)) .. '],[' .. after .. '],['
  .. concat(served, ',') .. ']' .. others .. ']'
