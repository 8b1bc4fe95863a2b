"""Who learns: our algorithms with their parameters, and river's models on the same rows in the same order."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.evaluation.run import Options, evaluate_rows
from jobs.evaluation.schedule import Schedule, at_once, when_known
from jobs.evaluation.table import Table
from models.learners import ALGORITHMS
from models.learning.work import LEARN, PREDICT
from models.metrics import measures

Floats = npt.NDArray[np.float64]

#: Ours: name in the tables, algorithm, parameters. Linear ones take text columns one-hot, as river's do.
OURS: dict[str, tuple[str, dict[str, Any]]] = {
    "LR, constant 0.005": ("logistic", {"learning_rate": 0.005}),
    "LR, constant 0.01": ("logistic", {"learning_rate": 0.01}),
    "LR, constant 0.05": ("logistic", {"learning_rate": 0.05}),
    "LR, constant 0.05, averaged": ("logistic", {"learning_rate": 0.05, "averaging": True}),
    "LR, mixture of 0.005 and 0.05": ("logistic_mixture", {}),
    "LR, AdaGrad 0.1": ("logistic", {"optimizer": "adagrad", "learning_rate": 0.1}),
    "LR, FTRL": ("logistic", {"optimizer": "ftrl", "l2": 1.0}),
    "PA-I 0.01": ("passive_aggressive", {"aggressiveness": 0.01}),
    "PA-I 0.01, Platt": ("passive_aggressive", {"aggressiveness": 0.01, "calibration": "platt"}),
    "PA-I 0.01, binned": ("passive_aggressive", {"aggressiveness": 0.01, "calibration": "binned"}),
    "ALMA": ("alma", {}),
    "ALMA, Platt": ("alma", {"calibration": "platt"}),
    "ALMA, binned": ("alma", {"calibration": "binned"}),
    "perceptron, binned": ("perceptron", {"calibration": "binned"}),
    "Gaussian NB": ("naive_bayes", {}),
    "Hoeffding tree": ("hoeffding_tree", {"category_values": 128}),
    "ARF, 10 trees": ("adaptive_random_forest", {"category_values": 128}),
    "scikit-learn SGD, 100 rows a call": (
        "sklearn",
        {
            "estimator_parameters": '{"loss": "log_loss", "penalty": null, "learning_rate": "constant", "eta0": 0.005}',
            "buckets": 256,
        },
    ),
}
#: Learners for late labels.
LATE = (
    "LR, constant 0.005", "LR, constant 0.05", "LR, constant 0.05, averaged",
    "LR, mixture of 0.005 and 0.05", "LR, AdaGrad 0.1", "LR, FTRL", "PA-I 0.01, binned", "ALMA, binned",
    "ARF, 10 trees",
)  # fmt: skip


def ours(name: str, table: Table) -> dict[str, Any]:
    """The report of `cutbank evaluate`."""
    algorithm, parameters = OURS[name]
    if "encoding" in ALGORITHMS[algorithm].parameters:
        parameters = {**parameters, "encoding": "one_hot"}
    return evaluate_rows(table, Options(algorithm, parameters))


def _rivers() -> dict[str, tuple[Callable[[], Any], str]]:
    """River's models, and how they take categories: one-hot, or as they are."""
    from river import forest, linear_model, naive_bayes, optim, tree

    def regression(kind: Any, *rate: float) -> Callable[[], Any]:
        return lambda: linear_model.LogisticRegression(kind(*rate))  # an optimizer has a state: a new one each time

    return {
        "LR, constant 0.005": (regression(optim.SGD, 0.005), "one-hot"),
        "LR, constant 0.01": (regression(optim.SGD, 0.01), "one-hot"),
        "LR, constant 0.05": (regression(optim.SGD, 0.05), "one-hot"),
        "LR, AdaGrad 0.1": (regression(optim.AdaGrad, 0.1), "one-hot"),
        "LR, FTRL": (regression(optim.FTRLProximal), "one-hot"),
        "PA-I 0.01": (lambda: linear_model.PAClassifier(C=0.01, mode=1), "one-hot"),
        "ALMA": (linear_model.ALMAClassifier, "one-hot"),
        "perceptron": (linear_model.Perceptron, "one-hot"),
        "Gaussian NB": (naive_bayes.GaussianNB, "numbers"),
        "Hoeffding tree": (tree.HoeffdingTreeClassifier, "as they are"),
        "Hoeffding adaptive tree": (lambda: tree.HoeffdingAdaptiveTreeClassifier(seed=1), "as they are"),
        "ARF, 10 trees": (lambda: forest.ARFClassifier(n_models=10, seed=1), "as they are"),
    }


RIVERS = _rivers()


def _river_rows(table: Table, way: str) -> tuple[list[dict[str, float]], list[dict[str, Any]]]:
    """Each row's numbers, and its categories as the model takes them."""
    numbers = [dict(zip(table.numbers, row, strict=True)) for row in table.values.tolist()]
    if way == "one-hot":
        names = [[f"{name}={cell}" for cell in cells] for name, cells in zip(table.texts, table.cells, strict=True)]
        return numbers, [dict.fromkeys(row, 1.0) for row in zip(*names, strict=True)] if names else [{}] * len(numbers)
    cells = list(zip(*table.cells, strict=True)) if table.texts else [()] * len(numbers)
    return numbers, [dict(zip(table.texts, row, strict=True)) for row in cells]


def river(name: str, table: Table) -> dict[str, Any]:
    """The same report of a model of river; linear ones behind its ``StandardScaler``."""
    from river import preprocessing

    make, way = RIVERS[name]
    model, scaler = make(), preprocessing.StandardScaler() if way == "one-hot" else None
    if table.event_times is None or table.label_times is None:
        schedule: Schedule = at_once(table.labels)
    else:
        schedule = when_known(table.labels, table.event_times, table.label_times)
    predictions = np.empty(table.labels.size)
    labels = (table.labels == 1.0).tolist()
    begun = time.perf_counter()
    numbers, texts = _river_rows(table, way)
    for row, what in zip(schedule.rows.tolist(), schedule.work.tolist(), strict=True):
        if what & PREDICT:
            scaled = numbers[row] if scaler is None else scaler.transform_one(numbers[row])
            predictions[row] = model.predict_proba_one({**scaled, **texts[row]}).get(True, 0.5)
        if what & LEARN:
            if scaler is None:
                model.learn_one({**numbers[row], **texts[row]}, labels[row])
            else:
                scaler.learn_one(numbers[row])
                model.learn_one({**scaler.transform_one(numbers[row]), **texts[row]}, labels[row])
    seconds = time.perf_counter() - begun
    return {
        "rows": table.labels.size,
        **measures(table.labels, np.clip(predictions, 0.0, 1.0)),
        "rows_per_second": round(table.labels.size / seconds),
        "pending_max": schedule.pending_max,
    }
