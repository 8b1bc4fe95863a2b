"""Score, then learn: a stream of records through the trees of one forest.

Trees do not influence each other, so a run of records goes through tree 0, then through tree 1, and so on: a tree
stays in the cache while many records stream by. Record i is scored by the tree as it is after the records before i,
so the result equals that of record by record. Between two records which a tree takes it is constant, and the records
between are scored four at a time. With fewer records than four the lock step is over four trees instead, whose cold
memory is then fetched at the same time.

A run ends where something changes for all trees at once: at the end of the warm-up and at the start of an epoch of
the sampler. Both are fixed record numbers, so cutting a stream into other calls changes no bit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.kernel_cache import inline, inner
from models.random_cut_forest.attribution import add_parts
from models.random_cut_forest.boxes import lanes_of
from models.random_cut_forest.layout import (
    FOUR,
    GOAL,
    KEY_LEAVES,
    ONE,
    SAMPLE,
    THREE,
    TWO,
    ZERO,
    Layout,
    part,
    tree_at,
)
from models.random_cut_forest.machine import (
    I64,
    Address,
    Count,
    U,
    load_f64,
    load_u16,
    load_u32,
    load_u64,
    prefetch,
    store_u64,
)
from models.random_cut_forest.records import point_at, records_seen
from models.random_cut_forest.sampler import (
    add_key,
    begin_epoch,
    fill_clock,
    key_of,
    largest_key,
    replace_largest,
    set_goal,
    uniform,
)
from models.random_cut_forest.scoring import descend, descend_one, fixed, largest_score, score_on_path
from models.random_cut_forest.tree import delete, insert
from models.random_cut_forest.work import (
    COLUMNS,
    EPOCH,
    GROWN,
    PARTS,
    RATE,
    REACHED,
    RECORDS,
    ROWS,
    SCORES,
    WARM,
    depth_of,
    field,
)

#: Runs with fewer records take four trees at a time instead of four records.
LOCK_STEP = 4
#: Most bytes of a tree that are fetched ahead.
FETCHED = U(65536)


@inline
def _record(work: Address, index: int, width: Any) -> Address:
    """Address of a record of the run."""
    return field(work, RECORDS) + U(index) * (lanes_of(width) << TWO)


@inline
def _reached(work: Address, index: int) -> float:
    """C of a record of the run: the sampler's clock."""
    return load_f64(field(work, REACHED) + (U(index) << THREE))


@inner
def learn(tree: Address, work: Address, index: int, mass: Count, descent: Count, width: Any) -> None:
    """Put a record into the tree's sample, along the path of its descent; a full tree drops its largest key."""
    full = mass == load_u32(tree + SAMPLE)
    since = load_f64(tree + GOAL) - _reached(work, index)
    e = since * largest_key(tree) if full else -math.log(uniform(tree))
    key = key_of(e, load_f64(field(work, GROWN) + (U(index) << THREE)))
    leaf = insert(tree, _record(work, index, width), work, descent, depth_of(work, descent), width)
    if full:
        delete(tree, load_u16(part(tree, KEY_LEAVES)), width)
        replace_largest(tree, mass, key, leaf, lanes_of(width))
    else:
        add_key(tree, mass, key, leaf, lanes_of(width))
    if full or mass + ONE == load_u32(tree + SAMPLE):
        set_goal(tree, _reached(work, index + 1))


@inline
def judge(tree: Address, work: Address, index: int, mass: Count, limit: float, descent: Count, width: Any) -> None:
    """Add a record's score in a tree to its row, and its parts where asked for; its path is in `work`."""
    x = _record(work, index, width)
    value = fixed(score_on_path(tree, x, work, descent, mass, limit, width))
    row = load_u64(field(work, ROWS) + (U(index) << THREE))
    place = field(work, SCORES) + (row << THREE)
    store_u64(place, load_u64(place) + U(value))
    parts = field(work, PARTS)
    if parts != ZERO:
        add_parts(tree, x, work, descent, mass, parts + ((row * field(work, COLUMNS)) << FOUR), width)


