"""A forest's trees as flat arrays in one canonical order, and back: the compiled half of `snapshot`.

Trees in order, each in preorder with the left child first. Codes of nodes, the order of heaps and free lists
do not show: two forests with equal futures give equal arrays. Points are numbered by their first appearance
in that walk.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, inner, ready
from models.random_cut_forest.boxes import LANES, lanes_of, unite, width_of
from models.random_cut_forest.layout import (
    COPIES,
    CUT,
    DIMENSION,
    FOUR,
    GOAL,
    KEY_LEAVES,
    KEYS,
    LEFT,
    NEXT_LEAF,
    NEXT_NODE,
    NONE,
    ONE,
    PARENT,
    POINTS,
    RANDOM,
    RANGE,
    RIGHT,
    ROOT,
    TWO,
    ZERO,
    Layout,
    header_of,
    is_inner,
    layout_of,
    part,
    tree_at,
)
from models.random_cut_forest.machine import (
    I64,
    Address,
    U,
    load_f32,
    load_f64,
    load_u16,
    load_u32,
    load_u64,
    store_f32,
    store_f64,
    store_u16,
    store_u32,
    store_u64,
)
from models.random_cut_forest.sampler import add_key
from models.random_cut_forest.tree import box_of, high_corner, low_corner, point_of

_MIX = U(0x9E3779B97F4A7C15)
_SHIFT = U(29)

# what `rebuild` found wrong
SOUND, BAD_SHAPE, BAD_POINT, BAD_COPIES, BAD_DIMENSION, BAD_CUT = range(6)


class Arrays(NamedTuple):
    """The trees of a forest in canonical order."""

    leaf_counts: npt.NDArray[np.uint16]  # (trees,)
    random: npt.NDArray[np.uint64]  # (trees,) state of the generator
    goals: npt.NDArray[np.float64]  # (trees,) C at which the next record is taken
    inner: npt.NDArray[np.bool_]  # (nodes,) an inner node, or a leaf
    dimensions: npt.NDArray[np.uint16]  # (inner nodes,)
    cuts: npt.NDArray[np.float32]  # (inner nodes,)
    points_of: npt.NDArray[np.uint32]  # (leaves,) number of the leaf's point
    copies: npt.NDArray[np.uint16]  # (leaves,)
    keys: npt.NDArray[np.uint64]  # (samples,) tree << 46 | leaf's rank in the tree << 32 | key
    points: npt.NDArray[np.float32]  # (points, dimensions)


def empty_arrays(trees: int, mass: int, dimensions: int) -> Arrays:
    """Arrays with room for all that a forest with `mass` samples a tree can hold."""
    most = trees * mass
    return Arrays(
        np.zeros(trees, np.uint16), np.zeros(trees, np.uint64), np.zeros(trees), np.zeros(2 * most, np.bool_),
        np.zeros(most, np.uint16), np.zeros(most, np.float32), np.zeros(most, np.uint32), np.zeros(most, np.uint16),
        np.zeros(most, np.uint64), np.zeros((most, dimensions), np.float32),
    )  # fmt: skip


@inner
def _number_of(point: Address, points: npt.NDArray[np.float32], known: int, table: npt.NDArray[np.int32]) -> int:
    """Number of an equal point in `points`, or `known` after adding it; `table` is an open hash table of
    numbers + 1."""
    hashed, lane = ZERO, ZERO
    for _ in range(points.shape[1]):
        hashed = (hashed ^ load_u32(point + (lane << TWO))) * _MIX
        hashed ^= hashed >> _SHIFT
        lane += ONE
    mask = U(table.size - 1)
    place = hashed & mask
    while True:
        number = table[I64(place)] - 1
        if number < 0:
            break
        same, lane = True, ZERO
        for k in range(points.shape[1]):
            if points[number, k] != load_f32(point + (lane << TWO)):
                same = False
                break
            lane += ONE
        if same:
            return number
        place = (place + ONE) & mask
    table[I64(place)] = known + 1
    lane = ZERO
    for k in range(points.shape[1]):
        points[known, k] = load_f32(point + (lane << TWO))
        lane += ONE
    return known


@entry
def flatten(
    layout: Layout, block: Address, mass: int, arrays: Arrays, table: npt.NDArray[np.int32]
) -> tuple[int, int, int, int]:
    """Write a forest's trees into `arrays`; the numbers of nodes, inner nodes, leaves and points used."""
    node_count = inner_count = leaf_count = point_count = 0
    stack = np.empty(I64(layout.sample) + 2, np.uint64)
    ranks = np.empty(2 * I64(layout.sample) + 2, np.uint64)
    for number in range(I64(layout.trees)):
        tree = tree_at(block, U(number), layout)
        arrays.random[number] = load_u64(tree + RANDOM)
        arrays.goals[number] = load_f64(tree + GOAL)
        leaves = ZERO
        waiting = 0
        if load_u32(tree + ROOT) != NONE:
            stack[0] = load_u32(tree + ROOT)
            waiting = 1
        while waiting > 0:
            waiting -= 1
            code = stack[waiting]
            header = header_of(tree, code)
            arrays.inner[node_count] = is_inner(tree, code)
            node_count += 1
            if is_inner(tree, code):
                arrays.dimensions[inner_count] = load_u16(header + DIMENSION)
                arrays.cuts[inner_count] = load_f32(header + CUT)
                inner_count += 1
                stack[waiting] = load_u16(header + RIGHT)
                stack[waiting + 1] = load_u16(header + LEFT)
                waiting += 2
            else:
                point = part(tree, POINTS) + code * layout.lanes * FOUR
                found = _number_of(point, arrays.points, point_count, table)
                point_count = max(point_count, found + 1)
                arrays.points_of[leaf_count] = found
                arrays.copies[leaf_count] = load_u32(header + COPIES)
                leaf_count += 1
                ranks[I64(code)] = leaves
                leaves += ONE
        arrays.leaf_counts[number] = leaves
        place = ZERO
        for k in range(mass):
            rank = ranks[I64(load_u16(part(tree, KEY_LEAVES) + (place << ONE)))]
            key = load_u32(part(tree, KEYS) + (place << TWO))
            arrays.keys[number * mass + k] = (U(number) << U(46)) | (rank << U(32)) | key
            place += ONE
    return node_count, inner_count, leaf_count, point_count


