"""Every learner by name, and the one function that makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from models.arguments import whole_number
from models.errors import ParameterError
from models.hosted import HostedEstimatorPool
from models.hosted.estimator import is_regressor
from models.hosted.pool import PARAMETERS as HOSTED
from models.learning.interface import LearnerPool
from models.learning.parameters import Declared, nearest
from models.linear import LinearPool, RateMixturePool
from models.linear.mixture import PARAMETERS as MIXTURE
from models.linear.pool import PARAMETERS as LINEAR
from models.naive_bayes import NaiveBayesPool
from models.naive_bayes.pool import PARAMETERS as NAIVE_BAYES
from models.original_gate.pool import PARAMETERS as ORIGINAL
from models.original_gate.pool import OriginalGatePool
from models.trees import AdaptiveForestPool, HoeffdingTreePool
from models.trees.pool import PARAMETERS as TREES

#: Columns a learner takes at most, numeric or categorical.
MOST_COLUMNS = 10_000


@dataclass(frozen=True)
class Algorithm:
    """A learner as the catalogue shows it."""

    name: str
    #: ``'classification'``, ``'regression'``, or ``'by estimator'``: the pool says which
    task: str
    help: str
    parameters: Declared
    #: called with columns, categories and the parameters
    make: Callable[..., LearnerPool]
    takes_categories: bool = True


def _linear(name: str, task: str, help: str) -> Algorithm:
    return Algorithm(name, task, help, LINEAR[name], partial(LinearPool, name))


ALGORITHMS: Mapping[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        _linear("logistic", "classification", "logistic regression by gradient steps"),
        Algorithm(
            "logistic_mixture",
            "classification",
            "logistic regressions at several learning rates, for late labels",
            MIXTURE,
            RateMixturePool,
        ),
        _linear("perceptron", "classification", "Rosenblatt's perceptron"),
        _linear("passive_aggressive", "classification", "passive-aggressive classification, PA-I or PA-II"),
        _linear("alma", "classification", "approximate large margin algorithm, p = 2"),
        Algorithm("naive_bayes", "classification", "Gaussian naive Bayes", NAIVE_BAYES, NaiveBayesPool),
        Algorithm(
            "hoeffding_tree",
            "classification",
            "a decision tree that grows with the stream",
            TREES["hoeffding_tree"],
            HoeffdingTreePool,
        ),
        Algorithm(
            "adaptive_random_forest",
            "classification",
            "trees that are replaced when the concept drifts",
            TREES["adaptive_random_forest"],
            AdaptiveForestPool,
        ),
        Algorithm(
            "sklearn",
            "by estimator",
            "an estimator of scikit-learn with partial_fit, a call's rows at a time",
            HOSTED,
            HostedEstimatorPool,
        ),
        Algorithm(
            "original_gate",
            "classification",
            "the original clickstream system's model and gate, to compare with",
            ORIGINAL,
            OriginalGatePool,
            takes_categories=False,
        ),
        _linear("linear_regression", "regression", "least squares by gradient steps"),
        _linear("passive_aggressive_regression", "regression", "passive-aggressive regression, PA-I or PA-II"),
    )
}


def task_of(algorithm: str, parameters: Mapping[str, Any]) -> str:
    """What a learner predicts with: ``'classification'`` or ``'regression'``; an unknown one is taken for the first."""
    task = ALGORITHMS[algorithm].task if algorithm in ALGORITHMS else "classification"
    if task != "by estimator":
        return task
    return "regression" if is_regressor(str(parameters.get("estimator", ""))) else "classification"


def learner(algorithm: str, *, columns: int, categories: int = 0, **parameters: Any) -> LearnerPool:
    """A pool of learners.

    Parameters
    ----------
    algorithm
        A name of `ALGORITHMS`.
    columns, categories
        How many numeric columns a row has, and how many categorical ones behind them; at least one column.
    parameters
        What the algorithm declares; every one has a default.

    Raises
    ------
    ParameterError
        An unknown algorithm (the message lists the known ones), an unknown parameter (the message lists those of the
        algorithm with their ranges), or a value out of range.

    Examples
    --------
    >>> pool = learner("logistic", columns=8, learning_rate=0.05)
    >>> pool.task
    'classification'
    >>> learner("logistik", columns=8)
    Traceback (most recent call last):
    ...
    models.errors.ParameterError: there is no algorithm 'logistik'; did you mean 'logistic'? There are: adaptive_r...
    """
    if algorithm not in ALGORITHMS:
        raise ParameterError(
            f"there is no algorithm {algorithm!r}{nearest(str(algorithm), ALGORITHMS) or '.'} "
            f"There are: {', '.join(sorted(ALGORITHMS))}"
        )
    columns = whole_number("columns", columns, 0, MOST_COLUMNS)
    categories = whole_number("categories", categories, 0, MOST_COLUMNS)
    if columns + categories == 0:
        raise ParameterError(f"{algorithm} needs at least one column: columns and categories are both 0")
    return ALGORITHMS[algorithm].make(columns, categories, **parameters)
