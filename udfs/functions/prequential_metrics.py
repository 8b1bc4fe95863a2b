"""PREQUENTIAL_METRICS: how good the predictions of a key have been, after each outcome."""

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

LABEL: Final = Argument(
    name="label",
    type=ArgumentType.DESCRIPTOR,
    default=("label",),
    single=True,
    help="The column with what was true: 1 or 0, TRUE or FALSE; other values are not measured.",
)

PROBABILITY: Final = Argument(
    name="probability",
    type=ArgumentType.DESCRIPTOR,
    default=("probability",),
    single=True,
    help="The column with the probability of class 1, given before the label was known; 0..1.",
)

WINDOW: Final = Argument(
    name="window",
    type=ArgumentType.BIGINT,
    default=1_000,
    low=1,
    high=100_000,
    help="The last so many rows of a key are measured, the new one included.",
)

SPAN: Final = Argument(
    name="span",
    type=ArgumentType.INTERVAL,
    default=None,
    default_help="NULL: rows count, not time",
    low=1,
    high=366 * 86_400_000,
    nullable=True,
    help="Of the window, only rows not older than this, in event time, are measured.",
)

FADING: Final = Argument(
    name="fading",
    type=ArgumentType.DOUBLE,
    default=None,
    default_help="NULL: the rows of the window, all alike",
    low=0.0001,
    high=1,
    nullable=True,
    help="All rows of the key, each weighing this factor less with every row behind it; 1 is the whole stream.",
)

THRESHOLD: Final = Argument(
    name="threshold",
    type=ArgumentType.DOUBLE,
    default=0.5,
    low=0,
    high=1,
    help="A probability of at least this predicts class 1.",
)

ADDED: Final = (
    AddedColumn("accuracy", "DOUBLE", "Share of rows that were predicted right."),
    AddedColumn("balanced_accuracy", "DOUBLE", "Mean of the two classes' shares of rows that were predicted right."),
    AddedColumn("kappa", "DOUBLE", "Cohen's kappa, -1..1: 0 is no better than chance with these shares of classes."),
    AddedColumn("f1", "DOUBLE", "Harmonic mean of precision and recall of class 1; 0 where it was never right."),
    AddedColumn("log_loss", "DOUBLE", "Mean log loss of the probabilities, clipped to 1e-6 from both ends."),
    AddedColumn("brier", "DOUBLE", "Mean squared distance of probability and label."),
    AddedColumn("roc_auc", "DOUBLE", "How often a row of class 1 has the higher probability; NULL with one class."),
    AddedColumn("average_precision", "DOUBLE", "Area under precision and recall; NULL without a row of class 1."),
    AddedColumn("calibration_error", "DOUBLE", "Mean distance of probability and share of class 1 in ten bins."),
    AddedColumn("baseline_last_class", "DOUBLE", "Accuracy of always predicting the label of the row before."),
    AddedColumn("baseline_prior", "DOUBLE", "Accuracy of always predicting the class more frequent so far."),
    AddedColumn("n", "BIGINT", "How many rows these are measured on."),
)


def _check(arguments: Mapping[str, Any]) -> None:
    """The rules over what cannot be said of one argument alone.

    Raises
    ------
    ArgumentError
        Label and probability are one column, a span that fades, or values to fill in from nothing.
    """
    if arguments["label"] == arguments["probability"]:
        raise ArgumentError(
            f"probability must be another column than label, got {arguments['label'][0]} for both",
            "probability",
            "label",
        )
    if arguments["span"] is not None and arguments["fading"] is not None:
        raise ArgumentError("fading counts rows: leave it out, or span", "fading", "span")
    refuse_imputing(arguments, "an outcome that is not there cannot be measured")


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> ModelPool:
    """The import is here because it loads the compiled kernels."""
    from models.metrics import PrequentialMetricsPool

    return PrequentialMetricsPool(
        arguments["window"], arguments["span"] or 0, arguments["fading"] or 0.0, arguments["threshold"]
    )


def _present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    """Results as they are; NULL where they are not defined."""
    columns = [outputs[column.name].tolist() for column in ADDED]
    numbers = [[None if value != value else value for value in column] for column in columns[:-1]]
    counts = [None if value != value else int(value) for value in columns[-1]]
    return (*numbers, counts)


FUNCTION: Final = TableFunction(
    name="PREQUENTIAL_METRICS",
    summary="Measures how good the predictions of each key have been, beside two baselines, after each outcome.",
    description="""\
Reads outcomes, rows with a label and the probability that was given before it was known, and says after each how good
the predictions of its key have been: prequentially, with no row left out and none learned before it was predicted.
The rows of kind 'outcome' of ONLINE_CLASSIFIER are such outcomes; so is any table with the two columns.

Three ways to weigh rows: the last `window` ones alike; those of them that are not older than `span`; or, with
`fading`, all rows of the key, older ones less. `roc_auc` and `average_precision` need the rows themselves and stay
those of the window.

Put each number beside its baseline. `baseline_last_class` says the label of the key's row before, which is hard to
beat where labels come in runs, and `baseline_prior` the class that was more frequent so far, which is hard to beat
where one class is rare. `kappa`, `balanced_accuracy` and `roc_auc` are near 0, 0.5 and 0.5 for a model that knows
nothing, whatever the shares of classes.

There is no warm-up: the first row of a key is measured, alone. A row whose label is not 0 or 1, or whose probability
is not in 0..1, gets NULL and is not measured, as is one with a NULL (`on_null => 'skip'`): predictions may stay in the
input. There is no chance in it: `seed` changes nothing. `on_null => 'impute'` is refused.

A key takes 32 bytes of memory for each row of its window, 40 with a span. The time of a row grows with the window:
some 10 microseconds for 1,000 rows.

Source: Gama, Sebastião, Rodrigues, "On evaluating stream learning algorithms", Machine Learning 90 (2013).""",
    arguments=with_common(WINDOW, SPAN, FADING, THRESHOLD, reads=(LABEL, PROBABILITY)),
    added=ADDED,
    make_pool=_make_pool,
    present=_present,
    check=_check,
    reads=("label", "probability"),
    columns_low=2,
    columns_high=2,
    refuses_type=measurable_refusal,
    example="""\
CREATE VIEW quality AS
SELECT * FROM PREQUENTIAL_METRICS(
    input       => TABLE outcomes PARTITION BY campaign,
    on_time     => DESCRIPTOR(ts),
    label       => DESCRIPTOR(clicked),
    probability => DESCRIPTOR(probability),
    window      => 1000);""",
)