@inner
def _finish(tree: Address, inner_nodes: int, width: Any) -> int:
    """Boxes, ranges and copies of the parents, from the last node of the preorder to the first; SOUND or what
    is wrong."""
    for k in range(inner_nodes - 1, -1, -1):
        code = U(k)
        header = header_of(tree, code)
        a, b = load_u16(header + LEFT), load_u16(header + RIGHT)
        total, _ = unite(
            box_of(tree, code, width), low_corner(tree, a, width), high_corner(tree, a, width),
            low_corner(tree, b, width), high_corner(tree, b, width), width,
        )  # fmt: skip
        store_f32(header + RANGE, total)
        lane = load_u16(header + DIMENSION) << TWO
        cut = load_f32(header + CUT)
        if not load_f32(high_corner(tree, a, width) + lane) <= cut < load_f32(low_corner(tree, b, width) + lane):
            return BAD_CUT
    return SOUND


@entry
def rebuild(layout: Layout, block: Address, mass: int, arrays: Arrays, width: Any) -> int:
    """Build the trees in a fresh block from `arrays`, whose keys are sorted; SOUND, or the first thing that
    is wrong."""
    node_at = inner_at = leaf_at = 0
    sample, dimensions = layout.sample, U(arrays.points.shape[1])
    open_nodes = np.empty(I64(sample) + 2, np.uint64)  # inner nodes whose right child is still to come
    for number in range(I64(layout.trees)):
        tree = tree_at(block, U(number), layout)
        store_u64(tree + RANDOM, arrays.random[number])
        store_f64(tree + GOAL, arrays.goals[number])
        leaves = I64(arrays.leaf_counts[number])
        if leaves == 0:
            if mass > 0:
                return BAD_SHAPE
            continue
        if leaves > mass or node_at + 2 * leaves - 1 > arrays.inner.size:
            return BAD_SHAPE
        first_inner, first_leaf = inner_at, leaf_at
        waiting = 0
        parent, side = NONE, LEFT
        held = 0
        for k in range(node_at, node_at + 2 * leaves - 1):
            is_branch = arrays.inner[k]
            if is_branch:
                if inner_at - first_inner >= leaves - 1:
                    return BAD_SHAPE
                code = U(inner_at - first_inner)
            else:
                if leaf_at - first_leaf >= leaves:
                    return BAD_SHAPE
                code = sample + ONE + U(leaf_at - first_leaf)
            header = header_of(tree, code)
            store_u16(header + PARENT, parent)
            if parent == NONE:
                if k > node_at:
                    return BAD_SHAPE
                store_u32(tree + ROOT, code)
            else:
                store_u16(header_of(tree, parent) + side, code)
            if is_branch:
                if arrays.dimensions[inner_at] >= dimensions:
                    return BAD_DIMENSION
                store_u16(header + DIMENSION, U(arrays.dimensions[inner_at]))
                store_f32(header + CUT, arrays.cuts[inner_at])
                inner_at += 1
                open_nodes[waiting] = code
                waiting += 1
                parent, side = code, LEFT
            else:
                copies = I64(arrays.copies[leaf_at])
                point_number = I64(arrays.points_of[leaf_at])
                if copies < 1 or held + copies > mass:
                    return BAD_COPIES
                if point_number >= arrays.points.shape[0]:
                    return BAD_POINT
                store_u32(header + COPIES, U(copies))
                store_u16(header + DIMENSION, ZERO)
                store_u16(header + LEFT, code)
                store_u16(header + RIGHT, code)
                target, lane = point_of(tree, code, width), ZERO
                while lane < lanes_of(width):
                    value = arrays.points[point_number, I64(lane)] if lane < dimensions else np.float32(0)
                    store_f32(target + (lane << TWO), value)
                    lane += ONE
                for _ in range(copies):
                    key = arrays.keys[number * mass + held] & U(0xFFFFFFFF)
                    add_key(tree, U(held), key, code, layout.lanes)
                    held += 1
                leaf_at += 1
                parent, side = NONE, RIGHT
                if waiting > 0:
                    waiting -= 1
                    parent = open_nodes[waiting]
        if held != mass or waiting > 0 or parent != NONE:
            return BAD_SHAPE if held == mass else BAD_COPIES
        store_u32(tree + NEXT_NODE, U(leaves - 1))
        store_u32(tree + NEXT_LEAF, U(leaves))
        node_at += 2 * leaves - 1
        wrong = _finish(tree, leaves - 1, width)
        if wrong != SOUND:
            return wrong
    return SOUND


def compile_all() -> None:
    """Compile these kernels for every width, or find them in the cache."""
    for lanes in LANES:
        layout, arrays = layout_of(1, 10, lanes, 1), empty_arrays(1, 0, lanes)
        ready(flatten, layout, np.uint64(0), 0, arrays, np.zeros(1, np.int32))
        ready(rebuild, layout, np.uint64(0), 0, arrays, width_of(lanes))
