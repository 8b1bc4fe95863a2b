"""A bucket of models that predict at once and learn when the label comes.

An input is predicted when it comes and then waits in the ledger of its key. Its label, joined by id, has the model
learn the features as they were at the prediction. A label that does not come in time is given up at the start of the
first pack that begins later, before the rows of that pack; beats see to it that there is such a pack. All that a pack
asks of the models, row after row, goes to the pool as one call.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from udfs.bucket import BESIDE, BucketStore, Counters, Hosted, KeyedBucket, LiveKey
from udfs.labelled_log import (
    Events,
    decode_events,
    decode_key,
    decode_waiting,
    encode_events,
    encode_key,
    encode_waiting,
)
from udfs.ledger import InputFate, Ledger, Pending
from udfs.pack import FloatArray
from udfs.replay_log import key_of_text, key_text

if TYPE_CHECKING:
    from models.learning.interface import LearnerPool

#: What `LearnerPool.work` does with a row.
PREDICT, LEARN = 1, 2

#: Features (n, d) of the columns that events keep.
FeaturesOf = Callable[[Sequence[Sequence[Any]]], FloatArray]


@dataclass(frozen=True)
class LabelRules:
    """How predictions and labels find each other.

    Parameters
    ----------
    features_of
        Makes the features of the columns that events keep.
    labels_come_late
        Whether labels are rows of their own; else each input brings its own.
    timeout_ms
        How much later than its input a label may be; None is for ever.
    negative_after_timeout
        Whether an input without a label is learned as a 0 then.
    limit
        The most predictions of a key that wait.
    is_label
        Whether a number can be a label.
    """

    features_of: FeaturesOf
    labels_come_late: bool = True
    timeout_ms: int | None = None
    negative_after_timeout: bool = False
    limit: int = 100_000
    is_label: Callable[[float], bool] = math.isfinite


@dataclass
class LabelledKey(LiveKey):
    """A key with what its model still has to learn."""

    ledger: Ledger = field(kw_only=True)


@dataclass
class Tally:
    """What became of inputs and labels since the host was opened; the names are those of the metrics."""

    predictions: int = 0
    labels_joined: int = 0
    labels_timed_out: int = 0
    labels_given_up: int = 0
    labels_early: int = 0
    labels_unmatched: int = 0
    labels_duplicate: int = 0
    labels_revised: int = 0
    labels_late: int = 0
    labels_unusable: int = 0
    ids_null: int = 0
    ids_duplicate: int = 0
    #: predictions that wait now; what else is told is what has happened
    pending: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """A row that comes out.

    Attributes
    ----------
    of
        The prediction.
    row
        The row of the events that brought it about; None for a label that did not come in time.
    time_ms
        When.
    is_outcome
        Whether it closes the prediction, rather than makes it.
    label, lag_ms
        The label of an outcome and how long it took; None where it did not come, and the lag alone where a negative
        was taken for it.
    decision
        Of a row that is neither: what was decided when the prediction's label was learned, by name.
    """

    of: Pending
    row: int | None
    time_ms: int
    is_outcome: bool
    label: float | None = None
    lag_ms: int | None = None
    decision: Mapping[str, Any] | None = None


@dataclass
class Asked:
    """What a pack asks of the pool, in order."""

    slots: list[int] = field(default_factory=list)
    times_ms: list[int] = field(default_factory=list)
    labels: list[float] = field(default_factory=list)
    work: list[int] = field(default_factory=list)
    #: the prediction that each row makes, or is learned for
    of: list[Pending] = field(default_factory=list)

    def ask(self, work: int, slot: int, time_ms: int, of: Pending, label: float | None = None) -> None:
        self.work.append(work)
        self.slots.append(slot)
        self.times_ms.append(time_ms)
        self.of.append(of)
        self.labels.append(math.nan if label is None else label)

    def rows(self) -> dict[str, Any]:
        """The rows as `LearnerPool.work` takes them."""
        return {
            "slots": np.array(self.slots, np.int32),
            "times_ms": np.array(self.times_ms, np.int64),
            "features": np.array([pending.features for pending in self.of]),
            "labels": np.array(self.labels),
            "work": np.array(self.work, np.int8),
        }


class LabelledBucket(KeyedBucket[LabelledKey]):
    """Learners of one bucket, and the predictions that wait for their labels.

    Parameters
    ----------
    hosted
        The function, its pool of learners and the rules all buckets have.
    rules
        The rules of labels.
    store, counters
        As for every bucket.
    tally
        Added to, except by what is only replayed.
    """

    def __init__(self, hosted: Hosted, rules: LabelRules, store: BucketStore, counters: Counters, tally: Tally) -> None:
        self._rules, self._tally = rules, Tally()
        self._learners = cast("LearnerPool", hosted.pool)
        #: for keys with predictions that may time out, live or not, a time no later than their next deadline
        self._waiting: dict[str, int] = {}
        #: the same as a heap; an entry that `_waiting` does not have any more is void
        self._deadlines: list[tuple[int, str]] = []
        self._pending = self._folded_entries = self._folded_bytes = 0
        super().__init__(hosted, store, counters)
        self._tally = tally
        tally.pending += self._pending

    def process(self, events: Events, start_ms: int, store: BucketStore) -> list[Result]:
        """What comes out of a pack, in order; what was learned is remembered in the state.

        Parameters
        ----------
        events
            Inputs and labels; an input must have features a model can take.
        start_ms
            Start of the pack's interval: what a label that did not come in time is measured against.
        store
            The same bucket's state as at construction.
        """
        before = self._pending
        results = self._learn(events, start_ms, store)
        self._tally.pending += self._pending - before
        if len(events) or results:
            data = encode_events(events, start_ms)
            store.add_log(data)
            self._note_logged(len(events), len(data))
            self._fold_if_long(start_ms, store)
        return results

    # ---------------------------------------------------------------- a pack

    def _learn(self, events: Events, start_ms: int, store: BucketStore) -> list[Result]:
        asked = Asked()
        results = self._time_out(start_ms, asked, store)
        if asked.slots and self._hosted.idle_ms is not None:
            # a key that timed out may be idle too: its slot may be another model's before the call at the end
            results, asked = self._ask(asked, results), Asked()
        features = self._rules.features_of(events.columns) if not all(events.is_label) else ()
        inputs = zip(features, zip(*events.columns, strict=True), strict=True)
        touched: dict[Any, LabelledKey] = {}
        rows = zip(events.keys, events.times_ms, events.is_label, events.ids, events.labels, strict=True)
        for row, (key, time_ms, is_label, of, label) in enumerate(rows):
            live = touched.get(key)
            if live is None:
                live = touched[key] = self._touch(key, start_ms, store)
            live.last_ms = time_ms
            if is_label:
                results += self._label(live, row, time_ms, of, label, asked)
                continue
            seen, values = next(inputs)
            if live.slot < 0:
                live.slot = self._pool.open()
            pending = Pending(of, time_ms, values, seen, live.ledger.learned)
            results.append(Result(pending, row, time_ms, False))
            self._tally.predictions += 1
            if self._rules.labels_come_late:
                results += self._predicted(live, pending, row, asked)
            else:
                results.append(self._with_its_label(live, pending, row, label, asked))
        for key, live in touched.items():
            self._note_deadline(key, live)
            self._tally.labels_unmatched += live.ledger.unmatched
            live.ledger.unmatched = 0
        return self._ask(asked, results) if asked.slots else results

    def _with_its_label(
        self, live: LabelledKey, pending: Pending, row: int, label: float | None, asked: Asked
    ) -> Result:
        """Test, then train: the label came with the input."""
        label = self._usable(label)
        asked.ask(PREDICT | LEARN, live.slot, pending.time_ms, pending, label)
        if label is None:
            return Result(pending, row, pending.time_ms, True)
        live.ledger.learned += 1
        self._tally.labels_joined += 1
        return Result(pending, row, pending.time_ms, True, label, 0)

    def _predicted(self, live: LabelledKey, pending: Pending, row: int, asked: Asked) -> list[Result]:
        """The outcomes that a prediction brings about at once."""
        time_ms = pending.time_ms
        asked.ask(PREDICT, live.slot, time_ms, pending)
        unknown = Result(pending, row, time_ms, True)
        if pending.id is None:
            self._tally.ids_null += 1
            return [unknown]
        fate, early, given_up = live.ledger.predicted(pending)
        if fate is InputFate.DUPLICATE:
            self._tally.ids_duplicate += 1
            return [unknown]
        if early is not None:
            label_ms, label = early
            return [self._joined(live, pending, row, time_ms, label, label_ms - time_ms, asked)]
        pending.features = pending.features.copy()  # a view would keep the whole pack
        if given_up is None:
            self._pending += 1
            return []
        self._tally.labels_given_up += 1
        return [Result(given_up, row, time_ms, True)]

    def _label(
        self, live: LabelledKey, row: int, time_ms: int, of: Any, given: float | None, asked: Asked
    ) -> list[Result]:
        """The outcomes that a label brings about."""
        label = self._usable(given) if of is not None else None
        if label is None:
            self._tally.labels_unusable += of is None
            return []
        fate, pending = live.ledger.label(of, time_ms, label)
        if pending is None:
            setattr(self._tally, fate.value, getattr(self._tally, fate.value) + 1)
            return []
        self._pending -= 1
        return [self._joined(live, pending, row, time_ms, label, time_ms - pending.time_ms, asked)]

    def _joined(
        self, live: LabelledKey, pending: Pending, row: int, time_ms: int, label: float, lag_ms: int, asked: Asked
    ) -> Result:
        self._tally.labels_joined += 1
        live.ledger.learned += 1
        asked.ask(LEARN, live.slot, time_ms, pending, label)
        return Result(pending, row, time_ms, True, label, lag_ms)

    def _usable(self, label: float | None) -> float | None:
        if label is not None and self._rules.is_label(label):
            return label
        self._tally.labels_unusable += 1
        return None

    def _ask(self, asked: Asked, results: list[Result]) -> list[Result]:
        """One call of the pool; what it says is written into the predictions. Returns the results."""
        said = self._learners.work(**asked.rows()).tolist()
        for pending, work, prediction in zip(asked.of, asked.work, said, strict=True):
            if work & PREDICT:
                pending.prediction = prediction
        return results

    # ---------------------------------------------------------------- what waits

    def _time_out(self, start_ms: int, asked: Asked, store: BucketStore) -> list[Result]:
        """Give up, at the start of a pack, what can no longer get its label; the oldest first."""
        label = 0.0 if self._rules.negative_after_timeout else None
        expired: list[tuple[int, str, Pending]] = []
        while self._deadlines and self._deadlines[0][0] < start_ms:
            deadline, text = heapq.heappop(self._deadlines)
            if self._waiting.get(text) != deadline:
                continue
            del self._waiting[text]
            key = key_of_text(text)
            live = self._live.get(key)
            if live is None:
                live = self._restore(text, None, store)
                if live is None:  # all its labels came, then it was idle
                    continue
                self._keep(key, live)
            for pending in live.ledger.expire(start_ms):
                expired.append((pending.time_ms, text, pending))
                live.in_log = True
                if label is not None:
                    asked.ask(LEARN, live.slot, start_ms, pending, label)
                    live.ledger.learned += 1
            self._note_deadline(key, live)
        self._pending -= len(expired)
        self._tally.labels_timed_out += len(expired)
        expired.sort(key=lambda each: each[:2])
        return [Result(pending, None, start_ms, True, label) for _, _, pending in expired]

    def _note_deadline(self, key: Any, live: LabelledKey) -> None:
        deadline = live.ledger.deadline_ms()
        text = key_text(key)
        if deadline is not None and text not in self._waiting:
            self._waiting[text] = deadline
            heapq.heappush(self._deadlines, (deadline, text))

    # ---------------------------------------------------------------- state

    def _fresh(self, start_ms: int) -> LabelledKey:
        """A key without a model: one that only ever gets labels needs none."""
        return LabelledKey(-1, start_ms, ledger=Ledger(self._rules.timeout_ms, self._rules.limit))

    def _dump(self, live: LabelledKey) -> bytes:
        return encode_key(live.ledger.as_data(), self._pool.dump(live.slot) if live.slot >= 0 else b"")

    def _load(self, data: bytes, last_ms: int) -> LabelledKey:
        ledger, model = decode_key(data)
        slot = self._pool.load(model) if model else -1
        rules = self._rules
        return LabelledKey(
            slot, last_ms, ledger=Ledger.of_data(ledger, rules.timeout_ms, rules.limit, rules.features_of)
        )

    def _replay(self, data: bytes, store: BucketStore) -> int:
        events, start_ms = decode_events(data)
        self._learn(events, start_ms, store)
        return len(events)

    def _fold_if_long(self, start_ms: int, store: BucketStore) -> None:
        """A fold writes all that waits: where that is much, the log may be as long, or most of it is written again."""
        policy, before = self._hosted.policy, self._counters.snapshot_bytes
        longest = max(policy.records, self._folded_entries)
        if self._log_records >= longest or self._log_bytes >= max(policy.bytes, self._folded_bytes):
            self._folded_entries = sum(live.ledger.entries for live in self._live.values() if live.in_log)
            self._fold_log(start_ms, store)
            self._folded_bytes = self._counters.snapshot_bytes - before

    def _recall(self, store: BucketStore) -> None:
        data = store.read_snapshot(BESIDE)
        if data is not None:
            self._pending, self._waiting = decode_waiting(data)
            self._deadlines = sorted((deadline, text) for text, deadline in self._waiting.items())

    def _write_beside(self, store: BucketStore) -> None:
        store.write_snapshot(BESIDE, encode_waiting(self._pending, self._waiting))
