"""Logistic regressions that learn at different rates, and predict together: for labels whose delay is not known ahead.

Which rate is best depends on how late labels are: steps that fit a label learned at once are too long for one that
comes hours later, when much else has changed. A rate that was right for one delay is wrong for another. The mean of a
slow and a fast learner is close to the better of them, and better than both where they err in different rows.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from models.errors import ParameterError, SnapshotError
from models.learning.interface import Floats, Slots, Times
from models.learning.parameters import Declared, Real, Whole, checked
from models.learning.work import Work
from models.linear.pool import PARAMETERS as LINEAR
from models.linear.pool import LinearPool
from models.snapshot_frame import SnapshotFrame

_ITS_OWN: Declared = {
    "slowest": Real(0.005, 0.0, 1e3, "learning rate of the first member", above_low=True),
    "fastest": Real(0.05, 0.0, 1e3, "learning rate of the last one; those between have the same ratio", above_low=True),
    "members": Whole(2, 2, 16, "logistic regressions"),
}
_NOT_OF_A_MEMBER = ("learning_rate", "optimizer", "power", "ftrl_alpha", "ftrl_beta")
#: What the learner may be told: what a logistic regression may, and the rates instead of one.
PARAMETERS: Declared = {
    **{name: declared for name, declared in LINEAR["logistic"].items() if name not in _NOT_OF_A_MEMBER},
    **_ITS_OWN,
}


class RateMixturePool:
    """Logistic regressions at rates from slow to fast, one set a key; a prediction is the mean of their probabilities.

    Parameters
    ----------
    columns, categories
        Numeric columns, and categorical ones behind them.
    parameters
        As `PARAMETERS` declares them; ParameterError for others.

    Notes
    -----
    Costs in memory and time what its members cost. Before the first row is learned a prediction is 0.5. Every promise
    of a learner holds: predicting changes nothing, and the cut of rows into calls does not show.

    Source: the mean of experts, N. Cesa-Bianchi, G. Lugosi, Prediction, Learning, and Games, 2006, with equal weights:
    weights by losses would be learned from labels that are late too.
    """

    task = "classification"

    def __init__(self, columns: int, categories: int = 0, **parameters: Any) -> None:
        given = checked("logistic_mixture", PARAMETERS, parameters)
        slowest, fastest, members = (given[name] for name in _ITS_OWN)
        if slowest >= fastest:
            raise ParameterError(f"slowest must be below fastest, got slowest {slowest:g} and fastest {fastest:g}")
        self.columns, self.categories, self.parameters = columns, categories, given
        shared = {name: value for name, value in given.items() if name not in _ITS_OWN}
        self.rates = tuple(float(rate) for rate in np.geomspace(slowest, fastest, members))
        self._members = [
            LinearPool("logistic", columns, categories, learning_rate=rate, **shared) for rate in self.rates
        ]
        names = tuple(f"member {number + 1} of {members}" for number in range(members))
        self._frame = SnapshotFrame("logistic_mixture", struct.Struct("<B"), names)

    # ---------------------------------------------------------------- slots
    def open(self) -> int:
        """A fresh set; its slot."""
        slots = [member.open() for member in self._members]
        return slots[0]

    def close(self, slot: int) -> None:
        """Forget the set of a slot; the slot may be handed out again."""
        for member in self._members:
            member.close(slot)

    def dump(self, slot: int) -> bytes:
        """The snapshots of the members, one behind the other. Equal state, equal bytes."""
        return self._frame.write((len(self._members),), [member.dump(slot) for member in self._members])

    def load(self, data: bytes) -> int:
        """A slot that continues bit for bit where `dump` left off, or a SnapshotError that says why not."""
        (members,), parts = self._frame.read(data)
        if members != len(self._members):
            raise SnapshotError(f"the snapshot is of {members} members, this one has {len(self._members)}")
        slot, loaded = 0, list[LinearPool]()
        for member, part in zip(self._members, parts.values(), strict=True):
            try:
                slot = member.load(part)
            except SnapshotError:
                for earlier in loaded:  # members hand out the same slots in the same order
                    earlier.close(slot)
                raise
            loaded.append(member)
        return slot

    @property
    def slot_bytes(self) -> int:
        """Bytes of a slot."""
        return sum(member.slot_bytes for member in self._members)

    @property
    def nbytes(self) -> int:
        """Bytes held by the open sets."""
        return sum(member.nbytes for member in self._members)

    # ---------------------------------------------------------------- rows
    def predict(self, slots: Slots, times_ms: Times, features: Floats) -> Floats:
        """Predictions (n,) by the models as they are; as `LearnerPool.predict`. Raises `InputError`."""
        return self._mean([member.predict(slots, times_ms, features) for member in self._members])

    def learn(
        self, slots: Slots, times_ms: Times, features: Floats, labels: Floats, weights: Floats | None = None
    ) -> None:
        """Learn rows with their labels, as `LearnerPool.learn`. Raises `InputError`; then nothing was learned."""
        for member in self._members:
            member.learn(slots, times_ms, features, labels, weights)

    def process(self, slots: Slots, times_ms: Times, columns: Floats) -> dict[str, npt.NDArray[Any]]:
        """Predict each row, then learn it; as `LearnerPool.process`. Raises `InputError`; then nothing was learned."""
        return {"prediction": self._mean([m.process(slots, times_ms, columns)["prediction"] for m in self._members])}

    def work(
        self, slots: Slots, times_ms: Times, features: Floats, labels: Floats, work: Work, weights: Floats | None = None
    ) -> Floats:
        """Predict some rows and learn others, in the order given; as `LearnerPool.work`. Raises `InputError`."""
        return self._mean([m.work(slots, times_ms, features, labels, work, weights) for m in self._members])

    def _mean(self, predictions: list[Floats]) -> Floats:
        """Summed in the order of the rates, so that a row has the same bits in every call."""
        total = predictions[0].copy()
        for more in predictions[1:]:
            total += more
        total /= len(predictions)
        return total
