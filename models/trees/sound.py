"""Whether the kernels could have left a state: what a snapshot must hold so that no walk leaves its array."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.drift.adwin import COUNTS as ADWIN_COUNTS
from models.drift.adwin import LEVELS
from models.drift.adwin import USED as ADWIN_USED
from models.features.code_table import is_sound_table
from models.trees.layout import (
    ADWIN_SIZE,
    BUCKETS,
    CATEGORIES,
    COLUMNS,
    DETECTORS_AT,
    FOREST,
    GROWING,
    LEAF,
    LEAF_HEAD,
    LEAF_SIZE,
    LEAVES,
    LEAVES_AT,
    LEFT,
    MAX_LEAVES,
    MEMBER_HEAD,
    MEMBER_SIZE,
    MEMBERS,
    MEMBERS_AT,
    NODE_SIZE,
    NODES,
    SERVING,
    SPLIT,
    TABLE,
    TABLE_COUNTS,
    TREE_HEAD,
    TREE_SIZE,
    VALUES,
    WATCHED,
)

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]


def wrong_trees(state: Floats, sizes: Longs) -> str | None:
    """Why a kernel must not be given this state; None where it may."""
    if not np.isfinite(state).all():
        return "its state holds numbers that cannot be"
    for column in range(int(sizes[CATEGORIES])):
        first = int(sizes[TABLE] + column * sizes[VALUES])
        entries = state[first : first + int(sizes[VALUES])]
        if not is_sound_table(entries, float(state[sizes[TABLE_COUNTS] + column]), int(sizes[CATEGORIES])):
            return "its table of categories cannot be"
    for number in range(int(sizes[MEMBERS])):
        first = int(sizes[MEMBERS_AT] + number * sizes[MEMBER_SIZE])
        wrong = _wrong_member(state[first : first + int(sizes[MEMBER_SIZE])], sizes)
        if wrong is not None:
            return wrong
    return None


def _wrong_member(member: Floats, sizes: Longs) -> str | None:
    forest, size = bool(sizes[FOREST]), int(sizes[TREE_SIZE])
    if member[SERVING] not in (0.0, 1.0) or member[GROWING] not in (0.0, 1.0):
        return "it has a tree that cannot be"
    if not forest and (member[SERVING] or member[GROWING]):
        return "it has a tree that cannot be"
    serving = int(member[SERVING])
    for which in (serving, 1 - serving)[: 1 + int(member[GROWING])]:
        if not _is_sound_tree(member[MEMBER_HEAD + which * size : MEMBER_HEAD + (which + 1) * size], sizes):
            return "it has a tree that cannot be"
    if forest:
        first = int(sizes[DETECTORS_AT])
        for at in (first, first + ADWIN_SIZE):
            counts, used = member[at + ADWIN_COUNTS : at + ADWIN_COUNTS + LEVELS], member[at + ADWIN_USED]
            whole = (counts == np.rint(counts)).all() and used == np.rint(used)
            if not (whole and (counts >= 0).all() and (counts <= BUCKETS).all() and 1 <= used <= LEVELS):
                return "it has a detector that cannot be"
    return None


def _is_sound_tree(tree: Floats, sizes: Longs) -> bool:
    """Nodes in order of their numbers, every child behind its parent and reached once, leaves that are there."""
    nodes, leaves = tree[NODES], tree[LEAVES]
    if not (nodes == 2 * leaves - 1 and 1 <= leaves <= sizes[MAX_LEAVES] and leaves == np.rint(leaves)):
        return False
    count, columns = int(nodes), int(sizes[COLUMNS] + sizes[CATEGORIES])
    lines = tree[TREE_HEAD : TREE_HEAD + count * NODE_SIZE].reshape(count, NODE_SIZE)
    numbers = lines[:, [SPLIT, LEFT, LEAF]]
    if not (numbers == np.rint(numbers)).all() or not (lines[:, SPLIT] < columns).all():
        return False
    inside = lines[:, SPLIT] >= 0
    children = lines[inside, LEFT]
    behind = (children > np.flatnonzero(inside)).all() and (children < count - 1).all()
    once = np.array_equal(np.sort(np.concatenate([children, children + 1])), np.arange(1, count))
    own = np.array_equal(np.sort(lines[~inside, LEAF]), np.arange(int(leaves)))
    if not (behind and once and own):
        return False
    blocks = tree[int(sizes[LEAVES_AT]) :][: int(leaves * sizes[LEAF_SIZE])].reshape(int(leaves), int(sizes[LEAF_SIZE]))
    watched = blocks[:, LEAF_HEAD : LEAF_HEAD + int(sizes[WATCHED])]
    in_order = (np.diff(watched, axis=1) > 0).all()
    return bool(
        in_order and (watched == np.rint(watched)).all() and (watched >= 0).all() and (watched < columns).all()
        and (blocks[:, :LEAF_HEAD] >= 0).all()
    )  # fmt: skip
