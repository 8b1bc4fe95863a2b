"""Hotspots against scikit-learn's DBSCAN from scratch on every window, and their boxes and densities."""

from __future__ import annotations

import sys
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from models.errors import InputError, ParameterError
from models.hotspots import Hotspot, Hotspots

Floats = npt.NDArray[np.float64]


def blobs(n: int, columns: int, seed: int) -> Floats:
    """Half in two heaps that move slowly, half anywhere."""
    random = np.random.default_rng(seed)
    anywhere = random.uniform(0, 10, (n, columns))
    heaps = np.array([2.0, 7.0])[random.integers(0, 2, n)] + np.arange(n) / 200
    return np.where((random.random(n) < 0.5)[:, None], heaps[:, None] + random.normal(0, 0.3, (n, columns)), anywhere)


def lattice(n: int, columns: int, seed: int) -> Floats:
    """Whole numbers: duplicates, and many pairs at exactly the radius."""
    return np.random.default_rng(seed).integers(0, 7, (n, columns)).astype(np.float64)


def chains(n: int, columns: int, seed: int) -> Floats:
    """Short rows of records on lines, so that many lie on the borders of two clusters."""
    random = np.random.default_rng(seed)
    values = np.zeros((n, columns))
    values[:, 0] = random.integers(0, 40, n) / 2
    values[:, -1] += random.integers(0, 2, n) * 3
    return values


def expected(window: Floats, scan_radius: float, minimum_points: int) -> DBSCAN:
    # one leaf: distances are compared one by one; the brute way of scikit-learn rounds them
    return DBSCAN(eps=scan_radius, min_samples=minimum_points, algorithm="kd_tree", leaf_size=5000).fit(window)


def boxes(window: Floats, labels: npt.NDArray[Any]) -> set[tuple[Any, ...]]:
    members = [window[labels == label] for label in range(labels.max(initial=-1) + 1)]
    return {(len(part), tuple(part.min(axis=0)), tuple(part.max(axis=0))) for part in members}


def assert_as_from_scratch(
    values: Floats, window_size: int, scan_radius: float, minimum_points: int, every: int = 1
) -> list[int]:
    """Compare every window, or one in so many, and return how many clusters they had."""
    model = Hotspots(values.shape[1], window_size, scan_radius, minimum_points)
    clusters = []
    for row in range(0, len(values), every):
        result = model.process(values[row : row + every])
        window = values[max(0, row + every - window_size) : row + every]
        assert np.array_equal(model.records, window)
        scratch = expected(window, scan_radius, minimum_points)
        assert np.array_equal(model.labels, scratch.labels_), f"after row {row}"
        inner = model._pool._opened(0)
        cores = inner.neighbours[inner._order] >= minimum_points
        assert np.array_equal(np.flatnonzero(cores), scratch.core_sample_indices_)
        found = result["hotspots"][-1]
        assert {(spot.records, spot.minimums, spot.maximums) for spot in found} == boxes(window, scratch.labels_)
        assert result["count"][-1] == len(found) == scratch.labels_.max() + 1
        densities = [spot.density for spot in found]
        assert densities == sorted(densities, reverse=True)
        clusters.append(len(found))
    return clusters


@pytest.mark.parametrize(
    ("make", "columns", "window_size", "scan_radius", "minimum_points"),
    [
        (blobs, 1, 60, 0.1, 4), (blobs, 2, 60, 0.5, 5), (blobs, 2, 65, 2.0, 20), (blobs, 3, 64, 1.0, 3),
        (blobs, 30, 60, 3.0, 4), (blobs, 2, 60, 0.9, 2), (lattice, 1, 20, 1.0, 6), (lattice, 2, 60, 1.0, 5),
        (lattice, 2, 60, 2.0, 12), (lattice, 3, 50, 1.0, 4), (chains, 1, 30, 0.5, 4), (chains, 2, 50, 0.5, 5),
    ],
)  # fmt: skip
def test_every_window_is_divided_as_from_scratch(
    make: Any, columns: int, window_size: int, scan_radius: float, minimum_points: int
) -> None:
    clusters = assert_as_from_scratch(
        make(2 * window_size + 20, columns, columns), window_size, scan_radius, minimum_points
    )
    assert max(clusters) >= 1


def test_a_thousand_records() -> None:
    clusters = assert_as_from_scratch(blobs(2500, 2, 9), 1000, 0.15, 6, every=250)
    assert max(clusters) > 3


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=30),
    st.integers(10, 14),
    st.sampled_from([1.0, 1.5, 2.0]),
    st.integers(2, 6),
)
def test_any_stream(points: list[tuple[int, int]], window_size: int, scan_radius: float, minimum_points: int) -> None:
    assert_as_from_scratch(np.array(points, np.float64), window_size, scan_radius, minimum_points)


def test_a_border_record_belongs_to_the_older_cluster() -> None:
    left, right, between = [-0.5, 0.0, 0.0, 0.5], [2.5, 3.0, 3.0, 3.5], [1.5]  # near the inner end of each
    for first, second in ((left, right), (right, left)):
        model = Hotspots(1, 10, 1.0, 4)
        spots = model.process(np.array(first + second + between))["hotspots"][-1]
        assert model.labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 0]
        older, newer = [*first, 1.5], second
        assert {(spot.records, *spot.minimums, *spot.maximums) for spot in spots} == {
            (5, min(older), max(older)), (4, min(newer), max(newer)),
        }  # fmt: skip


