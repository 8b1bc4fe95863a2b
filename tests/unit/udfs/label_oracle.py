"""The oracle of functions whose labels come late: one row after the other, everything remembered, nothing clever.

It knows no packs but for the moments at which timeouts are looked at, no log, no queues: it searches lists.
"""

from __future__ import annotations

import struct
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from models.champion import ChampionGate, bounded_loss
from models.errors import SnapshotError
from models.learners import learner


class Event(NamedTuple):
    """A row of one of two tables, in the order in which rows count."""

    time_ms: int
    kind: int  # 0 an input, 1 a label
    order: int
    key: Any
    id: Any
    features: tuple[float, ...] = ()
    label: float | None = None


class Out(NamedTuple):
    """A row that must come out; `of` is the `order` of its input. A decision stands in the place of the prediction."""

    key: Any
    of: int
    kind: str
    time_ms: int
    prediction: Any
    version: int
    label: float | None
    lag_ms: int | None


class Chain:
    """A learner whose predictions depend on each row it learned and on their order."""

    def __init__(self) -> None:
        self.chain = 0

    def predict(self, features: tuple[float, ...]) -> float:
        return (self.chain ^ zlib.crc32(struct.pack(f"<{len(features)}d", *features))) / 2**32

    def learn(self, time_ms: int, features: tuple[float, ...], label: float) -> None:
        self.chain = zlib.crc32(struct.pack(f"<q{len(features)}dd", time_ms, *features, label), self.chain)


class SideBySide:
    """Learners by themselves, and the gate of one stream over the losses of what they said when the row came."""

    def __init__(self, candidates: list[dict[str, Any]], columns: int, loss: str = "brier", **rules: Any) -> None:
        self.loss, self.gate = loss, ChampionGate(len(candidates), **rules)
        self.pools = []
        for each in candidates:
            given = {name: value for name, value in each.items() if name != "algorithm"}
            pool = learner(each["algorithm"], columns=columns, **given)
            self.pools.append((pool, np.array([pool.open()], np.int32)))

    def predict(self, features: tuple[float, ...]) -> list[float]:
        row, now = np.array([features]), np.array([0])
        return [self.gate.champion, *(float(pool.predict(slot, now, row)[0]) for pool, slot in self.pools)]

    def learn(self, time_ms: int, features: tuple[float, ...], label: float) -> None:
        for pool, slot in self.pools:
            pool.learn(slot, np.array([time_ms]), np.array([features]), np.array([label]))

    def judge(self, said: list[float], label: float) -> dict[str, Any] | None:
        before = self.gate.champion
        decisions = self.gate.judge(bounded_loss(self.loss, [label], [said[1:]]))
        if not decisions:
            return None
        facts = decisions[0]._asdict()
        shown = {name: facts[name] for name in ("e_value", "needed", "gain", "gain_at_least", "rows", "squares")}
        about = {"champion": self.gate.champion, "before": before, "candidate": facts["model"]}
        return {"decision": facts["kind"], **about, **shown}


@dataclass
class _Prediction:
    event: Event
    value: Any
    version: int


@dataclass
class _Key:
    model: Any
    learned: int = 0
    waiting: list[_Prediction] = field(default_factory=list)
    closed: list[tuple[Any, int, float | None]] = field(default_factory=list)
    early: list[tuple[Any, int, float]] = field(default_factory=list)