@inner
def judge_run(tree: Address, work: Address, first: int, end: int, mass: Count, width: Any) -> Count:
    """Score records first..end-1 in a tree that stays as it is, four at a time.

    Returns which of the four descents was the last record's: its path stays in `work`, for an insertion.
    """
    limit = largest_score(mass)
    last = end - 1
    for k in range(first, end, 4):
        descend(
            tree, tree, tree, tree, _record(work, k, width), _record(work, min(k + 1, last), width),
            _record(work, min(k + 2, last), width), _record(work, min(k + 3, last), width), work, False, width,
        )  # fmt: skip
        for lane in range(min(4, end - k)):
            judge(tree, work, k + lane, mass, limit, U(lane), width)
    return U((end - first - 1) & 3)


@inner
def run_tree(tree: Address, work: Address, count: int, mass: Count, scoring: bool, width: Any) -> None:
    """All records of the run through one tree, in order: score, then learn where the sampler takes the record."""
    sample = load_u32(tree + SAMPLE)
    index = 0
    while index < count:
        taken = index
        if mass == sample:
            goal = load_f64(tree + GOAL)
            if _reached(work, count) < goal:
                taken = count
            else:
                while _reached(work, taken + 1) < goal:
                    taken += 1
        descent = ZERO
        if scoring and mass > ZERO:
            descent = judge_run(tree, work, index, min(taken + 1, count), mass, width)
        elif mass > ZERO:
            descend_one(tree, _record(work, index, width), work, width)
        if taken == count:
            break
        learn(tree, work, taken, mass, descent, width)
        mass = min(mass + ONE, sample)
        index = taken + 1


@inner
def run_row(
    block: Address, layout: Layout, first: int, end: int, work: Address, index: int, mass: Count, scoring: bool,
    width: Any,
) -> None:  # fmt: skip
    """One record of the run through trees first..end-1, four trees at a time."""
    x = _record(work, index, width)
    limit = largest_score(mass)
    last = U(end - 1)
    for number in range(first, end, 4):
        a = U(number)
        if mass > ZERO:
            descend(
                tree_at(block, a, layout), tree_at(block, min(a + ONE, last), layout),
                tree_at(block, min(a + TWO, last), layout), tree_at(block, min(a + THREE, last), layout),
                x, x, x, x, work, True, width,
            )  # fmt: skip
        for lane in range(min(4, end - number)):
            tree = tree_at(block, U(number + lane), layout)
            if scoring and mass > ZERO:
                judge(tree, work, index, mass, limit, U(lane), width)
            if mass < layout.sample or _reached(work, index + 1) >= load_f64(tree + GOAL):
                learn(tree, work, index, mass, U(lane), width)


@inline
def fetch(tree: Address, layout: Layout) -> None:
    """Begin to bring a tree's nodes, boxes and points into the cache, while another tree works."""
    size = min(layout.tree_bytes, FETCHED)
    for line in range(ZERO, size, U(64)):
        prefetch(tree + line)


@inner
def advance(
    block: Address, layout: Layout, values: npt.NDArray[np.float64], order: npt.NDArray[np.int64], begin: int,
    stop: int, first: int, end: int, work: Address, width: Any,
) -> None:  # fmt: skip
    """The rows ``order[begin:stop]`` of one forest through its trees first..end-1, which are all it changes."""
    seen, total = records_seen(block), stop - begin
    rate, epoch = load_f64(work + RATE), I64(load_u64(work + EPOCH))
    sample, before, warm_up = I64(layout.sample), I64(layout.shingle) - 1, I64(load_u64(work + WARM))
    index = max(0, before - seen)
    while index < total:
        record = seen + index
        learned = record - before
        into_epoch = learned % epoch
        scoring = record >= warm_up
        count = min(min(I64(layout.run), total - index), epoch - into_epoch)
        if not scoring:
            count = min(count, warm_up - record)
        for k in range(count):
            point_at(block, layout, values, order, begin, index + k, _record(work, k, width))
        fill_clock(field(work, GROWN), field(work, REACHED), into_epoch, count, rate)
        store_u64(work + ROWS, U(order.ctypes.data) + (U(begin + index) << THREE))
        mass = U(min(learned, sample))
        if into_epoch == 0 and learned > 0:
            for number in range(first, end):
                begin_epoch(tree_at(block, U(number), layout), mass, learned >= sample, epoch, rate)
        if count < LOCK_STEP:
            for k in range(count):
                run_row(block, layout, first, end, work, k, min(mass + U(k), layout.sample), scoring, width)
        else:
            for number in range(first, end):
                fetch(tree_at(block, U(min(number + 1, end - 1)), layout), layout)
                run_tree(tree_at(block, U(number), layout), work, count, mass, scoring, width)
        index += count
