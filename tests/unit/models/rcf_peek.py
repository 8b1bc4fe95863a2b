"""Looking into the memory of a forest from a test: its trees as nested tuples, its invariants, trees made by hand."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from models.random_cut_forest import RandomCutForest, kernels, layout, work
from models.random_cut_forest.boxes import width_of
from models.random_cut_forest.pool import _aligned
from models.random_cut_forest.snapshot_kernels import SOUND, empty_arrays, rebuild

NONE = int(layout.NONE)


class Peek:
    """One tree of a forest, read with numpy from its bytes."""

    def __init__(self, block: np.ndarray, plan: layout.Layout, number: int) -> None:
        self.sample, self.lanes = int(plan.sample), int(plan.lanes)
        self.dimensions = int(plan.columns * plan.shingle)
        start = int(plan.trees_at + np.uint64(number) * plan.tree_bytes)
        self.bytes = block[start : start + int(plan.tree_bytes)]
        self.root = self.word(layout.ROOT)
        rows = self.array(int(layout.HEADERS), np.uint16, (2 * self.sample + 2) * 8).reshape(-1, 8)
        self.floats = rows.view(np.float32)
        self.copies = rows.view(np.uint32)[:, 0]
        self.dimension, self.parent, self.left, self.right = rows[:, 4], rows[:, 5], rows[:, 6], rows[:, 7]
        boxes = self.array(self.word(layout.BOXES), np.float32, 2 * self.lanes * (self.sample + 1))
        self.boxes = boxes.reshape(-1, 2, self.lanes)
        before = 4 * self.lanes * (self.sample + 1)
        points = self.array(self.word(layout.POINTS) + before, np.float32, self.lanes * (self.sample + 1))
        self.points = points.reshape(-1, self.lanes)
        self.keys = self.array(self.word(layout.KEYS), np.uint32, self.sample)
        self.key_leaves = self.array(self.word(layout.KEY_LEAVES), np.uint16, self.sample)

    def word(self, at: Any) -> int:
        return int(self.bytes[int(at) : int(at) + 4].view(np.uint32)[0])

    def array(self, at: int, kind: Any, count: int) -> np.ndarray:
        return self.bytes[at : at + count * np.dtype(kind).itemsize].view(kind)

    def point(self, code: int) -> np.ndarray:
        return self.points[code - self.sample - 1]

    def key(self, place: int) -> float:
        return float((self.keys[place : place + 1].astype(np.uint64) << np.uint64(32)).view(np.float64)[0])

    def tuples(self) -> tuple:
        """(dimension, cut, left, right) or (point, copies), nested."""

        def read(code: int) -> tuple:
            if code > self.sample:
                return tuple(float(v) for v in self.point(code)[: self.dimensions]), int(self.copies[code])
            cut = float(self.floats[code, 0])
            return int(self.dimension[code]), cut, read(int(self.left[code])), read(int(self.right[code]))

        return read(self.root)

    def check(self, mass: int) -> None:
        """Invariants 1 to 5 of a tree, cached boxes and ranges, and the book-keeping of codes and keys."""
        if mass == 0:
            assert self.root == NONE
            return
        seen: list[int] = []

        def visit(code: int, parent: int) -> tuple[np.ndarray, np.ndarray, int]:
            assert self.parent[code] == parent
            seen.append(code)
            if code > self.sample:
                assert self.left[code] == self.right[code] == code, "a leaf is its own child"
                assert self.copies[code] >= 1
                assert not self.point(code)[self.dimensions :].any(), "padding is 0"
                return self.point(code), self.point(code), int(self.copies[code])
            assert code < self.sample
            low_a, high_a, mass_a = visit(int(self.left[code]), code)
            low_b, high_b, mass_b = visit(int(self.right[code]), code)
            low, high = np.minimum(low_a, low_b), np.maximum(high_a, high_b)
            assert np.array_equal(low, self.boxes[code, 0]), "cached box equals the recomputed one"
            assert np.array_equal(high, self.boxes[code, 1])
            assert self.floats[code, 1] == lane_sum(high - low), "cached range, to the bit"
            dimension, cut = int(self.dimension[code]), self.floats[code, 0]
            assert high_a[dimension] <= cut < low_b[dimension], "a cut separates"
            return low, high, mass_a + mass_b

        assert visit(self.root, NONE)[2] == mass
        leaves = [code for code in seen if code > self.sample]
        points = {tuple(self.point(code).tolist()) for code in leaves}
        assert len(points) == len(leaves), "leaves are pairwise different"
        held = np.bincount(self.key_leaves[:mass], minlength=2 * self.sample + 2)
        assert all(held[code] == self.copies[code] for code in leaves), "one key a sample"
        assert held.sum() == mass
        assert all(self.keys[(k - 1) // 2] >= self.keys[k] for k in range(1, mass)), "a heap"
        self.check_codes(seen)

    def check_codes(self, used: list[int]) -> None:
        """Every code handed out is in the tree or in a free list, never in both."""
        free_nodes = self.array(self.word(layout.FREE_NODE_LIST), np.uint16, self.word(layout.FREE_NODES)).tolist()
        free_leaves = self.array(self.word(layout.FREE_LEAF_LIST), np.uint16, self.word(layout.FREE_LEAVES)).tolist()
        nodes, leaves = self.word(layout.NEXT_NODE), self.word(layout.NEXT_LEAF)
        given = itertools.chain(range(nodes), range(self.sample + 1, self.sample + 1 + leaves))
        assert sorted(used + free_nodes + free_leaves) == sorted(given)


def lane_sum(values: np.ndarray) -> np.float32:
    """A sum in the order of the kernels: groups of 8 lane by lane, then halves."""
    total = values if values.size < 8 else np.zeros(8, np.float32)
    if values.size >= 8:
        for group in values.reshape(-1, 8):
            total = total + group
    while total.size > 1:
        total = total[: total.size // 2] + total[total.size // 2 :]
    return np.float32(total[0])


def block_of(forest: RandomCutForest) -> np.ndarray:
    """The bytes of a forest."""
    return forest._pool._block(forest._slot)


def peeks(forest: RandomCutForest) -> list[Peek]:
    """All trees of a forest."""
    plan = forest._pool.layout
    return [Peek(block_of(forest), plan, number) for number in range(int(plan.trees))]


def offsets(forest: RandomCutForest) -> np.ndarray:
    """What is subtracted from each column."""
    return block_of(forest)[int(layout.OFFSETS) : int(forest._pool.layout.history_at)].view(np.float64)


class Planted:
    """One tree made by hand, read by the product's kernels. Its sample size is its number of samples."""

    def __init__(self, spec: tuple, columns: int) -> None:
        nodes: list[bool] = []
        cuts: list[tuple[int, float]] = []
        leaves: list[tuple[Any, int]] = []

        def walk(part: tuple) -> None:
            nodes.append(len(part) == 4)
            if len(part) == 4:
                cuts.append(part[:2])
                walk(part[2])
                walk(part[3])
            else:
                leaves.append(part)

        walk(spec)
        mass = sum(copies for _, copies in leaves)
        self.layout = layout.layout_of(1, mass, columns, 1)
        self.block = _aligned(layout.block_bytes(self.layout))
        layout.prepare(self.block, self.layout, np.ones(1, np.uint64))
        self.block[int(layout.OFFSETS) : int(self.layout.history_at)] = 0  # offsets 0.0
        self.block[int(layout.SEEN) : int(layout.SEEN) + 8] = np.array([mass], np.uint64).view(np.uint8)
        self._scratch = _aligned(work.work_bytes(self.layout))
        work.prepare(self._scratch, self.layout, 0.1, 100, int(self.layout.sample))
        self.work = np.uint64(self._scratch.ctypes.data)
        self.address = np.uint64(self.block.ctypes.data)
        self.width = width_of(int(self.layout.lanes))
        kernels.make_ready(int(self.layout.lanes))
        arrays = empty_arrays(1, mass, columns)._replace(
            leaf_counts=np.array([len(leaves)], np.uint16),
            inner=np.array(nodes),
            dimensions=np.array([dimension for dimension, _ in cuts], np.uint16),
            cuts=np.array([cut for _, cut in cuts], np.float32),
            points_of=np.arange(len(leaves), dtype=np.uint32),
            copies=np.array([copies for _, copies in leaves], np.uint16),
            keys=np.array([np.float64(1 + k).view(np.uint64) >> np.uint64(32) for k in range(mass)], np.uint64),
            points=np.array([point for point, _ in leaves], np.float32).reshape(len(leaves), columns),
        )
        assert rebuild(self.layout, self.address, mass, arrays, self.width) == SOUND

    def read(self, x: Any) -> tuple[float, np.ndarray]:
        """Score and parts of a point."""
        values = np.array([x], np.float64)
        scores, parts = np.zeros(1, np.int64), np.zeros((1, values.shape[1], 2), np.int64)
        kernels.read_rows(self.work, self.address, values, scores, parts, self.width)
        return scores[0] / 2**36, parts[0] / 2**44

    def fill(self, x: Any) -> np.ndarray:
        """The point with NaNs filled."""
        values = np.array([x], np.float64)
        assert kernels.fill_vectors(self.work, self.address, values, 0.5, self.width)
        return values[0]
