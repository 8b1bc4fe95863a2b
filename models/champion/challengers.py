"""Several learners side by side on the same rows: the champion's predictions are served, a gate decides whose."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.arguments import integers_of_rows
from models.champion.kernels import PROMOTE, ROLLBACK
from models.champion.losses import LOSSES, bounded_loss
from models.champion.pool import MOST_MODELS, ChampionGatePool
from models.errors import InputError, ModelError, ParameterError, SnapshotError
from models.learners import learner
from models.learning.interface import Floats, LearnerPool, Slots, Times
from models.learning.state_pool import checked_features, checked_labels, checked_weights, checked_work
from models.learning.work import BOTH, LEARN, PREDICT, Work, all_rows
from models.snapshot_frame import SnapshotFrame


class Taken(NamedTuple):
    """What became of rows.

    Attributes
    ----------
    served : ndarray
        (n,) the champion's predictions; NaN where none was asked for.
    candidates : ndarray
        (n, models) the predictions of all; NaN where none was asked for and those to compare were handed in.
    champion : ndarray
        (n,) who serves the row: the champion before the row is learned.
    decided : dict
        What the gate returns (`ChampionGatePool.process`), row by row; nothing for rows that were not learned.
    """

    served: Floats
    candidates: Floats
    champion: npt.NDArray[np.int64]
    decided: dict[str, npt.NDArray[Any]]


class ChallengersPool:
    """Champion and challengers for many keys: a `LearnerPool` of classifiers that contains several.

    Parameters
    ----------
    pools
        Two to 32 pools of classifiers with the same columns and categories; the first one's models serve first.
    loss
        By what they are compared: a name of `LOSSES`.
    rules
        Those of `ChampionGatePool`.

    Notes
    -----
    Every model predicts and learns every row, so time and memory are the sum of theirs and the gate's. The loss of a
    row is that of the predictions which the models make right before they learn it, from its features as they were;
    hand in the predictions that were made when the row came (`take`, ``then`` and ``made``) to compare those instead.
    Either way no prediction has seen its label, and all models are on equal terms: what the gate guarantees, it
    guarantees for these losses.

    Models that were not promoted, or were rolled back, go on learning.
    """

    task = "classification"

    def __init__(self, pools: Sequence[LearnerPool], loss: str = "brier", **rules: Any) -> None:
        if not 2 <= len(pools) <= MOST_MODELS:
            raise ParameterError(f"candidates must be 2 to {MOST_MODELS}, got {len(pools)}")
        if loss not in LOSSES:
            raise ParameterError(f"loss must be one of {', '.join(LOSSES)}, got {loss!r}")
        for number, pool in enumerate(pools):
            if pool.task != self.task or (pool.columns, pool.categories) != (pools[0].columns, pools[0].categories):
                raise ParameterError(f"candidate {number} must be a classifier of the same columns as the first one")
        self.columns, self.categories, self.loss = pools[0].columns, pools[0].categories, loss
        self._pools = tuple(pools)
        self._gate = ChampionGatePool(len(pools), **rules)
        parts = ("gate", *(f"candidate {number}" for number in range(len(pools))))
        self._frame = SnapshotFrame("challengers", struct.Struct("<H"), parts)
        #: (slots, models): the slots of a key in the pools; its slot here is that in the gate
        self._inside = np.full((0, len(pools)), -1, np.int32)

    # ---------------------------------------------------------------- slots
    def open(self) -> int:
        """Fresh models, the first of which serves; their slot."""
        return self._place(self._gate.open(), [pool.open() for pool in self._pools])

    def close(self, slot: int) -> None:
        """Forget the models of a slot; the slot may be handed out again."""
        self._gate.close(slot)
        for pool, inside in zip(self._pools, self._inside[slot].tolist(), strict=True):
            pool.close(inside)

    def dump(self, slot: int) -> bytes:
        """The gate and all models; equal state, equal bytes."""
        gate = self._gate.dump(slot)
        inside = zip(self._pools, self._inside[slot].tolist(), strict=True)
        return self._frame.write((LOSSES.index(self.loss),), [gate, *(pool.dump(each) for pool, each in inside)])

    def load(self, data: bytes) -> int:
        """A slot that continues bit for bit where `dump` left off; SnapshotError if the bytes are not such models."""
        (loss,), parts = self._frame.read(data)
        if loss != LOSSES.index(self.loss):
            theirs = LOSSES[loss] if loss < len(LOSSES) else loss
            raise SnapshotError(f"the snapshot is of models with loss {theirs!r}, these have {self.loss!r}")
        slot, inside = self._gate.load(parts["gate"]), []
        try:
            for number, pool in enumerate(self._pools):
                inside.append(pool.load(parts[f"candidate {number}"]))
        except SnapshotError as error:
            self._gate.close(slot)
            for pool, each in zip(self._pools, inside, strict=False):
                pool.close(each)
            raise SnapshotError(f"candidate {len(inside)}: {error}") from error
        return self._place(slot, inside)

    @property
    def models(self) -> int:
        """How many there are for each key."""
        return len(self._pools)

    @property
    def nbytes(self) -> int:
        """Bytes held by the open models and their gates."""
        return self._gate.nbytes + sum(pool.nbytes for pool in self._pools)

    def champion(self, slot: int) -> int:
        """Who serves the next row of a slot."""
        return self._gate.champion(slot)

    def e_values(self, slot: int) -> Floats:
        """(models,) the evidence for each model in the comparison that runs, as `ChampionGatePool.e_values`."""
        return self._gate.e_values(slot)

    def _place(self, slot: int, inside: list[int]) -> int:
        if slot >= len(self._inside):
            more = np.full((max(4, slot + 1), len(self._pools)), -1, np.int32)
            self._inside = np.concatenate([self._inside, more])
        self._inside[slot] = inside
        return slot

    # ---------------------------------------------------------------- rows
    def take(
        self,
        slots: Slots,
        times_ms: Times,
        features: Floats,
        labels: Floats,
        work: Work,
        weights: Floats | None = None,
        then: Floats | None = None,
        made: npt.NDArray[np.int64] | None = None,
    ) -> Taken:
        """Predict some rows and learn others, in the order given, and decide behind each that was learned.

        Parameters
        ----------
        slots, times_ms, features, labels, work, weights
            As for `LearnerPool.work`.
        then
            (n, models) what the models predicted when the rows came; NaN for "right before it is learned".
        made
            (n,) for rows that came earlier in this very call, the number of the row that was predicted there; -1 for
            the others. With both, what a row is compared by does not depend on how rows are cut into calls.

        Raises
        ------
        InputError
            A row that the models or the gate do not take; nothing was changed.
        """
        values = checked_features(features, self.columns, self.categories, 0)
        rows = values.shape[0]
        known, tasks = checked_labels(self.task, labels, rows, True), checked_work(work, rows)
        weighted, places = checked_weights(weights, rows), self._gate.open_slots(slots, rows)
        earlier, sources = self._checked_then(then, rows), _checked_made(made, places, tasks)
        said_then = ~np.isnan(earlier).any(axis=1) | (sources >= 0)
        asked = np.where((tasks == LEARN) & ~said_then, BOTH, tasks).astype(np.int8)
        candidates = np.empty((rows, len(self._pools)))
        for number, pool in enumerate(self._pools):
            inside = self._inside[places, number]
            candidates[:, number] = pool.work(inside, times_ms, values, known, asked, weighted)
        here = sources >= 0
        earlier[here] = candidates[sources[here]]
        learned = np.flatnonzero((tasks != PREDICT) & ~np.isnan(known))
        compared = np.where(np.isnan(earlier), candidates, earlier)[learned]
        losses = bounded_loss(self.loss, known[learned], compared)
        before = np.array([self._gate.champion(place) for place in np.unique(places).tolist()], np.int64)
        found = self._gate.process(places[learned].astype(np.int32), np.zeros(learned.size, np.int64), losses)
        decided = {name: np.zeros(rows, column.dtype) for name, column in found.items() if name != "champion"}
        for name, column in decided.items():
            column[learned] = found[name]
        champion = _serving(places, learned, found, before)
        served = np.where(tasks == LEARN, np.nan, candidates[np.arange(rows), champion])
        return Taken(served, candidates, champion, decided)

    def _checked_then(self, then: Floats | None, rows: int) -> Floats:
        """(rows, models) a copy of what was predicted when the rows came; InputError for what is no such thing."""
        shape = (rows, len(self._pools))
        earlier = np.full(shape, np.nan) if then is None else np.array(then, np.float64)
        if earlier.shape != shape or not (np.isnan(earlier) | ((earlier >= 0) & (earlier <= 1))).all():
            raise InputError(f"then must be probabilities of shape {shape}, or NaN")
        return earlier

    def work(
        self, slots: Slots, times_ms: Times, features: Floats, labels: Floats, work: Work, weights: Floats | None = None
    ) -> Floats:
        """As `LearnerPool.work`, by the champions. Raises `InputError`; then nothing was changed."""
        return self.take(slots, times_ms, features, labels, work, weights).served

    def predict(self, slots: Slots, times_ms: Times, features: Floats) -> Floats:
        """As `LearnerPool.predict`, by the champions, who alone are asked. Raises `InputError`."""
        values = checked_features(features, self.columns, self.categories, 0)
        places, times = self._gate.open_slots(slots, values.shape[0]), np.asarray(times_ms)
        unique, number_of = np.unique(places, return_inverse=True)
        champion = np.array([self._gate.champion(place) for place in unique.tolist()], np.int64)[number_of]
        out = np.empty(values.shape[0])
        for number, pool in enumerate(self._pools):
            own = np.flatnonzero(champion == number)
            if own.size:
                out[own] = pool.predict(self._inside[places[own], number], times[own], values[own])
        return out

    def learn(
        self, slots: Slots, times_ms: Times, features: Floats, labels: Floats, weights: Floats | None = None
    ) -> None:
        """As `LearnerPool.learn`. Raises `InputError`; then nothing was changed."""
        rows = np.shape(features)[0]
        checked_labels(self.task, labels, rows, False)
        self.take(slots, times_ms, features, labels, all_rows(LEARN, rows), weights)

    def process(self, slots: Slots, times_ms: Times, columns: Floats) -> dict[str, npt.NDArray[Any]]:
        """Test-then-train, as `LearnerPool.process`: ``prediction``, ``champion``, and what the gate decided."""
        values = np.asarray(columns, np.float64)
        if values.ndim != 2 or not values.shape[1]:
            raise InputError(
                f"columns must have the shape (n, {self.columns + self.categories + 1}), got {values.shape}"
            )
        taken = self.take(slots, times_ms, values[:, :-1], values[:, -1], all_rows(BOTH, values.shape[0]))
        return {"prediction": taken.served, "champion": taken.champion, **taken.decided}


def _checked_made(
    made: npt.NDArray[np.int64] | None, places: npt.NDArray[np.int64], tasks: Work
) -> npt.NDArray[np.int64]:
    """(n,) the earlier row of each row; InputError where that is no predicted row of the same slot."""
    rows = places.size
    sources = np.full(rows, -1, np.int64) if made is None else integers_of_rows("made", made, rows).astype(np.int64)
    later = np.flatnonzero(sources != -1)
    inside = (sources[later] >= 0) & (sources[later] < later)
    of = np.where(inside, sources[later], 0)
    fits = inside & (places[of] == places[later]) & ((tasks[of] & PREDICT) != 0)
    if not fits.all():
        row = int(later[np.argmin(fits)])
        raise InputError(f"row {row}: made must be an earlier row of its slot that was predicted, got {sources[row]}")
    return sources


def _serving(
    places: npt.NDArray[np.int64],
    learned: npt.NDArray[np.int64],
    found: Mapping[str, npt.NDArray[Any]],
    before: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """(n,) who serves each row: who the last decision behind an earlier row of its slot left, else who served before.

    `before` has the champion of each slot among `places`, ascending by slot.
    """
    rows = places.size
    changed = np.isin(found["decision"], (PROMOTE, ROLLBACK))
    after = np.full(rows, -1, np.int64)
    after[learned] = np.where(changed, found["model"], found["champion"])
    order = np.argsort(places, kind="stable")
    _, group = np.unique(places[order], return_inverse=True)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    # of each row in its slot's order, the last row before it that was learned
    known = np.where(after[order] >= 0, np.arange(rows), -1)
    last = np.maximum.accumulate(np.concatenate([[-1], known[:-1]])) if rows else known
    inside = last >= first[group] if rows else np.zeros(0, np.bool_)
    champion = np.empty(rows, np.int64)
    champion[order] = np.where(inside, after[order][last], before[group]) if rows else champion
    return champion


def parse_candidates(text: str) -> list[dict[str, Any]]:
    """Configurations from JSON: a list of objects, each with ``algorithm`` and parameters of that algorithm.

    Raises
    ------
    ParameterError
        It is no such list.

    Examples
    --------
    >>> parse_candidates('[{"algorithm": "logistic", "learning_rate": 0.05}, {"algorithm": "alma"}]')
    [{'algorithm': 'logistic', 'learning_rate': 0.05}, {'algorithm': 'alma'}]
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ParameterError(f"candidates must be a JSON list of objects: {error}") from error
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ParameterError(f"candidates must be a JSON list of objects, got {text!r}")
    for number, each in enumerate(found):
        if not isinstance(each.get("algorithm"), str):
            raise ParameterError(f'candidate {number} must name its algorithm, as in {{"algorithm": "logistic"}}')
    return found


def challengers(
    candidates: Sequence[Mapping[str, Any]], *, columns: int, categories: int = 0, loss: str = "brier", **rules: Any
) -> ChallengersPool:
    """A pool of these configurations.

    Parameters
    ----------
    candidates
        As `parse_candidates` returns them; the first serves first.
    columns, categories
        As for `models.learners.learner`.
    loss, rules
        As for `ChallengersPool`.

    Raises
    ------
    ParameterError
        Something is out of range; the message names the candidate.
    """
    pools: list[LearnerPool] = []
    for number, each in enumerate(candidates):
        given = {name: value for name, value in each.items() if name != "algorithm"}
        try:
            pools.append(learner(each["algorithm"], columns=columns, categories=categories, **given))
        except ModelError as error:
            raise ParameterError(f"candidate {number}: {error}") from error
    return ChallengersPool(pools, loss, **rules)
