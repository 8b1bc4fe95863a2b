"""Arbitrage of many pairs of currencies, each with the quotes of all venues."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.arbitrage import kernels
from models.arbitrage.kernels import COUNT, NEVER, OPEN, QUOTE, QUOTES, TIME
from models.arguments import number, whole_number
from models.errors import ParameterError
from models.packed_pool import PackedPool, check_finite

Floats = npt.NDArray[np.float64]

MOST_VENUES = 32
EVENTS: Final = (None, "open", "update", "close")
"""The events by their number in the results."""

_COLUMNS = ("event", "buy_venue", "sell_venue", "edge", "size", "episode", "lasted_ms", "best_edge")


class ArbitragePool(PackedPool):
    """Best bid of one venue against best ask of another, after fees, as episodes instead of an alert a tick.

    Parameters
    ----------
    fees
        What each venue takes of a trade, as a share, 0 and below 1; venues are numbered from 0. 2 to 32 of them.
    threshold
        An edge above this opens an episode, -1 to 10.
    max_age_ms
        No quote older than this counts, 1 to 86,400,000.
    max_skew_ms
        Two quotes that lie this far apart, or further, are not compared, 1 to 86,400,000.
    min_size
        Nor are quotes with less than this on one side, 0 or more.

    Notes
    -----
    A key is what may be compared at all: one base currency, one quote currency, one kind of instrument. Age and skew go
    by event times; "now" is the time of the row.

    Results a row: event, a number of `EVENTS`; buy_venue and sell_venue, edge and size of the best pair, NaN where no
    two quotes can be compared; and while an episode is open, its number, how long it has lasted, and its best edge. The
    edge is ``bid * (1 - fee) / (ask * (1 + fee)) - 1``. An episode opens with the first edge above the threshold, is
    told of again when its edge is the best so far or its venues change, and closes when no edge is above the threshold,
    or when a quote of its pair has grown too old. Between the two quotes of one moment, when the second is still to
    come, nothing is said: it goes on. It closes with the first row that tells, since there is no clock but the rows.

    Memory is ``8 * (6 + 5 * venues)`` bytes a key; a row takes a microsecond with ten venues.
    """

    def __init__(
        self,
        fees: Sequence[float],
        threshold: float = 0.0,
        max_age_ms: int = 2000,
        max_skew_ms: int = 1000,
        min_size: float = 0.0,
    ) -> None:
        whole_number("venues", len(fees), 2, MOST_VENUES)
        self.fees = np.array([number(f"fees[{place}]", fee, 0.0, 1.0) for place, fee in enumerate(fees)])
        if (self.fees == 1.0).any():
            raise ParameterError("fees must be below 1, a share of what is traded: 0.001 is ten basis points")
        self.threshold = number("threshold", threshold, -1.0, 10.0)
        self.max_age_ms = whole_number("max_age_ms", max_age_ms, 1, 86_400_000)
        self.max_skew_ms = whole_number("max_skew_ms", max_skew_ms, 1, 86_400_000)
        self.min_size = number("min_size", min_size, 0.0, sys.float_info.max)
        parameters: dict[str, int | float] = {
            "threshold": self.threshold, "max_age_ms": self.max_age_ms, "max_skew_ms": self.max_skew_ms,
            "min_size": self.min_size,
        }  # fmt: skip
        parameters |= {f"fees[{place}]": fee for place, fee in enumerate(self.fees.tolist())}
        fresh = np.zeros(QUOTES + QUOTE * self.fees.size)
        fresh[QUOTES + TIME :: QUOTE] = NEVER
        super().__init__("arbitrage", parameters, fresh, columns=5)
        kernels.make_ready()

    def process(
        self,
        slots: npt.NDArray[np.int32],
        times_ms: npt.NDArray[np.int64],
        columns: npt.NDArray[np.float64],
    ) -> dict[str, npt.NDArray[Any]]:
        """Take each quote in and say what it changes.

        Shapes: ``slots`` integers (n,), ``times_ms`` (n,), ``columns`` float64 (n, 5): the venue's number, bid, bid
        size, ask, ask size. A row whose venue is none of those there are, or whose price is not above 0, is no quote:
        it changes nothing, and its results say nothing.

        Raises
        ------
        InputError
            Wrong shapes, or a value that is not finite; nothing was changed.
        """
        places, values = self._checked(slots, columns)
        check_finite(values)
        results = np.empty((values.shape[0], COUNT))
        kernels.episodes(
            self._state, places, np.asarray(times_ms, np.int64), values, self.fees, self.threshold,
            float(self.max_age_ms), float(self.max_skew_ms), self.min_size, results,
        )  # fmt: skip
        return {name: results[:, place] for place, name in enumerate(_COLUMNS)}

    def _wrong_state(self, state: Floats) -> str | None:
        """The kernel takes venues from the state."""
        wrong = super()._wrong_state(state)
        if wrong is None:
            _, buy, sell = state[OPEN : OPEN + 3].tolist()
            if not all(0 <= venue < self.fees.size and venue == int(venue) for venue in (buy, sell)):
                wrong = f"its episode is of venues {buy!r} and {sell!r}"
        return wrong
