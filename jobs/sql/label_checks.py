"""Whether a call that learns from labels fits its tables: one with inputs, and perhaps one with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.errors import SqlError
from jobs.sql.arguments import Word
from jobs.sql.call import Call, Input
from jobs.sql.checks import CheckedCall, InputColumn, check_call, check_key, check_time, column_named
from udfs.functions.declaration import ArgumentError, base_type
from udfs.functions.labelled import ID_TYPES, LabelledFunction, is_category

_TEXTS = frozenset({"STRING", "VARCHAR", "CHAR"})
#: from the narrowest to the widest
_WHOLE = ("TINYINT", "SMALLINT", "INT", "BIGINT")

#: What only labels of their own need.
_OF_LABELS = ("id", "label_timeout", "negative_after_timeout", "max_pending")


@dataclass(frozen=True)
class LabelTable:
    """The columns of a table of labels.

    Parameters
    ----------
    table
        As it was written.
    time, id, label
        Its columns; the label is the column that `CheckedLabels.label` speaks of.
    keys
        The columns of its PARTITION BY, in the order of the input's.
    """

    table: Input
    time: InputColumn
    id: InputColumn
    label: InputColumn
    keys: tuple[InputColumn, ...]


@dataclass(frozen=True)
class CheckedLabels:
    """A call of a function that learns from labels, which fits its tables.

    Parameters
    ----------
    checked
        The call and its input.
    function
        The same as the call's.
    id
        The input's column; None without a table of labels.
    label
        The column that holds the label: of the table of labels, or of the input without one.
    table
        The table of labels; None where each input brings its own.
    """

    checked: CheckedCall
    function: LabelledFunction
    id: InputColumn | None
    label: InputColumn
    table: LabelTable | None


def check_labelled_call(
    call: Call, function: LabelledFunction, schema: Sequence[InputColumn], labels: Sequence[InputColumn] | None
) -> CheckedLabels:
    """The call with its columns resolved, in both tables.

    Parameters
    ----------
    call, function
        As it was read.
    schema, labels
        The columns of its input and of its labels; None where there is no such table.

    Raises
    ------
    SqlError
        As of `check_call`; or what joins the two tables is missing, differs, or is of no type for it.
    """
    by_name = {column.name: column for column in schema}
    (label_word,) = call.words["label"]
    for argument in ("on_time", "id"):
        if len(words := call.words.get(argument, ())) > 2:
            raise call.error(f"{argument} must be at most 2 columns, got {len(words)}", words[2].start)
    if call.labels is None or labels is None:
        _refuse_without_labels(call)
        checked = _check_features(check_call(call, schema, [label_word]), function)
        label = column_named(call, "label", label_word.name, label_word.start, by_name)
        _check_label(call, function, label, label_word)
        return CheckedLabels(checked, function, None, label, None)
    if "id" not in call.words:
        raise call.error("id is missing: id => DESCRIPTOR(column), the column that joins labels with their inputs")
    if call.arguments["idle"] is not None and call.arguments["label_timeout"] is None:
        raise call.error(
            "idle needs a label_timeout: a key would be forgotten while predictions of it wait for labels",
            call.places["idle"],
        )
    id_word = call.words["id"][0]
    of_input = column_named(call, "id", id_word.name, id_word.start, by_name)
    _check_id(call, of_input, id_word)
    checked = _check_features(check_call(call, schema, [id_word]), function)
    table = _label_table(call, call.labels, function, labels)
    keys = check_key(call, call.input, by_name)
    _check_joined(call, call.labels, of_input, by_name[call.on_time], keys, table)
    return CheckedLabels(checked, function, of_input, table.label, table)


def _label_table(call: Call, written: Input, function: LabelledFunction, schema: Sequence[InputColumn]) -> LabelTable:
    by_name = {column.name: column for column in schema}
    (label_word,), id_word = call.words["label"], call.words["id"][-1]
    table = LabelTable(
        written,
        check_time(call, call.words["on_time"][-1], by_name, "labels"),
        column_named(call, "id", id_word.name, id_word.start, by_name, "labels"),
        column_named(call, "label", label_word.name, label_word.start, by_name, "labels"),
        check_key(call, written, by_name),
    )
    _check_id(call, table.id, id_word)
    _check_label(call, function, table.label, label_word)
    return table


def _check_features(checked: CheckedCall, function: LabelledFunction) -> CheckedCall:
    """The same; an error where a learner takes numbers only and a feature is none."""
    call = checked.call
    categories = [column.name for column in checked.columns if is_category(column.sql_type)]
    try:
        function.check_categories(categories, call.arguments)
    except ArgumentError as error:
        given = [call.places[name] for name in error.arguments if name in call.places]
        raise call.error(str(error), given[0] if given else None) from error
    return checked


def _refuse_without_labels(call: Call) -> None:
    for name in _OF_LABELS:
        if name in call.places and call.arguments[name] is not None:
            raise call.error(
                f"{name} needs labels: without that table each input brings its own label", call.places[name]
            )
    if len(call.words["on_time"]) > 1:
        raise call.error("on_time names two columns, and there is one table", call.words["on_time"][1].start)


def _check_label(call: Call, function: LabelledFunction, column: InputColumn, word: Word) -> None:
    if base_type(column.sql_type) not in function.label_types:
        types = ", ".join(sorted(function.label_types))
        raise call.error(
            f"label: {column.name} is {column.sql_type}, a label here is one of {types}: "
            f"CAST({column.name} AS DOUBLE) in its table",
            word.start,
        )


def _check_id(call: Call, column: InputColumn, word: Word) -> None:
    if base_type(column.sql_type) not in ID_TYPES:
        raise call.error(
            f"id: {column.name} is {column.sql_type}, an id is a STRING or a whole number: "
            f"CAST({column.name} AS STRING) in its table",
            word.start,
        )


def _check_joined(
    call: Call,
    written: Input,
    of_input: InputColumn,
    time: InputColumn,
    keys: Sequence[InputColumn],
    table: LabelTable,
) -> None:
    """Both tables speak of the same ids, keys and times."""
    pairs = [("id", of_input, table.id, call.words["id"][-1].start)]
    pairs += [("on_time", time, table.time, call.words["on_time"][-1].start)]
    if len(keys) != len(table.keys):
        words = [word.start for word in written.partition_by]
        raise call.error(
            f"PARTITION BY: the input has {len(keys)} key columns and labels {len(table.keys)}: "
            "they must be the same, in the same order",
            words[0] if words else call.places["labels"],
        )
    pairs += [
        ("PARTITION BY", ours, theirs, word.start)
        for ours, theirs, word in zip(keys, table.keys, written.partition_by, strict=True)
    ]
    for argument, ours, theirs, place in pairs:
        if not _fits(ours.sql_type, theirs.sql_type):
            raise _differ(call, argument, ours, theirs, place)


def _differ(call: Call, argument: str, ours: InputColumn, theirs: InputColumn, place: int) -> SqlError:
    return call.error(
        f"{argument}: {ours.name} of the input is {ours.sql_type}, {theirs.name} of labels is {theirs.sql_type}: "
        "they must be of one type, CAST one of them",
        place,
    )


def _fits(ours: str, theirs: str) -> bool:
    """Whether every value of the labels' type is one of the input's: a wider number would be cut, and meet another."""
    base, other = base_type(ours), base_type(theirs)
    if base in _WHOLE and other in _WHOLE:
        return _WHOLE.index(other) <= _WHOLE.index(base)
    return base == other or (base in _TEXTS and other in _TEXTS)
