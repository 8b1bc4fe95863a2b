"""Trees: worked example, distribution of shapes and cuts, deletion, invariants (tests 2 to 6 of the definition)."""

from __future__ import annotations

import math
from collections import Counter

import numba
import numpy as np
import pytest

from models.random_cut_forest import RandomCutForest, layout
from models.random_cut_forest.boxes import width_of
from models.random_cut_forest.tree import delete
from tests.unit.models import rcf_data
from tests.unit.models.rcf_oracle import Tree
from tests.unit.models.rcf_peek import Peek, Planted, block_of, peeks

A, B, C, D = (0.0, 0.0), (1.0, 0.0), (0.0, 4.0), (6.0, 3.0)


def example(copies_of_d: int = 1) -> tuple:
    return (0, 3.0, (1, 2.0, (0, 0.5, (A, 1), (B, 1)), (C, 1)), (D, copies_of_d))


ROWS = [
    # tree, query, score, above, below
    (example(), (2, 6), 1.152901797, (0.322490013, 0.830411784), (0, 0)),
    (example(), (1, 0), 0.507921771, (0.507921771, 0), (0, 0)),
    (example(), (0.25, 0), 0.580482024, (0.580482024, 0), (0, 0)),
    (example(), (7, 3), 1.266506234, (1.266506234, 0), (0, 0)),
    (example(), (-1, -1), 1.085716378, (0, 0), (0.542858189, 0.542858189)),
    (example(3), (6, 3), 0.701838731, (0.596562921, 0.035091937), (0.035091937, 0.035091937)),
    (((5.0,), 7), (5.0,), 0.5, (0.25,), (0.25,)),
    (((5.0,), 7), (6.0,), 3.0, (3.0,), (0,)),
]


@pytest.mark.parametrize(("spec", "query", "score", "above", "below"), ROWS)
def test_09_02_worked_example(spec: tuple, query: tuple, score: float, above: tuple, below: tuple) -> None:
    found, parts = Planted(spec, len(query)).read(query)
    assert found == pytest.approx(score, rel=1e-6)
    assert parts[:, 0] == pytest.approx(above, abs=1e-6)
    assert parts[:, 1] == pytest.approx(below, abs=1e-6)


@pytest.mark.parametrize(("spec", "query", "score", "above", "below"), ROWS)
def test_09_02_worked_example_of_the_oracle(
    spec: tuple, query: tuple, score: float, above: tuple, below: tuple
) -> None:
    tree, x = Tree.of(spec), np.array(query, np.float32)
    assert tree.score(x) == pytest.approx(score, rel=1e-9)
    assert tree.attribution(x)[:, 0] == pytest.approx(above, abs=1e-9)
    assert tree.attribution(x)[:, 1] == pytest.approx(below, abs=1e-9)


def test_09_02_collusive_displacement_of_the_example() -> None:
    tree = Tree.of(example())
    assert [tree.codisp(leaf) for leaf in tree.leaves()] == [1, 1, 2, 3]


# ---------------------------------------------------------------- distribution
FOUR = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 2.0), (3.0, 5.0)])
#: probability of each shape of a random cut tree over the four points
SHAPES = {"((01)2)3": 5 / 12, "(01)(23)": 1 / 4, "((02)1)3": 5 / 24, "(02)(13)": 1 / 8}
STRANGERS = np.array([(9.0, 9.0), (-4.0, 0.5)])


def shape(spec: tuple) -> str:
    """Which points are together, whatever the order of the sides."""

    def name(part: tuple) -> str:
        if len(part) == 2:
            return str(int(np.flatnonzero((FOUR - FOUR[0] == np.array(part[0])).all(axis=1))[0]))
        sides = sorted((name(part[2]), name(part[3])), key=lambda text: (text.strip("()")[0], text))
        return "(" + "".join(sorted(sides, key=lambda text: (len(text) == 1, text))) + ")"

    text = name(spec)[1:-1]
    return text


def chi_square(found: Counter[str]) -> float:
    total = found.total()
    assert set(found) <= set(SHAPES), found
    return sum((found[key] - total * p) ** 2 / (total * p) for key, p in SHAPES.items())


def forests_of(rows: np.ndarray, count: int = 20) -> list[RandomCutForest]:
    """Forests of 1000 trees each that learned the rows."""
    forests = [
        RandomCutForest(rows.shape[1], trees=1000, sample_size=10, time_decay=1000, seed=k) for k in range(count)
    ]
    for forest in forests:
        forest.process(rows)
    return forests


@numba.njit
def _delete_point(block: int, plan: layout.Layout, number: int, leaf: int, width: tuple) -> None:
    delete(layout.tree_at(np.uint64(block), np.uint64(number), plan), np.uint64(leaf), width)


