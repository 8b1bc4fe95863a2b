"""Whether a call fits the table it reads, once the columns of that table are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jobs.errors import SqlError
from jobs.sql.call import Call
from jobs.sql.suggest import nearest
from udfs.functions.declaration import ArgumentError, base_type

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
        The columns the model reads, in order: those of ``columns``, or the numeric ones.
    """

    call: Call
    schema: tuple[InputColumn, ...]
    columns: tuple[InputColumn, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of `columns`."""
        return tuple(column.name for column in self.columns)


def check_call(call: Call, schema: Sequence[InputColumn]) -> CheckedCall:
    """The call with its columns resolved.

    Parameters
    ----------
    call
        As it was read.
    schema
        The columns of its input, in order.

    Raises
    ------
    SqlError
        A column there is not, of a type the function does not take, or used twice; ``on_time`` is no time
        attribute; too many or no columns; an input column that is named like an added one.
    """
    by_name = {column.name: column for column in schema}
    _check_time(call, by_name)
    _check_key(call, by_name)
    _check_added(call, by_name)
    columns = _default_columns(call, schema) if call.columns is None else _given_columns(call, by_name)
    low, high = call.function.columns_low, call.function.columns_high
    if not low <= len(columns) <= high:
        place = call.words["columns"][high].start if "columns" in call.words and len(columns) > high else None
        raise call.error(f"columns must be {low} to {high}, got {len(columns)}{_unless_given(call)}", place)
    try:
        call.function.check_columns(len(columns), call.arguments)
    except ArgumentError as error:
        given = [call.places[name] for name in error.arguments if name in call.places]
        raise call.error(str(error), given[0] if given else None) from error
    return CheckedCall(call, tuple(schema), columns)


def _unless_given(call: Call) -> str:
    return "" if "columns" in call.words else ": name those to read, columns => DESCRIPTOR(a, b)"


def _unknown(call: Call, argument: str, name: str, known: Sequence[str], offset: int | None) -> SqlError:
    meant = nearest(name, known)
    hint = f", did you mean {meant}?" if meant else f"; it has {', '.join(known)}"
    return call.error(f"{argument}: the input has no column {name}{hint}", offset)


def _check_time(call: Call, by_name: dict[str, InputColumn]) -> None:
    word = call.words["on_time"][0]
    times = [column.name for column in by_name.values() if column.is_time_attribute]
    column = by_name.get(word.name)
    if column is None:
        raise _unknown(call, "on_time", word.name, times or list(by_name), word.start)
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


def _check_key(call: Call, by_name: dict[str, InputColumn]) -> None:
    for table in call.inputs.values():
        for word in table.partition_by:
            column = by_name.get(word.name)
            if column is None:
                raise _unknown(call, "PARTITION BY", word.name, list(by_name), word.start)
            if column.is_time_attribute:
                raise call.error(
                    f"PARTITION BY: {word.name} is the time attribute, each of its values would be a key: "
                    "use a column that many rows share",
                    word.start,
                )


def _check_added(call: Call, by_name: dict[str, InputColumn]) -> None:
    for added in call.function.added:
        if added.name in by_name:
            raise call.error(
                f"the input has a column {added.name} already, which the function adds: "
                f"rename it in the input, (SELECT ..., {added.name} AS other_name FROM t)",
                call.places[call.input.argument],
            )


def _given_columns(call: Call, by_name: dict[str, InputColumn]) -> tuple[InputColumn, ...]:
    """The columns of each argument that names some, those of a default included."""
    return tuple(
        _given_column(call, by_name, argument, name, place)
        for argument in call.function.reads
        for name, place in _named(call, argument)
    )


def _named(call: Call, argument: str) -> list[tuple[str, int | None]]:
    """What an argument names, with the place of each name; a default has none."""
    if argument in call.words:
        return [(word.name, word.start) for word in call.words[argument]]
    return [(name, None) for name in call.arguments[argument]]


def _given_column(
    call: Call, by_name: dict[str, InputColumn], argument: str, name: str, place: int | None
) -> InputColumn:
    column = by_name.get(name)
    if column is None:
        raise _unknown(call, argument, name, list(by_name), place)
    if name == call.on_time:
        raise call.error(f"{argument}: {name} is the time attribute: {_instead(argument)}", place)
    if name in call.partition_by:
        raise call.error(
            f"{argument}: {name} is a key column, the same in every row of its model: {_instead(argument)}", place
        )
    refusal = call.function.refuses_type(column.sql_type)
    if refusal:
        raise call.error(_refused(argument, column, refusal), place)
    return column


def _instead(argument: str) -> str:
    return "leave it out" if argument == "columns" else "name another one"


def _default_columns(call: Call, schema: Sequence[InputColumn]) -> tuple[InputColumn, ...]:
    taken = {*call.partition_by, call.on_time}
    found = []
    for column in schema:
        if column.name in taken:
            continue
        refusal = call.function.refuses_type(column.sql_type)
        if refusal is None:
            found.append(column)
        elif base_type(column.sql_type) == "DECIMAL":
            # a number that would be left out in silence
            refused = _refused("columns", column, refusal)
            raise call.error(f"{refused}, or name the columns to read, columns => DESCRIPTOR(...)")
    return tuple(found)


def _refused(argument: str, column: InputColumn, refusal: str) -> str:
    return f"{argument}: {column.name} is {column.sql_type}: {refusal.format(column=column.name)}"
