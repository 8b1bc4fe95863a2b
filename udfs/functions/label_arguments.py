"""The arguments of functions that learn from labels: where labels come from, and how long they may take."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from udfs.functions.common_arguments import BATCH, BUCKETS, IDLE, INPUT, ON_NULL, ON_TIME, SEED, UID
from udfs.functions.declaration import Argument, ArgumentType

LABELS: Final = Argument(
    name="labels",
    type=ArgumentType.TABLE,
    default=None,
    default_help="none: label is a column of the input",
    help="The labels as rows of their own, with the input's PARTITION BY; without it each input brings its label.",
)

#: Two tables may call their time differently.
ON_TIMES: Final = replace(ON_TIME, single=False)

ID: Final = Argument(
    name="id",
    type=ArgumentType.DESCRIPTOR,
    default=None,
    default_help="needed with labels",
    help="The column of both tables that joins them: DESCRIPTOR(id), or DESCRIPTOR(id_of_input, id_of_label).",
)

FEATURES: Final = Argument(
    name="features",
    type=ArgumentType.DESCRIPTOR,
    default=None,
    default_help="every numeric column that is not key, time, id or label",
    help="The columns the model reads: numbers as they are, STRING and BOOLEAN as categories.",
)

LABEL: Final = Argument(
    name="label",
    type=ArgumentType.DESCRIPTOR,
    single=True,
    help="The column that holds the label: of labels, or of the input where there are none.",
)

LABEL_TIMEOUT: Final = Argument(
    name="label_timeout",
    type=ArgumentType.INTERVAL,
    default=None,
    default_help="NULL: never",
    low=10,
    nullable=True,
    help="How much later than its input a label may be, in event time; then the prediction is closed without.",
)

NEGATIVE_AFTER_TIMEOUT: Final = Argument(
    name="negative_after_timeout",
    type=ArgumentType.BOOLEAN,
    default=False,
    help="Whether a label that did not come in time is learned as a 0; else nothing is learned.",
)

MAX_PENDING: Final = Argument(
    name="max_pending",
    type=ArgumentType.BIGINT,
    default=100_000,
    low=1,
    high=10_000_000,
    help="The most predictions of a key that wait for labels; for one more the oldest is closed without.",
)


def algorithm(default: str) -> Argument:
    """The argument that chooses the learner."""
    return Argument(
        name="algorithm",
        type=ArgumentType.STRING,
        default=default,
        help="The learner; its parameters are arguments by name, such as learning_rate => 0.05.",
    )


def with_labels(*own: Argument) -> tuple[Argument, ...]:
    """The arguments of a function that learns from labels, in positional order."""
    return (INPUT, LABELS, ON_TIMES, ID, FEATURES, LABEL, *own, BATCH, IDLE, SEED, ON_NULL, BUCKETS, UID)
