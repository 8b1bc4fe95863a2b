"""A pack: the rows of one bucket and one interval of event time, as arrays, in the order the models see them.

Flink gathers rows in order of arrival, which differs from run to run. What a model sees must not: rows are put in
the order (event time, Kafka partition, Kafka offset, the row's own values), without the middle two where the source
does not have them. So equal times are ordered too, and two rows that still tie are equal in everything and may stand
either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Values beyond this magnitude are treated like NULL: float32 sums over all columns of a shingle would overflow.
LARGEST_VALUE = 5e29


@dataclass(frozen=True)
class PackLayout:
    """Where things are among a pack's arrays.

    Parameters
    ----------
    width
        Number of columns of the input; they are arrays 0 .. width - 1 and leave in the same order.
    time
        Position of the time attribute, as milliseconds since the epoch.
    keys
        Positions of the partition columns; empty is one model for all rows.
    values
        Positions of the columns the model reads.
    order
        Positions of hidden columns that order equal times (Kafka partition, offset); behind `width`, may be empty.
    """

    width: int
    time: int
    keys: tuple[int, ...]
    values: tuple[int, ...]
    order: tuple[int, ...] = ()


@dataclass(frozen=True)
class Pack:
    """Rows of one bucket and interval in model order.

    Attributes
    ----------
    columns
        The input's columns as lists, one value a row.
    order
        The hidden columns that order equal times, alike.
    keys
        Partition key of each row: the value itself for one partition column, else a tuple of values; the text of
        a floating point value.
    times_ms
        (n,) event times in milliseconds, ascending.
    values
        (n, d) what the model reads; NaN where SQL has NULL.
    """

    columns: list[list[Any]]
    order: list[list[Any]]
    keys: list[Any]
    times_ms: IntArray
    values: FloatArray

    @classmethod
    def of(cls, arrays: Sequence[Sequence[Any]], layout: PackLayout) -> Pack:
        """The pack of the arrays that Flink gathered, in the order they came."""
        times = np.array(arrays[layout.time], dtype=np.int64)
        everything: list[list[Any]] = [list(column) for column in arrays]
        order = _model_order(arrays, times, layout)
        if order is not None:
            rows = order.tolist()
            everything = [[column[i] for i in rows] for column in everything]
            times = times[order]
        columns, n = everything[: layout.width], len(times)
        values = np.empty((n, len(layout.values)), dtype=np.float64)
        for j, position in enumerate(layout.values):
            values[:, j] = columns[position]  # numpy makes NaN of None
        return cls(columns, everything[layout.width :], _keys(columns, layout.keys, n), times, values)

    def __len__(self) -> int:
        return len(self.times_ms)

    def scorable(self) -> npt.NDArray[np.bool_]:
        """(n,) which rows a model can take: every value there, finite and of a magnitude it can add up."""
        with np.errstate(invalid="ignore"):
            fits: npt.NDArray[np.bool_] = (np.abs(self.values) <= LARGEST_VALUE).all(axis=1)
        return fits

    def imputable(self) -> npt.NDArray[np.bool_]:
        """(n,) which rows a model that imputes can take: NULLs allowed, but no infinity or excess, and one value."""
        with np.errstate(invalid="ignore"):
            absent = np.isnan(self.values)
            fits = (absent | (np.abs(self.values) <= LARGEST_VALUE)).all(axis=1)
        result: npt.NDArray[np.bool_] = fits & ~absent.all(axis=1)
        return result


def _keys(columns: list[list[Any]], positions: tuple[int, ...], n: int) -> list[Any]:
    if not positions:
        return [()] * n
    parts = [_key_column(columns[position]) for position in positions]
    return parts[0] if len(parts) == 1 else list(zip(*parts, strict=True))


def _key_column(column: list[Any]) -> list[Any]:
    """A partition column in which equal means the same key; floating point goes by its text, as in SQL's buckets.

    As numbers, NaN would differ from itself, and 0.0 would be -0.0 although SQL may have put them in two buckets.
    """
    first = next((value for value in column if value is not None), None)
    if not isinstance(first, float):
        return column
    return [None if value is None else repr(value) for value in column]


def _model_order(arrays: Sequence[Sequence[Any]], times: IntArray, layout: PackLayout) -> IntArray | None:
    """Permutation into model order; None when the rows are in it already."""
    steps = np.diff(times)
    if (steps > 0).all():
        return None
    # times and places are whole numbers; the last key of lexsort is the first to sort by
    places = [np.array(arrays[position], dtype=np.int64) for position in layout.order]
    order = np.lexsort((*reversed(places), times))
    same = np.logical_and.reduce([np.diff(each[order]) == 0 for each in (times, *places)])
    if same.any():
        # no place, or one that two topics have; `repr` orders any mixture of values, NULLs and NaN included
        tied = np.append(same, False) | np.append(False, same)
        contents = {
            i: (*(int(each[i]) for each in (times, *places)), *(repr(column[i]) for column in arrays[: layout.width]))
            for i in order[tied].tolist()
        }
        order[tied] = sorted(contents, key=contents.__getitem__)
    return order