def expected(
    events: Iterable[Event],
    batch_ms: int,
    *,
    timeout_ms: int | None = None,
    negative: bool = False,
    limit: int = 10**9,
    late: bool = True,
    any_number: bool = False,
    model: Callable[[], Any] = Chain,
) -> list[Out]:
    """The rows that come out, in order for each key; what timed out before the other rows of its interval."""
    keys: dict[Any, _Key] = defaultdict(lambda: _Key(model()))
    found: list[Out] = []

    def out(of: _Prediction, time_ms: int, label: float | None, lag_ms: int | None, kind: str = "outcome") -> None:
        found.append(Out(of.event.key, of.event.order, kind, time_ms, of.value, of.version, label, lag_ms))

    def learn(key: _Key, time_ms: int, of: _Prediction, label: float) -> None:
        key.model.learn(time_ms, of.event.features, label)
        key.learned += 1
        decision = key.model.judge(of.value, label) if hasattr(key.model, "judge") else None
        if decision is not None:
            found.append(Out(of.event.key, of.event.order, "decision", time_ms, decision, of.version, None, None))

    def is_known(time_ms: int, since: int) -> bool:
        return timeout_ms is None or since + timeout_ms >= time_ms

    intervals: dict[int, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event[:3]):
        intervals[event.time_ms // batch_ms * batch_ms].append(event)
    for start_ms, rows in sorted(intervals.items()):
        for key in keys.values():
            for each in list(key.waiting):
                if timeout_ms is not None and each.event.time_ms + timeout_ms < start_ms:
                    key.waiting.remove(each)
                    key.closed.append((each.event.id, start_ms, None))
                    out(each, start_ms, 0.0 if negative else None, None)
                    if negative:
                        learn(key, start_ms, each, 0.0)
        for row in rows:
            key, now = keys[row.key], row.time_ms
            key.closed = [each for each in key.closed if is_known(now, each[1])][-limit:]
            key.early = [each for each in key.early if is_known(now, each[1])][-limit:]
            if row.kind == 0:
                made = _Prediction(row, key.model.predict(row.features), key.learned)
                out(made, now, None, None, "prediction")
                if not late:
                    out(made, now, row.label, None if row.label is None else 0)
                    if row.label is not None:
                        learn(key, now, made, row.label)
                    continue
                ids = [each.event.id for each in key.waiting] + [each[0] for each in key.closed]
                early = [each for each in key.early if each[0] == row.id]
                if row.id is None or row.id in ids:
                    out(made, now, None, None)
                elif early:
                    key.early.remove(early[0])
                    key.closed.append((row.id, now, early[0][2]))
                    out(made, now, early[0][2], early[0][1] - now)
                    learn(key, now, made, early[0][2])
                else:
                    key.waiting.append(made)
                    if len(key.waiting) > limit:
                        oldest = key.waiting.pop(0)
                        key.closed.append((oldest.event.id, now, None))
                        out(oldest, now, None, None)
            elif row.id is not None and row.label is not None and (any_number or row.label in (0.0, 1.0)):
                mine = [each for each in key.waiting if each.event.id == row.id]
                if mine:
                    lag = now - mine[0].event.time_ms
                    if timeout_ms is None or lag <= timeout_ms:
                        key.waiting.remove(mine[0])
                        key.closed.append((row.id, now, row.label))
                        out(mine[0], now, row.label, lag)
                        learn(key, now, mine[0], row.label)
                elif row.id not in [each[0] for each in (*key.closed, *key.early)]:
                    key.early.append((row.id, now, row.label))
    return found


class ChainLearners:
    """`Chain` as a pool of learners."""

    slot_bytes = 100

    def __init__(self) -> None:
        self.models: dict[int, Chain] = {}
        self.opened = 0

    def open(self) -> int:
        self.models[self.opened] = Chain()
        self.opened += 1
        return self.opened - 1

    def work(self, slots: Any, times_ms: Any, features: Any, labels: Any, work: Any) -> Any:
        assert slots.dtype == np.int32 and times_ms.dtype == np.int64 and work.dtype == np.int8
        assert features.dtype == labels.dtype == np.float64 and features.shape == (len(labels), features.shape[1])
        said = []
        for slot, time_ms, seen, label, what in zip(slots, times_ms, features.tolist(), labels, work, strict=True):
            model = self.models[int(slot)]
            said.append(model.predict(tuple(seen)) if what & 1 else np.nan)
            if what & 2 and not np.isnan(label):
                model.learn(int(time_ms), tuple(seen), float(label))
        return np.array(said)

    def dump(self, slot: int) -> bytes:
        return struct.pack("<I", self.models[slot].chain)

    def load(self, data: bytes) -> int:
        if len(data) != 4:
            raise SnapshotError("this is no chain")
        slot = self.open()
        (self.models[slot].chain,) = struct.unpack("<I", data)
        return slot

    def close(self, slot: int) -> None:
        del self.models[slot]

    @property
    def nbytes(self) -> int:
        return self.slot_bytes * len(self.models)
