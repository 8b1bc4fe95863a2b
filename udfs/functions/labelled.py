"""What a table function is whose models learn from labels, which may come later and from a table of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from models.errors import ParameterError
from udfs.functions.declaration import (
    Argument,
    ArgumentError,
    ArgumentType,
    TableFunction,
    base_type,
    interval_text,
    numeric_refusal,
)

if TYPE_CHECKING:
    from models.learners import Algorithm
    from models.learning.interface import LearnerPool
    from models.learning.parameters import Parameter

#: Types of features that are hashed rather than taken as numbers.
CATEGORY_TYPES: Final = frozenset({"STRING", "VARCHAR", "CHAR", "BOOLEAN"})

#: Types of an id: what is equal in SQL is equal behind the crossing too.
ID_TYPES: Final = frozenset({"STRING", "VARCHAR", "CHAR", "TINYINT", "SMALLINT", "INT", "BIGINT"})

_TYPES: Final = {
    "Real": ArgumentType.DOUBLE,
    "Whole": ArgumentType.BIGINT,
    "Flag": ArgumentType.BOOLEAN,
    "Word": ArgumentType.STRING,
    "Text": ArgumentType.STRING,
}

#: What a parameter of a learner is called in SQL, where its name is an argument of every function.
CALLED: Final = {"buckets": "category_buckets"}


@dataclass(frozen=True, kw_only=True)
class LabelledFunction(TableFunction, ABC):
    """A function that predicts each input at once and learns it when its label comes.

    Each input gives a row of kind 'prediction', and later one of kind 'outcome'. ``features`` stands for ``columns``.
    ``make_pool`` makes learners of numbers only, whose last column is the label; ``present`` gets, for the rows that
    come out, lists ``kind``, ``prediction``, ``version``, ``label``, ``lag_ms`` and ``decision``.

    Parameters
    ----------
    task
        Of the learners: ``'classification'`` or ``'regression'``.
    is_label
        Whether a number can be a label.
    label_types
        Base types of a column that can be the label.
    decides
        Whether its pool is one of champions and challengers, whose decisions come out too, as rows of kind 'decision'.
    """

    task: str
    is_label: Callable[[float], bool]
    label_types: frozenset[str]
    decides: bool = False
    reads: tuple[str, ...] = ("features",)

    @abstractmethod
    def make_learner(self, numbers: int, categories: int, arguments: Mapping[str, Any]) -> LearnerPool:
        """Learners of so many numeric and categorical features."""

    def check_categories(self, names: Sequence[str], arguments: Mapping[str, Any]) -> None:
        """Whether its learners take categorical features of these names.

        Raises
        ------
        ArgumentError
            One takes numbers only, and there are such features.
        """
        for algorithm in self.chosen(arguments):
            if names and not self.algorithms()[algorithm].takes_categories:
                raise ArgumentError(
                    f"{algorithm!r} takes numbers only, and {', '.join(names)} would be categories: leave them out",
                    "features",
                    "algorithm",
                    "candidates",
                )

    @abstractmethod
    def chosen(self, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """The algorithms that a call uses."""

    def algorithms(self) -> dict[str, Algorithm]:
        """The learners it can use, by name; importing them loads the compiler, so nobody asks without need."""
        from models.learners import ALGORITHMS

        return {name: each for name, each in ALGORITHMS.items() if each.task in (self.task, "by estimator")}

    def parameters(self, algorithm: str) -> dict[str, Parameter]:
        """What an algorithm can be told, by the names in SQL; but for ``seed``, which every function has."""
        declared = self.algorithms()[algorithm].parameters
        return {CALLED.get(name, name): parameter for name, parameter in declared.items() if name != "seed"}


@dataclass(frozen=True, kw_only=True)
class LearnerFunction(LabelledFunction):
    """A function whose argument ``algorithm`` chooses the learner.

    What that can be told comes from the catalogue of learners, not from here: its parameters are arguments too, by name
    only.
    """

    def make_learner(self, numbers: int, categories: int, arguments: Mapping[str, Any]) -> LearnerPool:
        """As declared, by the chosen algorithm."""
        from models.learners import learner

        algorithm = arguments["algorithm"]
        return learner(algorithm, columns=numbers, categories=categories, **self._told(algorithm, arguments))

    def chosen(self, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """The one that was chosen."""
        return (arguments["algorithm"],)

    def _told(self, algorithm: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a learner by its own names; without those that have their default, which may depend."""
        declared = self.algorithms()[algorithm].parameters
        told = {name: arguments[CALLED.get(name, name)] for name in declared}
        return {name: value for name, value in told.items() if value != declared[name].default}

    def argument(self, name: str) -> Argument | None:
        """A declared argument, or a parameter of one of the algorithms."""
        return super().argument(name) or self._parameter(name.lower())

    def argument_names(self) -> tuple[str, ...]:
        """The declared ones, and the parameters of all algorithms."""
        others = [name for algorithm in self.algorithms() for name in self.parameters(algorithm)]
        return tuple(dict.fromkeys((*super().argument_names(), *others)))

    def resolve(self, given: Mapping[str, object]) -> dict[str, Any]:
        """As of every function; with all parameters of the chosen algorithm."""
        told = {name for name in given if super(LearnerFunction, self).argument(name) is None and self.argument(name)}
        resolved = super().resolve({name: value for name, value in given.items() if name not in told})
        algorithm, known = resolved["algorithm"], self.algorithms()
        if algorithm not in known:
            names = ", ".join(map(repr, known))
            raise ArgumentError(f"algorithm must be one of {names}, got {algorithm!r}", "algorithm")
        parameters = self.parameters(algorithm)
        resolved |= {name: parameter.default for name, parameter in parameters.items()}
        for name in told:
            if name not in parameters:
                raise ArgumentError(f"{algorithm!r} has no {name}; it has {', '.join(parameters)}", name)
            try:
                resolved[name] = parameters[name].check(name, given[name])
            except ParameterError as error:
                raise ArgumentError(str(error), name) from error
        if known[algorithm].task != self.task:
            self._check_estimator(algorithm, resolved)
        return resolved

    def _check_estimator(self, algorithm: str, arguments: Mapping[str, Any]) -> None:
        """An estimator that is hosted must be one, take its parameters, and predict what this function predicts."""
        try:
            pool = self.make_learner(1, 0, arguments)
        except ParameterError as error:
            raise ArgumentError(str(error), "estimator", "estimator_parameters", "algorithm") from error
        if pool.task != self.task:
            estimator = arguments["estimator"]
            raise ArgumentError(
                f"estimator {estimator} is made for {pool.task}, {self.name} needs one for {self.task}",
                "estimator",
                "algorithm",
            )

    def _parameter(self, name: str) -> Argument | None:
        for algorithm in self.algorithms():
            parameter = self.parameters(algorithm).get(name)
            if parameter is not None:
                kind = _TYPES[type(parameter).__name__]
                return Argument(name=name, type=kind, help=parameter.help, default=parameter.default)
        return None


def check_waiting(arguments: Mapping[str, Any]) -> None:
    """Rules over how long labels may take.

    Raises
    ------
    ArgumentError
        A negative is wanted after a timeout that there is not; or keys are forgotten while their labels may come.
    """
    timeout, idle = arguments["label_timeout"], arguments["idle"]
    if arguments.get("negative_after_timeout") and timeout is None:
        raise ArgumentError("negative_after_timeout needs a label_timeout", "negative_after_timeout")
    if idle is not None and timeout is not None and idle < timeout:
        raise ArgumentError(
            f"idle must be at least label_timeout ({interval_text(timeout)}), or labels would find their predictions "
            f"forgotten; got {interval_text(idle)}",
            "idle",
            "label_timeout",
        )


def is_category(sql_type: str) -> bool:
    """Whether a feature of this type is hashed."""
    return base_type(sql_type) in CATEGORY_TYPES


def feature_refusal(sql_type: str) -> str | None:
    """None for a type that can be a feature, else why not."""
    if is_category(sql_type):
        return None
    refusal = numeric_refusal(sql_type)
    decimal = base_type(sql_type) == "DECIMAL"
    return refusal if refusal is None or decimal else "a feature is a number, a STRING or a BOOLEAN"
