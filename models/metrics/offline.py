"""The metrics of outcomes that are all there: arrays in, a dictionary out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.arguments import number
from models.errors import InputError
from models.metrics import kernels
from models.metrics.pool import NAMES, PrequentialMetricsPool

Floats = npt.NDArray[np.float64]

#: What `measures` tells; the pool's results without the accuracies of the baselines.
MEASURES = NAMES[:9]


def measures(labels: Any, probabilities: Any, *, threshold: float = 0.5) -> dict[str, float | None]:
    """Metrics of binary predictions over all rows.

    Parameters
    ----------
    labels
        (n,) 0 or 1, also as booleans.
    probabilities
        (n,) the probability that was given to class 1.
    threshold
        A probability of at least this predicts class 1.

    Returns
    -------
    dict
        By the names of `MEASURES`, defined as in `PrequentialMetricsPool`. None where a number is not defined:
        roc_auc with one class only, average_precision without a row of class 1, everything without rows.

    Raises
    ------
    InputError
        Other shapes, a label that is not 0 or 1, a probability that is not in 0..1.

    Notes
    -----
    Time n log n; a million rows take some tenths of a second.

    Examples
    --------
    >>> found = measures([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> found["roc_auc"], found["accuracy"], round(found["average_precision"], 4), round(found["log_loss"], 4)
    (0.75, 0.75, 0.8333, 0.4723)
    """
    truth, given = _outcomes(labels, probabilities)
    predicted = given >= number("threshold", threshold, 0.0, 1.0)
    if not truth.size:
        return dict.fromkeys(MEASURES)
    kernels.make_ready()
    order = np.argsort(given, kind="stable")
    clipped = np.clip(given[order], kernels.CLIP, 1.0 - kernels.CLIP)
    losses = np.where(truth[order] == 1.0, -np.log(clipped), np.log(1.0 - clipped))
    positive = truth == 1.0
    table = np.array([(positive & predicted).sum(), (~positive & predicted).sum(), (positive & ~predicted).sum()])
    counts = np.append(table, truth.size - table.sum()).astype(np.float64)
    found = np.empty(kernels.RESULTS)
    kernels.measure_sorted(given[order], losses, counts, found)
    return {name: None if np.isnan(value) else value for name, value in zip(MEASURES, found.tolist(), strict=False)}


def evaluation(labels: Any, probabilities: Any, *, threshold: float = 0.5) -> dict[str, Any]:
    """Metrics over all rows in the order they were predicted, beside the two baselines.

    Parameters
    ----------
    labels, probabilities, threshold
        As for `measures`; the order of the rows is the order of the predictions.

    Returns
    -------
    dict
        ``rows``, what `measures` returns, and ``baselines``: under ``last_class`` and ``prior`` what it returns of
        `last_class` and `class_prior`.

    Raises
    ------
    InputError
        As `measures`.
    """
    truth, _ = _outcomes(labels, probabilities)
    baselines = {"last_class": measures(truth, last_class(truth)), "prior": measures(truth, class_prior(truth))}
    return {"rows": truth.size, **measures(labels, probabilities, threshold=threshold), "baselines": baselines}


def last_class(labels: Any) -> Floats:
    """(n,) the label of the row before as a probability of class 1; one half for the first row."""
    truth = np.asarray(labels, np.float64)
    return np.concatenate([[0.5], truth[:-1]]) if truth.size else truth


def class_prior(labels: Any) -> Floats:
    """(n,) the share of class 1 in all rows before; one half for the first row."""
    truth = np.asarray(labels, np.float64)
    before = np.cumsum(truth) - truth
    return np.where(np.arange(truth.size) == 0, 0.5, before / np.maximum(np.arange(truth.size), 1))


class PrequentialMetrics:
    """The metrics after each row of one stream: `PrequentialMetricsPool` with one key.

    Parameters
    ----------
    window, span_ms, fading, threshold
        As there.

    Examples
    --------
    >>> metrics = PrequentialMetrics(window=2)
    >>> metrics.process([1, 0, 0], [0.9, 0.8, 0.2])["accuracy"].tolist()
    [1.0, 0.5, 0.5]
    """

    def __init__(self, window: int = 1000, span_ms: int = 0, fading: float = 0.0, threshold: float = 0.5) -> None:
        self._pool = PrequentialMetricsPool(window, span_ms, fading, threshold)
        self._slot = self._pool.open()

    def process(self, labels: Any, probabilities: Any, times_ms: Any = None) -> Mapping[str, npt.NDArray[Any]]:
        """Count outcomes in; float64 (n,) by the names of `NAMES`, the metrics after each.

        Parameters
        ----------
        labels, probabilities
            As for `measures`.
        times_ms
            (n,) milliseconds, ascending; needed with a span only.

        Raises
        ------
        InputError
            As `measures`; nothing was changed.
        """
        truth, given = _outcomes(labels, probabilities)
        times = np.zeros(truth.size, np.int64) if times_ms is None else np.asarray(times_ms, np.int64)
        if times.shape != truth.shape or (times_ms is None and self._pool.span_ms):
            raise InputError(f"times_ms must have the shape {truth.shape} of the labels")
        slots = np.full(truth.size, self._slot, np.int32)
        return self._pool.process(slots, times, np.column_stack([truth, given]))


def _outcomes(labels: Any, probabilities: Any) -> tuple[Floats, Floats]:
    truth, given = np.asarray(labels), np.asarray(probabilities, np.float64)
    if truth.ndim != 1 or truth.shape != given.shape:
        raise InputError(
            f"labels and probabilities must be two arrays of one length, got shapes {truth.shape} and {given.shape}"
        )
    if truth.dtype.kind not in "biuf" and truth.size:
        raise InputError(f"labels must be 0 or 1, got {truth.dtype}")
    truth = truth.astype(np.float64)
    wrong = (truth != 0.0) & (truth != 1.0)
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(f"row {row}: a label must be 0 or 1, got {float(truth[row])!r}")
    wrong = ~((given >= 0.0) & (given <= 1.0))
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(f"row {row}: a probability must be in 0..1, got {float(given[row])!r}")
    return truth, given
