"""Insertion and deletion: how a random cut tree changes with its sample.

Guha, Mishra, Roy, Schrijvers (ICML 2016): a tree drawn for a set of points, with a point inserted or deleted
as here, has the distribution of a tree drawn for the changed set. Insertion asks at every level of the
descent, from the top, whether a random cut of the box with the new point would separate that point from all
others: with probability ``gap / (range + gap)``. The first level at which it does gets a new inner node above
it; the boxes above grow.

Boxes are nested exactly, so the levels whose box does not hold the point are the lower end of its path. The
walk goes up from the leaf to the first box that holds the point and draws only below: mostly a handful of
levels of a dozen.

Three guards against float32 rounding: a cut that rounds up to the upper end is put on the lower end (it must
separate ``x <= cut`` from ``x > cut``), the choice of the dimension ends at the last one with a gap however
the sum was rounded, and equality of points is equality of all lanes (-0.0 was made 0.0 on the way in).
"""

from __future__ import annotations

from typing import Any

from models.kernel_cache import inline, inner
from models.random_cut_forest.boxes import (
    distance,
    grow,
    lanes_of,
    outside,
    outside_group,
    span,
    touches,
    unite,
)
from models.random_cut_forest.layout import (
    BOXES,
    COPIES,
    CUT,
    DIMENSION,
    FREE_LEAF_LIST,
    FREE_LEAVES,
    FREE_NODE_LIST,
    FREE_NODES,
    LEFT,
    NEXT_LEAF,
    NEXT_NODE,
    NONE,
    ONE,
    PARENT,
    POINTS,
    RANGE,
    RIGHT,
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
    Address,
    Code,
    Count,
    U,
    load_f32,
    load_u16,
    load_u32,
    store_f32,
    store_u16,
    store_u32,
)
from models.random_cut_forest.sampler import uniform
from models.random_cut_forest.work import GAPS, field, node_on

EIGHT = U(8)
NOTHING = F32(0)


@inline
def box_of(tree: Address, code: Code, width: Any) -> Address:
    """Address of an inner node's box."""
    return part(tree, BOXES) + code * (lanes_of(width) << THREE)


@inline
def point_of(tree: Address, code: Code, width: Any) -> Address:
    """Address of a leaf's point."""
    return part(tree, POINTS) + code * (lanes_of(width) << TWO)


@inline
def low_corner(tree: Address, code: Code, width: Any) -> Address:
    """Address of the low corner of what a node holds: its box, or the point of a leaf."""
    return box_of(tree, code, width) if is_inner(tree, code) else point_of(tree, code, width)


@inline
def high_corner(tree: Address, code: Code, width: Any) -> Address:
    """Address of the high corner of what a node holds."""
    if is_inner(tree, code):
        return box_of(tree, code, width) + (lanes_of(width) << TWO)
    return point_of(tree, code, width)


@inline
def replace_child(tree: Address, parent: Code, old: Code, new: Code) -> None:
    """Put a node in another's place below the parent, or at the root."""
    if parent == NONE:
        store_u32(tree + ROOT, new)
    else:
        header = header_of(tree, parent)
        side = LEFT if load_u16(header + LEFT) == old else RIGHT
        store_u16(header + side, new)
    store_u16(header_of(tree, new) + PARENT, parent)


@inline
def _taken(tree: Address, free: Address, free_count: Address, running: Address, first: Code) -> Code:
    """A code from a free list, or else the next never used."""
    count = load_u32(tree + free_count)
    if count > ZERO:
        store_u32(tree + free_count, count - ONE)
        return load_u16(free + ((count - ONE) << ONE))
    used = load_u32(tree + running)
    store_u32(tree + running, used + ONE)
    return first + used


@inline
def _given_back(tree: Address, free: Address, free_count: Address, code: Code) -> None:
    count = load_u32(tree + free_count)
    store_u16(free + (count << ONE), code)
    store_u32(tree + free_count, count + ONE)


@inline
def _new_leaf(tree: Address, x: Address, width: Any) -> Code:
    """A leaf with a copy of the point at x; its parent is for the caller to set."""
    leaf = _taken(tree, part(tree, FREE_LEAF_LIST), FREE_LEAVES, NEXT_LEAF, load_u32(tree + SAMPLE) + ONE)
    header = header_of(tree, leaf)
    store_u32(header + COPIES, ONE)
    store_u16(header + DIMENSION, ZERO)
    store_u16(header + PARENT, NONE)
    store_u16(header + LEFT, leaf)
    store_u16(header + RIGHT, leaf)
    target = point_of(tree, leaf, width)
    lane = ZERO
    while lane < lanes_of(width):
        store_f32(target + (lane << TWO), load_f32(x + (lane << TWO)))
        lane += ONE
    return leaf


