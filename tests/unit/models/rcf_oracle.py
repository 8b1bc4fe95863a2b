"""A plain random cut forest to compare with: one object a node, one random number a decision, float64 arithmetic.

Every definition once, nothing tuned: no batches, no jumps, no cached shortcuts. Points, cuts and boxes hold float32
values, as in the product; sums and scores are float64.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np


@dataclass(eq=False)
class Leaf:
    """A point and how many copies of it."""

    point: np.ndarray
    copies: int = 1
    parent: Branch | None = None

    @property
    def low(self) -> np.ndarray:
        return self.point

    @property
    def high(self) -> np.ndarray:
        return self.point

    @property
    def mass(self) -> int:
        return self.copies


@dataclass(eq=False)
class Branch:
    """A cut: points with ``x[dimension] <= cut`` are on the left."""

    dimension: int
    cut: np.float32
    left: Leaf | Branch
    right: Leaf | Branch
    parent: Branch | None = None
    low: np.ndarray = field(init=False)
    high: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.left.parent = self.right.parent = self
        self.fit()

    def fit(self) -> bool:
        """Take the box from the children's; did it change."""
        before = getattr(self, "low", None), getattr(self, "high", None)
        self.low = np.minimum(self.left.low, self.right.low)
        self.high = np.maximum(self.left.high, self.right.high)
        same = before[0] is not None and np.array_equal(before, (self.low, self.high))
        return not same

    @property
    def mass(self) -> int:
        return self.left.mass + self.right.mass

    def side(self, x: np.ndarray) -> Leaf | Branch:
        return self.left if x[self.dimension] <= self.cut else self.right

    def other(self, child: Leaf | Branch) -> Leaf | Branch:
        return self.right if self.left is child else self.left

    def exchange(self, old: Leaf | Branch, new: Leaf | Branch) -> None:
        if self.left is old:
            self.left = new
        else:
            self.right = new
        new.parent = self


Node = Leaf | Branch


