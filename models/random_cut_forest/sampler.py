"""The time-decayed reservoir of a tree: which records it holds, and which record it takes next.

Record t has the key ``E * exp(-rate * t)`` with E ~ Exp(1), and a tree keeps the `sample_size` smallest keys:
sampling without replacement with weight ``exp(-rate * age)`` (Efraimidis and Spirakis 2006). Keys never
change as time goes on, new ones just come in smaller. The largest key sits on top of a heap.

Exponential jumps. Rather than one random number for each tree and record, a full tree draws *when* it next
takes a record. With ``G(m) = exp(rate * m)`` and ``C(m)`` the sum of G(0..m-1), record m is refused with
probability ``exp(-H * G(m))`` for the largest key H. So after a change before record m0 the tree draws Y ~
Exp(1), sets ``goal = C(m0) + Y / H``, and takes the first m with ``C(m + 1) >= goal``; given that, ``e =
(goal - C(m)) * H`` has the law of E given acceptance. One number gives the record and its key, and between
two records taken a tree is constant, which is what lets many records be scored together. rcf.md of the
design, 2.3, has the proof.

Keys and C grow like exp(rate * m). m therefore counts from the start of an epoch of 256 / rate records; at
its end keys and goal are scaled back. Epochs begin at fixed record numbers: both scalings round, and scores
must not depend on how a stream was cut into batches.

A key is kept as the upper half of its float64: sign and exponent whole, 20 bits of fraction. As unsigned
integers they order like the keys, at half the memory and half the snapshot. Equal keys then occur, so the
order is completed by comparing the points: which sample goes never depends on the order in the heap. (Equal
points share a leaf.)
"""

from __future__ import annotations

import math

from models.kernel_cache import inline, inner
from models.random_cut_forest.layout import FOUR, GOAL, KEY_LEAVES, KEYS, ONE, POINTS, RANDOM, THREE, TWO, ZERO, part
from models.random_cut_forest.machine import (
    F64,
    I64,
    Address,
    Code,
    Count,
    U,
    bits_of,
    load_f32,
    load_f64,
    load_u16,
    load_u32,
    load_u64,
    real_of,
    store_f64,
    store_u16,
    store_u32,
    store_u64,
)

#: rate * records of an epoch: keys stay within exp(-256) .. exp(256) of each other
EPOCH = 256
#: smallest E: times exp(-256) it is still a normal float64
SMALLEST = 1e-190
_HALF_WORD = U(32)
_MULTIPLIER = U(2685821657736338717)
_SHIFTS = (U(12), U(25), U(27), U(11))
_UNIT = 1.0 / 9007199254740992.0


@inline
def uniform(tree: Address) -> float:
    """A random number in (0, 1] from the tree's own generator (64-bit xorshift*, Vigna 2016)."""
    state = load_u64(tree + RANDOM)
    state ^= state >> _SHIFTS[0]
    state ^= state << _SHIFTS[1]
    state ^= state >> _SHIFTS[2]
    store_u64(tree + RANDOM, state)
    return (F64(I64((state * _MULTIPLIER) >> _SHIFTS[3])) + 0.5) * _UNIT


@inner
def growth(m: int, rate: float) -> float:
    """G(m) = exp(rate * m)."""
    return math.exp(rate * m)


@inner
def reach(m: int, rate: float) -> float:
    """C(m) = G(0) + ... + G(m - 1)."""
    return math.expm1(rate * m) / math.expm1(rate)


@inline
def key_of(e: float, grown: float) -> Count:
    """The key of a record: e / G(m), upper half of the float64."""
    return bits_of(max(e, SMALLEST) / grown) >> _HALF_WORD


@inline
def largest_key(tree: Address) -> float:
    """H: the key on top of the heap."""
    return real_of(load_u32(part(tree, KEYS)) << _HALF_WORD)


