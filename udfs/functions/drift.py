"""DRIFT: where a stream of numbers has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from udfs.functions.common_arguments import with_common
from udfs.functions.declaration import (
    AddedColumn,
    Argument,
    ArgumentError,
    ArgumentType,
    TableFunction,
    measurable_refusal,
    refuse_imputing,
)

if TYPE_CHECKING:
    from models.pool import ModelPool

#: The arguments of each method, with their defaults.
METHODS: Final[Mapping[str, Mapping[str, Any]]] = {
    "adwin": {"delta": 0.002, "clock": 32},
    "page_hinkley": {"delta": 0.005, "threshold": 50.0, "fading": 0.9999, "minimum": 30, "direction": "both"},
    "kswin": {"alpha": 0.005, "window": 100, "recent": 30},
    "ddm": {"threshold": 3.0, "minimum": 30},
}

VALUE: Final = Argument(
    name="value",
    type=ArgumentType.DESCRIPTOR,
    single=True,
    help="The column that is watched: a number, or a BOOLEAN, whose TRUE counts as 1.",
)

METHOD: Final = Argument(
    name="method",
    type=ArgumentType.STRING,
    default="adwin",
    choices=tuple(METHODS),
    help="How it is watched; the arguments behind this one are each of one or two methods.",
)


def _default_help(name: str) -> str:
    return ", ".join(f"{defaults[name]} for {method}" for method, defaults in METHODS.items() if name in defaults)


def _parameter(name: str, type_: ArgumentType, help_: str, **more: Any) -> Argument:
    return Argument(
        name=name, type=type_, default=None, default_help=_default_help(name), nullable=True, help=help_, **more
    )


OWN: Final = (
    METHOD,
    _parameter(
        "delta", ArgumentType.DOUBLE, "Chance of a false alarm at a check; page_hinkley: a distance that is nothing.",
        low=0, high=1e9,
    ),
    _parameter("clock", ArgumentType.BIGINT, "A check every so many rows.", low=1, high=1_000_000),
    _parameter("threshold", ArgumentType.DOUBLE, "A statistic above this is a change.", low=0, high=1e15),
    _parameter(
        "fading", ArgumentType.DOUBLE, "Sums of distances fade by this factor a row.", low=0.0001, high=0.999999
    ),
    _parameter("minimum", ArgumentType.BIGINT, "Rows of a key before its first verdict.", low=1, high=1_000_000),
    _parameter("direction", ArgumentType.STRING, "Which changes count.", choices=("both", "up", "down")),
    _parameter("alpha", ArgumentType.DOUBLE, "Level of the test of a row.", low=1e-12, high=0.5),
    _parameter("window", ArgumentType.BIGINT, "Rows of a key that are kept.", low=2, high=10_000),
    _parameter(
        "recent", ArgumentType.BIGINT, "The newest so many are compared with as many of the others.", low=1, high=1_000
    ),
)  # fmt: skip

ADDED: Final = (
    AddedColumn("drift", "BOOLEAN", "Whether a change was found with this row."),
    AddedColumn(
        "drift_statistic", "DOUBLE", "The method's own number, how near it is to a change; 0 in the beginning."
    ),
)


def _parameters(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the chosen method, with its defaults."""
    defaults = METHODS[arguments["method"]]
    return {name: value if arguments[name] is None else arguments[name] for name, value in defaults.items()}


