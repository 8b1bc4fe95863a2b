"""Which estimators can be hosted, how one is made, and how it becomes bytes.

scikit-learn is no dependency of the product: it is imported when the first estimator is made, and a message says how
to install it where it is missing.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pickle
import platform
from typing import Any

import numpy as np
import numpy.typing as npt

from models.errors import ParameterError, SnapshotError

Floats = npt.NDArray[np.float64]

#: Estimators with ``partial_fit`` for two classes or for numbers, and where they are.
MODULES = {
    "SGDClassifier": "sklearn.linear_model",
    "Perceptron": "sklearn.linear_model",
    "GaussianNB": "sklearn.naive_bayes",
    "BernoulliNB": "sklearn.naive_bayes",
    "MLPClassifier": "sklearn.neural_network",
    "SGDRegressor": "sklearn.linear_model",
    "MLPRegressor": "sklearn.neural_network",
}


def is_regressor(name: str) -> bool:
    """Whether an estimator predicts numbers."""
    return name.endswith("Regressor")


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ParameterError(
            f"algorithm sklearn needs scikit-learn, which cannot be imported ({error}): pip install 'cutbank[sklearn]'"
        ) from error


def make(name: str, parameters: str) -> Any:
    """A fresh estimator; ParameterError for a name or parameters that it is not made with.

    One that draws random numbers gets ``random_state`` 0 unless it is given: a replay must give the same bits.
    """
    if name not in MODULES:
        raise ParameterError(f"estimator must be one of {', '.join(sorted(MODULES))}, got {name!r}")
    try:
        given = json.loads(parameters)
    except ValueError as error:
        raise ParameterError(f"estimator_parameters must be a JSON object, got {parameters!r}: {error}") from error
    if not isinstance(given, dict):
        raise ParameterError(f"estimator_parameters must be a JSON object, got {parameters!r}")
    kind = getattr(_module(MODULES[name]), name)
    known = inspect.signature(kind).parameters
    for parameter in given:
        if parameter not in known:
            raise ParameterError(
                f"estimator_parameters: {name} has no {parameter!r}; it has {', '.join(sorted(known))}"
            )
    if "random_state" in known:
        given.setdefault("random_state", 0)
    estimator = kind(**given)
    check = getattr(estimator, "_validate_params", None)  # what fitting would say, said now
    if check is not None:
        try:
            check()
        except ValueError as error:
            raise ParameterError(f"estimator_parameters: {error}") from error
    return estimator


def make_scaler() -> Any:
    """A fresh scaler."""
    return _module("sklearn.preprocessing").StandardScaler()


def probabilities(estimator: Any, rows: Floats) -> Floats:
    """Of class 1, from a fitted classifier: its own, or the sigmoid of its margin where it has none."""
    if hasattr(estimator, "predict_proba"):
        found = estimator.predict_proba(rows)[:, 1]
    else:
        found = 1.0 / (1.0 + np.exp(-np.clip(estimator.decision_function(rows), -700.0, 700.0)))
    return np.clip(np.nan_to_num(np.asarray(found, np.float64), nan=0.5), 0.0, 1.0)


def versions() -> dict[str, str]:
    """What an estimator's bytes depend on."""
    return {
        "scikit-learn": str(_module("sklearn").__version__),
        "numpy": np.__version__.partition(".")[0],
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def check_versions(written: bytes) -> None:
    """SnapshotError where an estimator was written by versions that do not promise to be read by these."""
    try:
        theirs = json.loads(written)
    except ValueError as error:
        raise SnapshotError(f"the snapshot's versions are not JSON: {error}") from error
    for name, ours in versions().items():
        if theirs.get(name) != ours:
            raise SnapshotError(
                f"the snapshot is of an estimator under {name} {theirs.get(name)}, this is {name} {ours}: "
                "scikit-learn does not promise to read it; install that version, or begin anew"
            )


def to_bytes(value: Any) -> bytes:
    """An estimator as bytes: equal ones give equal bytes.

    Bytes depend on which equal texts are one object; after being read once they are those that reading makes.
    """
    return pickle.dumps(pickle.loads(pickle.dumps(value, protocol=5)), protocol=5)


def from_bytes(data: bytes) -> Any:
    """An estimator from its bytes, which passed their checksum and their versions."""
    try:
        return pickle.loads(data)
    except Exception as error:  # whatever a class raises while it is rebuilt
        raise SnapshotError(f"the snapshot's estimator cannot be read: {type(error).__name__}: {error}") from error


def array_bytes(value: Any) -> int:
    """Bytes of the arrays an estimator holds."""
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, list | tuple):
        return sum(array_bytes(part) for part in value)
    return sum(array_bytes(part) for part in vars(value).values()) if hasattr(value, "partial_fit") else 0
