"""The recurrences of the indicators, bar by bar; the order of operations is TA-Lib's, so the numbers are too.

TA-Lib seeds each average with the plain mean of its first bars; the fast average of the MACD begins where the slow one
does. Bands are computed from the bars themselves and not from running sums, which lose digits where prices are high and
hardly move.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, inner, ready

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: Places in a state: bars so far, last price, Wilder's averages (their sums while they are seeded), the averages of the
#: MACD likewise; then the last prices, then the last volumes.
BARS, PRICE, GAIN, LOSS, FAST, SLOW, SIGNAL, RINGS = range(8)

#: Columns of the results.
RSI, MACD, MACD_SIGNAL, MACD_HISTOGRAM, BOLLINGER, VOLUME, MOMENTUM, COUNT = range(8)


@inner
def _rsi(state: Floats, bar: int, price: float, period: int) -> float:
    """Wilder's relative strength, 0..100; 50 where nothing has moved."""
    if bar == 0:
        return math.nan
    change = price - state[PRICE]
    gain, loss = max(change, 0.0), max(-change, 0.0)
    if bar <= period:
        state[GAIN] += gain
        state[LOSS] += loss
        if bar < period:
            return math.nan
        state[GAIN] /= period
        state[LOSS] /= period
    else:
        state[GAIN] = (state[GAIN] * (period - 1) + gain) / period
        state[LOSS] = (state[LOSS] * (period - 1) + loss) / period
    both = state[GAIN] + state[LOSS]
    return 100.0 * (state[GAIN] / both) if both > 0.0 else 50.0


@inner
def _average(state: Floats, place: int, bar: int, value: float, period: int) -> bool:
    """Learn a value of an exponential average whose first value has the number 0; whether it is seeded."""
    if bar < period:
        state[place] += value
        if bar < period - 1:
            return False
        state[place] /= period
    else:
        state[place] += (value - state[place]) * (2.0 / (period + 1))
    return True


@inner
def _position(prices: Floats, newest: int, price: float, period: int, deviations: float) -> float:
    """Where a price lies in its band: 0 at the lower edge, 1 at the upper; 0.5 where nothing has moved."""
    size = prices.size
    nothing = True
    mean = 0.0
    for back in range(period):
        away = prices[(newest - back) % size] - price  # small numbers, so that no digits are lost
        nothing = nothing and away == 0.0
        mean += away
    if nothing:
        return 0.5
    mean /= period
    squares = 0.0
    for back in range(period):
        distance = prices[(newest - back) % size] - price - mean
        squares += distance * distance
    half = deviations * math.sqrt(squares / period)
    return (half - mean) / (2.0 * half) if half > 0.0 else 0.5


@inner
def _ratio(volumes: Floats, volume: float) -> float:
    """A volume beside the mean of the last ones, itself included; 1 where there is none at all."""
    total = 0.0
    for value in volumes:
        total += value
    return volume / (total / volumes.size) if total > 0.0 else 1.0


@entry
def indicate(
    state: Floats, slots: Longs, values: Floats, rsi: int, fast: int, slow: int, signal: int, bollinger: int,
    deviations: float, prices: int, momentum: int, results: Floats,
) -> None:  # fmt: skip
    """Bars (n, 2), price and volume, in order into the states of their keys; `results` (n, COUNT), NaN: not yet.

    `prices` is how many prices a state keeps, more than `momentum` and not fewer than `bollinger`.
    """
    for row in range(values.shape[0]):
        one, price, volume = state[slots[row]], values[row, 0], values[row, 1]
        kept, volumes = one[RINGS : RINGS + prices], one[RINGS + prices :]
        bar = int(one[BARS])
        place = bar % prices
        kept[place] = price
        volumes[bar % volumes.size] = volume
        out = results[row]
        out[:] = math.nan
        out[RSI] = _rsi(one, bar, price, rsi)
        begun = _average(one, SLOW, bar, price, slow)
        if bar >= slow - fast:
            _average(one, FAST, bar - (slow - fast), price, fast)
        if begun:
            macd = one[FAST] - one[SLOW]
            if _average(one, SIGNAL, bar - (slow - 1), macd, signal):
                out[MACD] = macd
                out[MACD_SIGNAL] = one[SIGNAL]
                out[MACD_HISTOGRAM] = macd - one[SIGNAL]
        if bar >= bollinger - 1:
            out[BOLLINGER] = _position(kept, place, price, bollinger, deviations)
        if bar >= volumes.size - 1:
            out[VOLUME] = _ratio(volumes, volume)
        if bar >= momentum:
            out[MOMENTUM] = price - kept[(place - momentum) % prices]
        one[PRICE] = price
        one[BARS] += 1.0


def make_ready() -> None:
    """Load the kernel, or compile it."""
    table = np.empty((0, 1))
    ready(indicate, table, np.empty(0, np.int64), table, 14, 12, 26, 9, 20, 2.0, 20, 10, table)


#: What the list of kernels calls.
compile_all = make_ready
