"""Settling predictions whose horizon has passed, and making new ones: one row of a key at a time.

A row is settled before anything is decided at it, and decided before it can be learned: no prediction has seen its
label, nor a label that was not there yet.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, inner, ready
from models.signals.layout import (
    ASK,
    AT,
    AT_ASK,
    AT_BID,
    AT_MID,
    BID,
    DROPPED,
    GROSS,
    HEADER,
    HELD,
    INVERSE_RIGHT,
    INVERSE_SCORE,
    KEPT,
    MID,
    MOVES,
    NET,
    NEVER,
    NEXT_ERROR,
    OLDEST,
    OPPOSITE,
    RECORD,
    RIGHT,
    SAME,
    SCORE,
    SIGN,
    SIGN_BEFORE,
    SIGNAL,
    SIGNAL_GROSS,
    SIGNAL_NET,
    SIGNALLED,
    SIGNALS,
    SQUARED,
    TIME,
    TRADES,
    UP,
    WAITING,
    ZEROS,
)  # fmt: skip
from models.signals.rules import ERRORS, ERRORS_LEAST

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: Columns of what is learned in front of the features: which row settled it, the return, 1, 0 or NaN for up, down or
#: neither.
OF_ROW, RETURN, LABEL, LEARNED = range(4)

#: Columns of the results that `settle` writes, then those of `decide`.
SETTLED, OUTCOME_RETURN, OUTCOME_SCORE, OUTCOME_RIGHT = range(4)
OUT_SCORE, OUT_INVERSE, OUT_LOW, OUT_HIGH, OUT_BEST, OUT_SIGNAL, COUNT = range(4, 11)


@inner
def _points(score: float, sign: float) -> float:
    """1 for a score on the side of a move, 0 for one on the other; a score of 0 says nothing, which is worth a half."""
    return 0.5 if score == 0.0 else (1.0 if score * sign > 0.0 else 0.0)


@inner
def _after_costs(direction: float, bid: float, ask: float, exit_bid: float, exit_ask: float, fee: float) -> float:
    """What a trade brings: bought at the ask and sold at the bid, or the other way round, with a fee each time."""
    if direction > 0.0:
        return exit_bid * (1.0 - fee) / (ask * (1.0 + fee)) - 1.0
    return 1.0 - exit_ask * (1.0 + fee) / (bid * (1.0 - fee))


@inner
def _score_one(
    state: Floats, one: Floats, mid: float, bid: float, ask: float, members: int, fee: float, eta: float,
    discount: float, out: Floats, learned: Floats,
) -> None:  # fmt: skip
    """A prediction `one` that has come true at these quotes: points, weights, and the row to learn."""
    change = mid / one[AT_MID] - 1.0
    sign = 1.0 if change > 0.0 else (-1.0 if change < 0.0 else 0.0)
    score = one[SCORE]
    learned[RETURN], learned[LABEL] = change, math.nan
    learned[LEARNED:] = one[RECORD + members :]
    out[SETTLED] += 1.0
    out[OUTCOME_RETURN], out[OUTCOME_SCORE], out[OUTCOME_RIGHT] = change, score, math.nan
    if score != 0.0:
        net = _after_costs(score, one[AT_BID], one[AT_ASK], bid, ask, fee)
        gross = change if score > 0.0 else -change
        state[TRADES] += 1.0
        state[GROSS] += gross
        state[NET] += net
        if one[SIGNAL] != 0.0:
            state[SIGNALS] += 1.0
            state[SIGNAL_GROSS] += gross
            state[SIGNAL_NET] += net
    if sign == 0.0:
        state[ZEROS] += 1.0
        return
    label = 1.0 if sign > 0.0 else 0.0
    learned[LABEL] = label
    out[OUTCOME_RIGHT] = _points(score, sign)
    state[MOVES] += 1.0
    state[RIGHT] += out[OUTCOME_RIGHT]
    state[INVERSE_RIGHT] += _points(one[INVERSE_SCORE], sign)
    state[UP] += label
    state[SAME] += _points(one[SIGN_BEFORE], sign)
    state[OPPOSITE] += _points(-one[SIGN_BEFORE], sign)
    missed = (score + 1.0) / 2.0 - label
    state[SQUARED] += missed * missed
    place = int(state[NEXT_ERROR])
    for member in range(members):
        p = one[RECORD + member]
        wrong = 1.0 - _points(p - 0.5, sign)
        state[HEADER + member] = discount * state[HEADER + member] - eta * wrong
        state[HEADER + members + place * members + member] = abs(p - label)
    state[NEXT_ERROR] = float((place + 1) % ERRORS)
    state[KEPT] = min(state[KEPT] + 1.0, float(ERRORS))


@entry
def settle(
    states: Floats, slots: Longs, times: Longs, marks: Floats, members: int, waiting: int, horizon: float, fee: float,
    eta: float, discount: float, results: Floats, learned: Floats,
) -> int:  # fmt: skip
    """What has come true at rows of different keys, ``marks`` (n, 3) mid, bid and ask; how many rows are to be learned.

    The label of a prediction is the last price at or before its horizon; it gets none where that price is older than
    half a horizon by then, or is the one it was made at.
    """
    found = 0
    for row in range(slots.size):
        state, now = states[slots[row]], float(times[row])
        size = (state.size - HEADER - members - ERRORS * members) // waiting
        ring = state[HEADER + members + ERRORS * members :]
        results[row, :] = math.nan
        results[row, SETTLED] = 0.0
        while state[WAITING] > 0.0:
            place = int(state[OLDEST])
            one = ring[place * size : (place + 1) * size]
            due = one[AT] + horizon
            if due > now:
                break
            state[OLDEST] = float((place + 1) % waiting)
            state[WAITING] -= 1.0
            if due == now:
                mid, bid, ask = marks[row, 0], marks[row, 1], marks[row, 2]
            elif state[TIME] > one[AT] and 2.0 * (due - state[TIME]) <= horizon:
                mid, bid, ask = state[MID], state[BID], state[ASK]
            else:
                state[DROPPED] += 1.0
                continue
            learned[found, OF_ROW] = float(row)
            _score_one(state, one, mid, bid, ask, members, fee, eta, discount, results[row], learned[found])
            found += 1
    return found


@inner
def _hedged(state: Floats, chances: Floats, members: int) -> tuple[float, float]:
    """The members' probabilities by their discounted exponential weights, and the greatest weight."""
    top = state[HEADER]
    for member in range(members):
        top = max(top, state[HEADER + member])
    total, mean = 0.0, 0.0
    for member in range(members):
        weight = math.exp(state[HEADER + member] - top)
        total += weight
        mean += weight * chances[member]
    return mean / total, 1.0 / total


