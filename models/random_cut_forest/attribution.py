"""What a score is made of: the share of each column, and whether the point lies above or below.

The recursion of the score with its gaps taken apart by dimension and side. Written from the top, each level outside
whose box the point lies adds ``w * gap_j / (range + gap) / (level + 1)`` to its dimensions, where w is the product of
``1 - p`` over the levels above; only the levels below the first box that holds the point count. The leaf adds
``w * gap_j / gap / (depth + 1)``.

A point equal to its leaf has no direction there: its "seen" value is spread evenly over all sides and then taken up
through *shadow boxes*, the union of the siblings' boxes passed so far, as if the leaf were not there; the result is
scaled to the value.

Dimensions of a shingle are added up by column. Parts are summed over the trees as integers of 2**-44, so that the sum
has no order, and finally scaled to the score as reported: they add up to it. Arithmetic is float64.
"""

from __future__ import annotations

import math
from typing import Any

from models.kernel_cache import inline, inner
from models.random_cut_forest.boxes import distance, outside
from models.random_cut_forest.layout import COPIES, LEFT, ONE, RIGHT, THREE, TWO, ZERO, header_of
from models.random_cut_forest.machine import (
    F64,
    I64,
    Address,
    Count,
    U,
    load_f32,
    load_f64,
    load_u16,
    load_u32,
    load_u64,
    store_f64,
    store_u64,
)
from models.random_cut_forest.tree import NOTHING, box_of, high_corner, low_corner, point_of
from models.random_cut_forest.work import COLUMNS, DIMENSIONS, PARTIAL, SHADOW, depth_of, field, node_on

#: A score of 1 in the integers that parts are added in.
PART = float(2**44)
_SIDE = U(8)


@inline
def _scale(numbers: Address, count: Count, factor: float) -> None:
    """Multiply float64 numbers by a factor."""
    for k in range(count):
        place = numbers + (k << THREE)
        store_f64(place, load_f64(place) * factor)


@inline
def _fill(numbers: Address, count: Count, value: float) -> None:
    """Set float64 numbers to a value."""
    for k in range(count):
        store_f64(numbers + (k << THREE), value)


@inline
def _gap_sums(low: Address, high: Address, x: Address, dimensions: Count) -> tuple[float, float]:
    """(gap, range) of a box and a point, in float64."""
    gap = span = 0.0
    for dimension in range(dimensions):
        at = dimension << TWO
        value, lower, upper = F64(load_f32(x + at)), F64(load_f32(low + at)), F64(load_f32(high + at))
        gap += max(max(lower - value, value - upper), 0.0)
        span += upper - lower
    return gap, span


@inline
def _add_gap(partial: Address, column: Count, factor: float, value: float, lower: float, upper: float) -> None:
    """partial[column][above or below] += factor * gap."""
    place = partial + (column << U(4))
    if value > upper:
        store_f64(place, load_f64(place) + factor * (value - upper))
    elif value < lower:
        store_f64(place + _SIDE, load_f64(place + _SIDE) + factor * (lower - value))


@inline
def _add_gaps(
    partial: Address, factor: float, low: Address, high: Address, x: Address, dimensions: Count, columns: Count
) -> None:
    """Add the gaps of all dimensions, times a factor, to their columns."""
    column = ZERO
    for dimension in range(dimensions):
        at = dimension << TWO
        value, lower, upper = F64(load_f32(x + at)), F64(load_f32(low + at)), F64(load_f32(high + at))
        _add_gap(partial, column, factor, value, lower, upper)
        column = ZERO if column + ONE == columns else column + ONE


