"""Score, then learn: a stream of records through the trees of one forest.

Trees do not influence each other, so a run of records goes through tree 0, then through tree 1, and so on: a
tree stays in the cache while many records stream by. Record i is scored by the tree as it is after the
records before i, so the result equals that of record by record. Between two records which a tree takes it is
constant, and the records between are scored four at a time. With fewer records than four the lock step is
over four trees instead, whose cold memory is then fetched at the same time.

A run ends where something changes for all trees at once: at the end of the warm-up and at the start of an
epoch of the sampler. Both are fixed record numbers, so cutting a stream into other calls changes no bit.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.kernel_cache import inline, inner
from models.random_cut_forest.attribution import add_parts
from models.random_cut_forest.boxes import lanes_of
from models.random_cut_forest.imputation import Proposals, propose, settle
from models.random_cut_forest.layout import (
    FOUR,
    GOAL,
    OFFSETS,
    ONE,
    SEEN,
    TWO,
    ZERO,
    Layout,
    Tree,
    tree_at,
)
from models.random_cut_forest.machine import (
    F32,
    F64,
    I64,
    Address,
    Count,
    U,
    load_f32,
    load_f64,
    load_u16,
    load_u64,
    store_f32,
    store_u64,
)
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
from models.random_cut_forest.scoring import depth_of, descend, descend_one, fixed, normaliser, value_on_path
from models.random_cut_forest.tree import Paths, delete, insert

#: |x - offset| above this is refused: sums of 900 such ranges stay below the largest float32.
LARGEST = 1e30
#: |x - offset| below this counts as 0: differences of larger float32 numbers are never subnormal.
TINIEST = 2.0**-100
#: Runs with fewer records take four trees at a time instead of four records.
LOCK_STEP = 4


class Records(NamedTuple):
    """A run of records on its way through the trees, and where their results go."""

    points: Address  # float32 [count][lanes], offsets subtracted
    count: int
    rows: npt.NDArray[np.int64]  # (count,) row of each record in the call
    grown: npt.NDArray[np.float64]  # G of each record
    reached: npt.NDArray[np.float64]  # C of each record, and of the one after the last
    mass: Count  # samples held before the first
    scoring: bool  # past the warm-up
    explaining: bool


class Results(NamedTuple):
    """Sums over the trees, for all rows of a call, and scratch memory for explanations."""

    scores: npt.NDArray[np.int64]  # (n,) in units of 2**-36
    parts: npt.NDArray[np.int64]  # (n, columns, 2) in units of 2**-44; 0 rows if not asked for
    partial: npt.NDArray[np.float64]  # (columns, 2)
    shadow: npt.NDArray[np.float64]  # (2, dimensions)


@inline
def rounded(value: float, offset: float) -> float:
    """A value as the forest sees it: distance from the column's first value, as float32; unknown is 0."""
    x = value - offset
    return F32(x) if abs(x) >= TINIEST else F32(0)


@inline
def offset_of(block: Address, column: int) -> float:
    """First known value of a column; NaN before."""
    return load_f64(block + OFFSETS + (U(column) << U(3)))


@inner
def shingle(
    block: Address,
    layout: Layout,
    values: npt.NDArray[np.float64],
    rows: npt.NDArray[np.int64],
    index: int,
    target: Address,
) -> None:
    """The vector of record `index` of `rows` at the target: the last records, oldest first, from history and
    rows."""
    columns, length = I64(layout.columns), I64(layout.shingle)
    place = target
    for position in range(length):
        record = index - (length - 1) + position
        for column in range(columns):
            if record >= 0:
                value = rounded(values[rows[record], column], offset_of(block, column))
            else:
                old = (length - 1 + record) * columns + column
                value = load_f32(block + layout.history_at + (U(old) << TWO))
            store_f32(place, value)
            place += FOUR
    end = target + layout.lanes * FOUR
    while place < end:
        store_f32(place, F32(0))
        place += FOUR


