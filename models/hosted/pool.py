"""Hosted estimators for many keys."""

from __future__ import annotations

import inspect
import json
import struct
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from models.arguments import integers_of_rows
from models.errors import InputError, ModelError, SnapshotError
from models.features.hashing import bucket_of, sign_of
from models.hosted import estimator as hosting
from models.learning.interface import Floats, Slots, Times
from models.learning.parameters import Declared, Flag, Text, Whole, checked
from models.learning.state_pool import checked_features, checked_labels, checked_weights, checked_work, groups
from models.learning.work import BOTH, LEARN, PREDICT, Work, all_rows
from models.snapshot_frame import SnapshotFrame

#: What the learner may be told.
PARAMETERS: Declared = {
    "estimator": Text("SGDClassifier", "a class of scikit-learn", " | ".join(hosting.MODULES)),
    "estimator_parameters": Text('{"loss": "log_loss"}', "its parameters", "a JSON object"),
    "scale": Flag(True, "scale numeric columns to mean 0 and variance 1 by what was learned so far"),
    "buckets": Whole(64, 2, 65_536, "columns for categories, by signed hashing"),
}

_FRAME = SnapshotFrame("hosted_estimator", struct.Struct("<Q"), ("parameters", "versions", "estimator"))
#: Bytes of an estimator besides its arrays: some objects of Python.
_OBJECTS = 4096


