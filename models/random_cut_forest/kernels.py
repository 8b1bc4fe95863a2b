"""The compiled entry points: what Python calls, and the list of what is compiled ahead of time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, inner, ready
from models.random_cut_forest.boxes import LANES, lanes_of, width_of
from models.random_cut_forest.imputation import Proposals, propose, settle
from models.random_cut_forest.layout import (
    FOUR,
    OFFSETS,
    ONE,
    SEEN,
    THREE,
    TWO,
    ZERO,
    Layout,
    layout_of,
    tree_at,
)
from models.random_cut_forest.learning import (
    LARGEST,
    Records,
    Results,
    advance,
    fill_row,
    has_missing,
    judge_run,
    offset_of,
    remember,
    rounded,
)
from models.random_cut_forest.machine import I64, Address, U, load_f64, load_u64, store_f32, store_f64
from models.random_cut_forest.tree import Paths


def scratch_bytes(layout: Layout) -> int:
    """Bytes of a worker's scratch memory: depths | nodes on four paths | weights | gaps | records."""
    levels = int(layout.sample) + 16
    return 64 + 16 * levels + 64 + 4 * int(layout.lanes * layout.run)


def prepare_scratch(scratch: npt.NDArray[np.uint8], layout: Layout) -> None:
    """Write the constant parts of scratch memory: the sentinels above the root, and the levels' weights."""
    levels = int(layout.sample) + 16
    scratch[64:96] = np.full(16, int(layout.sample), np.uint16).view(np.uint8)
    weights = np.zeros(levels, np.float32)
    weights[4:] = 1.0 / np.arange(1, levels - 3)
    scratch[64 + 8 * levels : 64 + 12 * levels] = weights.view(np.uint8)


@inner
def _paths(scratch: Address, layout: Layout) -> Paths:
    nodes = scratch + U(64)
    weights = nodes + ((layout.sample + U(16)) << THREE)
    return Paths(nodes, scratch, weights + ((layout.sample + U(16)) << TWO), weights)


@inner
def _points(scratch: Address, layout: Layout) -> Address:
    end = scratch + U(64) + ((layout.sample + U(16)) << FOUR)
    return (end + U(63)) & ~U(63)


@inner
def _results(
    scores: npt.NDArray[np.int64], parts: npt.NDArray[np.int64], layout: Layout, explaining: bool
) -> Results:
    columns = I64(layout.columns) if explaining else 0
    return Results(scores, parts, np.empty((columns, 2)), np.empty((2, columns * I64(layout.shingle))))


@inner
def _proposals(layout: Layout, wanted: bool) -> Proposals:
    levels = I64(layout.sample) + 2 if wanted else 0
    trees = I64(layout.trees) if wanted else 0
    return Proposals(
        np.empty(levels, np.uint64), np.empty(levels, np.bool_), np.empty(levels), np.empty(levels, np.uint64),
        np.empty(trees), np.empty((trees, I64(layout.columns * layout.shingle))),
    )  # fmt: skip


@entry
def admit_rows(
    layout: Layout, blocks: npt.NDArray[np.uint64], starts: npt.NDArray[np.int64], order: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64], filling: bool,
) -> int:  # fmt: skip
    """Check all values of a call before anything changes, then set the offsets of columns seen for the first
    time.

    Rows ``order[starts[k]:starts[k + 1]]`` go to the forest at ``blocks[k]``. Returns -1, or row * columns +
    column of the first value that cannot be taken.
    """
    columns = values.shape[1]
    refused = values.size
    for writing in range(2):
        for segment in range(blocks.size):
            block = blocks[segment]
            for column in range(columns):
                offset = offset_of(block, column)
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
def process_rows(
    layout: Layout, rate: float, epoch: int, blocks: npt.NDArray[np.uint64], starts: npt.NDArray[np.int64],
    order: npt.NDArray[np.int64], values: npt.NDArray[np.float64], first: int, end: int, whole: bool, filling: bool,
    scores: npt.NDArray[np.int64], parts: npt.NDArray[np.int64], scratch: Address, width: Any,
) -> None:  # fmt: skip
    """Score and learn rows of many forests in the trees first..end-1.

    `whole`: these are all trees, so the records are then counted as seen (else `remember_rows` does it once
    all workers are done). `filling`: NaNs are replaced in `values` before their record is scored, which needs
    all trees.
    """
    explaining = parts.shape[0] > 0
    results = _results(scores, parts, layout, explaining)
    paths, points = _paths(scratch, layout), _points(scratch, layout)
    stack = _proposals(layout, filling)
    missing = np.zeros(I64(layout.columns * layout.shingle), np.bool_)
    for segment in range(blocks.size):
        block = blocks[segment]
        begin, stop = starts[segment], starts[segment + 1]
        while begin < stop:
            until = stop
            if filling:
                if has_missing(values, order[begin]):
                    fill_row(block, layout, values, order[begin:stop], 0, missing, stack, points, width)
                until = begin + 1
                while until < stop and not has_missing(values, order[until]):
                    until += 1
            rows = order[begin:until]
            advance(
                block,
                layout,
                rate,
                epoch,
                values,
                rows,
                first,
                end,
                explaining,
                results,
                paths,
                points,
                width,
            )
            if whole:
                remember(block, layout, values, rows)
            begin = until


