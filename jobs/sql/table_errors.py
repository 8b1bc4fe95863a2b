"""Flink's complaints about tables: sinks that do not fit, options that are wrong, names there are not.

They name no line and column. The place is the word they name, and for options the CREATE TABLE that gives
them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from jobs.errors import SqlError
from jobs.sql.located import LocatedText
from jobs.sql.statements import Script, Statement, StatementKind
from jobs.sql.suggest import did_you_mean
from jobs.sql.tables import read_table
from jobs.sql.tokens import Kind, tokenize

_MISMATCH: Final = re.compile(
    r"Column types of query result and sink for '(?P<table>.*?)' do not match\.\s*"
    r"Cause: (?P<cause>.*?)\.?\s*Query schema: +\[(?P<query>.*)\]\s*Sink schema: +\[(?P<sink>.*)\]",
    re.DOTALL,
)
_UPDATES: Final = re.compile(
    r"Table sink '(?P<table>.*?)' doesn't support consuming (?P<kind>[\w ]+?) changes "
    r"which is produced by node (?P<node>\w+)"
)
_UPSERT_KEY: Final = re.compile(
    r"The query has an upsert key that differs from the primary key of the sink table '(?P<table>.*?)'\. "
    r"Primary key: \[(?P<primary>.*?)\], upsert key: \[?(?P<upsert>.*?)\]?\. ",
    re.DOTALL,
)
_UNABLE: Final = re.compile(r"Unable to create a (?P<what>source|sink) for (?:reading|writing) table '(?P<table>.*?)'")
_NO_FACTORY: Final = re.compile(
    r"Could not find any (?P<format>format )?factory for identifier '(?P<name>.*?)'"
    r"(?: that implements '(?P<kind>.*?)')?"
)
_KNOWN: Final = re.compile(r"Available factory identifiers are:\s*(?P<names>.*?)(?:\n\n|\Z)", re.DOTALL)
_MISSING: Final = re.compile(r"Missing required options are:\s*(?P<keys>.*)", re.DOTALL)
_UNSUPPORTED: Final = re.compile(
    r"Unsupported options:\s*(?P<keys>.*?)\s*Supported options:\s*(?P<known>.*)", re.DOTALL
)
_VALUE: Final = re.compile(
    r"(?:Could not parse value|Invalid value for option) .*?'(?P<key>[\w.-]+)'\.?$", re.MULTILINE
)
_UNKNOWN: Final = (
    re.compile(r"Cannot find table '(?P<table>.*?)' in any of the catalogs"),
    re.compile(r"Table (?P<table>\S+) doesn't exist or is a temporary table"),
    re.compile(r"(?:Table|View|Temporary table|Temporary view) with identifier '(?P<table>.*?)' does not exist"),
)
_TWICE: Final = (
    re.compile(r"(?:Table \(or view\)|Temporary table|Temporary view) '?(?P<table>\S+?)'? already exists"),
)


def table_error(
    statement: Statement, given: LocatedText, messages: Sequence[str], script: Script | None
) -> SqlError | None:
    """The error of the first message that is about a table; None when none is.

    Parameters
    ----------
    statement, given
        The statement, and what Flink was given for it.
    messages
        What the chain of exceptions says, outermost first.
    script
        The whole file, where CREATE TABLE statements are looked up.
    """
    text = "\n".join(messages)
    if match := _MISMATCH.search(text):
        said = match["cause"]
        return _at_word(
            given,
            match["table"],
            f"{said[:1].lower()}{said[1:]}: the query gives ({_columns(match['query'])}), "
            f"{_last(match['table'])} takes ({_columns(match['sink'])})",
        )
    if match := _UPDATES.search(text):
        return _at_word(
            given,
            match["table"],
            f"{_last(match['table'])} takes new rows only, but the query changes rows it gave before "
            f"({match['node']}): aggregate over a window (TUMBLE), or write to a table with a PRIMARY KEY",
        )
    if match := _UPSERT_KEY.search(text):
        upsert = match["upsert"] or "none"
        return _at_word(
            given,
            match["table"],
            f"the query changes rows by another key ({upsert}) than the PRIMARY KEY ({match['primary']}) of "
            f"{_last(match['table'])}: group by that key, or end with ON CONFLICT DO DEDUPLICATE, "
            "DO ERROR or DO NOTHING",
        )
    if match := _UNABLE.search(text):
        return _option_error(statement, given, match, text[match.end() :], script)
    for pattern in _UNKNOWN:
        if match := pattern.search(text):
            return _at_word(
                given,
                match["table"],
                f"there is no table or view {_last(match['table'])}{_meant(match, script)}",
            )
    for pattern in _TWICE:
        if match := pattern.search(text):
            return _at_word(given, match["table"], f"there is a table or view {_last(match['table'])} already")
    return None


def _last(path: str) -> str:
    """The last part of a dotted name."""
    return path.replace("`", "").split(".")[-1]


def _columns(schema: str) -> str:
    return schema.replace(": ", " ").replace(" *ROWTIME*", "").replace(" *PROCTIME*", "")


def _meant(match: re.Match[str], script: Script | None) -> str:
    kinds = (StatementKind.CREATE_TABLE, StatementKind.CREATE_VIEW)
    return did_you_mean(_last(match["table"]), [s.name for s in script.of_kind(*kinds)]) if script else ""


def _at_word(given: LocatedText, path: str, message: str) -> SqlError:
    """The error at the first place where a table is named; at the beginning where it is not."""
    name = _last(path)
    place = next((token.start for token in tokenize(given) if token.is_name and token.value == name), 0)
    return given.error(message, place)


def _option_error(
    statement: Statement, given: LocatedText, match: re.Match[str], text: str, script: Script | None
) -> SqlError:
    """What is wrong with the options of a table, at the option where the file declares the table."""
    name = _last(match["table"])
    verb = "read from" if match["what"] == "source" else "written to"
    candidates = [s for s in script.of_kind(StatementKind.CREATE_TABLE) if s.name == name] if script else []
    declared = candidates[-1] if candidates else None
    said, key = _said_of_options(text)
    message = f"table {name} cannot be {verb}: {said}"
    if declared is None:
        return _at_word(given, match["table"], message)
    tokens = declared.tokens[declared.path_end :]
    place = next((token.start for token in tokens if token.kind is Kind.STRING and token.value == key), None)
    if key is not None and place is not None:
        spans = read_table(declared).option_spans
        place = spans[key].start if key in spans and "option" not in said else place
    return declared.error(message, declared.tokens[declared.path_end - 1].start if place is None else place)


def _said_of_options(text: str) -> tuple[str, str | None]:
    """What is wrong, and the key of the option it is about."""
    if match := _NO_FACTORY.search(text):
        is_format = bool(match["format"]) or "Format" in (match["kind"] or "")
        what, key = ("format", "format") if is_format else ("connector", "connector")
        listed = _KNOWN.search(text, match.end())
        known = listed["names"].split() if listed else []
        hint = did_you_mean(match["name"], known) or (f"; there are {', '.join(known)}" if known else "")
        return f"there is no {what} '{match['name']}'{hint}", key
    if match := _MISSING.search(text):
        keys = ", ".join(f"'{key}'" for key in match["keys"].split("\n\n")[0].split())
        return f"WITH lacks {keys}", None
    if match := _UNSUPPORTED.search(text):
        key = match["keys"].split()[0]
        known = match["known"].split("\n\n")[0].split()
        return (
            f"there is no option '{key}'{did_you_mean(key, known) or '; there are ' + ', '.join(known)}",
            key,
        )
    if match := _VALUE.search(text):
        return " ".join(match[0].rstrip(".").split()), match["key"]
    if "do not contain an option key 'connector'" in text:
        return "WITH lacks 'connector'", None
    last = [line.strip() for line in text.split("\n") if line.strip()]
    return (last[-1] if last else "Flink does not say why"), None
