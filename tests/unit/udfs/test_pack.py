"""A pack puts its rows in one order whatever order they arrived in, and says which of them a model can take."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.pack import LARGEST_VALUE, Pack, PackLayout

#: time, key, value
PLAIN = PackLayout(width=3, time=0, keys=(1,), values=(2,))
#: the same with Kafka partition and offset behind
PLACED = PackLayout(width=3, time=0, keys=(1,), values=(2,), order=(3, 4))


def arrays(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as Flink gathers them: one array a column."""
    return [list(column) for column in zip(*rows, strict=True)]


def rows_of(pack: Pack) -> list[tuple[Any, ...]]:
    return list(zip(*pack.columns, *pack.order, strict=True))


def test_rows_leave_in_order_of_event_time() -> None:
    pack = Pack.of(arrays([(30, "a", 3.0), (10, "b", 1.0), (20, "a", 2.0)]), PLAIN)
    assert rows_of(pack) == [(10, "b", 1.0), (20, "a", 2.0), (30, "a", 3.0)]
    assert pack.times_ms.tolist() == [10, 20, 30]
    assert pack.keys == ["b", "a", "a"]
    assert pack.values.tolist() == [[1.0], [2.0], [3.0]]
    assert len(pack) == 3


def test_rows_in_order_stay() -> None:
    rows = [(10, "b", 1.0), (11, "a", 2.0), (12, "a", 3.0)]
    assert rows_of(Pack.of(arrays(rows), PLAIN)) == rows


def test_input_is_not_changed() -> None:
    given_arrays = arrays([(30, "a", 3.0), (10, "b", 1.0)])
    before = [list(column) for column in given_arrays]
    Pack.of(given_arrays, PLAIN)
    assert given_arrays == before


def test_equal_times_go_by_partition_then_offset() -> None:
    rows = [(10, "a", 1.0, 1, 7), (10, "a", 2.0, 0, 12), (10, "a", 3.0, 0, 9), (9, "a", 4.0, 1, 99)]
    pack = Pack.of(arrays(rows), PLACED)
    assert [row[3:] for row in rows_of(pack)] == [(1, 99), (0, 9), (0, 12), (1, 7)]
    assert pack.values[:, 0].tolist() == [4.0, 3.0, 2.0, 1.0]
    assert pack.order == [[1, 0, 0, 1], [99, 9, 12, 7]]


def test_offsets_beyond_a_double_are_told_apart() -> None:
    first, second = 2**53, 2**53 + 1
    pack = Pack.of(arrays([(10, "a", 2.0, 0, second), (10, "a", 1.0, 0, first)]), PLACED)
    assert pack.order[1] == [first, second]


def test_equal_places_of_two_topics_go_by_content() -> None:
    """A table over two topics has each partition and offset twice."""
    rows = [(10, "a", 2.0, 0, 5), (10, "a", 1.0, 0, 5), (10, "b", 1.0, 0, 5), (10, None, 1.0, 0, 4)]
    expected = rows_of(Pack.of(arrays(rows), PLACED))
    for seed in range(20):
        shuffled = random.Random(seed).sample(rows, len(rows))
        assert rows_of(Pack.of(arrays(shuffled), PLACED)) == expected


def test_without_place_equal_times_go_by_content_nulls_and_nan_included() -> None:
    rows = [
        (10, "b", None), (10, "a", 2.0), (10, None, 1.0), (10, "a", math.nan), (10, "a", -0.0), (10, "a", 0.0),
        (9, "z", 1.0), (10, "a", 2.0),
    ]  # fmt: skip
    expected = list(map(repr, rows_of(Pack.of(arrays(rows), PLAIN))))
    assert expected[0] == repr((9, "z", 1.0))
    for seed in range(20):
        shuffled = random.Random(seed).sample(rows, len(rows))
        assert list(map(repr, rows_of(Pack.of(arrays(shuffled), PLAIN)))) == expected


cells = st.one_of(st.none(), st.integers(-3, 3), st.text(max_size=2), st.booleans())
numbers = st.one_of(st.none(), st.floats(), st.sampled_from([0.0, -0.0, 1e300]))
row_lists = st.lists(
    st.tuples(st.integers(-(2**62), 2**62) | st.integers(0, 3), cells, numbers, st.integers(0, 2), st.integers(0, 3)),
    min_size=1,
    max_size=30,
)