@inline
def set_goal(tree: Address, reached: float) -> None:
    """Draw when the next record is taken; `reached` is C of the record after the one just taken."""
    store_f64(tree + GOAL, reached - math.log(uniform(tree)) / largest_key(tree))


@inner
def _point_above(tree: Address, a: Code, b: Code, lanes: Count) -> bool:
    """Does the point of leaf a come after that of leaf b in lexicographic order."""
    points = part(tree, POINTS)
    x, y = points + a * lanes * FOUR, points + b * lanes * FOUR
    lane = ZERO
    while lane < lanes:
        p, q = load_f32(x + lane * FOUR), load_f32(y + lane * FOUR)
        if p != q:
            return bool(p > q)
        lane += ONE
    return False


@inline
def _goes_before(tree: Address, key: Count, leaf: Code, other: Count, other_leaf: Code, lanes: Count) -> bool:
    """Is (key, leaf) to be dropped before (other, other_leaf)."""
    if key != other:
        return key > other
    return _point_above(tree, leaf, other_leaf, lanes)


@inline
def _put(tree: Address, place: Count, key: Count, leaf: Code) -> None:
    store_u32(part(tree, KEYS) + place * FOUR, key)
    store_u16(part(tree, KEY_LEAVES) + place * TWO, leaf)


@inner
def add_key(tree: Address, size: Count, key: Count, leaf: Code, lanes: Count) -> None:
    """A sample more in a heap of `size` samples."""
    place = size
    while place > ZERO:
        above = (place - ONE) >> ONE
        above_key, above_leaf = (
            load_u32(part(tree, KEYS) + above * FOUR),
            load_u16(part(tree, KEY_LEAVES) + above * TWO),
        )
        if not _goes_before(tree, key, leaf, above_key, above_leaf, lanes):
            break
        _put(tree, place, above_key, above_leaf)
        place = above
    _put(tree, place, key, leaf)


@inner
def replace_largest(tree: Address, size: Count, key: Count, leaf: Code, lanes: Count) -> None:
    """Put a sample in the place of the one with the largest key."""
    place = ZERO
    while True:
        child = place + place + ONE
        if child >= size:
            break
        child_key, child_leaf = (
            load_u32(part(tree, KEYS) + child * FOUR),
            load_u16(part(tree, KEY_LEAVES) + child * TWO),
        )
        second = child + ONE
        if second < size:
            second_key, second_leaf = (
                load_u32(part(tree, KEYS) + second * FOUR),
                load_u16(part(tree, KEY_LEAVES) + second * TWO),
            )
            if _goes_before(tree, second_key, second_leaf, child_key, child_leaf, lanes):
                child, child_key, child_leaf = second, second_key, second_leaf
        if not _goes_before(tree, child_key, child_leaf, key, leaf, lanes):
            break
        _put(tree, place, child_key, child_leaf)
        place = child
    _put(tree, place, key, leaf)


@inner
def begin_epoch(tree: Address, size: Count, full: bool, records: int, rate: float) -> None:
    """Scale keys and goal to a new epoch after one of `records` records. Scaling keeps the order, so the heap
    stays."""
    scale = growth(records, rate)
    place = ZERO
    while place < size:
        key = real_of(load_u32(part(tree, KEYS) + place * FOUR) << _HALF_WORD)
        store_u32(part(tree, KEYS) + place * FOUR, bits_of(key * scale) >> _HALF_WORD)
        place += ONE
    if full:
        goal = load_f64(tree + GOAL)
        store_f64(tree + GOAL, (goal - reach(records, rate)) / scale)


@inner
def fill_clock(grown: Address, reached: Address, m: int, n: int, rate: float) -> None:
    """G(m..m+n-1) and C(m..m+n) as float64 at the two addresses."""
    for k in range(n):
        store_f64(grown + (U(k) << THREE), growth(m + k, rate))
        store_f64(reached + (U(k) << THREE), reach(m + k, rate))
    store_f64(reached + (U(n) << THREE), reach(m + n, rate))
