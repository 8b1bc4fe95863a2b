"""Flink's frequent complaints in our words, with the name that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from jobs.errors import SqlError
from jobs.sql.statements import Script, StatementKind
from jobs.sql.suggest import did_you_mean
from jobs.sql.tables import read_table
from udfs.functions.registry import FUNCTIONS

# what is looked for, what is said, and among which names another is suggested for the first group
_REWORDED: Final = (
    (r"Object '(.*?)' not found(?: within '.*')?.*", r"there is no table or view \1", "table"),
    (r"Column '(.*?)' not found in any table", r"there is no column \1", "column"),
    (r"Column '(.*?)' not found in any table(; did you mean .*)", r"there is no column \1\2", ""),
    (r"Column '(.*?)' not found in table '(.*?)'", r"\2 has no column \1", "column"),
    (r"Column '(.*?)' not found in table '(.*?)'(.*)", r"\2 has no column \1\3", ""),
    (r"Table '(.*?)' not found(.*)", r"no table of the query is called \1\2", ""),
    (r"Unknown target column '(.*?)'", r"the table has no column \1", "column"),
    (r"Unknown identifier '(.*?)'", r"unknown name \1", "type"),
    (r"No match found for function signature (.*)", r"there is no function \1", ""),
    (r"Duplicate relation name '(.*?)' in FROM clause", r"two tables are called \1: give one AS other_name", ""),
    (r"Expression '(.*?)' is not being grouped", r"\1 is neither aggregated nor in GROUP BY", ""),
)

_TYPES: Final = (
    "STRING", "BOOLEAN", "BYTES", "DECIMAL", "TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE",
    "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ", "ARRAY", "MAP", "MULTISET", "ROW", "RAW", "VARIANT",
    "CHAR", "VARCHAR", "BINARY", "VARBINARY",
)  # fmt: skip

#: Messages that name no line: the word of the statement they are about, in the group ``at``, and what is said.
UNPLACED: Final = (
    (
        r"The window function (?P<at>\w+)\(.*? requires the timecol .*?, but is (?P<type>.*?)\..*",
        "\\g<at>: the column in DESCRIPTOR must be a time attribute, it is \\g<type>",
    ),
    (
        r"(?P<at>Sort) on a non-time-attribute field is not supported\.?",
        "ORDER BY must begin with a time attribute, ascending",
    ),
    (
        r"Invalid data type of time field for (?P<at>watermark) definition.* time field type is (?P<type>.*)",
        "the column of a watermark must be TIMESTAMP(3) or TIMESTAMP_LTZ(3), it is \\g<type>",
    ),
    (r"A regular Column named '(?P<at>.*?)' already exists in the table\.?", "there are two columns \\g<at>"),
    (
        r"A (?P<what>catalog|database) with name \[(?P<at>.*?)\] does not exist.*",
        "there is no \\g<what> \\g<at>",
    ),
    (
        r"Cannot instantiate user-defined function '(?P<at>.*?)'(?P<rest>.*)",
        "function \\g<at> cannot be loaded\\g<rest>",
    ),
)
#: Where the word of a message is not the word of the statement.
CALLED: Final[Mapping[str, str]] = {"Sort": "ORDER"}


def reworded(message: str, script: Script | None) -> str:
    """A validator's message in our words, where it is one of the frequent ones.

    Parameters
    ----------
    message
        As Flink gave it, without its place.
    script
        The whole file, whose names are suggested.
    """
    for pattern, words, names in _REWORDED:
        if match := re.fullmatch(pattern, message.strip(), re.DOTALL):
            return match.expand(words) + (did_you_mean(match[1], _names(names, script)) if names else "")
    return message


def _names(kind: str, script: Script | None) -> set[str]:
    """The names of a kind that the file declares."""
    if kind == "type":
        return set(_TYPES)
    if script is None:
        return set()
    if kind == "table":
        return {s.name for s in script.of_kind(StatementKind.CREATE_TABLE, StatementKind.CREATE_VIEW)}
    text = script.source.text.upper()
    found = {column.name for function in FUNCTIONS.values() if function.name in text for column in function.added}
    for statement in script.of_kind(StatementKind.CREATE_TABLE):
        try:
            found |= {column.name for column in read_table(statement).columns}
        except SqlError:
            continue  # another error is being told, and this one will be when that is repaired
    return found
