"""RANDOM_CUT_FOREST: how unusual is a row, given the rows of its key before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from models.errors import ParameterError
from udfs.functions.common_arguments import with_common
from udfs.functions.declaration import AddedColumn, Argument, ArgumentError, ArgumentType, TableFunction

if TYPE_CHECKING:
    from models.pool import ModelPool

FOREST_ARGUMENTS: Final = (
    Argument(
        name="trees",
        type=ArgumentType.BIGINT,
        default=100,
        low=1,
        high=1_000,
        help="Trees in a forest; the score is their average. More trees: less noise, more time and memory.",
    ),
    Argument(
        name="sample_size",
        type=ArgumentType.BIGINT,
        default=256,
        low=10,
        high=8_192,
        help="Rows each tree remembers, and the rows a key needs before its scores are not 0.",
    ),
    Argument(
        name="time_decay",
        type=ArgumentType.BIGINT,
        default=100_000,
        low=1,
        high=2**31 - 1,
        help="Rows after which an old row counts for little: rows a day times days; above sample_size.",
    ),
    Argument(
        name="shingle_size",
        type=ArgumentType.BIGINT,
        default=1,
        low=1,
        high=30,
        help="Consecutive rows of a key that are scored together as one shape; 1 scores each row by itself.",
    ),
)

SCORE: Final = AddedColumn(
    "anomaly_score",
    "DOUBLE",
    "0 or more, without upper bound: about 0.7 is ordinary, above 2 to 3 striking; 0 in warm-up.",
)


def check_forest(arguments: Mapping[str, Any]) -> None:
    """The rule over two arguments: the sample has to turn over within the decay.

    Raises
    ------
    ArgumentError
        ``sample_size`` is not less than ``time_decay``.
    """
    sample_size, time_decay = arguments["sample_size"], arguments["time_decay"]
    if sample_size >= time_decay:
        raise ArgumentError(
            f"sample_size must be less than time_decay ({time_decay}), got {sample_size}",
            "sample_size",
            "time_decay",
        )


#: Bytes below which a forest is certainly allowed, so that nothing has to be loaded to know it.
_SMALL_BYTES: Final = 2**29


def check_forest_size(columns: int, arguments: Mapping[str, Any]) -> None:
    """A forest has to fit in memory; asked of the model itself, which is loaded only for a large one.

    Raises
    ------
    ArgumentError
        The model refuses a forest of this size.
    """
    numbers = columns * arguments["shingle_size"]
    # at most twice the numbers with their padding, 12 bytes each, and 60 bytes of tree, for every row remembered
    if arguments["trees"] * (arguments["sample_size"] + 1) * (24 * numbers + 60) < _SMALL_BYTES:
        return
    from models.random_cut_forest.parameters import Parameters

    names = ("trees", "sample_size", "time_decay", "shingle_size", "seed")
    try:
        Parameters(columns, **{name: arguments[name] for name in names})
    except ParameterError as error:
        raise ArgumentError(str(error), "sample_size", "trees", "shingle_size") from error


def make_forest_pool(columns: int, arguments: Mapping[str, Any], *, explain: bool) -> ModelPool:
    """Forests for rows of ``columns`` numbers; the import is here because it loads the compiled kernels."""
    from models.random_cut_forest import RandomCutForestPool

    return RandomCutForestPool(
        dimensions=columns,
        trees=arguments["trees"],
        sample_size=arguments["sample_size"],
        time_decay=arguments["time_decay"],
        shingle_size=arguments["shingle_size"],
        seed=arguments["seed"],
        explain=explain,
        missing="impute" if arguments["on_null"] == "impute" else "reject",
    )


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> ModelPool:
    return make_forest_pool(columns, arguments, explain=False)


def _present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    return (outputs["score"].tolist(),)


FUNCTION: Final = TableFunction(
    name="RANDOM_CUT_FOREST",
    summary="Scores how unusual each row is among the rows of its key so far.",
    description="""\
A robust random cut forest for each key: every tree keeps a decaying random sample of the key's rows and is
cut at random; rows that are easily cut off from the rest score high. The row is scored first and learned
afterwards.

`anomaly_score` is 0 until a key has `sample_size` rows, then positive and without upper bound. Only the
highest scores mean something: an ordinary row scores about 0.7, and thresholds between 2 and 3 are usual. The
scale is the one of Kinesis Data Analytics, and so are the defaults.

Columns are not scaled: a column of thousands outweighs a column of fractions, so divide in the input where
that is not meant. Memory of a forest grows with `trees` times `sample_size`; time of a row with `trees`.

Source: Guha, Mishra, Roy, Schrijvers, "Robust Random Cut Forest Based Anomaly Detection on Streams", ICML
2016.""",
    arguments=with_common(*FOREST_ARGUMENTS),
    added=(SCORE,),
    make_pool=_make_pool,
    present=_present,
    check=check_forest,
    check_columns=check_forest_size,
    example="""\
CREATE VIEW scored AS
SELECT * FROM RANDOM_CUT_FOREST(
    input       => TABLE loudness PARTITION BY device,
    on_time     => DESCRIPTOR(event_time),
    columns     => DESCRIPTOR(volume),
    sample_size => 256);""",
)