def without(forest: RandomCutForest, points: np.ndarray) -> list[Peek]:
    """The trees of a forest after the points were deleted from each."""
    plan, block = forest._pool.layout, block_of(forest)
    for number, peek in enumerate(peeks(forest)):
        for point in points:
            leaves = range(peek.sample + 1, peek.sample + 1 + peek.word(layout.NEXT_LEAF))
            leaf = next(code for code in leaves if np.array_equal(peek.point(code)[:2], point.astype(np.float32)))
            _delete_point(np.uint64(block.ctypes.data), plan, number, leaf, width_of(2))
    return peeks(forest)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0)])
def test_09_03_shape_distribution(order: tuple[int, ...]) -> None:
    # the first point is the offset, so the tree holds differences from it
    found: Counter[str] = Counter()
    for forest in forests_of(FOUR[list(order)]):
        start = FOUR[order[0]]
        for peek in peeks(forest):
            found[shape(shifted(peek.tuples(), start))] += 1
    assert found.total() == 20_000
    assert chi_square(found) < 7.8, found  # 5 % limit for 3 degrees of freedom


def shifted(spec: tuple, start: np.ndarray) -> tuple:
    """A tree with the offset added back to its points."""
    if len(spec) == 2:
        return tuple(float(v) for v in np.array(spec[0]) + start), spec[1]
    return spec[0], spec[1], shifted(spec[2], start), shifted(spec[3], start)


def test_09_04_delete_is_never_inserted() -> None:
    found: Counter[str] = Counter()
    rows = np.vstack([FOUR[:2], STRANGERS[:1], FOUR[2:], STRANGERS[1:]])
    for forest in forests_of(rows):
        for peek in without(forest, STRANGERS):
            found[shape(peek.tuples())] += 1
    assert found.total() == 20_000
    assert chi_square(found) < 7.8, found


def test_09_04_trees_of_a_long_stream_are_random_cut_trees() -> None:
    """After thousands of insertions and deletions, every cut is as if drawn for the points now below it."""
    rows = rcf_data.stream("normal", 3000, 3, seed=4)
    forest = RandomCutForest(3, trees=200, sample_size=64, time_decay=100, seed=5)
    forest.process(rows)
    surprise = variance = 0.0
    places = []
    for peek in peeks(forest):
        for code in range(peek.sample):
            if code not in set(peek.parent.tolist()):
                continue
            low, high = peek.boxes[code][:, :3].astype(np.float64)
            sides = high - low
            chance = sides / sides.sum()
            dimension = int(peek.dimension[code])
            surprise += (dimension == 0) - chance[0]
            variance += chance[0] * (1 - chance[0])
            places.append((float(peek.floats[code, 0]) - low[dimension]) / sides[dimension])
    assert len(places) > 10_000
    assert abs(surprise) / math.sqrt(variance) < 2.6
    assert rcf_data.uniform_distance(np.array(places)) < 1.36


def test_09_05_root_cut() -> None:
    dimensions: Counter[int] = Counter()
    places: dict[int, list[float]] = {0: [], 1: []}
    for forest in forests_of(FOUR, 60):
        for peek in peeks(forest):
            dimension, cut = peek.tuples()[:2]
            dimensions[dimension] += 1
            places[dimension].append(cut / (3.0, 5.0)[dimension])
    total = dimensions.total()
    assert total == 60_000
    assert abs(dimensions[0] / total - 3 / 8) < 3 * math.sqrt(3 / 8 * 5 / 8 / total)
    for dimension in (0, 1):
        assert rcf_data.uniform_distance(np.array(places[dimension])) < 1.36


@pytest.mark.parametrize("columns", [1, 2, 3, 8, 9, 30])
@pytest.mark.parametrize("kind", rcf_data.KINDS)
def test_09_06_invariants_after_every_step(kind: str, columns: int) -> None:
    rows = rcf_data.stream(kind, 120, columns, seed=columns)
    forest = RandomCutForest(columns, trees=3, sample_size=12, time_decay=30, seed=1)
    for step, row in enumerate(rows):
        forest.process(row[None])
        for peek in peeks(forest):
            peek.check(min(step + 1, 12))


def test_09_06_invariants_of_many_dimensions() -> None:
    """30 columns and a shingle of 30: 900 dimensions."""
    forest = RandomCutForest(30, trees=2, sample_size=16, time_decay=40, shingle_size=30, seed=3)
    rows = rcf_data.stream("normal", 120, 30)
    for step in range(0, 120, 10):
        forest.process(rows[step : step + 10])
        for peek in peeks(forest):
            peek.check(max(0, min(step + 10 - 29, 16)))


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1.0, 1e20, 1e29])
def test_09_06_invariants_of_neighbouring_floats(scale: float) -> None:
    """Values next to each other in float32: the cut must not round onto the right side."""
    steps = np.random.default_rng(0).integers(0, 4, (400, 2))
    rows = np.float32(scale) * (1 + steps * np.float64(np.finfo(np.float32).eps))
    rows[0] = 0.0  # the offset
    forest = RandomCutForest(2, trees=4, sample_size=16, time_decay=20, seed=2)
    for step in range(0, 400, 5):
        scores = forest.process(rows[step : step + 5])
        assert np.isfinite(scores).all()
        for peek in peeks(forest):
            peek.check(min(step + 5, 16))
