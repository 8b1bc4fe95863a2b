"""Predictions and signals for many keys, each with an ensemble of its own."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.arguments import check_width, integers_of_rows, whole_number
from models.errors import ModelError, ParameterError, SnapshotError
from models.learners import learner, task_of
from models.learning.interface import LearnerPool
from models.packed_pool import check_finite
from models.signals import kernels
from models.signals.board import MARKS, Board, check_prices, waves
from models.signals.kernels import COUNT, LABEL, LEARNED, OF_ROW, RETURN
from models.signals.layout import (
    DROPPED,
    GROSS,
    INVERSE_RIGHT,
    MOVES,
    NET,
    OPPOSITE,
    RIGHT,
    SAME,
    SIGNAL_GROSS,
    SIGNAL_NET,
    SIGNALS,
    SQUARED,
    TRADES,
    UP,
    WAITING,
    ZEROS,
)  # fmt: skip
from models.signals.rules import Rules
from models.snapshot_frame import SnapshotFrame

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: The members there are when nothing else is said: slow and quick straight lines, a Gaussian view, and a small tree.
MEMBERS: Final[tuple[Mapping[str, Any], ...]] = (
    {"algorithm": "logistic", "learning_rate": 0.005},
    {"algorithm": "logistic", "learning_rate": 0.05},
    {"algorithm": "naive_bayes"},
    {"algorithm": "hoeffding_tree", "max_leaves": 16},
)
MOST_MEMBERS: Final = 16
MOST_FEATURES: Final = 100

#: How large a move is: steps that are cut, in basis points, so that no row can throw it off.
_SIZE_STEP, _SIZE_NOTHING = 0.01, 0.5
_BASIS_POINTS = 1e4
_LARGEST_MOVE = 1_000.0

SINGLE: Final = (
    "settled", "outcome_return", "outcome_score", "outcome_right",
    "score", "inverse_score", "inverse_weight_low", "inverse_weight_high", "best_weight", "signal",
)  # fmt: skip
COUNTED: Final = {
    "moves": MOVES, "zeros": ZEROS, "dropped": DROPPED, "right": RIGHT, "inverse_right": INVERSE_RIGHT, "ups": UP,
    "same": SAME, "opposite": OPPOSITE, "squared": SQUARED, "trades": TRADES, "gross": GROSS, "net": NET,
    "signals": SIGNALS, "signal_gross": SIGNAL_GROSS, "signal_net": SIGNAL_NET,
}  # fmt: skip
NAMES: Final = (*SINGLE, "expected_return", "overlap", *COUNTED)
"""The results, in order."""


class SignalsPool:
    """Will the price rise over the next horizon: asked at each bar, answered by the market, learned only then.

    Parameters
    ----------
    features
        How many features a row has, 1 to 100.
    rules
        Horizon, weights, and when a signal is given.
    members
        Classifiers with their parameters, as `models.learners.learner` takes them; 2 to 16.

    Notes
    -----
    A row is a closed bar: its mid price, best bid and best ask, then features known by then. Its label is whether the
    mid price one horizon later is above or below, by event time: the last bar at or before that moment, unless it is
    more than half a horizon older. It is known, and learned, with the first row at or behind that moment; a price that
    is the same is counted apart and teaches the members nothing.

    The score is ``2 p - 1`` of the probability p by discounted exponential weights: a member that predicts the wrong
    side loses ``eta`` of its logarithmic weight, and the past fades by ``discount`` a label. Beside it stands the score
    by inverse mean absolute error over the last 100 labels, with the least and the greatest of these weights; errors
    of sign predictors are nearly the same, and so are the weights.

    Results a row, of which the scoreboard runs from the key's beginning and holds what is known at this row:

    - settled: predictions that came true with this row; outcome_return, outcome_score, outcome_right of the newest of
      them, NaN where there is none (outcome_right: 1, 0, or 0.5 for a score of 0; NaN where the price was the same).
    - score, inverse_score, -1 to 1; inverse_weight_low, inverse_weight_high; best_weight, of the members, 0 to 1;
      signal, 1 to buy, -1 to sell, 0 none; expected_return, as a share; overlap, how many predictions wait, this one
      included: so many horizons cover one moment.
    - moves, zeros, dropped: outcomes with a move, without, and predictions that got no label; right, inverse_right,
      ups, same, opposite: of the moves, what the ensemble, inverse weights, "always up", "as the bar before" and its
      opposite had right (a half for no opinion); squared: sum of squared errors of p.
    - trades, gross, net: had each score been traded for a horizon: sums of returns at mid prices, and at bid and ask
      after fees; signals, signal_gross, signal_net: the same of signals alone.

    A row costs some ten microseconds a member and call, less where a call has rows of many keys. Memory of a key:
    that of its members, and ``8 * (26 + 101 * members + waiting * (8 + members + features))`` bytes.

    Sources: weights, Freund, Schapire, "A decision-theoretic generalization of on-line learning", Journal of Computer
    and System Sciences 55 (1997); faded, Herbster, Warmuth, "Tracking the best expert", Machine Learning 32 (1998);
    tested before learned, Gama, Sebastião, Rodrigues, "On evaluating stream learning algorithms", Machine Learning 90
    (2013).

    Examples
    --------
    >>> import numpy as np
    >>> pool = SignalsPool(1, Rules(horizon_ms=1000))
    >>> bars = np.array([[100.0, 99.9, 100.1, 0.0], [101.0, 100.9, 101.1, 0.0]])
    >>> found = pool.process(np.zeros(2, np.int32) + pool.open(), np.array([0, 1000]), bars)
    >>> found["settled"].tolist(), found["outcome_return"].round(4).tolist()
    ([0.0, 1.0], [nan, 0.01])
    """

    def __init__(
        self, features: int, rules: Rules | None = None, members: Sequence[Mapping[str, Any]] = MEMBERS
    ) -> None:
        self.features = whole_number("features", features, 1, MOST_FEATURES)
        self.rules = rules if rules is not None else Rules()
        self.members = tuple(dict(member) for member in members)
        whole_number("members", len(self.members), 2, MOST_MEMBERS)
        self._learners = [_member(number, member, self.features) for number, member in enumerate(self.members)]
        self._size = learner(
            "passive_aggressive_regression", columns=self.features, aggressiveness=_SIZE_STEP, tolerance=_SIZE_NOTHING
        )
        self._board = Board(self.rules, len(self.members), self.features)
        names = ("board", "size", *(f"member {number}" for number in range(len(self.members))))
        self._frame = SnapshotFrame("signals", struct.Struct("<HH"), names)
        #: (slots, 1 + members): the slots of a key in the learners, size first; its slot here is that of its board
        self._inside = np.full((0, 1 + len(self.members)), -1, np.int32)
        kernels.make_ready()

    # ---------------------------------------------------------------- slots
    def open(self) -> int:
        """A fresh ensemble; its slot."""
        return self._place(self._board.open(), [pool.open() for pool in self._pools])

    def close(self, slot: int) -> None:
        """Forget the ensemble of a slot; the slot may be handed out again."""
        self._board.close(slot)
        for pool, inside in zip(self._pools, self._inside[slot].tolist(), strict=True):
            pool.close(inside)

    def dump(self, slot: int) -> bytes:
        """The scoreboard, what waits, and all members; equal state, equal bytes."""
        board = self._board.dump(slot)
        inside = zip(self._pools, self._inside[slot].tolist(), strict=True)
        return self._frame.write(
            (self.features, len(self.members)), [board, *(pool.dump(each) for pool, each in inside)]
        )

    def load(self, data: bytes) -> int:
        """A slot that continues bit for bit where `dump` left off; SnapshotError if the bytes are not such models."""
        facts, parts = self._frame.read(data)
        if facts != (self.features, len(self.members)):
            raise SnapshotError(
                f"the snapshot is of {facts[1]} members and {facts[0]} features, these have {len(self.members)} and "
                f"{self.features}"
            )
        board, *inside = parts.values()
        slot, loaded = self._board.load(board), list[int]()
        try:
            for pool, part in zip(self._pools, inside, strict=True):
                loaded.append(pool.load(part))
        except SnapshotError:
            self._board.close(slot)
            for pool, each in zip(self._pools, loaded, strict=False):
                pool.close(each)
            raise
        return self._place(slot, loaded)

    @property
    def nbytes(self) -> int:
        """Bytes held by the open ensembles."""
        return self._board.nbytes + sum(pool.nbytes for pool in self._pools)

    @property
    def _pools(self) -> list[LearnerPool]:
        return [self._size, *self._learners]

    def _place(self, slot: int, inside: list[int]) -> int:
        if slot >= len(self._inside):
            more = np.full((max(4, slot + 1), self._inside.shape[1]), -1, np.int32)
            self._inside = np.concatenate([self._inside, more])
        self._inside[slot] = inside
        return slot

    # ---------------------------------------------------------------- rows
    def process(
        self,
        slots: npt.NDArray[np.int32],
        times_ms: npt.NDArray[np.int64],
        columns: npt.NDArray[np.float64],
    ) -> dict[str, npt.NDArray[Any]]:
        """Settle, learn and predict at each bar.

        Shapes: ``slots`` integers (n,), ``times_ms`` (n,), of a key not falling, ``columns`` float64 (n, 3 + features):
        mid, bid and ask above 0, then the features.

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
        results = np.empty((rows, COUNT))
        counted = np.empty((rows, len(COUNTED)))
        expected, overlap = np.empty(rows), np.empty(rows)
        for wave in waves(places):
            own, expected[wave] = self._wave(places[wave], times[wave].astype(np.int64), values[wave])
            results[wave], counted[wave] = own[:, :COUNT], own[:, COUNT:-1]
            overlap[wave] = own[:, -1]
        found = {name: results[:, number] for number, name in enumerate(SINGLE)}
        found |= {"expected_return": expected, "overlap": overlap}
        return found | {name: counted[:, number] for number, name in enumerate(COUNTED)}

    def _wave(self, places: Longs, times: Longs, values: Floats) -> tuple[Floats, Floats]:
        """One row of each key among `places`: results, scoreboard and overlap side by side, and expected returns."""
        rules, marks, features = self.rules, values[:, :MARKS].copy(), values[:, MARKS:].copy()
        results = np.empty((places.size, COUNT))
        states = self._board.states
        learned = np.empty((int(states[places, WAITING].sum()), LEARNED + self.features))
        found = kernels.settle(
            states, places, times, marks, len(self.members), rules.waiting, float(rules.horizon_ms), rules.fee,
            rules.eta, rules.discount, results, learned,
        )  # fmt: skip
        if found:
            self._learn(places, times, learned[:found])
        counted = states[places][:, list(COUNTED.values())]
        chances = np.empty((places.size, len(self.members)))
        for number, pool in enumerate(self._learners):
            chances[:, number] = pool.predict(self._inside[places, 1 + number], times, features)
        sizes = self._size.predict(self._inside[places, 0], times, features)
        kernels.decide(
            states, places, times, marks, features, chances, rules.waiting, rules.threshold, rules.release,
            float(rules.cool_down_ms), float(rules.warm_up), results,
        )  # fmt: skip
        expected = np.clip(sizes, -_LARGEST_MOVE, _LARGEST_MOVE) / _BASIS_POINTS
        return np.column_stack([results, counted, states[places, WAITING]]), expected

    def _learn(self, places: Longs, times: Longs, learned: Floats) -> None:
        rows = learned[:, OF_ROW].astype(np.int64)
        features = learned[:, LEARNED:].copy()
        moved = np.clip(learned[:, RETURN] * _BASIS_POINTS, -_LARGEST_MOVE, _LARGEST_MOVE)
        inside, moments = self._inside[places[rows]], times[rows]
        self._size.learn(inside[:, 0], moments, features, moved)
        known = np.flatnonzero(~np.isnan(learned[:, LABEL]))
        for number, pool in enumerate(self._learners):
            pool.learn(inside[known, 1 + number], moments[known], features[known], learned[known, LABEL])


def _member(number: int, given: Mapping[str, Any], features: int) -> LearnerPool:
    parameters = {name: value for name, value in given.items() if name != "algorithm"}
    algorithm = str(given.get("algorithm", ""))
    try:
        if task_of(algorithm, parameters) != "classification":
            raise ParameterError(f"{algorithm!r} predicts numbers; members predict the probability of a rise")
        return learner(algorithm, columns=features, **parameters)
    except ModelError as error:
        raise ParameterError(f"member {number}: {error}") from error
