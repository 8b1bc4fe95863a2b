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
    others = {word.name for word in taken}
    named = call.columns is not None
    columns = _given_columns(call, by_name, others) if named else _default_columns(call, schema, others)
    low, high = call.function.columns_low, call.function.columns_high
    if not low <= len(columns) <= high:
        reads = ", ".join(call.function.reads)
        place = call.words[reads][high].start if reads in call.words and len(columns) > high else None
        hint = "" if named else f": name those to read, {reads} => DESCRIPTOR(a, b)"
        raise call.error(f"{reads} must be {low} to {high}, got {len(columns)}{hint}", place)
    try:
        call.function.check_columns(len(columns), call.arguments)
    except ArgumentError as error:
        given = [call.places[name] for name in error.arguments if name in call.places]
        raise call.error(str(error), given[0] if given else None) from error
    return CheckedCall(call, tuple(schema), columns)


def column_named(
    call: Call,
    argument: str,
    name: str,
    place: int | None,
    by_name: dict[str, InputColumn],
    table: str = "the input",
) -> InputColumn:
    """The column of a name; an error that suggests another where there is none."""
    column = by_name.get(name)
    if column is None:
        raise _unknown(call, argument, name, list(by_name), place, table)
    return column


def _unknown(
    call: Call, argument: str, name: str, known: Sequence[str], place: int | None, table: str = "the input"
) -> SqlError:
    meant = nearest(name, known)
    hint = f", did you mean {meant}?" if meant else f"; it has {', '.join(known)}"
    return call.error(f"{argument}: {table} has no column {name}{hint}", place)


def check_time(call: Call, word: Word, by_name: dict[str, InputColumn], table: str = "the input") -> InputColumn:
    """The time attribute of a table."""
    times = [column.name for column in by_name.values() if column.is_time_attribute]
    column = by_name.get(word.name)
    if column is None:
        raise _unknown(call, "on_time", word.name, times or list(by_name), word.start, table)
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
        which = "the input" if table is call.input else "labels"
        column = column_named(call, "PARTITION BY", word.name, word.start, by_name, which)
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


def _given_columns(call: Call, by_name: dict[str, InputColumn], others: set[str]) -> tuple[InputColumn, ...]:
    """The columns of each argument that names some, those of a default included."""
    return tuple(
        _given_column(call, by_name, argument, name, place, others)
        for argument in call.function.reads
        for name, place in _named(call, argument)
    )


def _named(call: Call, argument: str) -> list[tuple[str, int | None]]:
    """What an argument names, with the place of each name; a default has none."""
    if argument in call.words:
        return [(word.name, word.start) for word in call.words[argument]]
    return [(name, None) for name in call.arguments[argument]]


def _given_column(
    call: Call, by_name: dict[str, InputColumn], argument: str, name: str, place: int | None, others: set[str]
) -> InputColumn:
    column = column_named(call, argument, name, place, by_name)
    if name == call.on_time:
        raise call.error(f"{argument}: {name} is the time attribute: {_instead(argument)}", place)
    if name in call.partition_by:
        raise call.error(
            f"{argument}: {name} is a key column, the same in every row of its model: {_instead(argument)}", place
        )
    if name in others:
        raise call.error(f"{argument}: {name} is the id or the label of the call: {_instead(argument)}", place)
    refusal = call.function.refuses_type(column.sql_type)
    if refusal:
        raise call.error(_refused(argument, column, refusal), place)
    return column


def _instead(argument: str) -> str:
    return "leave it out" if argument in ("columns", "features") else "name another one"


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
            reads = ", ".join(call.function.reads)
            raise call.error(
                f"{_refused(reads, column, refusal)}, or name the columns to read, {reads} => DESCRIPTOR(...)"
            )
    return tuple(found)


def _refused(argument: str, column: InputColumn, refusal: str) -> str:
    return f"{argument}: {column.name} is {column.sql_type}: {refusal.format(column=column.name)}"