class HostedEstimatorPool:
    """An estimator of scikit-learn a key.

    Parameters
    ----------
    columns, categories
        Numeric columns, and categorical ones behind them.
    parameters
        As `PARAMETERS` declares them; ParameterError for others, and for what the estimator itself refuses. The
        default of ``estimator_parameters`` is that of the default estimator; for another one it is ``{}``.

    Notes
    -----
    The one learner whose results depend on how rows are cut into calls: all rows of a call that are next to each other
    and predicted are predicted at once, then those that are learned are learned by one ``partial_fit`` a key. A call
    with hundreds of rows costs as much as one with a single row: some 3 milliseconds. Before the first row is learned
    a probability is 0.5 and a number 0. A value that is missing counts as 0 behind the scaler.

    A snapshot is the estimator as Python writes objects; it is refused under another version of scikit-learn, another
    major version of numpy or another minor one of Python. Load no snapshot from a place that others can write to.
    """

    def __init__(self, columns: int, categories: int = 0, **parameters: Any) -> None:
        given = checked("sklearn", PARAMETERS, parameters)
        if "estimator_parameters" not in parameters and given["estimator"] != PARAMETERS["estimator"].default:
            given["estimator_parameters"] = "{}"
        self.columns, self.categories = columns, categories
        self.parameters = {"columns": columns, "categories": categories, **given}
        self.task = "regression" if hosting.is_regressor(given["estimator"]) else "classification"
        probe = hosting.make(given["estimator"], given["estimator_parameters"])
        self._weighted = "sample_weight" in inspect.signature(probe.partial_fit).parameters
        self._models: list[_Hosted | None] = []
        self._free: list[int] = []

    # ---------------------------------------------------------------- slots
    def open(self) -> int:
        """A fresh estimator; its slot."""
        scaler = hosting.make_scaler() if self.parameters["scale"] and self.columns else None
        made = hosting.make(self.parameters["estimator"], self.parameters["estimator_parameters"])
        return self._place(_Hosted(made, scaler))

    def close(self, slot: int) -> None:
        """Forget the estimator of a slot; the slot may be handed out again."""
        self._opened(slot)
        self._models[slot] = None
        self._free.append(slot)

    def dump(self, slot: int) -> bytes:
        """The estimator, its parameters, and the versions it was made with."""
        model = self._opened(slot)
        state = hosting.to_bytes((model.estimator, model.scaler, model.fitted))
        versions = json.dumps(hosting.versions(), sort_keys=True).encode()
        return _FRAME.write((len(state),), (self._parameter_text(), versions, state))

    def load(self, data: bytes) -> int:
        """A slot that continues where `dump` left off; SnapshotError for other parameters or other versions."""
        _, parts = _FRAME.read(data)
        if parts["parameters"] != self._parameter_text():
            raise SnapshotError(
                f"the snapshot is of an estimator with {parts['parameters'].decode(errors='replace')}, this one has "
                f"{self._parameter_text().decode()}"
            )
        hosting.check_versions(parts["versions"])
        return self._place(_Hosted(*hosting.from_bytes(parts["estimator"])))

    @property
    def nbytes(self) -> int:
        """Bytes held by the open estimators: their arrays, and 4 KiB each for objects."""
        return sum(
            _OBJECTS + hosting.array_bytes(model.estimator) + hosting.array_bytes(model.scaler)
            for model in self._models
            if model is not None
        )

    def _parameter_text(self) -> bytes:
        return json.dumps(self.parameters, sort_keys=True).encode()

    def _place(self, model: _Hosted) -> int:
        if self._free:
            slot = self._free.pop()
            self._models[slot] = model
            return slot
        self._models.append(model)
        return len(self._models) - 1

    def _opened(self, slot: int) -> _Hosted:
        model = self._models[slot] if 0 <= slot < len(self._models) else None
        if model is None:
            raise ModelError(f"slot {slot} is not open")
        return model

    # ---------------------------------------------------------------- rows
    def predict(self, slots: Slots, times_ms: Times, features: Floats) -> Floats:
        """Predictions (n,) by the estimators as they are. Raises `InputError`."""
        rows = np.shape(features)[0]
        return self.work(slots, times_ms, features, np.full(rows, np.nan), all_rows(PREDICT, rows))

    def learn(
        self, slots: Slots, times_ms: Times, features: Floats, labels: Floats, weights: Floats | None = None
    ) -> None:
        """Learn rows, by one ``partial_fit`` a key. Raises `InputError`; then nothing was learned."""
        rows = np.shape(features)[0]
        checked_labels(self.task, labels, rows, False)
        self.work(slots, times_ms, features, labels, all_rows(LEARN, rows), weights)

    def process(self, slots: Slots, times_ms: Times, columns: Floats) -> dict[str, npt.NDArray[Any]]:
        """Predict all rows, then learn those whose label, the last column, is not NaN. Raises `InputError`."""
        values = checked_features(columns, self.columns, self.categories, 1)
        rows = values.shape[0]
        return {"prediction": self.work(slots, times_ms, values[:, :-1], values[:, -1], all_rows(BOTH, rows))}

    def work(
        self, slots: Slots, times_ms: Times, features: Floats, labels: Floats, work: Work, weights: Floats | None = None
    ) -> Floats:
        """Predict some rows and learn others; runs of rows with the same work are taken at once."""
        values = checked_features(features, self.columns, self.categories, 0)
        rows = values.shape[0]
        places = integers_of_rows("slots", slots, rows).astype(np.int64)
        integers_of_rows("times_ms", times_ms, rows)
        tasks, known = checked_work(work, rows), checked_labels(self.task, labels, rows, True)
        worth = checked_weights(weights, rows)
        if not self._weighted and (worth != 1.0).any():
            raise InputError(f"{self.parameters['estimator']} takes no weights; leave them out")
        for slot in np.unique(places).tolist():
            self._opened(slot)
        out, inputs = np.full(rows, np.nan), self._columns_of(values)
        start = 0
        for what, run in groupby(tasks.tolist()):
            part = np.arange(start, start + len(list(run)))
            start += part.size
            for slot, mine in groups(places[part]):
                chosen, model = part[mine], self._opened(slot)
                if what & PREDICT:
                    out[chosen] = self._predicted(model, inputs[chosen])
                chosen = chosen[~np.isnan(known[chosen])]
                if what & LEARN and chosen.size:
                    self._learn(model, inputs[chosen], known[chosen], worth[chosen])
        return out

    def _columns_of(self, values: Floats) -> Floats:
        """Numbers, and behind them the hashed categories."""
        hashed = np.zeros((values.shape[0], self.parameters["buckets"] if self.categories else 0))
        for column in range(self.columns, self.columns + self.categories):
            for row, code in enumerate(values[:, column].tolist()):
                if code == code:
                    hashed[row, bucket_of(code, hashed.shape[1])] += sign_of(code)
        return np.hstack([values[:, : self.columns], hashed])

    def _scaled(self, model: _Hosted, inputs: Floats) -> Floats:
        rows = inputs.copy()
        if model.scaler is not None:
            rows[:, : self.columns] = model.scaler.transform(rows[:, : self.columns])
        return np.clip(np.nan_to_num(rows), -1e100, 1e100)

    def _predicted(self, model: _Hosted, inputs: Floats) -> Floats:
        if not model.fitted:
            return np.full(inputs.shape[0], 0.0 if self.task == "regression" else 0.5)
        rows = self._scaled(model, inputs)
        if self.task == "regression":
            return np.nan_to_num(np.asarray(model.estimator.predict(rows), np.float64))
        return hosting.probabilities(model.estimator, rows)

    def _learn(self, model: _Hosted, inputs: Floats, labels: Floats, weights: Floats) -> None:
        if model.scaler is not None:
            model.scaler.partial_fit(inputs[:, : self.columns])
        more: dict[str, Any] = {"sample_weight": weights} if self._weighted else {}
        if self.task == "classification" and not model.fitted:
            more["classes"] = np.array([0.0, 1.0])
        model.estimator.partial_fit(self._scaled(model, inputs), labels, **more)
        model.fitted = True


class _Hosted:
    """An estimator, its scaler, and whether it has learned anything."""

    def __init__(self, estimator: Any, scaler: Any, fitted: bool = False) -> None:
        self.estimator, self.scaler, self.fitted = estimator, scaler, fitted
