"""Filling missing values: the ones that make the record least anomalous, by the forest's own measure.

In one tree: walk down; where the cut is in a missing dimension visit both children, else the one the point
goes to. A leaf proposes its point's values; its rank is the inverse depth at which the filled point would
sit, carried up with the recursion of the score; of two children the smaller rank wins, the left one on ties.
Over the forest: of the trees whose proposal is nearest in the known dimensions (the smaller half of the
distances, equal ones counted), the median of the proposals, dimension by dimension. No random numbers: the
forest is not changed.

Cost: a node branches where its cut is in a missing dimension, so S ** log2(1 + k / d) leaves are visited for
k of d missing; all of them when everything is missing.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.kernel_cache import inline, inner
from models.random_cut_forest.layout import (
    COPIES,
    CUT,
    DIMENSION,
    LEFT,
    NONE,
    ONE,
    RIGHT,
    ROOT,
    TWO,
    ZERO,
    Layout,
    header_of,
    is_inner,
    tree_at,
)
from models.random_cut_forest.machine import F64, I64, Address, Code, Count, load_f32, load_u16, load_u32
from models.random_cut_forest.tree import high_corner, low_corner, point_of


class Proposals(NamedTuple):
    """Scratch memory of an imputation: a stack of open branches, and what each tree proposes."""

    nodes: npt.NDArray[np.uint64]  # (levels,) the node of each level of the walk
    waiting: npt.NDArray[np.bool_]  # (levels,) its right child is still to be visited
    ranks: npt.NDArray[np.float64]  # (levels,) best of its left child
    leaves: npt.NDArray[np.uint64]  # (levels,) and where it came from
    distances: npt.NDArray[np.float64]  # (trees,) distance of each tree's proposal
    values: npt.NDArray[np.float64]  # (trees, dimensions) its point


@inline
def _filled(leaf_point: Address, x: Address, missing: npt.NDArray[np.bool_], k: int, lane: Count) -> float:
    """A dimension of the point, filled from a leaf where it is missing."""
    return F64(load_f32((leaf_point if missing[k] else x) + (lane << TWO)))


@inner
def _leaf_rank(tree: Address, leaf: Code, x: Address, missing: npt.NDArray[np.bool_], depth: int, width: Any) -> float:
    """Rank of a leaf's proposal at the leaf itself."""
    if _leaf_distance(tree, leaf, x, missing, width) > 0.0:
        return 1.0 / (depth + 1.0)
    copies = F64(I64(load_u32(header_of(tree, leaf) + COPIES)))
    return 1.0 / (depth + math.log2(copies + 1.0)) if depth > 0 else 0.0


@inner
def _leaf_distance(tree: Address, leaf: Code, x: Address, missing: npt.NDArray[np.bool_], width: Any) -> float:
    """Distance in the known dimensions."""
    point = point_of(tree, leaf, width)
    total, lane = 0.0, ZERO
    for k in range(missing.size):
        if not missing[k]:
            total += abs(F64(load_f32(x + (lane << TWO))) - F64(load_f32(point + (lane << TWO))))
        lane += ONE
    return total


@inner
def _rank_above(
    tree: Address,
    node: Code,
    leaf: Code,
    rank: float,
    x: Address,
    missing: npt.NDArray[np.bool_],
    depth: int,
    width: Any,
) -> float:
    """Carry a proposal's rank over an inner node."""
    low, high = low_corner(tree, node, width), high_corner(tree, node, width)
    point = point_of(tree, leaf, width)
    gap = span = 0.0
    lane = ZERO
    for k in range(missing.size):
        value = _filled(point, x, missing, k, lane)
        lower, upper = F64(load_f32(low + (lane << TWO))), F64(load_f32(high + (lane << TWO)))
        gap += max(max(lower - value, value - upper), 0.0)
        span += upper - lower
        lane += ONE
    if gap == 0.0:
        return rank
    share = gap / (span + gap)
    return share / (depth + 1.0) + (1.0 - share) * rank


@inner
def best_leaf(tree: Address, x: Address, missing: npt.NDArray[np.bool_], stack: Proposals, width: Any) -> Code:
    """The leaf whose values fill the point best in this tree. Depth first, left to right, without
    recursion."""
    code = load_u32(tree + ROOT)
    depth = 0
    while True:
        while is_inner(tree, code):  # down, to the left where both sides are open
            header = header_of(tree, code)
            dimension = load_u16(header + DIMENSION)
            stack.nodes[depth] = code
            both = missing[I64(dimension)]
            stack.waiting[depth] = both
            stack.leaves[depth] = NONE
            right = not both and load_f32(x + (dimension << TWO)) > load_f32(header + CUT)
            code = load_u16(header + (RIGHT if right else LEFT))
            depth += 1
        leaf = code
        rank = _leaf_rank(tree, leaf, x, missing, depth, width)
        while True:  # up, to the next right side that waits
            if depth == 0:
                return leaf
            depth -= 1
            node = stack.nodes[depth]
            if stack.waiting[depth]:
                stack.waiting[depth] = False
                stack.ranks[depth], stack.leaves[depth] = rank, leaf
                code = load_u16(header_of(tree, node) + RIGHT)
                depth += 1
                break
            if stack.leaves[depth] != NONE and stack.ranks[depth] <= rank:
                rank, leaf = stack.ranks[depth], stack.leaves[depth]
            rank = _rank_above(tree, node, leaf, rank, x, missing, depth, width)


@inner
def propose(
    block: Address, layout: Layout, x: Address, missing: npt.NDArray[np.bool_], stack: Proposals, width: Any
) -> bool:
    """Let every tree fill the point at address x; False if the forest is empty."""
    for number in range(I64(layout.trees)):
        tree = tree_at(block, np.uint64(number), layout)
        if load_u32(tree + ROOT) == NONE:
            return False
        leaf = best_leaf(tree, x, missing, stack, width)
        stack.distances[number] = _leaf_distance(tree, leaf, x, missing, width)
        point, lane = point_of(tree, leaf, width), ZERO
        for k in range(missing.size):
            stack.values[number, k] = F64(load_f32(point + (lane << TWO)))
            lane += ONE
    return True


@inner
def quantile_of(values: npt.NDArray[np.float64], share: float) -> float:
    """A quantile with linear interpolation between neighbours; sorts the values."""
    values.sort()
    place = share * (values.size - 1)
    below = int(place)
    above = min(below + 1, values.size - 1)
    return values[below] + (place - below) * (values[above] - values[below])


@inner
def settle(stack: Proposals, dimension: int, share: float) -> float:
    """A quantile (0.5: the median) of the nearer half of the proposals in one dimension."""
    limit = quantile_of(stack.distances.copy(), 0.5)
    near = np.empty(stack.distances.size)
    count = 0
    for number in range(stack.distances.size):
        if stack.distances[number] <= limit:
            near[count] = stack.values[number, dimension]
            count += 1
    return quantile_of(near[:count].copy(), share)
