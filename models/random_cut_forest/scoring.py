"""The anomaly score of a point in a tree: its expected inverse depth, were it inserted.

    at the leaf   v = 1 / (depth + 1), or for an equal point (1 - q / 2m) / (depth + log2(q + 1)) with q copies of m
    upwards       v = p / (level + 1) + (1 - p) v     with p = gap / (range + gap), until a box holds the point
    at the end    v * log2(m + 1)

What makes it fast: a descent is a chain of loads that wait for each other, so four run in lock step, for four records
in one tree or for one record in four trees; the recursion upwards takes four levels at a time as vectors and stops at
the first four whose topmost box holds the point. Trees' scores are float32 and are added as integers of 2**-36, in
which they are exact: the sum has no order, so trees may be spread over threads.
"""

from __future__ import annotations

import math
from typing import Any

from models.kernel_cache import inline, inner
from models.random_cut_forest.boxes import distance, four_levels, lanes_of
from models.random_cut_forest.layout import (
    BOXES,
    COPIES,
    CUT,
    DIMENSION,
    FOUR,
    HEADERS,
    LEFT,
    ONE,
    RANGE,
    ROOT,
    SAMPLE,
    THREE,
    TWO,
    ZERO,
    header_of,
    is_inner,
    part,
)
from models.random_cut_forest.machine import (
    F32,
    F64,
    I64,
    Address,
    Code,
    Count,
    U,
    load_f32,
    load_u16,
    load_u32,
    prefetch,
    store_u16,
    store_u64,
)
from models.random_cut_forest.tree import NOTHING, box_of, point_of
from models.random_cut_forest.work import DEPTHS, NODES, WEIGHTS, depth_of, field, node_on

#: A score of 1 in the integers that scores are added in.
UNIT = float(2**36)


@inline
def _right(header: Address, x: Address, only: float, width: Any) -> bool:
    """Does the point lie right of a node's cut. `only` is the point's value if it has one column."""
    if lanes_of(width) == ONE:
        return only > load_f32(header + CUT)
    return load_f32(x + (load_u16(header + DIMENSION) << TWO)) > load_f32(header + CUT)


@inline
def _step(headers: Address, node: Code, x: Address, only: float, width: Any) -> Code:
    """The child on the side of x; a leaf is its own child. No branch: the side is an offset."""
    header = headers + (node << FOUR)
    return load_u16(header + LEFT + (TWO if _right(header, x, only, width) else ZERO))


@inline
def _note(row: Address, na: Code, nb: Code, nc: Code, nd: Code) -> None:
    """Write a level of four paths, in one store."""
    store_u64(row, na | (nb << U(16)) | (nc << U(32)) | (nd << U(48)))


@inline
def _fetch_box(tree: Address, node: Code, width: Any) -> None:
    """Begin to bring a node's box into the cache; of a leaf, something harmless."""
    box = box_of(tree, node, width)
    for line in range(ZERO, lanes_of(width) << THREE, U(64)):
        prefetch(box + line)


