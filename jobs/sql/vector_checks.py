"""Whether a call with a table of vectors fits its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jobs.sql.call import Call, Input
from jobs.sql.checks import CheckedCall, InputColumn, check_call, check_time, column_named
from udfs.functions.declaration import base_type
from udfs.functions.user_vector import VECTOR, VERSION

_WHOLE = frozenset({"TINYINT", "SMALLINT", "INT", "BIGINT"})
_ARRAYS = ("ARRAY<FLOAT", "ARRAY<DOUBLE")


@dataclass(frozen=True)
class CheckedVectors:
    """A call that fits its input and its vectors.

    Parameters
    ----------
    checked
        The call and its input; the item is its only column.
    time, item
        Columns of the table of vectors.
    """

    checked: CheckedCall
    time: InputColumn
    item: InputColumn


def check_vector_call(
    call: Call, schema: Sequence[InputColumn], table: Input, vectors: Sequence[InputColumn]
) -> CheckedVectors:
    """The call with its columns resolved, in both tables.

    Parameters
    ----------
    call
        As it was read.
    schema, vectors
        The columns of its input and of its table of vectors.
    table
        The latter as it was written.

    Raises
    ------
    SqlError
        As of `check_call`; or the table of vectors lacks a column, or has one of another type.
    """
    for argument in ("on_time", "item"):
        if len(words := call.words[argument]) > 2:
            raise call.error(f"{argument} must be at most 2 columns, got {len(words)}", words[2].start)
    if table.partition_by:
        raise call.error("vectors has no PARTITION BY: its rows go to all keys", table.partition_by[0].start)
    by_name = {column.name: column for column in schema}
    word = call.words["item"][0]
    item = column_named(call, "item", word.name, word.start, by_name)
    _check_whole(call, item, word.start)
    first = {**call.arguments, "item": (word.name,)}  # the second name is the other table's
    checked = check_call(replace(call, words={**call.words, "item": (word,)}, arguments=first), schema)
    there = {column.name: column for column in vectors}
    time = check_time(call, call.words["on_time"][-1], there, "vectors")
    word = call.words["item"][-1]
    of_vectors = column_named(call, "item", word.name, word.start, there, "vectors")
    _check_whole(call, of_vectors, word.start)
    place = call.places["vectors"]
    version = column_named(call, "vectors", VERSION, place, there, "vectors")
    if base_type(version.sql_type) not in _WHOLE:
        raise call.error(f"vectors: {VERSION} is {version.sql_type}, it must be a whole number", place)
    vector = column_named(call, "vectors", VECTOR, place, there, "vectors")
    if not vector.sql_type.upper().startswith(_ARRAYS):
        raise call.error(f"vectors: {VECTOR} is {vector.sql_type}, it must be an ARRAY of FLOAT or DOUBLE", place)
    if base_type(time.sql_type) != base_type(by_name[call.on_time].sql_type):
        raise call.error(
            f"on_time: {call.on_time} of the input is {by_name[call.on_time].sql_type}, {time.name} of vectors is "
            f"{time.sql_type}: they must be of one type, CAST one of them",
            call.words["on_time"][-1].start,
        )
    return CheckedVectors(replace(checked, call=call), time, of_vectors)


def _check_whole(call: Call, column: InputColumn, place: int) -> None:
    if base_type(column.sql_type) not in _WHOLE:
        raise call.error(
            f"item: {column.name} is {column.sql_type}, an item is a whole number: CAST({column.name} AS BIGINT) in "
            "its table",
            place,
        )