def _check(arguments: Mapping[str, Any]) -> None:
    """The rules over what cannot be said of one argument alone.

    Raises
    ------
    ArgumentError
        An argument of another method, one out of the range of this method, or values to fill in from nothing.
    """
    method = arguments["method"]
    for argument in OWN[1:]:
        if arguments[argument.name] is not None and argument.name not in METHODS[method]:
            own = ", ".join(METHODS[method])
            raise ArgumentError(
                f"{argument.name} is no argument of method '{method}', which has {own}: leave it out",
                argument.name,
                "method",
            )
    given = _parameters(arguments)
    if method == "adwin" and not 0 < given["delta"] < 1:
        raise ArgumentError(
            f"delta must be above 0 and below 1 with method 'adwin', got {given['delta']:g}", "delta", "method"
        )
    if method == "ddm" and given["threshold"] > 1000:
        raise ArgumentError(
            f"threshold must be at most 1000 with method 'ddm', got {given['threshold']:g}", "threshold", "method"
        )
    if method == "kswin" and 2 * given["recent"] > given["window"]:
        raise ArgumentError(
            f"recent must be at most half of window ({given['window']}), got {given['recent']}", "recent", "window"
        )
    refuse_imputing(arguments, "a value that is not there says nothing about a change")


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> ModelPool:
    """The import is here because it loads the compiled kernels."""
    from models.drift import ADWINPool, DDMPool, KSWINPool, PageHinkleyPool

    given = _parameters(arguments)
    match arguments["method"]:
        case "adwin":
            return ADWINPool(**given)
        case "page_hinkley":
            return PageHinkleyPool(alpha=given.pop("fading"), **given)
        case "kswin":
            return KSWINPool(seed=arguments["seed"], **given)
        case _:
            return DDMPool(**given)


def _present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    """Verdict and statistic; NULL for a value the method does not take."""
    statistics = [None if value != value else value for value in outputs["statistic"].tolist()]
    drifts = outputs["drift"].tolist()
    return (
        [None if value is None else drift for drift, value in zip(drifts, statistics, strict=True)],
        statistics,
    )


FUNCTION: Final = TableFunction(
    name="DRIFT",
    summary="Finds where the values of a column have changed for each key.",
    description="""\
Watches one column of each key, row by row, and says `drift` where it has changed; from the next row on the key is
watched anew. Four methods:

- `'adwin'`: the mean. A window grows while the mean stays and is cut where two parts of it differ; how large a
  difference that takes follows from the spread of the values, so nothing has to be scaled. `drift_statistic` is the
  largest difference beside its bound at the last check: above 1 is a change.
- `'page_hinkley'`: the mean, by sums of distances from it that rise or fall by more than `threshold`, in the unit of
  the values. `drift_statistic` is the sum. Quickest, and the one to set by hand.
- `'kswin'`: the whole distribution, the spread too. The newest `recent` rows are compared with a random sample of as
  many of the rows before them. `drift_statistic` is the largest distance of the two distributions, 0..1. There is a
  test for every row, so in a long stream some find a change where there is none.
- `'ddm'`: the errors of a model, 1 or TRUE where it was wrong. `drift_statistic` counts in deviations how far the
  error rate has risen above its least. A value outside 0..1 gets NULL and is not counted.

`drift_statistic` is 0 in the beginning: before the first check (adwin), the `minimum` (page_hinkley, ddm) or the full
window (kswin). Only `'kswin'` uses chance and `seed`. `on_null => 'impute'` is refused.

A key takes 3.4 KB of memory with adwin, 16 bytes for each row of the window with kswin, and less than 100 bytes with
the others. A row takes a microsecond with kswin and a fraction of one with the others.

Sources: Bifet, Gavaldà, "Learning from time-changing data with adaptive windowing", SDM 2007; Page, "Continuous
inspection schemes", Biometrika 41 (1954); Raab, Heusinger, Schleif, "Reactive Soft Prototype Computing for Concept
Drift Streams", Neurocomputing 416 (2020); Gama, Medas, Castillo, Rodrigues, "Learning with drift detection", SBIA
2004.""",
    arguments=with_common(*OWN, reads=(VALUE,)),
    added=ADDED,
    make_pool=_make_pool,
    present=_present,
    check=_check,
    reads=("value",),
    columns_low=1,
    columns_high=1,
    refuses_type=measurable_refusal,
    example="""\
CREATE VIEW watched AS
SELECT * FROM DRIFT(
    input   => TABLE outcomes PARTITION BY campaign,
    on_time => DESCRIPTOR(ts),
    value   => DESCRIPTOR(wrong),
    method  => 'adwin',
    delta   => 0.001);""",
)
