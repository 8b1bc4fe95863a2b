"""The original consumer as a learner for many keys, so that a stream can show what its gate is worth."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

from models.errors import ParameterError
from models.learning.interface import Floats, Times
from models.learning.parameters import Declared, Flag, Real, Whole, checked
from models.learning.state_pool import Longs, StatePool
from models.learning.work import Work
from models.original_gate import kernels
from models.original_gate.consumer import LEARNING_RATE, SEED, SHARE_OF_MEAN, TRIED

#: What the learner may be told.
PARAMETERS: Declared = {
    "message_rows": Whole(100, 5, 10_000, "labelled rows that are one message: learned, tried and judged together"),
    "learning_rate": Real(LEARNING_RATE, 0.0, 1_000.0, "size of a step", above_low=True),
    "copies": Flag(False, "take a refused update back, as the original meant to"),
}


class OriginalGatePool(StatePool):
    """The original clickstream system's classifier with its gate, one a key; to compare with, not to use.

    Parameters
    ----------
    columns, categories
        Numeric columns; it takes no categorical ones.
    parameters
        As `PARAMETERS` declares them; ParameterError for others.

    Notes
    -----
    What `Consumer` does with messages, for rows that come one by one: rows that are learned are gathered until there
    are ``message_rows`` of them, then four fifths are learned, the rest is tried, and the message is recorded or not.
    Between messages the model stays as it is. A prediction is a probability in 0..1, and 0.5 before the first message.
    Columns are taken as they are: the original scales them before it sends them. Memory of a key:
    ``8 * (columns + 6 + message_rows * (columns + 2))`` bytes.

    Source: as for `Consumer`, which has the figures that the original records beside those that are true.
    """

    def __init__(self, columns: int, categories: int = 0, **parameters: Any) -> None:
        given = checked("original_gate", PARAMETERS, parameters)
        if categories:
            raise ParameterError(f"original_gate takes numbers only, got {categories} categorical columns")
        rows = int(given["message_rows"])
        self._order = np.random.RandomState(SEED).permutation(rows).astype(np.int64)
        self._gate = ceil(TRIED * rows), float(given["learning_rate"]), SHARE_OF_MEAN, bool(given["copies"])
        every = {"columns": columns, **given}
        super().__init__("original_gate", every, columns, 0, np.zeros(kernels.width_of(columns, rows)))
        kernels.make_ready()

    def accepted(self, slot: int) -> tuple[int, int, float]:
        """Messages of a key so far, those that its gate accepted, and their mean F1: what the original would show."""
        facts = self.state(slot)[self.columns + 1 :][: kernels.BUFFER]
        number = int(facts[kernels.ACCEPTED])
        mean = float(facts[kernels.F1_SUM]) / number if number else 0.0
        return int(facts[kernels.MESSAGES]), number, mean

    def _take(
        self, states: Floats, slots: Longs, times: Times, values: Floats, labels: Floats, weights: Floats, out: Floats,
        work: Work,
    ) -> None:  # fmt: skip
        kernels.take_rows(states, slots, values, labels, weights, out, work, self.columns, self._order, *self._gate)

    def _wrong_state(self, state: Floats) -> str | None:
        facts = state[self.columns + 1 :][: kernels.BUFFER]
        whole = facts[[kernels.MESSAGES, kernels.ACCEPTED, kernels.FILLED]]
        fits = np.isfinite(state).all() and (whole >= 0).all() and (whole == np.floor(whole)).all()
        full = fits and facts[kernels.FILLED] < self._order.size
        return None if full and 0 <= facts[kernels.F1_SUM] <= whole[1] <= whole[0] else "its messages cannot be"
