"""Options of ours in the WITH clause of a table, and what is left of the clause for Flink."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from jobs.expand import quote
from jobs.sql.located import LocatedText, Replacement
from jobs.sql.tables import CreateTable

OWN_OPTIONS: Final = {
    "cutbank.rejects": "on (default) or off: leave bad records to Flink's format",
    "cutbank.rejects.topic": "topic of rejects; default <topic>-rejects",
    "cutbank.late.topic": "topic of late rows; default <topic>-late",
    "cutbank.max-record-length": "longer records are rejected as too_large; default 1048576",
    "cutbank.max-time-ahead": "event times further ahead of Kafka's timestamp are rejected; default 1 d",
    "cutbank.earliest-time": "event times before this day are rejected; default 1990-01-01",
}


def is_strict_json(table: CreateTable) -> bool:
    """Whether we read this table's records ourselves: JSON from Kafka, and not switched off.

    Raises
    ------
    SqlError
        ``cutbank.rejects`` is neither on nor off, or an option of ours does not exist.
    """
    for option in table.options:
        if option.startswith("cutbank.") and option not in OWN_OPTIONS:
            raise table.statement.error(
                f"unknown option {option}; there are {', '.join(OWN_OPTIONS)}",
                table.option_spans[option].start,
            )
    choice = table.options.get("cutbank.rejects", "on")
    if choice not in ("on", "off"):
        raise table.statement.error(
            f"cutbank.rejects must be 'on' or 'off', got '{choice}'",
            table.option_spans["cutbank.rejects"].start,
        )
    form = table.options.get("format", table.options.get("value.format"))
    return table.options.get("connector") == "kafka" and form == "json" and choice == "on"


def without_own_options(table: CreateTable) -> LocatedText:
    """The table as Flink may read it."""
    return table.statement.located.replace(options_replacement(table, flink_options(table)))


def flink_options(table: CreateTable) -> dict[str, str]:
    """The options Flink knows."""
    return {key: value for key, value in table.options.items() if key not in OWN_OPTIONS}


def options_replacement(table: CreateTable, options: Mapping[str, str]) -> list[Replacement]:
    """The change that gives a table these options; none when it has them already."""
    if table.options_span is None or options == table.options:
        return []
    return [table.options_span.becomes("\n" + quote.options(options) + "\n")]


_UNITS_MS: Final = {"ms": 1, "s": 1000, "sec": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


def duration_ms(table: CreateTable, option: str, default: str) -> int:
    """An option such as ``'1 d'`` or ``'30 min'`` in milliseconds."""
    value = table.options.get(option, default)
    match = re.fullmatch(r"\s*(\d+)\s*([a-z]+)\s*", value)
    if match is None or match[2] not in _UNITS_MS:
        raise table.statement.error(
            f"{option} must be a duration such as '1 d' or '30 min', got '{value}'",
            table.option_spans[option].start,
        )
    return int(match[1]) * _UNITS_MS[match[2]]


def whole_number(table: CreateTable, option: str, default: str) -> int:
    """An option that is a whole number."""
    value = table.options.get(option, default)
    if not value.isdigit():
        raise table.statement.error(
            f"{option} must be a whole number, got '{value}'", table.option_spans[option].start
        )
    return int(value)
