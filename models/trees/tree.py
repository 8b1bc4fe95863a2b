"""A Hoeffding tree in an array: down to a leaf, learn there, split when the rows suffice."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.kernel_cache import inline, inner
from models.trees.layout import (
    CATEGORIES,
    COLUMNS,
    DRAWS,
    GRACE,
    LEAF,
    LEAF_HEAD,
    LEAF_SIZE,
    LEAVES,
    LEAVES_AT,
    LEFT,
    MAX_LEAVES,
    NODE_SIZE,
    NODES,
    SEED,
    SPLIT,
    THRESHOLD,
    TREE_HEAD,
    TRIED,
    WATCHED,
    WEIGHTS,
)
from models.trees.leaf import watch
from models.trees.split import best_split

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

_G: Any = np.uint64(0x9E3779B97F4A7C15)
_M1: Any = np.uint64(0xBF58476D1CE4E5B9)
_M2: Any = np.uint64(0x94D049BB133111EB)


@inner
def draw(member: Floats, sizes: Longs, number: int) -> float:
    """The next random number in 0..1 of a member: a hash of seed, member and how many it drew (splitmix64)."""
    count = np.uint64(member[DRAWS]) + (np.uint64(number + 1) << np.uint64(44))
    member[DRAWS] += 1.0
    word = (np.uint64(sizes[SEED]) * _M2 ^ _G) + count * _G
    word = (word ^ (word >> np.uint64(30))) * _M1
    word = (word ^ (word >> np.uint64(27))) * _M2
    word ^= word >> np.uint64(31)
    return float(word >> np.uint64(11)) * 2.0**-53


@inline
def leaf_at(tree: Floats, sizes: Longs, node: int) -> Any:
    """The leaf of a node."""
    first = sizes[LEAVES_AT] + np.int64(tree[TREE_HEAD + node * NODE_SIZE + LEAF]) * sizes[LEAF_SIZE]
    return tree[first : first + sizes[LEAF_SIZE]]


@inner
def begin_leaf(
    tree: Floats, sizes: Longs, node: int, number: int, zero: float, one: float, member: Floats, draws: int
) -> None:
    """Make a node a leaf that watches columns drawn anew, with the rows of each class that are said to be in it."""
    at = TREE_HEAD + node * NODE_SIZE
    tree[at + SPLIT], tree[at + LEAF] = -1.0, float(number)
    leaf = leaf_at(tree, sizes, node)
    leaf[:] = 0.0
    leaf[WEIGHTS], leaf[WEIGHTS + 1], leaf[TRIED] = zero, one, zero + one
    every, watched = sizes[COLUMNS] + sizes[CATEGORIES], sizes[WATCHED]
    chosen = 0
    for column in range(every):  # each subset is as likely as any other, and columns stay in order
        if watched == every or draw(member, sizes, draws) * (every - column) < watched - chosen:
            leaf[LEAF_HEAD + chosen] = float(column)
            chosen += 1
            if chosen == watched:
                break


@inner
def begin_tree(tree: Floats, sizes: Longs, member: Floats, draws: int) -> None:
    """A tree of one empty leaf."""
    tree[NODES], tree[LEAVES] = 1.0, 1.0
    begin_leaf(tree, sizes, 0, 0, 0.0, 0.0, member, draws)


@inner
def find_leaf(tree: Floats, sizes: Longs, x: Floats) -> Any:
    """The node that a row ends in; a value that is missing goes right."""
    node: Any = 0
    while True:
        at = TREE_HEAD + node * NODE_SIZE
        column = np.int64(tree[at + SPLIT])
        if column < 0:
            return node
        category, bar = column >= sizes[COLUMNS], tree[at + THRESHOLD]
        left = x[column] == bar if category else x[column] <= bar
        node = np.int64(tree[at + LEFT]) + (0 if left else 1)


@inner
def learn(
    tree: Floats, sizes: Longs, rates: Floats, x: Floats, label: int, weight: float, member: Floats, draws: int,
    found: Floats,
) -> None:  # fmt: skip
    """Learn a row in its leaf, and split the leaf if its rows suffice. ``found`` is room for four numbers."""
    node = find_leaf(tree, sizes, x)
    leaf = leaf_at(tree, sizes, node)
    watch(leaf, sizes, x, label, weight)
    rows = leaf[WEIGHTS] + leaf[WEIGHTS + 1]
    if rows - leaf[TRIED] < rates[GRACE] or tree[LEAVES] >= sizes[MAX_LEAVES]:
        return
    leaf[TRIED] = rows
    zero, one = leaf[WEIGHTS], leaf[WEIGHTS + 1]
    if zero <= 0.0 or one <= 0.0 or not best_split(leaf, sizes, rates, found):
        return
    at = TREE_HEAD + node * NODE_SIZE
    left, number = np.int64(tree[NODES]), np.int64(tree[LEAVES])
    first = np.int64(tree[at + LEAF])
    tree[at + SPLIT], tree[at + THRESHOLD], tree[at + LEFT] = found[0], found[1], float(left)
    tree[NODES] += 2.0
    tree[LEAVES] += 1.0
    begin_leaf(tree, sizes, left, first, found[2], found[3], member, draws)
    begin_leaf(tree, sizes, left + 1, number, max(zero - found[2], 0.0), max(one - found[3], 0.0), member, draws)
