"""A learner over the rows of a file, and its report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.errors import CutbankError, UsageError
from jobs.evaluation.schedule import Schedule, at_once, known_before, when_known
from jobs.evaluation.table import Choice, Table, read_table
from models.errors import InputError, ParameterError
from models.learners import ALGORITHMS, learner, task_of
from models.learning import LearnerPool
from models.learning.work import PREDICT
from models.metrics import measures

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Options:
    """Which learner, with which parameters: texts of the command line, or values."""

    algorithm: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    #: rows a call of a hosted estimator, which learns a call's rows at once; no other learner's results depend on it
    batch: int = 100


def evaluate_file(file: Path, choice: Choice, options: Options) -> dict[str, Any]:
    """Run a learner over a file in row order: predict each row, then learn it when its label is there.

    Returns
    -------
    dict
        As `evaluate_rows`.

    Raises
    ------
    UsageError
        A column, algorithm or parameter that is not there, or a value out of range.
    CutbankError
        A cell that is no value of its column.
    """
    classes = task_of(options.algorithm, options.parameters) == "classification"
    table = read_table(file, choice, classes=classes)
    return evaluate_rows(table, options)


def evaluate_rows(table: Table, options: Options) -> dict[str, Any]:
    """Run a learner over rows in order.

    Returns
    -------
    dict
        ``rows`` (with a label), the metrics of `models.metrics.measures` (of a regression: mae, rmse and r2),
        ``rows_per_second`` of predicting and learning with the coding of texts, ``pending_max``, the most rows that
        waited for their label at one time, and ``baselines``: the same metrics of the label learned last and of the
        mean of all labels learned, which wait for labels as the learner does.
    """
    declared = ALGORITHMS[options.algorithm].parameters if options.algorithm in ALGORITHMS else {}
    given = {
        name: declared[name].read(value) if name in declared and isinstance(value, str) else value
        for name, value in options.parameters.items()
    }
    try:
        pool = learner(options.algorithm, columns=len(table.numbers), categories=len(table.texts), **given)
    except ParameterError as error:
        raise UsageError(str(error)) from error
    if table.event_times is None or table.label_times is None:
        schedule = at_once(table.labels)
    else:
        schedule = when_known(table.labels, table.event_times, table.label_times)
    slot, steps = pool.open(), schedule.rows.size
    batch = options.batch if options.algorithm == "sklearn" else steps
    started = time.perf_counter()
    features = table.features()
    try:
        found = np.concatenate(
            [_batch(pool, slot, features, table.labels, schedule, at, at + batch) for at in range(0, steps, batch)]
        )
    except InputError as error:
        raise CutbankError(f"{error} (rows counted from 0 in the order they are taken)") from error
    seconds = time.perf_counter() - started
    predictions = np.empty(table.labels.size)
    asked = (schedule.work & PREDICT) != 0
    predictions[schedule.rows[asked]] = found[asked]
    judged = ~np.isnan(table.labels)
    if not judged.any():
        raise CutbankError("no row has a label: there is nothing to judge predictions by")
    judge = _errors if pool.task == "regression" else measures
    last, mean = known_before(table.labels, schedule)
    truth = table.labels[judged]
    return {
        "rows": int(judged.sum()),
        **judge(truth, predictions[judged]),
        "rows_per_second": round(table.labels.size / seconds),
        "pending_max": schedule.pending_max,
        "baselines": {"last_class": judge(truth, last[judged]), "prior": judge(truth, mean[judged])},
    }


def _batch(
    pool: LearnerPool, slot: int, features: Floats, labels: Floats, schedule: Schedule, first: int, end: int
) -> Floats:
    """One call: some steps of the schedule."""
    rows, work = schedule.rows[first:end], schedule.work[first:end]
    slots = np.full(rows.size, slot, np.int32)
    return pool.work(slots, schedule.times[first:end], features[rows], labels[rows], work)


def _errors(labels: Floats, predictions: Floats) -> dict[str, float | None]:
    """Of a regression: mean absolute error, root mean square error, share of the variance explained."""
    error = predictions - labels
    variance = float(np.var(labels))
    square = float(np.mean(error**2))
    explained = 1.0 - square / variance if variance > 0.0 else None
    return {"mae": float(np.mean(np.abs(error))), "rmse": square**0.5, "r2": explained}
