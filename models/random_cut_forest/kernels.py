"""The compiled entry points: what Python calls, and the list of what is compiled ahead of time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, inner, ready
from models.random_cut_forest.boxes import LANES, width_of
from models.random_cut_forest.imputation import Proposals, propose, settle
from models.random_cut_forest.layout import OFFSETS, THREE, TWO, Layout, tree_at
from models.random_cut_forest.learning import advance, judge_run
from models.random_cut_forest.machine import F64, I64, Address, U, load_f32, load_u64, store_f64, store_u64
from models.random_cut_forest.records import (
    LARGEST,
    has_missing,
    offset_of,
    point_at,
    records_seen,
    remember,
    vector_at,
)
from models.random_cut_forest.scoring import UNIT
from models.random_cut_forest.work import PARTS, RECORDS, ROWS, SCORES, WARM, field, layout_in


@inner
def _set_results(work: Address, scores: npt.NDArray[np.int64], parts: npt.NDArray[np.int64]) -> None:
    """Where the sums over the trees go; parts of no rows are not wanted."""
    store_u64(work + SCORES, U(scores.ctypes.data))
    store_u64(work + PARTS, U(parts.ctypes.data) if parts.shape[0] > 0 else U(0))


@inner
def _proposals(layout: Layout, wanted: bool) -> Proposals:
    levels = I64(layout.sample) + 2 if wanted else 0
    trees = I64(layout.trees) if wanted else 0
    return Proposals(
        np.empty(levels, np.uint64), np.empty(levels, np.bool_), np.empty(levels), np.empty(levels, np.uint64),
        np.empty(trees), np.empty((trees, I64(layout.columns * layout.shingle))),
    )  # fmt: skip


@inner
def _admit(
    layout: Layout, blocks: npt.NDArray[np.uint64], starts: npt.NDArray[np.int64], order: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64], filling: bool,
) -> int:  # fmt: skip
    """Check all values of a call before anything changes, then set the offsets of columns seen for the first time.

    Returns -1, or row * columns + column of the first value that cannot be taken.
    """
    columns = values.shape[1]
    refused = values.size
    for writing in range(2):
        for segment in range(blocks.size):
            block = blocks[segment]
            for column in range(columns):
                offset = offset_of(block, column)
                if writing == 1 and not math.isnan(offset):
                    continue
                for k in range(starts[segment], starts[segment + 1]):
                    value = values[order[k], column]
                    if math.isnan(value) and filling:
                        continue
                    if math.isnan(offset):
                        offset = value
                    if not (abs(value) <= LARGEST and abs(value - offset) <= LARGEST):
                        refused = min(refused, order[k] * columns + column)
                if writing == 1:
                    store_f64(block + OFFSETS + (U(column) << THREE), offset)
        if refused < values.size:
            return refused
    return -1


@entry
def admit_rows(
    work: Address, blocks: npt.NDArray[np.uint64], starts: npt.NDArray[np.int64], order: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64],
) -> int:  # fmt: skip
    """The check alone, before several workers share `process_rows`; no NaN is allowed."""
    return _admit(layout_in(work), blocks, starts, order, values, False)


@inner
def _fill_row(
    block: Address, layout: Layout, values: npt.NDArray[np.float64], order: npt.NDArray[np.int64], index: int,
    missing: npt.NDArray[np.bool_], stack: Proposals, work: Address, width: Any,
) -> None:  # fmt: skip
    """Put the forest's proposal in the place of the NaNs of row ``order[index]``, or in an empty forest the column's
    last value."""
    columns, before = I64(layout.columns), I64(layout.shingle) - 1
    point, row = field(work, RECORDS), order[index]
    point_at(block, layout, values, order, index, 0, point)
    missing[:] = False
    for column in range(columns):
        missing[before * columns + column] = math.isnan(values[row, column])
    proposed = propose(block, layout, point, missing, stack, width)
    for column in range(columns):
        dimension = before * columns + column
        if missing[dimension]:
            value = 0.0
            if proposed:
                value = settle(stack, dimension, 0.5)
            elif before > 0 and records_seen(block) > 0:
                value = F64(load_f32(point + (U(dimension - columns) << TWO)))
            values[row, column] = value + offset_of(block, column)


@entry
def process_rows(
    work: Address, blocks: npt.NDArray[np.uint64], starts: npt.NDArray[np.int64], order: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64], first: int, end: int, filling: bool, scores: npt.NDArray[np.int64],
    parts: npt.NDArray[np.int64], width: Any,
) -> int:  # fmt: skip
    """Check, score and learn the rows of a call in many forests: ``order[starts[k]:starts[k + 1]]`` at ``blocks[k]``.

    Adds to `scores` and, if it has rows, `parts`. `filling`: NaNs are replaced, in `values`, before their record is
    scored. Returns -1, or where the first value is that cannot be taken; then nothing was changed.

    One of several workers takes trees first..end-1 only; `admit_rows` comes before and `remember_rows` after them.
    """
    layout = layout_in(work)
    alone = end - first == I64(layout.trees)
    if alone:
        refused = _admit(layout, blocks, starts, order, values, filling)
        if refused >= 0:
            return refused
    _set_results(work, scores, parts)
    stack = _proposals(layout, filling)
    missing = np.zeros(I64(layout.columns * layout.shingle) if filling else 0, np.bool_)
    for segment in range(blocks.size):
        block = blocks[segment]
        begin, stop = starts[segment], starts[segment + 1]
        while begin < stop:
            until = stop
            if filling:
                if has_missing(values, order[begin]):
                    _fill_row(block, layout, values, order, begin, missing, stack, work, width)
                until = begin + 1
                while until < stop and not has_missing(values, order[until]):
                    until += 1
            advance(block, layout, values, order, begin, until, first, end, work, width)
            if alone:
                remember(block, layout, values, order, begin, until)
            begin = until
    return -1


@entry
def process_run(
    work: Address, block: Address, values: npt.NDArray[np.float64], scores: npt.NDArray[np.float64], width: Any
) -> int:
    """`process_rows` for the rows of one forest, without NaNs and parts, by one worker: sets `scores`.

    The short way in for calls of one row: each array that Python hands to a kernel costs 0.1 us, and so does each it
    makes for that, where a hundred trees take 5 us.
    """
    layout = layout_in(work)
    count = values.shape[0]
    blocks, starts, order = np.full(1, block), np.array([0, count]), np.arange(count)
    refused = _admit(layout, blocks, starts, order, values, False)
    if refused >= 0:
        return refused
    sums = scores.view(np.int64)
    sums[:] = 0
    _set_results(work, sums, np.empty((0, 1, 2), np.int64))
    advance(block, layout, values, order, 0, count, 0, I64(layout.trees), work, width)
    remember(block, layout, values, order, 0, count)
    whole = UNIT * F64(I64(layout.trees))
    for row in range(count):
        scores[row] = sums[row] / whole
    return -1


@entry
def remember_rows(
    work: Address, blocks: npt.NDArray[np.uint64], starts: npt.NDArray[np.int64], order: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    """Count rows as seen, after all workers have taken them through their trees."""
    layout = layout_in(work)
    for segment in range(blocks.size):
        remember(blocks[segment], layout, values, order, starts[segment], starts[segment + 1])


@entry
def read_rows(
    work: Address, block: Address, vectors: npt.NDArray[np.float64], scores: npt.NDArray[np.int64],
    parts: npt.NDArray[np.int64], width: Any,
) -> None:  # fmt: skip
    """Scores, and parts where asked for, of full vectors in a forest that stays as it is; 0 in the warm-up."""
    layout = layout_in(work)
    learned = records_seen(block) - (I64(layout.shingle) - 1)
    if records_seen(block) < I64(load_u64(work + WARM)) or learned <= 0:
        return
    mass = U(min(learned, I64(layout.sample)))
    _set_results(work, scores, parts)
    rows = np.arange(vectors.shape[0])
    for first in range(0, vectors.shape[0], I64(layout.run)):
        count = min(I64(layout.run), vectors.shape[0] - first)
        store_u64(work + ROWS, U(rows.ctypes.data) + (U(first) << THREE))
        for k in range(count):
            vector_at(block, layout, vectors, first + k, field(work, RECORDS) + U(k) * (layout.lanes << TWO))
        for number in range(I64(layout.trees)):
            judge_run(tree_at(block, U(number), layout), work, 0, count, mass, width)
    rows[0] = 0  # keeps the array until here: the kernels only have its address


@entry
def fill_vectors(work: Address, block: Address, vectors: npt.NDArray[np.float64], share: float, width: Any) -> bool:
    """Replace NaNs in full vectors by a quantile of the forest's proposals; False if the forest is empty."""
    layout = layout_in(work)
    point = field(work, RECORDS)
    stack = _proposals(layout, True)
    missing = np.zeros(vectors.shape[1], np.bool_)
    for row in range(vectors.shape[0]):
        if not has_missing(vectors, row):
            continue
        vector_at(block, layout, vectors, row, point)
        for dimension in range(missing.size):
            missing[dimension] = math.isnan(vectors[row, dimension])
        if not propose(block, layout, point, missing, stack, width):
            return False
        for dimension in range(missing.size):
            if missing[dimension]:
                offset = offset_of(block, dimension % I64(layout.columns))
                vectors[row, dimension] = settle(stack, dimension, share) + offset
    return True


def _examples(lanes: int) -> dict[Any, tuple[Any, ...]]:
    """For each kernel arguments of the types it is called with."""
    longs, address, width = np.empty(0, np.int64), np.uint64(0), width_of(lanes)
    blocks, values, parts = np.empty(0, np.uint64), np.empty((0, lanes)), np.empty((0, lanes, 2), np.int64)
    rows = (address, blocks, longs, longs, values)
    return {
        admit_rows: rows,
        process_rows: (*rows, 0, 0, False, longs, parts, width),
        process_run: (address, address, values, np.empty(0), width),
        remember_rows: rows,
        read_rows: (address, address, values, longs, parts, width),
        fill_vectors: (address, address, values, 0.5, width),
    }


def make_ready(lanes: int) -> None:
    """Load, or compile, what a forest of this many lanes needs."""
    for kernel, arguments in _examples(lanes).items():
        ready(kernel, *arguments)


def compile_all() -> None:
    """Compile the kernels for every width, or find them in the cache."""
    for lanes in LANES:
        make_ready(lanes)