@given(row_lists, st.randoms(use_true_random=False), st.booleans())
def test_arrival_order_never_shows(rows: list[tuple[Any, ...]], shuffler: random.Random, placed: bool) -> None:
    layout = PLACED if placed else PLAIN
    rows = rows if placed else [row[:3] for row in rows]
    first = Pack.of(arrays(rows), layout)
    other = Pack.of(arrays(shuffler.sample(rows, len(rows))), layout)
    assert repr(rows_of(first)) == repr(rows_of(other))
    assert repr(first.keys) == repr(other.keys)
    assert (first.times_ms == other.times_ms).all()
    assert (np.diff(first.times_ms) >= 0).all()
    assert np.array_equal(first.values, other.values, equal_nan=True)
    assert sorted(map(repr, rows_of(first))) == sorted(map(repr, rows)), "rows were lost or torn apart"


def test_composite_keys_are_tuples_and_none_is_one_key() -> None:
    layout = PackLayout(width=4, time=0, keys=(3, 1), values=(2,))
    pack = Pack.of(arrays([(1, "a", 1.0, 7), (2, None, 1.0, 7), (3, None, 1.0, None)]), layout)
    assert pack.keys == [(7, "a"), (7, None), (None, None)]
    nothing = Pack.of(arrays([(1, "a", 1.0), (2, "b", 1.0)]), PackLayout(width=3, time=0, keys=(), values=(2,)))
    assert nothing.keys == [(), ()]


def test_floating_keys_are_told_apart_as_sql_tells_them_apart() -> None:
    """SQL puts 0.0 and -0.0 in buckets of their own, and all NaN in one; so they are two keys and one key."""
    layout = PackLayout(width=3, time=0, keys=(1,), values=(2,))
    rows = [(1, 0.0, 1.0), (2, -0.0, 1.0), (3, float("nan"), 1.0), (4, float("nan"), 1.0), (5, None, 1.0)]
    keys = Pack.of(arrays(rows), layout).keys
    assert len(set(keys)) == 4
    assert keys[2] == keys[3]
    composite = Pack.of(arrays(rows), PackLayout(width=3, time=0, keys=(1, 2), values=(2,))).keys
    assert len(set(composite)) == 4
    assert keys[4] is None


def test_null_is_nan_for_the_model_and_null_in_the_columns() -> None:
    pack = Pack.of(arrays([(1, "a", None), (2, "a", 5)]), PLAIN)
    assert math.isnan(pack.values[0, 0])
    assert pack.values[1, 0] == 5.0
    assert pack.columns[2] == [None, 5]


@pytest.mark.parametrize(
    ("value", "scorable", "imputable"),
    [
        (1.0, True, True),
        (-LARGEST_VALUE, True, True),
        (math.nextafter(LARGEST_VALUE, math.inf), False, False),
        (1e300, False, False),
        (math.inf, False, False),
        (-math.inf, False, False),
        (math.nan, False, True),
        (None, False, True),
    ],
)
def test_what_a_model_can_take(value: float | None, scorable: bool, imputable: bool) -> None:
    layout = PackLayout(width=4, time=0, keys=(), values=(1, 2))
    pack = Pack.of([[1], [value], [3.0], ["other"]], layout)
    assert pack.scorable().tolist() == [scorable]
    assert pack.imputable().tolist() == [imputable]


def test_a_row_of_nothing_but_nulls_cannot_be_imputed() -> None:
    layout = PackLayout(width=3, time=0, keys=(), values=(1, 2))
    pack = Pack.of([[1, 2], [None, None], [math.nan, 1.0]], layout)
    assert pack.imputable().tolist() == [False, True]


def test_no_sum_over_a_shingle_overflows_float32() -> None:
    """What `LARGEST_VALUE` is for: differences of two of the largest, summed over 30 columns x 30 positions."""
    assert np.isfinite(np.full(900, 2 * LARGEST_VALUE, dtype=np.float32).sum(dtype=np.float32))
