"""The original ensemble for many keys, each with an honest scoreboard beside it."""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.arguments import check_width, integers_of_rows, whole_number
from models.errors import SnapshotError
from models.original_market import kernels
from models.original_market.kernels import COUNT, ERRORS, HIGH, KEPT, LAST, LOW, NEXT_ERROR, ROWS, SCORE, width_of
from models.packed_pool import PackedPool, check_finite
from models.signals import kernels as board_kernels
from models.signals.board import MARKS, Board, check_prices, waves
from models.signals.layout import WAITING
from models.signals.pool import COUNTED, MOST_FEATURES, NAMES, SINGLE
from models.signals.rules import Rules
from models.snapshot_frame import SnapshotFrame

Floats = npt.NDArray[np.float64]

_UNHELD: Final = 2.0
"""A release above every score: the original gives its signal at every row anew."""


class OriginalMarketPool:
    """What the original market system predicts, and what became of it by the rules of `models.signals`.

    Parameters
    ----------
    features
        How many features a row has, 1 to 100; the original's are ten.
    rules
        Horizon, waiting, threshold and fee; the others are the original's own, and are passed over.

    Notes
    -----
    At each row the five members learn the return since the row before, whatever the horizon, and predict the next one:
    a running standard scaler that has taken the row in, a straight line, a tanh; a step against the error of the
    return with the rates 0.01, 0.02, ... 0.05, each 0.9999 of itself an update later. Before a hundred rows they say 0.
    Their mean is weighted by inverse mean absolute error over the last hundred rows, as soon as there are ten. A score
    at or beyond the threshold is a signal, at every row.

    The defects are part of it: a threshold of 0.7 on what is a predicted return (nothing comes near it), columns of
    which most are the height of the price, rates that die away, weights that hardly differ, errors of zero moves that
    count like all others. Honest is what stands beside: predictions are settled a horizon later, by event time, and
    counted as those of `models.signals.SignalsPool` are, under the same names; `inverse_score` is the score itself,
    `expected_return` too, since that is what it is, and `best_weight` is the greatest one.

    A row takes some microseconds; memory of a key is ``8 * (4 + 8 * features + 510)`` bytes and that of the board.

    Source: the published demonstration by what it does; section "The original system" of the market's page.

    Examples
    --------
    >>> import numpy as np
    >>> pool = OriginalMarketPool(1, Rules(horizon_ms=1000))
    >>> bars = np.array([[100.0, 99.9, 100.1, 0.0], [101.0, 100.9, 101.1, 0.0]])
    >>> found = pool.process(np.zeros(2, np.int32) + pool.open(), np.array([0, 1000]), bars)
    >>> found["score"].tolist(), found["moves"].tolist()
    ([0.0, 0.0], [0.0, 1.0])
    """

    def __init__(self, features: int, rules: Rules | None = None) -> None:
        self.features = whole_number("features", features, 1, MOST_FEATURES)
        self.rules = rules if rules is not None else Rules()
        self._board = Board(self.rules, 1, 0)
        self._members = _Members(self.features)
        self._frame = SnapshotFrame("original_market", struct.Struct("<H"), ("board", "members"))
        board_kernels.make_ready()

    # ---------------------------------------------------------------- slots
    def open(self) -> int:
        """A fresh ensemble; its slot."""
        return self._both(self._board.open(), self._members.open())

    def close(self, slot: int) -> None:
        """Forget the ensemble of a slot; the slot may be handed out again."""
        self._board.close(slot)
        self._members.close(slot)

    def dump(self, slot: int) -> bytes:
        """Scoreboard and members; equal state, equal bytes."""
        return self._frame.write((self.features,), [self._board.dump(slot), self._members.dump(slot)])

    def load(self, data: bytes) -> int:
        """A slot that continues bit for bit where `dump` left off; SnapshotError if the bytes are not such models."""
        facts, parts = self._frame.read(data)
        if facts != (self.features,):
            raise SnapshotError(f"the snapshot is of {facts[0]} features, these have {self.features}")
        slot = self._board.load(parts["board"])
        try:
            return self._both(slot, self._members.load(parts["members"]))
        except SnapshotError:
            self._board.close(slot)
            raise

    @property
    def nbytes(self) -> int:
        """Bytes held by the open ensembles."""
        return self._board.nbytes + self._members.nbytes

    @staticmethod
    def _both(slot: int, other: int) -> int:
        assert slot == other, "both are opened and closed together"
        return slot

    # ---------------------------------------------------------------- rows
    def process(
        self,
        slots: npt.NDArray[np.int32],
        times_ms: npt.NDArray[np.int64],
        columns: npt.NDArray[np.float64],
    ) -> dict[str, npt.NDArray[Any]]:
        """Learn and predict as the original does, settle as is right; shapes and results of `SignalsPool.process`.

        Raises
        ------
        InputError
            Wrong shapes, a value that is not finite, or a price that is none; nothing was changed.
        """
        values = np.ascontiguousarray(columns, np.float64)
        check_width(values, MARKS + self.features)
        rows = values.shape[0]
        places, times = self._board.open_slots(slots, rows), integers_of_rows("times_ms", times_ms, rows)
        check_finite(values)
        check_prices(values)
        said = np.empty((rows, COUNT))
        kernels.take_rows(self._members.states, places, values[:, 0].copy(), values[:, MARKS:].copy(), said)
        results, counted = np.empty((rows, board_kernels.COUNT)), np.empty((rows, len(COUNTED)))
        overlap, rules, states = np.empty(rows), self.rules, self._board.states
        for wave in waves(places):
            own, moments = places[wave], times[wave].astype(np.int64)
            marks, found = values[wave, :MARKS].copy(), np.empty((wave.size, board_kernels.COUNT))
            learned = np.empty((int(states[own, WAITING].sum()), board_kernels.LEARNED))
            board_kernels.settle(
                states, own, moments, marks, 1, rules.waiting, float(rules.horizon_ms), rules.fee, rules.eta,
                rules.discount, found, learned,
            )  # fmt: skip
            counted[wave] = states[own][:, list(COUNTED.values())]
            chances = (said[wave, SCORE : SCORE + 1] + 1.0) / 2.0
            board_kernels.decide(
                states, own, moments, marks, np.empty((wave.size, 0)), chances, rules.waiting, rules.threshold,
                _UNHELD, 0.0, 0.0, found,
            )  # fmt: skip
            results[wave], overlap[wave] = found, states[own, WAITING]
        by_name = {name: results[:, number] for number, name in enumerate(SINGLE)}
        by_name |= {"inverse_weight_low": said[:, LOW], "inverse_weight_high": said[:, HIGH]}
        by_name |= {"best_weight": said[:, HIGH], "expected_return": said[:, SCORE], "overlap": overlap}
        by_name |= {name: counted[:, number] for number, name in enumerate(COUNTED)}
        return {name: by_name[name] for name in NAMES}


class _Members(PackedPool):
    """The five members of each key."""

    def __init__(self, features: int) -> None:
        super().__init__("original_members", {"features": features}, np.zeros(width_of(features)), columns=features)
        kernels.make_ready()

    @property
    def states(self) -> Floats:
        """(slots, width): row k is slot k; for the kernel."""
        return self._state

    def _wrong_state(self, state: Floats) -> str | None:
        """The kernel indexes by what is kept, and divides by the last price."""
        wrong = super()._wrong_state(state)
        for place, most in ((KEPT, ERRORS), (NEXT_ERROR, ERRORS - 1)):
            value = float(state[place])
            if wrong is None and not (0.0 <= value <= most and value == int(value)):
                wrong = f"number {place} of its members is {value!r}, at most {most} is possible"
        if wrong is None and state[ROWS] > 0.0 and not state[LAST] > 0.0:
            wrong = f"its last price is {float(state[LAST])!r}"
        return wrong
