"""What a key still has to learn: predictions that wait for their label, and what became of the others.

A ledger is plain data and three questions: what does a label find, what does a new prediction find, what has waited
too long. Times are event times and never go back within a key, so all three stores are queues: the oldest comes
first. Nothing here depends on how rows are cut into packs, but for the moment at which `expire` is asked.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from udfs.pack import FloatArray

#: An id as it crosses: a text or a whole number.
Id = str | int

#: What a model said: a number; of several models the number of the one that serves, then what each of them said.
Said = float | list[float]

#: The place of a prediction whose model has not been asked yet.
UNASKED = float("nan")


@dataclass(slots=True)
class Pending:
    """A prediction that was made.

    Attributes
    ----------
    id
        By which its label will find it.
    time_ms
        Event time of the input row.
    values
        The columns of the input row as they crossed.
    features
        (d,) what the model saw.
    prediction
        What it said.
    version
        Rows it had learned then.
    """

    id: Id
    time_ms: int
    values: Sequence[Any]
    features: FloatArray
    version: int
    prediction: Said = UNASKED


class LabelFate(Enum):
    """What became of a label; the values name the host's metrics."""

    JOINED = "labels_joined"
    #: waits for an input that comes later in event time
    EARLY = "labels_early"
    #: says again what another label said
    DUPLICATE = "labels_duplicate"
    #: says something else than the label that was learned, which stands
    REVISED = "labels_revised"
    #: comes after its prediction timed out or was given up
    LATE = "labels_late"


class InputFate(Enum):
    """What became of a prediction."""

    WAITS = "waits"
    #: its label was there before it
    LABELLED = "labelled"
    #: another one of this id is waiting, or was there a short while ago
    DUPLICATE = "duplicate"


class Ledger:
    """The predictions of one key that wait for a label, and the ids that do not any more.

    Parameters
    ----------
    timeout_ms
        How much later than its prediction a label may be, and how long an early label waits and a closed id is
        remembered; None is for ever.
    limit
        The most predictions that wait, of early labels, and of closed ids; beyond it the oldest goes.

    Attributes
    ----------
    learned
        Rows the key's model has learned.
    unmatched
        Early labels that were dropped because no input came; the owner may read and reset it.
    """

    def __init__(self, timeout_ms: int | None, limit: int) -> None:
        self._timeout_ms, self._limit = timeout_ms, limit
        self.learned = self.unmatched = 0
        # a plain dict would look for its first entry among all that were deleted before it
        self._pending: OrderedDict[Id, Pending] = OrderedDict()
        #: labels without a prediction, by id: when they came, and what they say
        self._early: OrderedDict[Id, tuple[int, float]] = OrderedDict()
        #: ids whose prediction does not wait any more: since when, and the label it got
        self._closed: OrderedDict[Id, tuple[int, float | None]] = OrderedDict()

    def __len__(self) -> int:
        """How many predictions wait."""
        return len(self._pending)

    @property
    def entries(self) -> int:
        """How much `as_data` has to write: what waits and what is remembered."""
        return len(self._pending) + len(self._early) + len(self._closed)

    def deadline_ms(self) -> int | None:
        """The last time at which the label of the oldest waiting prediction counts; None where nothing can time out."""
        if self._timeout_ms is None or not self._pending:
            return None
        return next(iter(self._pending.values())).time_ms + self._timeout_ms

    def expire(self, start_ms: int) -> list[Pending]:
        """Close the predictions whose label can no longer come at or after `start_ms`, the oldest first."""
        expired: list[Pending] = []
        while (deadline := self.deadline_ms()) is not None and deadline < start_ms:
            expired.append(self._give_up_oldest(start_ms))
        return expired

    def label(self, of: Id, time_ms: int, label: float) -> tuple[LabelFate, Pending | None]:
        """What a label finds; where it is joined, the prediction, which is closed from now on."""
        self._forget_old(time_ms)
        pending = self._pending.get(of)
        if pending is not None:
            if self._timeout_ms is not None and time_ms > pending.time_ms + self._timeout_ms:
                return LabelFate.LATE, None
            del self._pending[of]
            self._close(of, time_ms, label)
            return LabelFate.JOINED, pending
        known = self._closed.get(of) or self._early.get(of)
        if known is None:
            self._early[of] = (time_ms, label)
            if len(self._early) > self._limit:
                self._early.popitem(last=False)
                self.unmatched += 1
            return LabelFate.EARLY, None
        if known[1] is None:
            return LabelFate.LATE, None
        return (LabelFate.DUPLICATE if known[1] == label else LabelFate.REVISED), None

    def predicted(self, pending: Pending) -> tuple[InputFate, tuple[int, float] | None, Pending | None]:
        """What a new prediction finds: its fate, time and label if that was early, and who had to give up for it."""
        self._forget_old(pending.time_ms)
        of = pending.id
        if of in self._pending or of in self._closed:
            return InputFate.DUPLICATE, None, None
        early = self._early.pop(of, None)
        if early is not None:
            self._close(of, pending.time_ms, early[1])
            return InputFate.LABELLED, early, None
        self._pending[of] = pending
        given_up = self._give_up_oldest(pending.time_ms) if len(self._pending) > self._limit else None
        return InputFate.WAITS, None, given_up

    def _give_up_oldest(self, now_ms: int) -> Pending:
        _, oldest = self._pending.popitem(last=False)
        self._close(oldest.id, now_ms, None)
        return oldest

    def _close(self, of: Id, now_ms: int, label: float | None) -> None:
        self._closed[of] = (now_ms, label)
        if len(self._closed) > self._limit:
            self._closed.popitem(last=False)

    def _forget_old(self, now_ms: int) -> None:
        if self._timeout_ms is None:
            return
        oldest = now_ms - self._timeout_ms
        while self._early and next(iter(self._early.values()))[0] < oldest:
            self._early.popitem(last=False)
            self.unmatched += 1
        while self._closed and next(iter(self._closed.values()))[0] < oldest:
            self._closed.popitem(last=False)

    # ---------------------------------------------------------------- as data

    def as_data(self) -> dict[str, Any]:
        """Everything as lists that JSON has, column by column."""
        waiting = self._pending.values()
        return {
            "learned": self.learned,
            "pending": [
                [each.id for each in waiting],
                [each.time_ms for each in waiting],
                [each.prediction for each in waiting],
                [each.version for each in waiting],
                [list(column) for column in zip(*(each.values for each in waiting), strict=True)],
            ],
            "early": [[of, *rest] for of, rest in self._early.items()],
            "closed": [[of, *rest] for of, rest in self._closed.items()],
        }

    @classmethod
    def of_data(
        cls,
        data: dict[str, Any],
        timeout_ms: int | None,
        limit: int,
        features_of: Callable[[Sequence[Sequence[Any]]], FloatArray],
    ) -> Ledger:
        """The ledger of `as_data`; `features_of` makes (n, d) features of columns."""
        ledger = cls(timeout_ms, limit)
        ledger.learned = data["learned"]
        ids, times, predictions, versions, columns = data["pending"]
        features = features_of(columns) if ids else ()
        rows = zip(ids, times, zip(*columns, strict=True), features, versions, predictions, strict=True)
        ledger._pending.update((row[0], Pending(*row)) for row in rows)
        ledger._early.update((of, (time_ms, label)) for of, time_ms, label in data["early"])
        ledger._closed.update((of, (time_ms, label)) for of, time_ms, label in data["closed"])
        return ledger
