"""What is usual for a column at a time of day and of week, and how far a value is from it.

A column has a *level* (the mean of about the last hundred records), a profile of the day in half-hour slots, between
whose middles is interpolated, and a profile of the week that holds what a weekday differs from the day. Each part is
trusted by what has been seen of it: a slot that is new falls back on its neighbour and the level (of hourly records
every second slot stays empty), a week that is new adds nothing.

Slots are weighed by the time spent in them, not by the number of records, so that ten records a second and one an
hour learn alike: after `DAY_MEMORY` more visits an old day counts half. Records with equal times move only the level;
a stream without usable times is expected at its level. Gaps need no rule: a slot knows only the time of day.

Values enter the forests as distances in units of the column's spread in its first records: that weighs columns of
different sizes alike, and keeps every magnitude within float32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.anomaly_detector.state import (
    COLUMN_SIZE,
    COLUMNS,
    DAY,
    DAY_MS,
    DAY_WEIGHTS,
    DISTANCES,
    FIRST,
    LAST_TIME,
    LEVEL,
    SEEN,
    SLOT_MS,
    SLOTS,
    SPREAD,
    USUAL,
    WEEK,
    WEEK_WEIGHTS,
)
from models.kernel_cache import inline, inner

State = npt.NDArray[np.float64]

#: Visits to a slot of the day, and to one of the week, after which an old visit counts half: days and weeks.
DAY_MEMORY, WEEK_MEMORY = 10.0, 8.0
#: Visits after which a slot of the day, and one of the week, is trusted half.
DAY_DOUBT, WEEK_DOUBT = 1.0, 2.0
#: Share of a record in the level, and least share in the mean distance.
LEVEL_SHARE, USUAL_SHARE = 0.01, 0.002
#: A distance counts at most as so many usual ones, so that an anomaly does not make the next one usual.
MOST_USUAL = 6.0
#: Records after which the unit of a column is fixed and the forests begin to learn.
LEARNED_FROM = 64
#: Spreads in the first step of a column that never moved before.
FIRST_STEP = 8.0
#: No distance is larger, in units: far above every anomaly, far below what float32 holds.
FARTHEST = 1e12
#: No deviation is reported larger, in usual ones.
MOST_DEVIATION = 1e6


@inline
def share(visit: float, weight: float, memory: float) -> float:
    """Share of a visit in the mean of a slot: an average at first, fading memory later."""
    return max(1.0 - 0.5 ** (visit / memory), visit / (weight + visit))


@inline
def trust(weight: float, doubt: float) -> float:
    """How far a slot is believed."""
    return weight / (weight + doubt)


@inline
def slots_of(time_ms: int) -> tuple[int, int, int, int, float]:
    """Slot of the day, slot of the week, and the two slots between whose middles the time lies, with the share of the
    later one."""
    of_day = time_ms % DAY_MS
    slot = of_day // SLOT_MS
    of_week = (time_ms // DAY_MS) % 7 * SLOTS + slot
    position = of_day / SLOT_MS - 0.5
    before = math.floor(position)
    return slot, of_week, before % SLOTS, (before + 1) % SLOTS, position - before


@inner
def expected_of(state: State, column: int, time_ms: int) -> tuple[float, float]:
    """What is expected of a column at a time, and the same without the weekday; NaN before its first value."""
    if math.isnan(state[column + FIRST]):
        return np.nan, np.nan
    _, of_week, earlier, later, part = slots_of(time_ms)
    level = state[column + LEVEL]
    # the slots' distances from the level, so that a constant is expected exactly; an empty slot has no say
    before, behind = (1.0 - part) * state[DAY_WEIGHTS + earlier], part * state[DAY_WEIGHTS + later]
    above = before * (state[column + DAY + earlier] - level) + behind * (state[column + DAY + later] - level)
    daily = level + above / (before + behind + DAY_DOUBT)
    return daily + trust(state[WEEK_WEIGHTS + of_week], WEEK_DOUBT) * state[column + WEEK + of_week], daily


@inline
def in_units(distance: float, spread: float) -> float:
    """A distance as the forests see it; 0 while a column has no spread."""
    if spread <= 0.0:
        return 0.0
    return min(max(distance / spread, -FARTHEST), FARTHEST)


@inner
def settle_spread(state: State, column: int, value: float) -> None:
    """Fix the unit of a column when enough was seen; of one that never moved, at its first step."""
    if state[column + SPREAD] > 0.0 or math.isnan(value):
        return
    if state[SEEN] < LEARNED_FROM:
        state[column + DISTANCES] += abs(value - state[column + LEVEL])
    elif state[column + DISTANCES] > 0.0:
        state[column + SPREAD] = state[column + DISTANCES] / LEARNED_FROM
    else:
        state[column + SPREAD] = abs(value - state[column + FIRST]) / FIRST_STEP


@inline
def deviation_of(distance: float, usual: float) -> float:
    """A distance in usual ones, limited."""
    if distance == 0.0:
        return 0.0
    if usual <= 0.0:
        return math.copysign(MOST_DEVIATION, distance)
    return min(max(distance / usual, -MOST_DEVIATION), MOST_DEVIATION)


@inner
def learn_column(
    state: State, column: int, value: float, expected: float, daily: float, slot: int, of_week: int, visit: float
) -> None:
    """Move what is usual towards a value."""
    seen = state[SEEN]
    distance = abs(value - expected)
    usual = state[column + USUAL]
    if usual > 0.0:
        distance = min(distance, MOST_USUAL * usual)
    state[column + USUAL] += max(USUAL_SHARE, 1.0 / (seen + 1.0)) * (distance - usual)
    if visit > 0.0:
        at = column + WEEK + of_week
        state[at] += share(visit, state[WEEK_WEIGHTS + of_week], WEEK_MEMORY) * (value - daily - state[at])
        at = column + DAY + slot
        state[at] += share(visit, state[DAY_WEIGHTS + slot], DAY_MEMORY) * (value - state[at])
    state[column + LEVEL] += max(LEVEL_SHARE, 1.0 / (seen + 1.0)) * (value - state[column + LEVEL])


@inner
def take(
    state: State, time_ms: int, values: npt.NDArray[np.float64], row: int, width: int, features: Any, judged: Any
) -> bool:
    """Compare a row with what is usual, then learn it; False if it holds no value at all, and then nothing is learned.

    Writes distances from the first value (first half) and from the expected one (second half) to ``features[row]``,
    and to ``judged[row]`` the expected value, the number, the value and the deviation of the column that stands out
    most.
    """
    known, largest = 0, -1.0
    for number in range(width):
        column = COLUMNS + number * COLUMN_SIZE
        value = values[row, number]
        expected, _ = expected_of(state, column, time_ms)
        if math.isnan(value):
            value = expected
        else:
            known += 1
            if math.isnan(expected):  # the first value of all is as expected
                expected = value
        distance = value - expected
        deviation = 0.0 if math.isnan(distance) else deviation_of(distance, state[column + USUAL])
        if abs(deviation) > largest:
            largest = abs(deviation)
            judged[row, 0], judged[row, 1], judged[row, 2], judged[row, 3] = expected, number, value, deviation
    if known == 0:
        return False
    slot, of_week, _, _, _ = slots_of(time_ms)
    visit = (float(time_ms) - state[LAST_TIME]) / SLOT_MS
    visit = min(max(visit, 0.0), 1.0) if not math.isnan(visit) else 0.0
    for number in range(width):
        column = COLUMNS + number * COLUMN_SIZE
        value = values[row, number]
        expected, daily = expected_of(state, column, time_ms)
        if math.isnan(expected):
            if math.isnan(value):
                features[row, number], features[row, width + number] = 0.0, 0.0
                continue
            state[column + FIRST] = state[column + LEVEL] = expected = daily = value
        if math.isnan(value):
            value = expected
        settle_spread(state, column, value)
        spread = state[column + SPREAD]
        features[row, number] = in_units(value - state[column + FIRST], spread)
        features[row, width + number] = in_units(value - expected, spread)
        learn_column(state, column, value, expected, daily, slot, of_week, visit)
    state[DAY_WEIGHTS + slot] += visit
    state[WEEK_WEIGHTS + of_week] += visit
    state[LAST_TIME] = float(time_ms)
    return True
