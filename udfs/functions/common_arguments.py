"""The arguments that every table function has.

They belong to the host of the models, not to a model: how rows are packed, which clock counts, what a NULL
does, and what the operator and its state are called.
"""

from __future__ import annotations

from typing import Final

from udfs.functions.declaration import Argument, ArgumentType

INPUT: Final = Argument(
    name="input",
    type=ArgumentType.TABLE,
    common=True,
    help="The rows: TABLE t or (SELECT ...); with PARTITION BY one model a key, else one model in all.",
)

ON_TIME: Final = Argument(
    name="on_time",
    type=ArgumentType.DESCRIPTOR,
    common=True,
    single=True,
    help="The time attribute that orders the rows: DESCRIPTOR(ts). It stays one in the result.",
)

COLUMNS: Final = Argument(
    name="columns",
    type=ArgumentType.DESCRIPTOR,
    default=None,
    default_help="every numeric column that is neither key nor time",
    common=True,
    help="The columns the model reads: DESCRIPTOR(a, b).",
)

BATCH: Final = Argument(
    name="batch",
    type=ArgumentType.INTERVAL,
    default=1_000,
    low=10,
    high=3_600_000,
    common=True,
    help="Event time that one pack of rows spans: longer is faster, and delays results by as much.",
)

IDLE: Final = Argument(
    name="idle",
    type=ArgumentType.INTERVAL,
    default=None,
    default_help="NULL: never",
    low=10,
    nullable=True,
    common=True,
    help="A key without rows for longer than this, in event time, is forgotten and begins anew.",
)

SEED: Final = Argument(
    name="seed",
    type=ArgumentType.BIGINT,
    default=0,
    low=0,
    high=2**63 - 1,
    common=True,
    help="Start of the model's random numbers: the same rows and seed give the same results.",
)

ON_NULL: Final = Argument(
    name="on_null",
    type=ArgumentType.STRING,
    default="skip",
    choices=("skip", "error", "impute"),
    common=True,
    help="NULL in a column: give NULL and learn nothing, fail the job, or fill it in from the model.",
)

BUCKETS: Final = Argument(
    name="buckets",
    type=ArgumentType.BIGINT,
    default=16,
    low=1,
    high=1_024,
    common=True,
    help="Parts that keys and state are divided in: the most that work at once. Without PARTITION BY: 1.",
)

UID: Final = Argument(
    name="uid",
    type=ArgumentType.STRING,
    default=None,
    default_help="the name of the view or of the table inserted into",
    common=True,
    help="Name of the operator and its state: keep it when the statement is renamed, and the models stay.",
)


def with_common(*own: Argument, reads: tuple[Argument, ...] = (COLUMNS,)) -> tuple[Argument, ...]:
    """The arguments of a function in positional order: what is read, its own, how it is hosted.

    `reads` takes the place of ``columns`` where each column a model reads has a name and a meaning of its own.
    """
    return (INPUT, ON_TIME, *reads, *own, BATCH, IDLE, SEED, ON_NULL, BUCKETS, UID)
