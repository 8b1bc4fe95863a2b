"""Where everything of a forest lies: one block of bytes a forest, one stretch of it a tree.

    block   records seen | offset of each column | the last shingle_size - 1 records | tree 0 | tree 1 | ...
    tree    record (random state, goal of the sampler, root, free lists' lengths) | node headers | boxes |
    points
            | keys of the samples | their leaves | free nodes | free leaves

A tree is contiguous, some 15 KB at 256 samples of one column: while one tree works, the next one is fetched
into the cache with plain forward prefetches. Leaves hold their own copy of the point rather than a reference
to a shared store: that costs some memory (a point is in 1.5 to 3.5 trees), and saves an indirection on the
hot path, a free list, its sweep, and any growth; a forest never changes its size.

Node codes, with S samples: 0..S-1 inner nodes, S a sentinel, S+1..2S+1 leaves (one more than S, because a
sample is inserted before the oldest is dropped), NONE = 0xffff. Headers are 16 bytes, so one load of a cache
line brings the cut, the dimension and both children:

    inner   cut f32 | range sum f32 | dimension u16 | parent u16 | left u16 | right u16
    leaf    copies u32 | -          | 0             | parent     | itself   | itself

A leaf is its own child, so four descents can run in lock step without asking who has arrived. The sentinel's
box holds every point and its range is 1: it pads paths to a multiple of four levels without changing a score.
Never-used codes are handed out by a running number, so a fresh block needs no preparation node by node.
"""

from __future__ import annotations

from typing import NamedTuple

from models.kernel_cache import inline
from models.random_cut_forest.boxes import padded
from models.random_cut_forest.machine import Address, Code, Count, U

NONE = U(0xFFFF)
ZERO, ONE, TWO, THREE, FOUR = U(0), U(1), U(2), U(3), U(4)

# words of the block's own header
SEEN = U(0)
OFFSETS = U(64)

# words of a tree's record
RANDOM, GOAL, ROOT, FREE_NODES, FREE_LEAVES, NEXT_NODE, NEXT_LEAF = (
    U(word) for word in (0, 8, 16, 20, 24, 28, 32)
)

# words of a node's header
CUT, RANGE, DIMENSION, PARENT, LEFT, RIGHT = (U(word) for word in (0, 4, 8, 10, 12, 14))
COPIES = U(0)
HEADER_BYTES = 16
#: Bytes of the records of one run: they share the nearer caches with a tree.
RUN_BYTES = 32768


class Layout(NamedTuple):
    """Numbers and places of one pool's forests; every kernel gets it. Sizes in bytes, `_at` from a tree's
    start."""

    trees: Count
    sample: Count
    columns: Count
    shingle: Count
    lanes: Count
    run: Count  # most records taken through a tree at a time
    history_at: Count  # from the block's start
    trees_at: Count  # from the block's start
    tree_bytes: Count
    headers_at: Count
    boxes_at: Count
    points_at: Count
    keys_at: Count
    key_leaves_at: Count
    free_nodes_at: Count
    free_leaves_at: Count


class Tree(NamedTuple):
    """Addresses of one tree's parts, made at the start of a kernel's work on it."""

    record: Address
    headers: Address
    boxes: Address
    points: Address  # moved back, so that a leaf's *code* counts from here
    keys: Address
    key_leaves: Address
    free_nodes: Address
    free_leaves: Address
    sample: Count


def _aligned(size: int) -> int:
    return (size + 63) // 64 * 64


def layout_of(trees: int, sample: int, columns: int, shingle: int) -> Layout:
    """The layout for these parameters."""
    lanes = padded(columns * shingle)
    sizes = {
        "headers": HEADER_BYTES * (2 * sample + 2),
        "boxes": 8 * lanes * (sample + 1),
        "points": 4 * lanes * (sample + 1),
        "keys": 4 * sample,
        "key_leaves": 2 * sample,
        "free_nodes": 2 * (sample + 1),
        "free_leaves": 2 * (sample + 1),
    }
    places, end = {}, 64
    for name, size in sizes.items():
        places[f"{name}_at"] = U(end)
        end += _aligned(size) if name in ("headers", "boxes", "points") else size
    history_at = int(OFFSETS) + 8 * columns
    return Layout(
        trees=U(trees), sample=U(sample), columns=U(columns), shingle=U(shingle), lanes=U(lanes),
        run=U(min(1024, max(64, RUN_BYTES // (4 * lanes)))), history_at=U(history_at), trees_at=U(_aligned(history_at + 4 * columns * (shingle - 1))),
        tree_bytes=U(_aligned(end)), **places,
    )  # fmt: skip


def block_bytes(layout: Layout) -> int:
    """Bytes of a forest."""
    return int(layout.trees_at + layout.trees * layout.tree_bytes)


@inline
def tree_at(block: Address, number: Count, layout: Layout) -> Tree:
    """The addresses of tree `number` in a block."""
    start = block + layout.trees_at + number * layout.tree_bytes
    before_leaves = (layout.sample + ONE) * layout.lanes * FOUR
    return Tree(
        start,
        start + layout.headers_at,
        start + layout.boxes_at,
        start + layout.points_at - before_leaves,
        start + layout.keys_at,
        start + layout.key_leaves_at,
        start + layout.free_nodes_at,
        start + layout.free_leaves_at,
        layout.sample,
    )


@inline
def header_of(tree: Tree, code: Code) -> Address:
    """Address of a node's header."""
    return tree.headers + (code << FOUR)


@inline
def is_inner(tree: Tree, code: Code) -> bool:
    """Is this the code of an inner node (not of a leaf, nor NONE)."""
    return code < tree.sample
