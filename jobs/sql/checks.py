"""Whether a call fits the table it reads, once the columns of that table are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jobs.errors import SqlError
from jobs.sql.arguments import Word
from jobs.sql.call import Call, Input
from jobs.sql.suggest import nearest
from udfs.functions.declaration import ArgumentError, base_type, numeric_refusal

_TIME_TYPES: Final = frozenset({"TIMESTAMP", "TIMESTAMP_LTZ"})


@dataclass(frozen=True)
class InputColumn:
    """A column of a call's input.

    Parameters
    ----------
    name, sql_type
        As Flink tells them: ``DOUBLE NOT NULL``, ``TIMESTAMP_LTZ(3)``.
    is_time_attribute
        Whether a watermark goes with it (event time); a processing time attribute is none.
    """

    name: str
    sql_type: str
    is_time_attribute: bool = False


@dataclass(frozen=True)
class CheckedCall:
    """A call that fits its input.

    Parameters
    ----------
    call
        The call.
    schema
        The input's columns.
    columns
        The columns the model reads, in order: those of ``columns`` or ``features``, or the numeric ones.
    """

    call: Call
    schema: tuple[InputColumn, ...]
    columns: tuple[InputColumn, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of `columns`."""
        return tuple(column.name for column in self.columns)


def check_call(call: Call, schema: Sequence[InputColumn], taken: Sequence[Word] = ()) -> CheckedCall:
    """The call with its columns resolved.

    Parameters
    ----------
    call
        As it was read.
    schema
        The columns of its input, in order.
    taken
        Columns of the input that the call gives another meaning, with what named them: the model does not read them.

    Raises
    ------
    SqlError
        A column there is not, of a type the function does not take, or used twice; ``on_time`` is no time
        attribute; too many or no columns; an input column that is named like an added one.
    """
    by_name = {column.name: column for column in schema}
    check_time(call, call.words["on_time"][0], by_name)
    check_key(call, call.input, by_name)
    _check_added(call, by_name)
    reads, words = call.function.reads, call.words.get(call.function.reads)
    others = {word.name for word in taken}
    columns = _default_columns(call, schema, others) if words is None else _given_columns(call, words, by_name, others)
    low, high = call.function.columns_low, call.function.columns_high
    if not low <= len(columns) <= high:
        place = words[high].start if words is not None and len(columns) > high else None
        hint = f": name those to read, {reads} => DESCRIPTOR(a, b)" if words is None else ""
        raise call.error(f"{reads} must be {low} to {high}, got {len(columns)}{hint}", place)
    try:
        call.function.check_columns(len(columns), call.arguments)
    except ArgumentError as error:
        given = [call.places[name] for name in error.arguments if name in call.places]
        raise call.error(str(error), given[0] if given else None) from error
    return CheckedCall(call, tuple(schema), columns)


def column_named(
    call: Call, argument: str, word: Word, by_name: dict[str, InputColumn], table: str = "the input"
) -> InputColumn:
    """The column of a name; an error that suggests another where there is none."""
    column = by_name.get(word.name)
    if column is None:
        raise _unknown(call, argument, word, list(by_name), table)
    return column


def _unknown(call: Call, argument: str, word: Word, known: Sequence[str], table: str) -> SqlError:
    meant = nearest(word.name, known)
    hint = f", did you mean {meant}?" if meant else f"; it has {', '.join(known)}"
    return call.error(f"{argument}: {table} has no column {word.name}{hint}", word.start)


def check_time(call: Call, word: Word, by_name: dict[str, InputColumn], table: str = "the input") -> InputColumn:
    """The time attribute of a table."""
    times = [column.name for column in by_name.values() if column.is_time_attribute]
    column = by_name.get(word.name)
    if column is None:
        raise _unknown(call, "on_time", word, times or list(by_name), table)
    if not column.is_time_attribute:
        fits = base_type(column.sql_type) in _TIME_TYPES
        way = (
            f"use {times[0]}"
            if times
            else f"declare WATERMARK FOR {word.name} AS {word.name} - INTERVAL '5' SECOND in its table"
            if fits
            else "use a TIMESTAMP_LTZ(3) column with a WATERMARK"
        )
        raise call.error(f"on_time: {word.name} ({column.sql_type}) is no time attribute: {way}", word.start)
    return column


def check_key(call: Call, table: Input, by_name: dict[str, InputColumn]) -> tuple[InputColumn, ...]:
    """The key's columns of a table."""
    columns = []
    for word in table.partition_by:
        column = column_named(call, "PARTITION BY", word, by_name, "the input" if table is call.input else "labels")
        if column.is_time_attribute:
            raise call.error(
                f"PARTITION BY: {word.name} is the time attribute, each of its values would be a key: "
                "use a column that many rows share",
                word.start,
            )
        columns.append(column)
    return tuple(columns)


def _check_added(call: Call, by_name: dict[str, InputColumn]) -> None:
    for added in call.function.added:
        if added.name in by_name:
            raise call.error(
                f"the input has a column {added.name} already, which the function adds: "
                f"rename it in the input, (SELECT ..., {added.name} AS other_name FROM t)",
                call.places[call.input.argument],
            )


def _given_columns(
    call: Call, words: Sequence[Word], by_name: dict[str, InputColumn], others: set[str]
) -> tuple[InputColumn, ...]:
    keys, found, reads = set(call.partition_by), [], call.function.reads
    for word in words:
        column = column_named(call, reads, word, by_name)
        if word.name == call.on_time:
            raise call.error(f"{reads}: {word.name} is the time attribute: leave it out", word.start)
        if word.name in keys:
            raise call.error(
                f"{reads}: {word.name} is a key column, the same in every row of its model: leave it out",
                word.start,
            )
        if word.name in others:
            raise call.error(f"{reads}: {word.name} is the id or the label of the call: leave it out", word.start)
        refusal = call.function.refuses_type(column.sql_type)
        if refusal:
            raise call.error(_refused(call, column, refusal), word.start)
        found.append(column)
    return tuple(found)


def _default_columns(call: Call, schema: Sequence[InputColumn], others: set[str]) -> tuple[InputColumn, ...]:
    taken = {*call.partition_by, call.on_time, *others}
    found = []
    for column in schema:
        if column.name in taken:
            continue
        refusal = call.function.refuses_type(column.sql_type) or numeric_refusal(column.sql_type)
        if refusal is None:
            found.append(column)
        elif base_type(column.sql_type) == "DECIMAL":
            # a number that would be left out in silence
            reads = call.function.reads
            raise call.error(
                f"{_refused(call, column, refusal)}, or name the columns to read, {reads} => DESCRIPTOR(...)"
            )
    return tuple(found)


def _refused(call: Call, column: InputColumn, refusal: str) -> str:
    return f"{call.function.reads}: {column.name} is {column.sql_type}: {refusal.format(column=column.name)}"
