"""Kernels of the rankings: counting clicks, remembering reads, co-visits, vectors, and choosing the best."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, inner, ready

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]

#: Multipliers and shifts of splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)


@inner
def mixed(value: Any) -> Any:
    """64 bits that look random, made of 64 bits."""
    z = value + _GAMMA
    z = (z ^ (z >> np.uint64(30))) * _MIX1
    z = (z ^ (z >> np.uint64(27))) * _MIX2
    return z ^ (z >> np.uint64(31))


@inner
def decayed(age_ms: int, half_life_ms: float) -> float:
    """What is left of 1 after an age; 1 for what comes from the future."""
    return math.exp2(-float(age_ms) / half_life_ms) if age_ms > 0 else 1.0


@entry
def count_click(rates: Floats, seen_ms: Longs, item: int, time_ms: int, half_lives_ms: Floats) -> None:
    """Count a click of an item in its fading counts: `rates` (items, half-lives) as of `seen_ms` (items,)."""
    for k in range(half_lives_ms.size):
        rates[item, k] = rates[item, k] * decayed(time_ms - seen_ms[item], half_lives_ms[k]) + 1.0
    seen_ms[item] = time_ms


@entry
def rates_at(rates: Floats, seen_ms: Longs, column: int, half_life_ms: float, time_ms: int, result: Floats) -> None:
    """Fading counts of one half-life as of a time, into `result` (items,)."""
    for item in range(result.size):
        result[item] = rates[item, column]
        if result[item] > 0.0:
            result[item] *= decayed(time_ms - seen_ms[item], half_life_ms)


@entry
def read(reads: Ints, user: int, item: int) -> None:
    """Put an item in front of the reads of a user, `reads` (users, last) newest first, -1 where there is none."""
    last = reads.shape[1]
    place = last - 1
    for k in range(last):
        if reads[user, k] == item or reads[user, k] < 0:
            place = k
            break
    for k in range(place, 0, -1):
        reads[user, k] = reads[user, k - 1]
    reads[user, 0] = item


@inner
def strengthen(
    neighbours: Ints, weights: Singles, totals: Floats, stamps_ms: Longs, item: int, other: int, amount: float,
    time_ms: int, half_life_ms: float,
) -> None:  # fmt: skip
    """Add to the weight of `other` among the neighbours of `item`; a new one takes the place of the weakest."""
    fade = decayed(time_ms - stamps_ms[item], half_life_ms)
    stamps_ms[item] = time_ms
    totals[item] = totals[item] * fade + amount
    weakest, least, found = 0, math.inf, -1
    for k in range(neighbours.shape[1]):
        weights[item, k] = np.float32(weights[item, k] * fade)
        if neighbours[item, k] == other:
            found = k
        if weights[item, k] < least:
            weakest, least = k, weights[item, k]
    if found < 0:
        found = weakest
        neighbours[item, found] = other
        weights[item, found] = np.float32(0.0)
    weights[item, found] = np.float32(weights[item, found] + amount)


@entry
def covisit(
    neighbours: Ints, weights: Singles, totals: Floats, stamps_ms: Longs, history: Ints, depth: int, item: int,
    time_ms: int, half_life_ms: float, back: float,
) -> None:  # fmt: skip
    """Learn that `item` follows the reads of `history`, newest first: the k-th with weight 1 / (k + 1), and the
    other way round `back` times that."""
    for k in range(min(depth, history.size)):
        other = history[k]
        if other < 0:
            break
        if other != item:
            amount = 1.0 / (k + 1.0)
            strengthen(neighbours, weights, totals, stamps_ms, other, item, amount, time_ms, half_life_ms)
            strengthen(neighbours, weights, totals, stamps_ms, item, other, back * amount, time_ms, half_life_ms)


@entry
def covisit_scores(
    neighbours: Ints, weights: Singles, totals: Floats, stamps_ms: Longs, history: Ints, depth: int, time_ms: int,
    half_life_ms: float, prior: float, result: Floats,
) -> None:  # fmt: skip
    """Add to `result` (items,) the chance of each item behind the last reads: the k-th counts 1 / (k + 1)."""
    for k in range(min(depth, history.size)):
        item = history[k]
        if item < 0:
            break
        fade = decayed(time_ms - stamps_ms[item], half_life_ms)
        scale = fade / (totals[item] * fade + prior) / (k + 1.0)
        for n in range(neighbours.shape[1]):
            if neighbours[item, n] >= 0:
                result[neighbours[item, n]] += weights[item, n] * scale


@entry
def project(vectors: Singles, item: int, user: int, seed: int) -> None:
    """Add the random signs of a user to the vector of an item, `vectors` (items, d)."""
    state = mixed(np.uint64(user) ^ mixed(np.uint64(seed)))
    bits = state
    for k in range(vectors.shape[1]):
        if k % 64 == 0:
            state = mixed(state)
            bits = state
        vectors[item, k] += np.float32(1.0) if bits & np.uint64(1) else np.float32(-1.0)
        bits = bits >> np.uint64(1)


@entry
def mean_direction(vectors: Singles, history: Ints, result: Floats) -> int:
    """Mean of the directions of the items read, into `result` (d,); how many they are. 0 where none has a vector."""
    result[:] = 0.0
    count = 0
    for k in range(history.size):
        item = history[k]
        if item < 0:
            break
        length = 0.0
        for c in range(result.size):
            length += vectors[item, c] * vectors[item, c]
        if length > 0.0:
            count += 1
            scale = 1.0 / math.sqrt(length)
            for c in range(result.size):
                result[c] += vectors[item, c] * scale
    if count:
        for c in range(result.size):
            result[c] /= count
    return count


@entry
def nearest(vector: Floats, centroids: Floats) -> int:
    """The centroid, a direction each, that a vector points to most; the first of equal ones."""
    best, most = 0, -math.inf
    for k in range(centroids.shape[0]):
        product = 0.0
        for c in range(vector.size):
            product += vector[c] * centroids[k, c]
        if product > most:
            best, most = k, product
    return best


@entry
def choose(
    candidates: Longs, scores: Floats, ids: Longs, history: Ints, capped: Longs, chosen: Longs, taken: int,
    seed: int, user: int, time_ms: int,
) -> int:  # fmt: skip
    """The best of the candidates behind the first `taken` of `chosen` (k,); how many places are filled then.

    Not taken: what is read, capped, chosen before, or scored NaN or minus infinity. Ties are broken by a hash of seed,
    user, time and the item's id, so that equal scores give every order the same chance.
    """
    k = chosen.size
    room = k - taken
    best = np.empty(room, np.float64)
    lots = np.empty(room, np.uint64)
    salt = mixed(np.uint64(seed) ^ mixed(np.uint64(user) ^ mixed(np.uint64(time_ms))))
    filled = 0
    for n in range(candidates.size):
        item, score = candidates[n], scores[n]
        if not score > -math.inf:
            continue
        if filled == room and (room == 0 or score < best[room - 1]):
            continue
        lot = mixed(np.uint64(ids[item]) ^ salt)
        if filled == room and score == best[room - 1] and lot >= lots[room - 1]:
            continue
        known = False
        for h in range(history.size):
            if history[h] == item:
                known = True
                break
        for h in range(capped.size):
            if capped[h] == item:
                known = True
                break
        for h in range(taken + filled):
            if chosen[h] == item:
                known = True
                break
        if known:
            continue
        place = filled if filled < room else room - 1
        while place > 0 and (best[place - 1] < score or (best[place - 1] == score and lots[place - 1] > lot)):
            best[place], lots[place] = best[place - 1], lots[place - 1]
            chosen[taken + place] = chosen[taken + place - 1]
            place -= 1
        best[place], lots[place], chosen[taken + place] = score, lot, item
        filled = min(filled + 1, room)
    return taken + filled


@entry
def leave(items: Ints, times_ms: Longs, counts: Floats, first: int, end: int, until_ms: int, amount: float) -> int:
    """Add `amount` to the counts of the clicks of a ring, from number `first` on, that are not after `until_ms`; the
    number of the first that is."""
    size = items.size
    while first < end and times_ms[first % size] <= until_ms:
        item = items[first % size]
        if item >= 0:
            counts[item] += amount
        first += 1
    return first


def compile_all() -> None:
    """Make every kernel ready for the one set of types it is called with."""
    floats, floats2, longs = np.zeros(1), np.zeros((1, 1)), np.zeros(1, np.int64)
    ints, ints2, singles2 = np.zeros(1, np.int32), np.zeros((1, 1), np.int32), np.zeros((1, 1), np.float32)
    ready(count_click, floats2, longs, 0, 0, floats)
    ready(rates_at, floats2, longs, 0, 1.0, 0, floats)
    ready(read, ints2, 0, 0)
    ready(leave, ints, longs, floats, 0, 0, 0, 1.0)
    ready(covisit, ints2, singles2, floats, longs, ints, 1, 0, 0, 1.0, 1.0)
    ready(covisit_scores, ints2, singles2, floats, longs, ints, 1, 0, 1.0, 1.0, floats)
    ready(project, singles2, 0, 0, 0)
    ready(mean_direction, singles2, ints, floats)
    ready(nearest, floats, floats2)
    ready(choose, longs, floats, longs, ints, longs, longs, 0, 0, 0, 0)
