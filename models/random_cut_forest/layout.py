"""Where everything of a forest lies: one block of bytes a forest, one stretch of it a tree.

    block   records seen | offset of each column | the last shingle_size - 1 records | tree 0 | tree 1 | ...
    tree    record | node headers | boxes | points | keys of the samples | their leaves | free nodes | free leaves
    record  random state, goal of the sampler, root, use of nodes and leaves; then where the other parts are

To a kernel a tree is one address. Its record, a cache line, says where its parts begin, so functions pass one number
for a tree and not nine. A tree is contiguous, some 15 KB at 256 samples of one column: while one works, the
next can be fetched by plain forward prefetches. Leaves hold their own copy of the point rather than a reference to a
shared store: that costs memory (a point is in 1.5 to 3.5 trees) and saves an indirection on the hot path, a free
list, its sweep, and any growth; a forest never changes its size.

Node codes, with S samples: 0..S-1 inner nodes, S a sentinel, S+1..2S+1 leaves (one more than S, because a sample is
inserted before the oldest is dropped), NONE = 0xffff. Headers are 16 bytes, so one load of a cache line brings the
cut, the dimension and both children:

    inner   cut f32 | range sum f32 | dimension u16 | parent u16 | left u16 | right u16
    leaf    copies u32 | -          | 0             | parent     | itself   | itself

A leaf is its own child, so four descents can run in lock step without asking who has arrived. The sentinel's box
holds every point and its range is 1: it pads paths to a multiple of four levels without changing a score. Never-used
codes are handed out by a running number, so a fresh block needs no preparation node by node.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.kernel_cache import inline
from models.random_cut_forest.boxes import padded
from models.random_cut_forest.machine import Address, Code, Count, U, load_u32

NONE = U(0xFFFF)
ZERO, ONE, TWO, THREE, FOUR = U(0), U(1), U(2), U(3), U(4)

# words of the block's own header
SEEN = U(0)
OFFSETS = U(64)

# words of a tree's record: what changes ...
RANDOM, GOAL, ROOT, FREE_NODES, FREE_LEAVES, NEXT_NODE, NEXT_LEAF = (U(at) for at in (0, 8, 16, 20, 24, 28, 32))
# ... and what does not: the number of samples, and the places of the parts, from the tree's start. The place of
# the points is that of a leaf with code 0, which there is not: so a leaf's code counts from it.
SAMPLE, BOXES, POINTS, KEYS, KEY_LEAVES, FREE_NODE_LIST, FREE_LEAF_LIST = (U(at) for at in range(36, 64, 4))
HEADERS = U(64)

# words of a node's header
CUT, RANGE, DIMENSION, PARENT, LEFT, RIGHT = (U(at) for at in (0, 4, 8, 10, 12, 14))
COPIES = U(0)
HEADER_BYTES = 16

#: Bytes of the records of one run: they share the nearer caches with a tree.
RUN_BYTES = 32768


class Layout(NamedTuple):
    """Numbers and places of a pool's forests; every kernel gets it. All are unsigned integers."""

    trees: Count
    sample: Count
    columns: Count
    shingle: Count
    lanes: Count
    run: Count  # most records that go through a tree at a time
    history_at: Count  # bytes from the block's start to the last records
    trees_at: Count  # and to the first tree
    tree_bytes: Count


def _aligned(size: int) -> int:
    return (size + 63) // 64 * 64


def _places(sample: int, lanes: int) -> tuple[dict[int, int], int]:
    """Place of each part in a tree, by its word in the record, and the tree's size."""
    sizes = {
        HEADERS: HEADER_BYTES * (2 * sample + 2),
        BOXES: _aligned(8 * lanes * (sample + 1)),
        POINTS: _aligned(4 * lanes * (sample + 1)),
        KEYS: 4 * sample,
        KEY_LEAVES: 2 * sample,
        FREE_NODE_LIST: 2 * (sample + 1),
        FREE_LEAF_LIST: 2 * (sample + 1),
    }
    places, end = {}, int(HEADERS)
    for word, size in sizes.items():
        end = _aligned(end) if word in (BOXES, POINTS) else end
        places[int(word)] = end
        end += size
    return places, _aligned(end)


def layout_of(trees: int, sample: int, columns: int, shingle: int) -> Layout:
    """The layout for these parameters."""
    lanes = padded(columns * shingle)
    history_at = int(OFFSETS) + 8 * columns
    numbers = (
        trees, sample, columns, shingle, lanes, min(1024, max(64, RUN_BYTES // (4 * lanes))),
        history_at, _aligned(history_at + 4 * columns * (shingle - 1)), _places(sample, lanes)[1],
    )  # fmt: skip
    return Layout(*(U(number) for number in numbers))


def block_bytes(layout: Layout) -> int:
    """Bytes of a forest."""
    return int(layout.trees_at + layout.trees * layout.tree_bytes)


def prepare(block: npt.NDArray[np.uint8], layout: Layout, random: npt.NDArray[np.uint64]) -> None:
    """Make a zeroed block an empty forest: offsets unknown, records and sentinels of the trees written."""
    sample, lanes = int(layout.sample), int(layout.lanes)
    block[int(OFFSETS) : int(layout.history_at)].view(np.float64)[:] = np.nan
    trees = block[int(layout.trees_at) :].reshape(int(layout.trees), int(layout.tree_bytes))

    def write(at: int, values: npt.NDArray[np.generic]) -> None:
        trees[:, at : at + values.nbytes] = values.view(np.uint8)

    places, _ = _places(sample, lanes)
    write(int(SAMPLE), np.array([sample], np.uint32))
    write(int(ROOT), np.array([NONE], np.uint32))
    for word in (BOXES, KEYS, KEY_LEAVES, FREE_NODE_LIST, FREE_LEAF_LIST):
        write(int(word), np.array([places[int(word)]], np.uint32))
    write(int(POINTS), np.array([places[int(POINTS)] - 4 * lanes * (sample + 1)], np.uint32))
    write(int(HEADERS) + HEADER_BYTES * sample + int(RANGE), np.ones(1, np.float32))
    everything = np.repeat(np.array([-1e38, 1e38], np.float32), lanes)
    write(places[int(BOXES)] + 8 * lanes * sample, everything)
    trees[:, int(RANDOM) : int(RANDOM) + 8] = random[:, None].view(np.uint8)


@inline
def tree_at(block: Address, number: Count, layout: Layout) -> Address:
    """The address of tree `number` in a block."""
    return block + layout.trees_at + number * layout.tree_bytes


@inline
def part(tree: Address, word: Count) -> Address:
    """The address of a part of a tree, which the word of its record tells."""
    return tree + load_u32(tree + word)


@inline
def header_of(tree: Address, code: Code) -> Address:
    """Address of a node's header."""
    return tree + HEADERS + (code << FOUR)


@inline
def is_inner(tree: Address, code: Code) -> bool:
    """Is this the code of an inner node (not of a leaf, nor NONE)."""
    return code < load_u32(tree + SAMPLE)