@inner
def _differs(tree: Address, x: Address, work: Address, descent: Count, depth: Count, width: Any) -> None:
    """Parts of a point that differs from its leaf, into the scratch memory."""
    partial, dimensions, columns = field(work, PARTIAL), field(work, DIMENSIONS), field(work, COLUMNS)
    _fill(partial, columns + columns, 0.0)
    level = depth
    while level > ZERO and outside(box_of(tree, node_on(work, level - ONE, descent), width), x, width) != NOTHING:
        level -= ONE
    weight = 1.0
    while level < depth:
        node = node_on(work, level, descent)
        low, high = low_corner(tree, node, width), high_corner(tree, node, width)
        gap, span = _gap_sums(low, high, x, dimensions)
        whole = span + gap
        _add_gaps(partial, weight / (whole * F64(I64(level + ONE))), low, high, x, dimensions, columns)
        weight *= span / whole
        level += ONE
    point = point_of(tree, node_on(work, depth, descent), width)
    gap, _ = _gap_sums(point, point, x, dimensions)
    _add_gaps(partial, weight / (gap * F64(I64(depth + ONE))), point, point, x, dimensions, columns)


@inner
def _equals(tree: Address, x: Address, work: Address, descent: Count, depth: Count, mass: Count, width: Any) -> None:
    """Parts of a point that is in the tree, into the scratch memory."""
    partial, dimensions, columns = field(work, PARTIAL), field(work, DIMENSIONS), field(work, COLUMNS)
    shadow_low = field(work, SHADOW)
    shadow_high = shadow_low + (dimensions << THREE)
    code = node_on(work, depth, descent)
    copies = F64(I64(load_u32(header_of(tree, code) + COPIES)))
    value = (1.0 - copies / (2.0 * F64(I64(mass)))) / (F64(I64(depth)) + math.log2(copies + 1.0))
    _fill(partial, columns + columns, value / (2.0 * F64(I64(columns))))
    level = depth
    while level > ZERO:
        level -= ONE
        node = node_on(work, level, descent)
        header = header_of(tree, node)
        left = load_u16(header + LEFT)
        sibling = load_u16(header + RIGHT) if left == code else left
        low, high = low_corner(tree, sibling, width), high_corner(tree, sibling, width)
        gap = span = 0.0
        for dimension in range(dimensions):
            at, place = dimension << TWO, dimension << THREE
            lower, upper, mine = F64(load_f32(low + at)), F64(load_f32(high + at)), F64(load_f32(x + at))
            if level + ONE < depth:
                lower = min(lower, load_f64(shadow_low + place))
                upper = max(upper, load_f64(shadow_high + place))
            store_f64(shadow_low + place, lower)
            store_f64(shadow_high + place, upper)
            gap += max(max(lower - mine, mine - upper), 0.0)
            span += upper - lower
        if gap == 0.0:
            break
        whole = span + gap
        _scale(partial, columns + columns, span / whole)
        factor = 1.0 / (whole * F64(I64(level + ONE)))
        column = ZERO
        for dimension in range(dimensions):
            mine, place = F64(load_f32(x + (dimension << TWO))), dimension << THREE
            _add_gap(partial, column, factor, mine, load_f64(shadow_low + place), load_f64(shadow_high + place))
            column = ZERO if column + ONE == columns else column + ONE
        code = node
    total = 0.0
    for k in range(columns + columns):
        total += load_f64(partial + (k << THREE))
    _scale(partial, columns + columns, value / total)


@inner
def add_parts(tree: Address, x: Address, work: Address, descent: Count, mass: Count, sums: Address, width: Any) -> None:
    """Add the parts of the point at address x, whose path is in `work`, to the integers at `sums`."""
    depth = depth_of(work, descent)
    leaf = node_on(work, depth, descent)
    if distance(x, point_of(tree, leaf, width), width) == NOTHING:
        _equals(tree, x, work, descent, depth, mass, width)
    else:
        _differs(tree, x, work, descent, depth, width)
    scale = math.log2(F64(I64(mass)) + 1.0) * PART
    partial, columns = field(work, PARTIAL), field(work, COLUMNS)
    for k in range(columns + columns):
        amount = I64(math.floor(load_f64(partial + (k << THREE)) * scale + 0.5))
        place = sums + (k << THREE)
        store_u64(place, load_u64(place) + U(amount))