@entry
def remember_rows(
    layout: Layout, blocks: npt.NDArray[np.uint64], starts: npt.NDArray[np.int64], order: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    """Count rows as seen, after workers have taken them through all trees."""
    for segment in range(blocks.size):
        remember(blocks[segment], layout, values, order[starts[segment] : starts[segment + 1]])


@inner
def _vector(
    block: Address, layout: Layout, vectors: npt.NDArray[np.float64], row: int, target: Address
) -> None:
    """A full vector at the target, offsets subtracted."""
    columns, lane = I64(layout.columns), ZERO
    for dimension in range(vectors.shape[1]):
        store_f32(
            target + (lane << TWO), rounded(vectors[row, dimension], offset_of(block, dimension % columns))
        )
        lane += ONE
    while lane < layout.lanes:
        store_f32(target + (lane << TWO), np.float32(0))
        lane += ONE


@inner
def _mass(block: Address, layout: Layout) -> int:
    """Samples held by each tree."""
    learned = I64(load_u64(block + SEEN)) - (I64(layout.shingle) - 1)
    return max(0, min(learned, I64(layout.sample)))


@entry
def read_rows(
    layout: Layout, block: Address, vectors: npt.NDArray[np.float64], scores: npt.NDArray[np.int64],
    parts: npt.NDArray[np.int64], scratch: Address, width: Any,
) -> None:  # fmt: skip
    """Scores, and parts where asked for, of full vectors in a forest that stays as it is."""
    mass = _mass(block, layout)
    if load_u64(block + SEEN) < layout.sample or mass == 0:
        return
    explaining = parts.shape[0] > 0
    results = _results(scores, parts, layout, explaining)
    paths, points, length = _paths(scratch, layout), _points(scratch, layout), I64(layout.run)
    nothing = np.empty(0)
    stride = lanes_of(width) << TWO
    rows = np.arange(vectors.shape[0])
    for first in range(0, vectors.shape[0], length):
        count = min(length, vectors.shape[0] - first)
        for k in range(count):
            _vector(block, layout, vectors, first + k, points + U(k) * stride)
        records = Records(
            points, count, rows[first : first + count], nothing, nothing, U(mass), True, explaining
        )
        for number in range(I64(layout.trees)):
            tree = tree_at(block, U(number), layout)
            judge_run(
                tree, records, results, 0, count, U(mass), paths, layout.columns * layout.shingle, width
            )


@entry
def fill_vectors(
    layout: Layout,
    block: Address,
    vectors: npt.NDArray[np.float64],
    share: float,
    scratch: Address,
    width: Any,
) -> bool:
    """Replace NaNs in full vectors by a quantile of the forest's proposals; False if the forest is empty."""
    points = _points(scratch, layout)
    stack = _proposals(layout, True)
    missing = np.zeros(vectors.shape[1], np.bool_)
    for row in range(vectors.shape[0]):
        if not has_missing(vectors, row):
            continue
        _vector(block, layout, vectors, row, points)
        for dimension in range(missing.size):
            missing[dimension] = math.isnan(vectors[row, dimension])
        if not propose(block, layout, points, missing, stack, width):
            return False
        for dimension in range(missing.size):
            if missing[dimension]:
                offset = load_f64(block + OFFSETS + (U(dimension % I64(layout.columns)) << THREE))
                vectors[row, dimension] = settle(stack, dimension, share) + offset
    return True


def _examples(lanes: int) -> dict[Any, tuple[Any, ...]]:
    """For each kernel arguments of the types it is called with."""
    layout = layout_of(1, 10, lanes, 1)
    longs, address = np.empty(0, np.int64), np.uint64(0)
    blocks, values, parts = np.empty(0, np.uint64), np.empty((0, lanes)), np.empty((0, lanes, 2), np.int64)
    rows = (blocks, longs, longs, values)
    width = width_of(lanes)
    return {
        admit_rows: (layout, *rows, False),
        remember_rows: (layout, *rows),
        process_rows: (layout, 0.0, 0, *rows, 0, 0, True, False, longs, parts, address, width),
        read_rows: (layout, address, values, longs, parts, address, width),
        fill_vectors: (layout, address, values, 0.5, address, width),
    }


def make_ready(lanes: int) -> None:
    """Load, or compile, what a forest of this many lanes needs."""
    for kernel, arguments in _examples(lanes).items():
        ready(kernel, *arguments)


def compile_all() -> None:
    """Compile the kernels for every width, or find them in the cache."""
    for lanes in LANES:
        make_ready(lanes)