@inner
def _inverse(state: Floats, chances: Floats, members: int) -> tuple[float, float, float]:
    """The same by inverse mean absolute error, with the least and the greatest weight."""
    kept = int(state[KEPT])
    total, mean, low, high = 0.0, 0.0, math.inf, 0.0
    for member in range(members):
        weight = 1.0
        if kept >= ERRORS_LEAST:
            errors = 0.0
            for place in range(kept):
                errors += state[HEADER + members + place * members + member]
            weight = 1.0 / (errors / kept + 1e-6)
        total += weight
        mean += weight * chances[member]
        low, high = min(low, weight), max(high, weight)
    return mean / total, low / total, high / total


@inner
def _signal(
    state: Floats, score: float, now: float, threshold: float, release: float, cool_down: float, warm_up: float
) -> float:
    """1 to buy, -1 to sell, 0 for nothing; once, until the score has come back from it."""
    if abs(score) < release or score * state[HELD] < 0.0:
        state[HELD] = 0.0
    if abs(score) < threshold or score == 0.0 or state[HELD] != 0.0 or state[MOVES] < warm_up:
        return 0.0
    if state[SIGNALLED] != NEVER and now - state[SIGNALLED] < cool_down:
        return 0.0
    state[HELD] = 1.0 if score > 0.0 else -1.0
    state[SIGNALLED] = now
    return state[HELD]


@entry
def decide(
    states: Floats, slots: Longs, times: Longs, marks: Floats, features: Floats, chances: Floats, waiting: int,
    threshold: float, release: float, cool_down: float, warm_up: float, results: Floats,
) -> None:  # fmt: skip
    """Predictions for rows of different keys from the members' probabilities ``chances`` (n, members)."""
    members = chances.shape[1]
    size = RECORD + members + features.shape[1]
    for row in range(slots.size):
        state, now = states[slots[row]], float(times[row])
        ring = state[HEADER + members + ERRORS * members :]
        probability, best = _hedged(state, chances[row], members)
        inverse, low, high = _inverse(state, chances[row], members)
        score = 2.0 * probability - 1.0
        mid = marks[row, 0]
        if state[TIME] != NEVER:
            state[SIGN] = 1.0 if mid > state[MID] else (-1.0 if mid < state[MID] else 0.0)
        signal = _signal(state, score, now, threshold, release, cool_down, warm_up)
        if state[WAITING] == waiting:
            state[OLDEST] = float((int(state[OLDEST]) + 1) % waiting)
            state[WAITING] -= 1.0
            state[DROPPED] += 1.0
        place = (int(state[OLDEST]) + int(state[WAITING])) % waiting
        one = ring[place * size : (place + 1) * size]
        one[AT], one[AT_MID], one[AT_BID], one[AT_ASK] = now, mid, marks[row, 1], marks[row, 2]
        one[SCORE], one[INVERSE_SCORE], one[SIGN_BEFORE], one[SIGNAL] = score, 2.0 * inverse - 1.0, state[SIGN], signal
        one[RECORD : RECORD + members] = chances[row]
        one[RECORD + members :] = features[row]
        state[WAITING] += 1.0
        state[TIME], state[MID], state[BID], state[ASK] = now, mid, marks[row, 1], marks[row, 2]
        out = results[row]
        out[OUT_SCORE], out[OUT_INVERSE], out[OUT_SIGNAL] = score, 2.0 * inverse - 1.0, signal
        out[OUT_LOW], out[OUT_HIGH], out[OUT_BEST] = low, high, best


def make_ready() -> None:
    """Load the kernels, or compile them."""
    table, longs = np.empty((0, 1)), np.empty(0, np.int64)
    ready(settle, table, longs, longs, table, 1, 1, 1.0, 0.0, 0.1, 0.9, table, table)
    ready(decide, table, longs, longs, table, table, table, 1, 0.7, 0.5, 0.0, 0.0, table)


#: What the list of kernels calls.
compile_all = make_ready