def gaps(low: np.ndarray, high: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By dimension, how far x lies above and below a box."""
    low, high, x = (np.asarray(values, np.float64) for values in (low, high, x))
    return np.maximum(x - high, 0.0), np.maximum(low - x, 0.0)


def ranges(low: np.ndarray, high: np.ndarray) -> float:
    """Sum of the box's side lengths."""
    return float((np.asarray(high, np.float64) - np.asarray(low, np.float64)).sum())


def separation(low: np.ndarray, high: np.ndarray, x: np.ndarray) -> float:
    """Probability that the first random cut of the box with x separates x from the box."""
    gap = float(sum(side.sum() for side in gaps(low, high, x)))
    return gap / (ranges(low, high) + gap) if gap > 0 else 0.0


class Tree:
    """A random cut tree of points given one by one."""

    def __init__(self, random: np.random.Generator | None = None) -> None:
        self.random = random or np.random.default_rng(0)
        self.root: Node | None = None

    @classmethod
    def of(cls, spec: tuple) -> Tree:
        """The tree with given cuts: (dimension, cut, left, right), or (point, copies) for a leaf."""

        def built(part: tuple) -> Node:
            if len(part) == 4:
                return Branch(part[0], np.float32(part[1]), built(part[2]), built(part[3]))
            return Leaf(np.asarray(part[0], np.float32), part[1])

        tree = cls()
        tree.root = built(spec)
        return tree

    @property
    def mass(self) -> int:
        return 0 if self.root is None else self.root.mass

    # ---------------------------------------------------------------- change
    def insert(self, x: np.ndarray) -> Leaf:
        """From the top, draw at each level whether the first cut separates x; the first that does is made."""
        x = np.asarray(x, np.float32) + np.float32(0)
        node = self.root
        if node is None:
            self.root = Leaf(x)
            return self.root
        while True:
            if isinstance(node, Leaf) and np.array_equal(node.point, x):
                node.copies += 1
                return node
            if self.random.random() < separation(node.low, node.high, x):
                return self._separate(node, x)
            assert isinstance(node, Branch)
            node.low, node.high = np.minimum(node.low, x), np.maximum(node.high, x)
            node = node.side(x)

    def _separate(self, node: Node, x: np.ndarray) -> Leaf:
        gap = np.add(*gaps(node.low, node.high, x))
        rest = self.random.random() * gap.sum()
        open_dimensions = np.flatnonzero(gap > 0)
        for dimension in open_dimensions:
            if rest < gap[dimension]:
                break
            rest -= gap[dimension]
        below = x[dimension] < node.low[dimension]
        start, end = (x[dimension], node.low[dimension]) if below else (node.high[dimension], x[dimension])
        cut = np.float32(float(start) + rest)
        if not start <= cut < end:  # rounded up to the end: it would not separate
            cut = start
        leaf, parent = Leaf(x), node.parent
        branch = Branch(int(dimension), cut, leaf if below else node, node if below else leaf)
        if parent is None:
            self.root = branch
        else:
            parent.exchange(node, branch)
        return leaf

    def delete(self, leaf: Leaf) -> None:
        """One copy less; after the last the sibling takes the parent's place and the boxes above shrink."""
        leaf.copies -= 1
        if leaf.copies > 0:
            return
        parent = leaf.parent
        if parent is None:
            self.root = None
            return
        sibling, above = parent.other(leaf), parent.parent
        sibling.parent = above
        if above is None:
            self.root = sibling
        else:
            above.exchange(parent, sibling)
        while above is not None and above.fit():
            above = above.parent

    @contextlib.contextmanager
    def without(self, leaf: Leaf) -> Iterator[None]:
        """The tree as if one copy of the leaf's point had been deleted; afterwards it is as it was."""
        chain = []
        node = leaf.parent
        while node is not None:
            chain.append((node, node.left, node.right, node.low, node.high))
            node = node.parent
        root = self.root
        self.delete(leaf)
        try:
            yield
        finally:
            leaf.copies += 1
            self.root = root
            for node, left, right, low, high in chain:
                node.left, node.right, node.low, node.high = left, right, low, high
                left.parent = right.parent = node

    # ---------------------------------------------------------------- read
    def path(self, x: np.ndarray) -> tuple[list[Branch], Leaf]:
        """The branches passed from the root on, and the leaf."""
        node, branches = self.root, []
        while isinstance(node, Branch):
            branches.append(node)
            node = node.side(x)
        assert isinstance(node, Leaf)
        return branches, node

    def leaves(self) -> list[Leaf]:
        def below(node: Node) -> Iterator[Leaf]:
            if isinstance(node, Leaf):
                yield node
            else:
                yield from below(node.left)
                yield from below(node.right)

        return [] if self.root is None else list(below(self.root))

    def value(self, x: np.ndarray) -> float:
        """The score before normalisation: expected inverse depth of x, were it inserted."""
        x = np.asarray(x, np.float32)
        branches, leaf = self.path(x)
        depth = len(branches)
        if np.array_equal(leaf.point, x):
            return (1 - leaf.copies / (2 * self.mass)) / (depth + math.log2(leaf.copies + 1))
        value = 1 / (depth + 1)
        for level in reversed(range(depth)):
            p = separation(branches[level].low, branches[level].high, x)
            if p == 0:
                break
            value = p / (level + 1) + (1 - p) * value
        return value

    def score(self, x: np.ndarray) -> float:
        return self.value(x) * math.log2(self.mass + 1)

    def attribution(self, x: np.ndarray) -> np.ndarray:
        """(dimensions, 2): what each dimension adds to the score by lying above and below."""
        x = np.asarray(x, np.float32)
        branches, leaf = self.path(x)
        depth, scale = len(branches), math.log2(self.mass + 1)
        if np.array_equal(leaf.point, x):
            return scale * self._attribution_of_twin(x, branches, leaf)
        sides = np.stack(gaps(leaf.low, leaf.high, x), axis=1)
        parts = sides / sides.sum() / (depth + 1)
        for level in reversed(range(depth)):
            parts, inside = self._carried(parts, branches[level].low, branches[level].high, x, level)
            if inside:
                break
        return scale * parts

    def _attribution_of_twin(self, x: np.ndarray, branches: list[Branch], leaf: Leaf) -> np.ndarray:
        value = self.value(x)
        parts = np.full((x.size, 2), value / (2 * x.size))
        child: Node = leaf
        low = high = None
        for level in reversed(range(len(branches))):
            sibling = branches[level].other(child)
            low = sibling.low if low is None else np.minimum(low, sibling.low)
            high = sibling.high if high is None else np.maximum(high, sibling.high)
            parts, inside = self._carried(parts, low, high, x, level)
            if inside:
                break
            child = branches[level]
        return parts * value / parts.sum()

    @staticmethod
    def _carried(
        parts: np.ndarray, low: np.ndarray, high: np.ndarray, x: np.ndarray, level: int
    ) -> tuple[np.ndarray, bool]:
        sides = np.stack(gaps(low, high, x), axis=1)
        whole = ranges(low, high) + sides.sum()
        if sides.sum() == 0:
            return parts, True
        return sides / whole / (level + 1) + (1 - sides.sum() / whole) * parts, False

    def impute(self, x: np.ndarray, missing: np.ndarray) -> tuple[np.ndarray, float]:
        """The point filled by the leaf that makes it least anomalous, and its distance in the known dimensions."""
        x = np.asarray(x, np.float32)

        def walk(node: Node, depth: int) -> tuple[float, np.ndarray, float]:
            if isinstance(node, Leaf):
                filled = np.where(missing, node.point, x).astype(np.float32)
                distance = float(np.abs(filled.astype(np.float64) - node.point).sum())
                if distance > 0:
                    return 1 / (depth + 1), filled, distance
                return (1 / (depth + math.log2(node.copies + 1)) if depth else 0.0), filled, distance
            if missing[node.dimension]:
                rank, filled, distance = min(
                    (walk(child, depth + 1) for child in (node.left, node.right)), key=lambda found: found[0]
                )
            else:
                rank, filled, distance = walk(node.side(x), depth + 1)
            p = separation(node.low, node.high, filled)
            return p / (depth + 1) + (1 - p) * rank, filled, distance

        assert self.root is not None
        return walk(self.root, 0)[1:]

    def codisp(self, leaf: Leaf) -> float:
        """Collusive displacement (Guha et al. 2016): largest ratio of sibling's to subtree's mass above the leaf."""
        best, node = 0.0, leaf
        while node.parent is not None:
            best = max(best, node.parent.other(node).mass / node.mass)
            node = node.parent
        return best


class Sampler:
    """Time-decayed reservoir by its definition: a key for every record, the `size` smallest are kept."""

    def __init__(self, size: int, rate: float, random: np.random.Generator) -> None:
        self.size, self.rate, self.random = size, rate, random
        self.kept: list[tuple[float, int, Leaf | None]] = []

    def offer(self, t: int) -> tuple[float, Leaf | None] | None:
        """(key, what to forget) if record t is taken, else None."""
        key = math.log(self.random.standard_exponential()) - self.rate * t
        if len(self.kept) < self.size:
            return key, None
        largest = max(self.kept, key=lambda entry: entry[0])
        if key >= largest[0]:
            return None
        self.kept.remove(largest)
        return key, largest[2]

    def keep(self, key: float, t: int, leaf: Leaf | None = None) -> None:
        self.kept.append((key, t, leaf))


class Forest:
    """Trees with samplers; score first, then learn."""

    def __init__(self, trees: int, sample: int, time_decay: float, seed: int = 0) -> None:
        generators = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(trees)]
        self.parts = [(Tree(random), Sampler(sample, 1 / time_decay, random)) for random in generators]
        self.sample, self.seen = sample, 0

    def score(self, x: np.ndarray) -> float:
        if self.seen < self.sample:
            return 0.0
        return float(np.mean([tree.score(x) for tree, _ in self.parts]))

    def process(self, x: np.ndarray) -> float:
        score = self.score(x)
        for tree, sampler in self.parts:
            taken = sampler.offer(self.seen)
            if taken is not None:
                if taken[1] is not None:
                    tree.delete(taken[1])
                sampler.keep(taken[0], self.seen, tree.insert(x))
        self.seen += 1
        return score
