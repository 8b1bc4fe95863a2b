"""Where the numbers of trees lie in a model's state.

    head | categories: entries of each column's table, then how many are used | member 0 | member 1 | ...
    member   head | two trees, one of which is in service | two ADWIN detectors: warning, drift
    tree     head | nodes | leaves
    node     column (-1: a leaf), threshold or category, left child (the right one is next to it), number of its leaf
    leaf     head | the columns it watches | what it saw of each

A Hoeffding tree alone is a forest of one member without a second tree or detectors. The size of all is fixed when the
pool is made: a tree that may not have more leaves stops to split.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.drift.adwin import adwin_size

Longs = npt.NDArray[np.int64]

# ---- entries of `sizes`
(
    COLUMNS, CATEGORIES, VALUES, WATCHED, MAX_LEAVES, STRIDE, LEAF_SIZE, LEAVES_AT, TREE_SIZE, TABLE, TABLE_COUNTS,
    MEMBERS, MEMBERS_AT, MEMBER_SIZE, DETECTORS_AT, FOREST, SEED,
) = range(17)  # fmt: skip
# ---- entries of `rates`
GRACE, DELTA, TIE, RESAMPLING, WARNING, DRIFT, NEGATIVE, POSITIVE = range(8)

#: of a state: rows learned
LEARNED = 0
HEAD = 1
# ---- head of a member: which tree is in service, whether the other one grows, its votes that were right, all its
# votes, random numbers drawn, drifts
SERVING, GROWING, RIGHT, VOTES, DRAWS, DRIFTS = range(6)
MEMBER_HEAD = 6
# ---- head of a tree: nodes and leaves in use
NODES, LEAVES = range(2)
TREE_HEAD = 2
# ---- a node
SPLIT, THRESHOLD, LEFT, LEAF = range(4)
NODE_SIZE = 4
# ---- head of a leaf: weight of each class, weight at the last try to split, votes that were right: of the majority and
# of naive Bayes
WEIGHTS, TRIED, MAJORITY_RIGHT, BAYES_RIGHT = 0, 2, 3, 4
LEAF_HEAD = 5
# ---- what a leaf saw of a number, for each class
WEIGHT, MEAN, SQUARES, LEAST, MOST = range(5)
MOMENTS = 5

#: Parameters of the detectors but delta: clock, buckets of a size, least rows of a part, rows before the first check.
CLOCK, BUCKETS, MIN_WINDOW, FIRST_CHECK = 32, 5, 5, 10
ADWIN_SIZE = adwin_size(BUCKETS)


def sizes_of(
    columns: int, categories: int, values: int, watched: int, max_leaves: int, members: int, forest: bool, seed: int
) -> tuple[Longs, int]:
    """The array ``sizes`` of the kernels, and the numbers of a state."""
    stride = max(2 * MOMENTS, 2 * values if categories else 0)
    leaf = LEAF_HEAD + watched + watched * stride
    leaves_at = TREE_HEAD + (2 * max_leaves - 1) * NODE_SIZE
    tree = leaves_at + max_leaves * leaf
    detectors_at = MEMBER_HEAD + (2 if forest else 1) * tree
    member = detectors_at + (2 * ADWIN_SIZE if forest else 0)
    table_counts = HEAD + categories * values
    members_at = table_counts + categories
    sizes = np.array(
        [
            columns, categories, values, watched, max_leaves, stride, leaf, leaves_at, tree, HEAD, table_counts,
            members, members_at, member, detectors_at, forest, seed,
        ],
        np.int64,
    )  # fmt: skip
    return sizes, members_at + members * member
