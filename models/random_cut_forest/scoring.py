"""The anomaly score of a point in a tree: its expected inverse depth, were it inserted.

    at the leaf   v = 1 / (depth + 1), or for an equal point (1 - q / 2m) / (depth + log2(q + 1)) with q
    copies of m upwards       v = p / (level + 1) + (1 - p) v     with p = gap / (range + gap), until a box
    holds the point at the end    v * log2(m + 1)

What makes it fast: a descent is a chain of loads that wait for each other, so four run in lock step, for four
records in one tree or for one record in four trees; the recursion upwards takes four levels at a time as
vectors and stops at the first four whose topmost box holds the point. Trees' scores are float32 and are added
as integers of 2**-36, in which they are exact: the sum has no order, so trees may be spread over threads.
"""

from __future__ import annotations

import math
from typing import Any

from models.kernel_cache import inline, inner
from models.random_cut_forest.boxes import distance, four_levels
from models.random_cut_forest.layout import (
    COPIES,
    CUT,
    DIMENSION,
    FOUR,
    LEFT,
    ONE,
    RANGE,
    ROOT,
    THREE,
    TWO,
    ZERO,
    Tree,
    header_of,
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
    load_u64,
    store_u16,
    store_u64,
)
from models.random_cut_forest.tree import NOTHING, Paths, node_on, point_of

#: A score of 1 in the integers that scores are added in.
UNIT = float(2**36)
SIXTEEN = U(16)


@inline
def _step(tree: Tree, node: Code, x: Address) -> Code:
    """The child on the side of x; a leaf is its own child."""
    header = header_of(tree, node)
    right = load_f32(x + (load_u16(header + DIMENSION) << TWO)) > load_f32(header + CUT)
    return load_u16(header + LEFT + (TWO if right else ZERO))


@inner
def descend(
    a: Tree, b: Tree, c: Tree, d: Tree, xa: Address, xb: Address, xc: Address, xd: Address, paths: Paths
) -> None:
    """Four descents in lock step, each in its tree with its point; paths and depths into `paths`."""
    inner_codes = a.sample
    na, nb = load_u32(a.record + ROOT), load_u32(b.record + ROOT)
    nc, nd = load_u32(c.record + ROOT), load_u32(d.record + ROOT)
    da, db, dc, dd = ZERO, ZERO, ZERO, ZERO
    row = paths.nodes + U(32)
    while True:
        store_u16(row, na)
        store_u16(row + TWO, nb)
        store_u16(row + FOUR, nc)
        store_u16(row + U(6), nd)
        if min(min(na, nb), min(nc, nd)) >= inner_codes:
            break
        row += U(8)
        da += ONE if na < inner_codes else ZERO
        db += ONE if nb < inner_codes else ZERO
        dc += ONE if nc < inner_codes else ZERO
        dd += ONE if nd < inner_codes else ZERO
        na, nb, nc, nd = _step(a, na, xa), _step(b, nb, xb), _step(c, nc, xc), _step(d, nd, xd)
    store_u64(paths.depths, da)
    store_u64(paths.depths + U(8), db)
    store_u64(paths.depths + U(16), dc)
    store_u64(paths.depths + U(24), dd)


@inner
def descend_one(tree: Tree, x: Address, paths: Paths) -> None:
    """A single descent, as the first of the four in `paths`: for the warm-up, where every record changes the
    tree."""
    node, depth = load_u32(tree.record + ROOT), ZERO
    row = paths.nodes + U(32)
    store_u16(row, node)
    while node < tree.sample:
        node = _step(tree, node, x)
        depth += ONE
        row += U(8)
        store_u16(row, node)
    store_u64(paths.depths, depth)


@inline
def depth_of(paths: Paths, descent: Count) -> Count:
    """Number of inner nodes a descent passed."""
    return load_u64(paths.depths + (descent << THREE))


@inner
def value_on_path(tree: Tree, x: Address, paths: Paths, descent: Count, mass: Count, width: Any) -> float:
    """v of the point at address x, whose path is in `paths`, in a tree of `mass` samples; not yet
    normalised."""
    depth = depth_of(paths, descent)
    ranges = tree.headers + RANGE
    level = depth  # the next four levels are level - 1 .. level - 4; row `level` of the path is level - 4
    value = load_f32(paths.weights + ((depth + FOUR) << TWO))
    row = paths.nodes + (((level << TWO) + descent) << ONE)
    value, top, low = four_levels(
        tree.boxes, ranges, x, load_u16(row), load_u16(row + U(8)), load_u16(row + U(16)), load_u16(row + U(24)),
        paths.weights + (level << TWO), value, width,
    )  # fmt: skip
    if (
        low == NOTHING
    ):  # inside the box of the leaf's parent, or the root is a leaf: perhaps equal to the leaf
        leaf = node_on(paths, depth, descent)
        if distance(x, point_of(tree, leaf, width), width) == NOTHING:
            copies = F64(I64(load_u32(header_of(tree, leaf) + COPIES)))
            damping = 1.0 - copies / (2.0 * F64(I64(mass)))
            return F32(damping / (F64(I64(depth)) + math.log2(copies + 1.0)))
    while top != NOTHING:
        level -= FOUR
        row = paths.nodes + (((level << TWO) + descent) << ONE)
        value, top, low = four_levels(
            tree.boxes, ranges, x, load_u16(row), load_u16(row + U(8)), load_u16(row + U(16)), load_u16(row + U(24)),
            paths.weights + (level << TWO), value, width,
        )  # fmt: skip
    return value


@inline
def normaliser(mass: Count) -> float:
    """log2(m + 1), as float32."""
    return F32(math.log2(F64(I64(mass)) + 1.0))


@inline
def fixed(value: float) -> int:
    """A score as an integer of 2**-36; exact for a float32 in 2**-12 .. 16."""
    return I64(F64(value) * UNIT)
