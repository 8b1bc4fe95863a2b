"""What a learner does beyond a `ModelPool`: it predicts at once and learns later, when the label is there."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from models.pool import ModelPool

Slots = npt.NDArray[np.int32]
Times = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class LearnerPool(ModelPool, Protocol):
    """Many learners of one kind and one set of parameters, one slot a key.

    Features are rows of float64: the numeric columns, then one code a categorical column (`models.features`); NaN is a
    value that is missing. A classifier's labels are 0 and 1 and its predictions the probability of 1; a regressor's
    are numbers. Every method takes the rows of one slot in the order given, and a call changes nothing when it raises.

    `predict` changes no bit of a model, and ``learn`` after it gives the bits that `process` gives: it does not matter
    how rows are cut into calls, nor whether predicting and learning are one call or two. (A hosted estimator, which
    learns a call's rows at once, says that it is the exception.)
    """

    #: ``'classification'`` or ``'regression'``
    task: str
    #: numeric columns, and categorical ones behind them
    columns: int
    categories: int

    def predict(self, slots: Slots, times_ms: Times, features: Floats) -> Floats:
        """Predictions (n,) for ``features`` (n, columns + categories) by the models as they are; nothing is learned."""
        ...

    def learn(
        self, slots: Slots, times_ms: Times, features: Floats, labels: Floats, weights: Floats | None = None
    ) -> None:
        """Learn rows with their labels (n,), each with its weight (n,), 1 unless given."""
        ...

    def work(
        self,
        slots: Slots,
        times_ms: Times,
        features: Floats,
        labels: Floats,
        work: npt.NDArray[np.int8],
        weights: Floats | None = None,
    ) -> Floats:
        """Predict some rows and learn others, as they come: ``work`` (n,) says what to do with each.

        1 predicts the row, 2 learns it (one with a label that is NaN is left out), 3 does both. Returns (n,), NaN where
        nothing was to be predicted. The bits are those of one call a row.
        """
        ...

    def process(self, slots: Slots, times_ms: Times, columns: Floats) -> dict[str, npt.NDArray[Any]]:
        """Test-then-train: predict each row, then learn it. ``columns`` are the features and, last, the label.

        A label that is NaN is not known: the row is predicted only. Returns ``{"prediction": (n,)}``.
        """
        ...
