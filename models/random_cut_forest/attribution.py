"""What a score is made of: the share of each column, and whether the point lies above or below.

The recursion of the score with its gaps taken apart by dimension and side. Written from the top, each level
outside whose box the point lies adds ``w * gap_j / (range + gap) / (level + 1)`` to its dimensions, where w
is the product of ``1 - p`` over the levels above; only the levels below the first box that holds the point
count. The leaf adds ``w * gap_j / gap / (depth + 1)``.

A point equal to its leaf has no direction there: its "seen" value is spread evenly over all sides and then
taken up through *shadow boxes*, the union of the siblings' boxes passed so far, as if the leaf were not
there; the result is scaled to the value.

Dimensions of a shingle are added up by column. Parts are summed over the trees as integers of 2**-44, so that
the sum has no order, and finally scaled to the score as reported: they add up to it. Arithmetic is float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.kernel_cache import inline, inner
from models.random_cut_forest.boxes import distance, lanes_of, outside
from models.random_cut_forest.layout import COPIES, LEFT, ONE, RIGHT, TWO, ZERO, Tree, header_of
from models.random_cut_forest.machine import F64, I64, Address, Code, Count, load_f32, load_u16, load_u32
from models.random_cut_forest.scoring import depth_of
from models.random_cut_forest.tree import NOTHING, Paths, box_of, high_corner, low_corner, node_on, point_of

#: A score of 1 in the integers that parts are added in.
PART = float(2**44)
ABOVE, BELOW = 0, 1


@inline
def _gap_sums(low: Address, high: Address, x: Address, lanes: Count) -> tuple[float, float]:
    """(gap, range) of a box and a point, in float64."""
    gap = span = 0.0
    lane = ZERO
    while lane < lanes:
        place = lane << TWO
        value, lower, upper = (
            F64(load_f32(x + place)),
            F64(load_f32(low + place)),
            F64(load_f32(high + place)),
        )
        gap += max(max(lower - value, value - upper), 0.0)
        span += upper - lower
        lane += ONE
    return gap, span


@inline
def _add_gaps(
    parts: npt.NDArray[np.float64],
    factor: float,
    low: Address,
    high: Address,
    x: Address,
    lanes: Count,
    columns: int,
) -> None:
    """parts[column, side] += factor * gap, dimension by dimension."""
    lane, column = ZERO, 0
    while lane < lanes:
        place = lane << TWO
        value, lower, upper = (
            F64(load_f32(x + place)),
            F64(load_f32(low + place)),
            F64(load_f32(high + place)),
        )
        if value > upper:
            parts[column, ABOVE] += factor * (value - upper)
        elif value < lower:
            parts[column, BELOW] += factor * (lower - value)
        lane += ONE
        column = 0 if column == columns - 1 else column + 1


@inner
def _outside_leaf(
    tree: Tree, x: Address, paths: Paths, descent: Count, depth: Count, dimensions: Count,
    parts: npt.NDArray[np.float64], width: Any,
) -> None:  # fmt: skip
    """Parts of a point that differs from its leaf, into `parts`."""
    columns = parts.shape[0]
    level = depth
    while (
        level > ZERO
        and outside(box_of(tree, node_on(paths, level - ONE, descent), width), x, width) != NOTHING
    ):
        level -= ONE
    weight = 1.0
    while level < depth:
        node = node_on(paths, level, descent)
        low, high = low_corner(tree, node, width), high_corner(tree, node, width)
        gap, span = _gap_sums(low, high, x, dimensions)
        whole = span + gap
        _add_gaps(parts, weight / (whole * F64(I64(level + ONE))), low, high, x, dimensions, columns)
        weight *= span / whole
        level += ONE
    point = point_of(tree, node_on(paths, depth, descent), width)
    gap, _ = _gap_sums(point, point, x, dimensions)
    _add_gaps(parts, weight / (gap * F64(I64(depth + ONE))), point, point, x, dimensions, columns)


@inner
def _equal_to_leaf(
    tree: Tree, x: Address, paths: Paths, descent: Count, depth: Count, mass: Count, dimensions: Count,
    parts: npt.NDArray[np.float64], shadow: npt.NDArray[np.float64], width: Any,
) -> None:  # fmt: skip
    """Parts of a point that is in the tree, into `parts`; `shadow` holds a box [2][dimensions]."""
    columns = parts.shape[0]
    code: Code = node_on(paths, depth, descent)
    copies = F64(I64(load_u32(header_of(tree, code) + COPIES)))
    value = (1.0 - copies / (2.0 * F64(I64(mass)))) / (F64(I64(depth)) + math.log2(copies + 1.0))
    count = I64(dimensions)
    parts[:] = value / (2.0 * columns)
    level = depth
    while level > ZERO:
        level -= ONE
        header = header_of(tree, node_on(paths, level, descent))
        left = load_u16(header + LEFT)
        sibling = load_u16(header + RIGHT) if left == code else left
        low, high = low_corner(tree, sibling, width), high_corner(tree, sibling, width)
        first = level + ONE == depth
        gap = span = 0.0
        lane = ZERO
        for k in range(count):
            place = lane << TWO
            lower, upper, at = (
                F64(load_f32(low + place)),
                F64(load_f32(high + place)),
                F64(load_f32(x + place)),
            )
            if not first:
                lower, upper = min(lower, shadow[0, k]), max(upper, shadow[1, k])
            shadow[0, k], shadow[1, k] = lower, upper
            gap += max(max(lower - at, at - upper), 0.0)
            span += upper - lower
            lane += ONE
        if gap == 0.0:
            break
        whole = span + gap
        parts *= span / whole
        factor = 1.0 / (whole * F64(I64(level + ONE)))
        lane, column = ZERO, 0
        for k in range(count):
            at = F64(load_f32(x + (lane << TWO)))
            if at > shadow[1, k]:
                parts[column, ABOVE] += factor * (at - shadow[1, k])
            elif at < shadow[0, k]:
                parts[column, BELOW] += factor * (shadow[0, k] - at)
            lane += ONE
            column = 0 if column == columns - 1 else column + 1
        code = node_on(paths, level, descent)
    total = 0.0
    for column in range(columns):
        total += parts[column, ABOVE] + parts[column, BELOW]
    parts *= value / total


@inner
def add_parts(
    tree: Tree, x: Address, paths: Paths, descent: Count, mass: Count, dimensions: Count, sums: npt.NDArray[np.int64],
    parts: npt.NDArray[np.float64], shadow: npt.NDArray[np.float64], width: Any,
) -> None:  # fmt: skip
    """Add the parts of the point at address x, whose path is in `paths`, to the integers ``sums[column,
    side]``."""
    depth = depth_of(paths, descent)
    leaf = node_on(paths, depth, descent)
    if distance(x, point_of(tree, leaf, width), width) == NOTHING:
        _equal_to_leaf(tree, x, paths, descent, depth, mass, dimensions, parts, shadow, width)
    else:
        parts[:] = 0.0
        _outside_leaf(tree, x, paths, descent, depth, dimensions, parts, width)
    scale = math.log2(F64(I64(mass)) + 1.0) * PART
    for column in range(parts.shape[0]):
        for side in range(2):
            sums[column, side] += I64(math.floor(parts[column, side] * scale + 0.5))


__all__ = ["PART", "add_parts", "lanes_of"]
