"""Prequential metrics of many keys: after every outcome, how good the predictions of its key have been."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.arguments import number, whole_number
from models.metrics import kernels
from models.metrics.kernels import BEGIN, HEAD, HELD, RESULTS
from models.packed_pool import PackedPool

LARGEST_WINDOW = 100_000
LONGEST_SPAN_MS = 366 * 86_400_000

#: Names of the results, in the order of the kernels' columns.
NAMES = (
    "accuracy", "balanced_accuracy", "kappa", "f1", "log_loss", "brier", "roc_auc", "average_precision",
    "calibration_error", "baseline_last_class", "baseline_prior", "n",
)  # fmt: skip


class PrequentialMetricsPool(PackedPool):
    """Metrics of binary predictions for many keys, over a window of rows, fading, or over the whole stream.

    Parameters
    ----------
    window
        How many of a key's last rows are kept, 1 to 100,000.
    span_ms
        Rows older than this many milliseconds before the newest leave the window too; 0: only their number counts.
    fading
        0: all metrics are those of the window. Above 0: each row weighs this factor less with every row behind it, 1
        for the whole stream; ROC-AUC and average precision, which need the rows themselves, stay those of the window.
    threshold
        A probability of at least this predicts class 1.

    Notes
    -----
    The outcomes must be test-then-train: the probability was given before the label was learned. Each row updates and
    then measures, so the first row has results already.

    Results a row, float64, all in 0..1 but kappa (-1..1), log_loss (0..13.8) and n:

    - accuracy, balanced_accuracy (mean recall of the classes there are), kappa (Cohen; 0 where labels and predictions
      are all of one class), f1 of class 1 (0 where it was neither predicted nor there);
    - log_loss of the probabilities, clipped to 1e-6 from both ends; brier, their mean squared error;
    - roc_auc, with ties counted half, and average_precision, the sum of precisions weighted by the gain in recall:
      NaN where there is one class only, respectively no row of class 1;
    - calibration_error: in ten bins of equal width, the distance of mean probability and share of class 1, weighted
      by rows (ECE; Naeini, Cooper, Hauskrecht, AAAI 2015);
    - baseline_last_class, baseline_prior: accuracy of predicting the label of the key's row before, and the class
      that was more frequent in all rows before; both say 1 before the first row, and the prior in a tie;
    - n: rows measured, in the window, or since the beginning where metrics fade.

    A row whose label is not 0 or 1, or whose probability is not in 0..1, is left out: its results are NaN. Memory of a
    slot is ``8 * (23 + 4 * window)`` bytes, 32 KB for 1,000 rows, a quarter more with a span. Time of a row grows with
    the window, some 10 microseconds for 1,000 rows: one pass, from which nothing accumulates but counts of rows.

    Source: Gama, Sebastião, Rodrigues, "On evaluating stream learning algorithms", Machine Learning 90 (2013), for
    prequential metrics by window and with fading factors; Bifet et al., "Efficient online evaluation of big data
    stream classifiers", KDD 2015, for kappa and the last-class baseline; Brzezinski, Stefanowski, "Prequential AUC",
    Knowledge and Information Systems 52 (2017), for AUC over a window that is kept sorted.
    """

    def __init__(self, window: int = 1000, span_ms: int = 0, fading: float = 0.0, threshold: float = 0.5) -> None:
        self.window = whole_number("window", window, 1, LARGEST_WINDOW)
        self.span_ms = whole_number("span_ms", span_ms, 0, LONGEST_SPAN_MS)
        self.fading = number("fading", fading, 0.0, 1.0)
        self.threshold = number("threshold", threshold, 0.0, 1.0)
        parameters = {
            "window": self.window, "span_ms": self.span_ms, "fading": self.fading, "threshold": self.threshold,
        }  # fmt: skip
        arrays = 5 if self.span_ms else 4
        super().__init__("metrics", parameters, np.zeros(BEGIN + arrays * self.window), columns=2)
        kernels.make_ready()

    def process(
        self,
        slots: npt.NDArray[np.int32],
        times_ms: npt.NDArray[np.int64],
        columns: npt.NDArray[np.float64],
    ) -> dict[str, npt.NDArray[Any]]:
        """Count each outcome in and measure its key.

        Shapes: ``slots`` integers (n,), ``times_ms`` int64 (n,), used with a span only, ``columns`` float64 (n, 2),
        the label 0 or 1 and the probability that was given to class 1. Returns float64 (n,) by the names of `NAMES`.

        Raises
        ------
        InputError
            Wrong shapes; nothing was changed.
        """
        places, values = self._checked(slots, columns)
        times = np.ascontiguousarray(times_ms, np.int64)
        results = np.empty((values.shape[0], RESULTS))
        kernels.learn_rows(
            self._state, places, times, values, self.threshold, self.window, float(self.span_ms), self.fading, results
        )
        return {name: results[:, column] for column, name in enumerate(NAMES)}

    def _wrong_state(self, state: npt.NDArray[np.float64]) -> str | None:
        held, head = state[HELD], state[HEAD]
        codes = state[BEGIN + self.window : BEGIN + 2 * self.window]
        whole = held == int(held) and head == int(head) if np.isfinite(state).all() else False
        if not (whole and 0 <= held <= self.window and 0 <= head < self.window and np.isin(codes, range(16)).all()):
            return "its window holds numbers that cannot be"
        return None