@inline
def descend(
    a: Address, b: Address, c: Address, d: Address, xa: Address, xb: Address, xc: Address, xd: Address,
    work: Address, cold: bool, width: Any,
) -> None:  # fmt: skip
    """Four descents in lock step, each in its tree with its point; paths and depths into `work`.

    `cold`: the trees are probably not in the nearer caches, so the boxes on the way, which the score needs next, are
    asked for while descending.
    """
    inner_nodes = load_u32(a + SAMPLE)
    ha, hb, hc, hd = a + HEADERS, b + HEADERS, c + HEADERS, d + HEADERS
    va, vb, vc, vd = load_f32(xa), load_f32(xb), load_f32(xc), load_f32(xd)
    na, nb, nc, nd = load_u32(a + ROOT), load_u32(b + ROOT), load_u32(c + ROOT), load_u32(d + ROOT)
    da, db, dc, dd = ZERO, ZERO, ZERO, ZERO
    row = work + NODES + U(32)
    while min(min(na, nb), min(nc, nd)) < inner_nodes:
        _note(row, na, nb, nc, nd)
        if cold:
            _fetch_box(a, na, width)
            _fetch_box(b, nb, width)
            _fetch_box(c, nc, width)
            _fetch_box(d, nd, width)
        row += U(8)
        da += ONE if na < inner_nodes else ZERO
        db += ONE if nb < inner_nodes else ZERO
        dc += ONE if nc < inner_nodes else ZERO
        dd += ONE if nd < inner_nodes else ZERO
        na, nb = _step(ha, na, xa, va, width), _step(hb, nb, xb, vb, width)
        nc, nd = _step(hc, nc, xc, vc, width), _step(hd, nd, xd, vd, width)
    _note(row, na, nb, nc, nd)
    store_u64(work + DEPTHS, da)
    store_u64(work + DEPTHS + U(8), db)
    store_u64(work + DEPTHS + U(16), dc)
    store_u64(work + DEPTHS + U(24), dd)


@inner
def descend_one(tree: Address, x: Address, work: Address, width: Any) -> None:
    """A single descent, as the first of the four: for the warm-up, where every record changes the tree."""
    node, depth = load_u32(tree + ROOT), ZERO
    only = load_f32(x)
    row = work + NODES + U(32)
    store_u16(row, node)
    while is_inner(tree, node):
        node = _step(tree + HEADERS, node, x, only, width)
        depth += ONE
        row += U(8)
        store_u16(row, node)
    store_u64(work + DEPTHS, depth)


@inline
def _four_levels(
    tree: Address, boxes: Address, x: Address, row: Address, weights: Address, value: float, width: Any
) -> tuple[float, float, float]:
    """The recursion over four levels, whose nodes are noted at `row`; (value, gap on top, gap at the bottom)."""
    return four_levels(
        boxes, tree + HEADERS + RANGE, x, load_u16(row), load_u16(row + U(8)), load_u16(row + U(16)),
        load_u16(row + U(24)), weights, value, width,
    )  # fmt: skip


@inner
def score_on_path(
    tree: Address, x: Address, work: Address, descent: Count, mass: Count, limit: float, width: Any
) -> float:
    """The score of the point at address x, whose path is in `work`, in a tree of `mass` samples; `limit` is
    `largest_score` of that mass."""
    depth = depth_of(work, descent)
    boxes = part(tree, BOXES)
    weights = field(work, WEIGHTS) + (depth << TWO)
    row = work + NODES + (((depth << TWO) + descent) << ONE)  # of the fourth level from the leaf
    value, top, low = _four_levels(tree, boxes, x, row, weights, load_f32(weights + U(16)), width)
    if low == NOTHING:  # inside the box of the leaf's parent, or the root is a leaf: perhaps equal to the leaf
        leaf = node_on(work, depth, descent)
        if distance(x, point_of(tree, leaf, width), width) == NOTHING:
            copies = F64(I64(load_u32(header_of(tree, leaf) + COPIES)))
            damping = 1.0 - copies / (2.0 * F64(I64(mass)))
            seen = damping / (F64(I64(depth)) + math.log2(copies + 1.0))
            return F32(seen * math.log2(F64(I64(mass)) + 1.0))  # in float64: a constant stream scores 0.5 exactly
    while top != NOTHING:
        row -= U(32)
        weights -= U(16)
        value, top, low = _four_levels(tree, boxes, x, row, weights, value, width)
    return limit * value


@inline
def largest_score(mass: Count) -> float:
    """log2(m + 1) as float32, rounded down, so that no score is above it."""
    exact = math.log2(F64(I64(mass)) + 1.0)
    nearest = F32(exact)
    return nearest if F64(nearest) <= exact else F32(exact * (1.0 - 2.0**-24))


@inline
def fixed(value: float) -> int:
    """A score as an integer of 2**-36; exact for a float32 in 2**-12 .. 16."""
    return I64(F64(value) * UNIT)
