"""The vector arithmetic against plain numpy, for every kind of width."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from models.random_cut_forest import boxes
from tests.unit.models.rcf_peek import lane_sum

WIDTHS = [1, 2, 4, 8, 16, 24, 40]


@numba.njit
def _every(box: int, other: int, x: int, y: int, target: int, corner: int, width: Any) -> Any:
    b, o, p, q, t, c = (
        np.uint64(box),
        np.uint64(other),
        np.uint64(x),
        np.uint64(y),
        np.uint64(target),
        np.uint64(corner),
    )
    size = c + c
    return (
        boxes.outside(b, p, width),
        boxes.distance(p, q, width),
        boxes.grow(t, b, p, width),
        boxes.span(t + size, p, q, width),
        boxes.unite(t + size + size, b, b + c, o, o + c, width),
        boxes.unite(t + size + size, b, b + c, o, o + c, width),
        boxes.touches(b, p, width),
        boxes.touches(b, q, width),
        boxes.lanes_of(width),
    )


def aligned(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.float32)


@pytest.mark.parametrize("lanes", WIDTHS)
def test_operations_equal_numpy(lanes: int) -> None:
    random = np.random.default_rng(lanes)
    for _ in range(20):
        corners = aligned(random.integers(-4, 5, (2, 2, lanes)) * random.choice([1.0, 0.1, 1e10]))
        box, other = (np.stack([pair.min(axis=0), pair.max(axis=0)]) for pair in corners)
        x, y = aligned(random.normal(size=lanes) * 3), box[random.integers(0, 2)].copy()
        target = np.zeros((3, 2, lanes), np.float32)
        addresses = (array.ctypes.data for array in (box, other, x, y, target))
        found = _every(*addresses, 4 * lanes, boxes.width_of(lanes))
        gap = np.maximum(np.maximum(box[0] - x, x - box[1]), 0)
        grown = np.stack([np.minimum(box[0], x), np.maximum(box[1], x)])
        pair = np.stack([np.minimum(x, y), np.maximum(x, y)])
        union = np.stack([np.minimum(box[0], other[0]), np.maximum(box[1], other[1])])
        assert found[0] == lane_sum(gap)
        assert found[1] == lane_sum(np.abs(x - y))
        assert np.array_equal(target, [grown, pair, union])
        assert found[2] == lane_sum(grown[1] - grown[0])
        assert found[3] == lane_sum(pair[1] - pair[0])
        assert found[4] == (lane_sum(union[1] - union[0]), bool(union.any())), "changed, unless it was 0"
        assert found[5] == (found[4][0], False), "unchanged the second time"
        open_sides = box[0] != box[1]
        assert found[6] == bool((((x <= box[0]) | (x >= box[1])) & open_sides).any())
        assert found[7] == bool(open_sides.any())
        assert found[8] == lanes


@pytest.mark.parametrize(("dimensions", "lanes"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (8, 8), (9, 16), (900, 904)])
def test_padding(dimensions: int, lanes: int) -> None:
    assert boxes.padded(dimensions) == lanes
