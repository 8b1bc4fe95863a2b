"""The scoreboards of all keys, and what those that keep one check and share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from models.errors import InputError
from models.learning.state_pool import LARGEST
from models.packed_pool import PackedPool
from models.signals.layout import HELD, KEPT, NEXT_ERROR, OLDEST, WAITING, fresh
from models.signals.rules import ERRORS, Rules

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

MARKS: Final = 3
"""Columns in front of the features: mid price, best bid, best ask."""


class Board(PackedPool):
    """What a key remembers beside its members."""

    def __init__(self, rules: Rules, members: int, features: int) -> None:
        self._most = {WAITING: rules.waiting, OLDEST: rules.waiting - 1, KEPT: ERRORS, NEXT_ERROR: ERRORS - 1}
        super().__init__("signals_board", rules.numbers(), fresh(members, features, rules.waiting), columns=0)

    @property
    def states(self) -> Floats:
        """(slots, width): row k is slot k; for the kernels."""
        return self._state

    def _wrong_state(self, state: Floats) -> str | None:
        """The kernels index by places in rings."""
        wrong = super()._wrong_state(state)
        for place, most in self._most.items():
            value = float(state[place])
            if wrong is None and not (0.0 <= value <= most and value == int(value)):
                wrong = f"number {place} of its board is {value!r}, at most {most} is possible"
        if wrong is None and float(state[HELD]) not in (-1.0, 0.0, 1.0):
            wrong = f"it holds the signal {float(state[HELD])!r}"
        return wrong


def check_prices(values: Floats) -> None:
    """Check the marks of rows, and that features are not absurd.

    Raises
    ------
    InputError
        A price is not above 0, or a number is too large to reckon with.
    """
    wrong = ~(values[:, :MARKS] > 0.0) | (values[:, :MARKS] > LARGEST)
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        name = ("mid", "bid", "ask")[column]
        raise InputError(f"row {row}: {name} must be above 0, got {float(values[row, column])!r}")
    wide = np.abs(values[:, MARKS:]) > LARGEST
    if wide.any():
        row, column = np.argwhere(wide)[0].tolist()
        raise InputError(f"row {row}, column {MARKS + column}: not within {LARGEST:g} of 0")


def waves(places: Longs) -> Iterator[Longs]:
    """Rows by their number within their key: a wave has at most one row of each key, in the order given."""
    order = np.argsort(places, kind="stable")
    starts = np.flatnonzero(np.diff(places[order], prepend=-1))
    number = np.arange(places.size) - np.repeat(starts, np.diff(np.append(starts, places.size)))
    of_row = np.empty(places.size, np.int64)
    of_row[order] = number
    by_wave = np.argsort(of_row, kind="stable")
    ends = np.flatnonzero(np.diff(of_row[by_wave])) + 1
    if places.size:
        yield from np.split(by_wave, ends)