@inner
def insert(tree: Address, x: Address, work: Address, descent: Count, depth: Count, width: Any) -> Code:
    """Insert the point at address x, whose path is in `work`; the code of its leaf.

    An equal point is counted in its leaf. Draws: one number a level asked, one for the cut.
    """
    if load_u32(tree + ROOT) == NONE:
        first = _new_leaf(tree, x, width)
        store_u32(tree + ROOT, first)
        return first
    twin = node_on(work, depth, descent)
    gaps = field(work, GAPS)
    level = depth
    while level > ZERO:
        gap = outside(box_of(tree, node_on(work, level - ONE, descent), width), x, width)
        if gap == NOTHING:
            break
        level -= ONE
        store_f32(gaps + (level << TWO), gap)
    if level == depth and distance(x, point_of(tree, twin, width), width) == NOTHING:
        header = header_of(tree, twin)
        store_u32(header + COPIES, load_u32(header + COPIES) + ONE)
        return twin
    while level < depth:
        node = node_on(work, level, descent)
        header, box = header_of(tree, node), box_of(tree, node, width)
        gap = load_f32(gaps + (level << TWO))
        if F32(uniform(tree)) * (load_f32(header + RANGE) + gap) < gap:
            return _separate(tree, node, x, gap, width)
        store_f32(header + RANGE, grow(box, box, x, width))
        level += ONE
    return _separate(tree, twin, x, distance(x, point_of(tree, twin, width), width), width)


@inner
def _separate(tree: Address, node: Code, x: Address, gap: float, width: Any) -> Code:
    """A new inner node above `node`, whose cut is uniform in the gaps between the node and x. The leaf of
    x."""
    lanes = lanes_of(width)
    low, high = low_corner(tree, node, width), high_corner(tree, node, width)
    rest = F32(uniform(tree)) * gap
    first, end = ZERO, lanes
    if lanes > EIGHT:  # find the group of 8 dimensions first
        group = ZERO
        while group < lanes:
            in_group = outside_group(low + (group << TWO), high + (group << TWO), x + (group << TWO))
            if in_group > NOTHING:
                first = group
                if rest < in_group:
                    break
                rest -= in_group
            group += EIGHT
        end = first + EIGHT
    dimension, cut, left = first, NOTHING, False
    lane = first
    while lane < end:
        value, lower, upper = (
            load_f32(x + (lane << TWO)),
            load_f32(low + (lane << TWO)),
            load_f32(high + (lane << TWO)),
        )
        below, above = lower - value, value - upper
        open_gap = max(below, above)
        if open_gap > NOTHING:
            dimension, left = lane, below > NOTHING
            start = value if left else upper
            stop = lower if left else value
            cut = start + rest
            if cut >= stop:
                cut = start
            if rest < open_gap:
                break
            rest -= open_gap
        lane += ONE

    leaf = _new_leaf(tree, x, width)
    new = _taken(tree, part(tree, FREE_NODE_LIST), FREE_NODES, NEXT_NODE, ZERO)
    header, box = header_of(tree, new), box_of(tree, new, width)
    store_f32(header + CUT, cut)
    store_f32(header + RANGE, grow(box, low, x, width) if is_inner(tree, node) else span(box, low, x, width))
    store_u16(header + DIMENSION, dimension)
    store_u16(header + LEFT, leaf if left else node)
    store_u16(header + RIGHT, node if left else leaf)
    replace_child(tree, load_u16(header_of(tree, node) + PARENT), node, new)
    store_u16(header_of(tree, node) + PARENT, new)
    store_u16(header_of(tree, leaf) + PARENT, new)
    return leaf


@inner
def delete(tree: Address, leaf: Code, width: Any) -> None:
    """Drop one copy of a leaf's point; with the last copy the leaf goes and its sibling takes the parent's
    place.

    Boxes above shrink to the union of their children's, up to the first that the point does not touch or that
    stays as it is: all further boxes contain that one unchanged.
    """
    header = header_of(tree, leaf)
    copies = load_u32(header + COPIES) - ONE
    store_u32(header + COPIES, copies)
    if copies > ZERO:
        return
    parent = load_u16(header + PARENT)
    _given_back(tree, part(tree, FREE_LEAF_LIST), FREE_LEAVES, leaf)
    if parent == NONE:
        store_u32(tree + ROOT, NONE)
        return
    parent_header = header_of(tree, parent)
    left = load_u16(parent_header + LEFT)
    sibling = load_u16(parent_header + RIGHT) if left == leaf else left
    node = load_u16(parent_header + PARENT)
    _given_back(tree, part(tree, FREE_NODE_LIST), FREE_NODES, parent)
    replace_child(tree, node, parent, sibling)
    x = point_of(tree, leaf, width)
    while node != NONE:
        box = box_of(tree, node, width)
        if not touches(box, x, width):
            break
        node_header = header_of(tree, node)
        a, b = load_u16(node_header + LEFT), load_u16(node_header + RIGHT)
        total, changed = unite(
            box, low_corner(tree, a, width), high_corner(tree, a, width), low_corner(tree, b, width),
            high_corner(tree, b, width), width,
        )  # fmt: skip
        store_f32(node_header + RANGE, total)
        if not changed:
            break
        node = load_u16(node_header + PARENT)