@inner
def remember(
    block: Address, layout: Layout, values: npt.NDArray[np.float64], rows: npt.NDArray[np.int64]
) -> None:
    """Count the records of `rows` as seen, and keep the last ones for the next shingle."""
    columns, kept, count = I64(layout.columns), I64(layout.shingle) - 1, rows.size
    history = block + layout.history_at
    store_u64(block + SEEN, load_u64(block + SEEN) + U(count))
    for k in range(kept):
        record = k + count - kept
        for column in range(columns):
            target = history + (U(k * columns + column) << TWO)
            if record >= 0:
                store_f32(target, rounded(values[rows[record], column], offset_of(block, column)))
            else:
                store_f32(target, load_f32(history + (U((k + count) * columns + column) << TWO)))


@inner
def learn(
    tree: Tree, records: Records, index: int, mass: Count, paths: Paths, descent: Count, width: Any
) -> None:
    """Put a record into the tree's sample along the path of its descent; drop the sample with the largest
    key."""
    full = mass == tree.sample
    if full:
        e = (load_f64(tree.record + GOAL) - records.reached[index]) * largest_key(tree)
    else:
        e = -math.log(uniform(tree))
    key = key_of(e, records.grown[index])
    x = records.points + U(index) * (lanes_of(width) << TWO)
    leaf = insert(tree, x, paths, descent, depth_of(paths, descent), width)
    if full:
        delete(tree, load_u16(tree.key_leaves), width)
        replace_largest(tree, mass, key, leaf, lanes_of(width))
    else:
        add_key(tree, mass, key, leaf, lanes_of(width))
    if full or mass + ONE == tree.sample:
        set_goal(tree, records.reached[index + 1])


@inline
def judge(
    tree: Tree, records: Records, results: Results, index: int, mass: Count, scale: float, paths: Paths,
    descent: Count, dimensions: Count, width: Any,
) -> None:  # fmt: skip
    """Add a record's score in a tree, and its parts where asked for; its path is in `paths`."""
    x = records.points + U(index) * (lanes_of(width) << TWO)
    value = value_on_path(tree, x, paths, descent, mass, width)
    row = records.rows[index]
    results.scores[row] += fixed(scale * value)
    if records.explaining:
        add_parts(
            tree,
            x,
            paths,
            descent,
            mass,
            dimensions,
            results.parts[row],
            results.partial,
            results.shadow,
            width,
        )


@inner
def judge_run(
    tree: Tree, records: Records, results: Results, first: int, end: int, mass: Count, paths: Paths,
    dimensions: Count, width: Any,
) -> Count:  # fmt: skip
    """Score records first..end-1 in a tree that stays as it is, four at a time.

    Returns which of the four descents was the last record's: its path stays in `paths`, for an insertion.
    """
    stride = lanes_of(width) << TWO
    scale = normaliser(mass)
    points, last = records.points, end - 1
    for k in range(first, end, 4):
        descend(
            tree, tree, tree, tree,
            points + U(k) * stride, points + U(min(k + 1, last)) * stride,
            points + U(min(k + 2, last)) * stride, points + U(min(k + 3, last)) * stride, paths,
        )  # fmt: skip
        for lane in range(min(4, end - k)):
            judge(tree, records, results, k + lane, mass, scale, paths, U(lane), dimensions, width)
    return U((end - first - 1) & 3)


@inner
def run_tree(
    tree: Tree, records: Records, results: Results, paths: Paths, dimensions: Count, width: Any
) -> None:
    """All records through one tree, in order: score, then learn where the sampler takes the record."""
    mass = records.mass
    end = records.count
    index = 0
    while index < end:
        taken = index
        if mass == tree.sample:
            goal = load_f64(tree.record + GOAL)
            if records.reached[end] < goal:
                taken = end
            else:
                while records.reached[taken + 1] < goal:
                    taken += 1
        descent = ZERO
        if records.scoring and mass > ZERO:
            descent = judge_run(
                tree, records, results, index, min(taken + 1, end), mass, paths, dimensions, width
            )
        elif mass > ZERO:
            descend_one(tree, records.points + U(index) * (lanes_of(width) << TWO), paths)
        if taken == end:
            break
        learn(tree, records, taken, mass, paths, descent, width)
        mass = min(mass + ONE, tree.sample)
        index = taken + 1


