"""Which bid is above which ask after fees, and when that begins and ends."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, inner, ready

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: Places in a state: whether an episode is open, its venues, its best edge, its beginning, episodes so far; then the
#: quotes, QUOTE numbers a venue.
OPEN, BUY, SELL, BEST, SINCE, EPISODES, QUOTES = range(7)
BID, BID_SIZE, ASK, ASK_SIZE, TIME, QUOTE = range(6)

#: The time of a venue that has not quoted yet.
NEVER = -1.0

#: Columns of the results, and events.
EVENT, BUY_VENUE, SELL_VENUE, EDGE, SIZE, EPISODE, LASTED, BEST_EDGE, COUNT = range(9)
NONE, OPENED, UPDATED, CLOSED = range(4)


@inner
def _comparable(state: Floats, buy: int, sell: int, now: float, max_age: float, max_skew: float) -> bool:
    """Whether both quotes are fresh, and of nearly one moment."""
    one, other = state[QUOTES + QUOTE * buy + TIME], state[QUOTES + QUOTE * sell + TIME]
    if one == NEVER or other == NEVER or now - min(one, other) > max_age:
        return False
    return abs(one - other) < max_skew


@inner
def _edge(state: Floats, fees: Floats, buy: int, sell: int) -> float:
    """What is left of one unit of the quote currency, bought at one venue's ask and sold at the other's bid."""
    ask = state[QUOTES + QUOTE * buy + ASK] * (1.0 + fees[buy])
    return state[QUOTES + QUOTE * sell + BID] * (1.0 - fees[sell]) / ask - 1.0


@inner
def _size(state: Floats, buy: int, sell: int) -> float:
    return min(state[QUOTES + QUOTE * buy + ASK_SIZE], state[QUOTES + QUOTE * sell + BID_SIZE])


@inner
def _best(
    state: Floats, fees: Floats, now: float, max_age: float, max_skew: float, min_size: float, out: Floats
) -> None:
    """The pair with the highest edge among those that can be compared and are large enough, written to `out`."""
    for buy in range(fees.size):
        for sell in range(fees.size):
            if buy == sell or not _comparable(state, buy, sell, now, max_age, max_skew):
                continue
            size = _size(state, buy, sell)
            edge = _edge(state, fees, buy, sell)
            if size > 0.0 and size >= min_size and not edge <= out[EDGE]:
                out[BUY_VENUE], out[SELL_VENUE], out[EDGE], out[SIZE] = buy, sell, edge, size


@inner
def _goes_on(state: Floats, now: float, max_age: float, max_skew: float) -> bool:
    """Whether nothing can be said of the open pair at this row: its second quote of this moment is still to come."""
    buy, sell = int(state[BUY]), int(state[SELL])
    if _comparable(state, buy, sell, now, max_age, max_skew):
        return False
    older = min(state[QUOTES + QUOTE * buy + TIME], state[QUOTES + QUOTE * sell + TIME])
    return now - older <= max_age


@entry
def episodes(
    state: Floats, slots: Longs, times: Longs, values: Floats, fees: Floats, threshold: float, max_age: float,
    max_skew: float, min_size: float, results: Floats,
) -> None:  # fmt: skip
    """Quotes (n, 5), venue, bid, bid size, ask and ask size, in order; `results` (n, COUNT), NaN: nothing to say."""
    for row in range(values.shape[0]):
        one, now = state[slots[row]], float(times[row])
        venue, out = values[row, 0], results[row]
        out[:] = math.nan
        out[EVENT] = NONE
        if not (0.0 <= venue < fees.size and venue == math.floor(venue)) or min(values[row, 1], values[row, 3]) <= 0.0:
            continue
        place = QUOTES + QUOTE * int(venue)
        one[place : place + TIME] = values[row, 1:]
        one[place + TIME] = now
        _best(one, fees, now, max_age, max_skew, min_size, out)
        above = out[EDGE] > threshold
        if above:
            moved = one[BUY] != out[BUY_VENUE] or one[SELL] != out[SELL_VENUE]
            if one[OPEN] == 0.0:
                one[OPEN], one[SINCE], one[BEST] = 1.0, now, out[EDGE]
                one[EPISODES] += 1.0
                out[EVENT] = OPENED
            elif moved or out[EDGE] > one[BEST]:
                one[BEST] = max(one[BEST], out[EDGE])
                out[EVENT] = UPDATED
            one[BUY], one[SELL] = out[BUY_VENUE], out[SELL_VENUE]
        elif one[OPEN] != 0.0 and not _goes_on(one, now, max_age, max_skew):
            one[OPEN] = 0.0
            out[EVENT] = CLOSED
            out[BUY_VENUE], out[SELL_VENUE] = one[BUY], one[SELL]
        if one[OPEN] != 0.0 or out[EVENT] == CLOSED:
            out[EPISODE], out[LASTED], out[BEST_EDGE] = one[EPISODES], now - one[SINCE], one[BEST]


def make_ready() -> None:
    """Load the kernel, or compile it."""
    table, longs = np.empty((0, 1)), np.empty(0, np.int64)
    ready(episodes, table, longs, longs, table, np.empty(0), 0.0, 2000.0, 1000.0, 0.0, table)


#: What the list of kernels calls.
compile_all = make_ready