def test_a_cluster_may_lose_its_border_to_an_older_one() -> None:
    """3.5 has four neighbours, itself included, of which 2.5 belongs to the older cluster already."""
    model = Hotspots(1, 10, 1.0, 4)
    spots = model.process(np.array([0.5, 2.5, 4.0, 1.0, 1.5, 4.5, 3.5]))["hotspots"][-1]
    assert model.labels.tolist() == [0, 0, 1, 0, 0, 1, 1]
    assert sorted(spot.records for spot in spots) == [3, 4]


# ---------------------------------------------------------------- boxes and density
def last(values: Any, scan_radius: float, minimum_points: int = 3) -> tuple[Hotspot, ...]:
    rows = np.array(values, np.float64)
    found = Hotspots(rows.shape[1], 10, scan_radius, minimum_points).process(rows)["hotspots"][-1]
    assert isinstance(found, tuple)
    return found


def test_density_is_records_by_volume() -> None:
    assert last([[0, 0], [2, 0.5], [1, 0.25], [9, 9]], 4.0) == (Hotspot(3 / (2 * 0.5), 3, (0.0, 0.0), (2.0, 0.5)),)


def test_the_densest_comes_first_and_equals_in_order_of_age() -> None:
    loose, tight = [[0.0], [0.5], [1.0]], [[10.0], [10.25], [10.5]]
    assert [spot.minimums for spot in last(loose + tight, 1.0)] == [(10.0,), (0.0,)]
    again = [[20.0], [20.25], [20.5]]
    assert [spot.minimums for spot in last(again + tight, 1.0)] == [(20.0,), (10.0,)]


def test_a_flat_side_counts_as_a_thousandth_of_the_radius() -> None:
    (line,) = last([[0, 5], [1, 5], [2, 5]], 1.5)
    assert line.density == pytest.approx(3 / (2 * 0.0015), rel=1e-15)
    (spot,) = last([[4, 5]] * 5, 0.5)
    assert spot.density == pytest.approx(5 / 0.0005**2, rel=1e-15)
    assert (spot.minimums, spot.maximums) == ((4.0, 5.0), (4.0, 5.0))


@pytest.mark.parametrize("columns", [1, 2, 30])
@pytest.mark.parametrize("scale", [1e-90, 1e-10, 1.0, 1e12, 1e90])
def test_density_is_finite_at_every_scale(columns: int, scale: float) -> None:
    values = np.random.default_rng(columns).random((4, columns)) * scale
    (spot,) = last(values, 10 * scale)
    sides = [Fraction(b) - Fraction(a) for a, b in zip(spot.minimums, spot.maximums, strict=True)]
    exact = 4 / prod(max(side, Fraction(0.01 * scale)) for side in sides)
    if exact > Fraction(sys.float_info.max):
        assert spot.density == sys.float_info.max
    else:
        assert spot.density == pytest.approx(float(exact), rel=1e-13)


def test_the_published_demo() -> None:
    """A field of 10 x 10, a square of 1 x 1 in it with a fifth of the records, moved every 1,000 records; of what
    `1000, 0.2, 17` finds exactly one box has density 40 or more, and it is the square."""
    random = np.random.default_rng(3)
    model = Hotspots(2, 1000, 0.2, 17)
    for _ in range(3):
        corner = random.uniform(0, 9, 2)
        inside = random.random(1000) < 0.2
        values = np.where(inside[:, None], corner + random.random((1000, 2)), random.uniform(0, 10, (1000, 2)))
        dense = [spot for spot in model.process(values)["hotspots"][-1] if spot.density >= 40]
        assert len(dense) == 1
        assert np.allclose(dense[0].minimums, corner, atol=0.25)
        assert np.allclose(dense[0].maximums, corner + 1, atol=0.25)


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1.01e150])
def test_a_value_that_cannot_be_taken_harms_nothing(wrong: float) -> None:
    model = Hotspots(2, 10, 0.5, 3)
    model.process(blobs(15, 2, 1))
    before, values = model.dump(), blobs(4, 2, 2)
    values[3, 1] = wrong
    with pytest.raises(InputError, match=r"row 3, column 1: .* is not within 1e\+150 of 0; leave the row out"):
        model.process(values)
    assert model.dump() == before


def test_values_at_the_edge_of_the_range() -> None:
    values = np.array([[1e150] * 30, [-1e150] * 30] * 3)
    assert [spot.records for spot in last(values, 1e100)] == [3, 3]


def test_negative_zero_is_zero() -> None:
    (spot,) = last([[-0.0], [-0.0], [-0.0]], 1.0)
    assert str(spot.minimums[0]) == str(spot.maximums[0]) == "0.0"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("columns", 0), ("columns", 31), ("window_size", 9), ("window_size", 4097), ("window_size", 20.0),
        ("scan_radius", 0.0), ("scan_radius", -1.0), ("scan_radius", np.nan), ("scan_radius", np.inf),
        ("scan_radius", "1"), ("scan_radius", True), ("minimum_points", 1), ("minimum_points", 21),
    ],
)  # fmt: skip
def test_parameters_out_of_range(name: str, value: object) -> None:
    parameters: dict[str, Any] = {"columns": 1, "window_size": 20, "scan_radius": 1.0, "minimum_points": 3}
    with pytest.raises(ParameterError, match=f"{name} must be "):
        Hotspots(**{**parameters, name: value})


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 2, 1)])
def test_shapes_that_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="values must have "):
        Hotspots(2, 10, 1.0, 2).process(np.zeros(shape))