@inner
def run_row(
    block: Address, layout: Layout, first: int, end: int, records: Records, results: Results, index: int,
    paths: Paths, dimensions: Count, width: Any,
) -> None:  # fmt: skip
    """One record through trees first..end-1, four trees at a time."""
    mass = min(records.mass + U(index), layout.sample)
    x = records.points + U(index) * (lanes_of(width) << TWO)
    scale = normaliser(mass)
    last = U(end - 1)
    for number in range(first, end, 4):
        n = U(number)
        a, b = tree_at(block, n, layout), tree_at(block, min(n + ONE, last), layout)
        c, d = tree_at(block, min(n + TWO, last), layout), tree_at(block, min(n + U(3), last), layout)
        if mass > ZERO:
            descend(a, b, c, d, x, x, x, x, paths)
        for lane in range(min(4, end - number)):
            tree = tree_at(block, U(number + lane), layout)
            if records.scoring and mass > ZERO:
                judge(tree, records, results, index, mass, scale, paths, U(lane), dimensions, width)
            if mass < layout.sample or records.reached[index + 1] >= load_f64(tree.record + GOAL):
                learn(tree, records, index, mass, paths, U(lane), width)


@inner
def advance(
    block: Address, layout: Layout, rate: float, epoch: int, values: npt.NDArray[np.float64],
    rows: npt.NDArray[np.int64], first: int, end: int, explaining: bool, results: Results, paths: Paths,
    points: Address, width: Any,
) -> None:  # fmt: skip
    """The records of one forest through its trees first..end-1. Changes the trees only: see `remember`."""
    seen = I64(load_u64(block + SEEN))
    sample, before = I64(layout.sample), I64(layout.shingle) - 1
    dimensions = layout.columns * layout.shingle
    stride, length = layout.lanes * FOUR, I64(layout.run)
    grown, reached = np.empty(min(length, rows.size)), np.empty(min(length, rows.size) + 1)
    index = max(0, before - seen)
    while index < rows.size:
        record = seen + index
        learned = record - before
        into_epoch = learned % epoch
        count = min(min(length, rows.size - index), epoch - into_epoch)
        if record < sample:
            count = min(count, sample - record)
        for k in range(count):
            shingle(block, layout, values, rows, index + k, points + U(k) * stride)
        fill_clock(grown, reached, into_epoch, count, rate)
        records = Records(
            points,
            count,
            rows[index : index + count],
            grown,
            reached,
            U(min(learned, sample)),
            record >= sample,
            explaining,
        )
        if into_epoch == 0 and learned > 0:
            for number in range(first, end):
                begin_epoch(tree_at(block, U(number), layout), records.mass, learned >= sample, epoch, rate)
        if count < LOCK_STEP:
            for k in range(count):
                run_row(block, layout, first, end, records, results, k, paths, dimensions, width)
        else:
            for number in range(first, end):
                run_tree(tree_at(block, U(number), layout), records, results, paths, dimensions, width)
        index += count


@inner
def fill_row(
    block: Address, layout: Layout, values: npt.NDArray[np.float64], rows: npt.NDArray[np.int64], index: int,
    missing: npt.NDArray[np.bool_], stack: Proposals, point: Address, width: Any,
) -> None:  # fmt: skip
    """Write the forest's proposal in the place of the NaNs of a record; of an empty forest, the column's last
    value."""
    columns, before = I64(layout.columns), I64(layout.shingle) - 1
    shingle(block, layout, values, rows, index, point)
    missing[:] = False
    for column in range(columns):
        missing[before * columns + column] = math.isnan(values[rows[index], column])
    seen = I64(load_u64(block + SEEN)) + index
    proposed = propose(block, layout, point, missing, stack, width)
    for column in range(columns):
        dimension = before * columns + column
        if missing[dimension]:
            if proposed:
                value = settle(stack, dimension, 0.5)
            elif before > 0 and seen > 0:
                value = F64(load_f32(point + (U(dimension - columns) << TWO)))
            else:
                value = 0.0
            values[rows[index], column] = value + offset_of(block, column)


@inner
def has_missing(values: npt.NDArray[np.float64], row: int) -> bool:
    """Is a value of the row NaN."""
    for column in range(values.shape[1]):
        if math.isnan(values[row, column]):
            return True
    return False
