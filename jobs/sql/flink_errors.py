"""What Flink's parser and planner refuse, told in one line at its place in the file.

Flink tells places in the text it was given, and often only in a cause deep inside a stack trace.
`flink_error` takes the whole of it, finds the message that says most, and turns its place back into line and
column of the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from jobs.errors import SqlError
from jobs.sql.flink_wording import CALLED, UNPLACED, reworded
from jobs.sql.located import LocatedText
from jobs.sql.statements import Script, Statement, StatementKind
from jobs.sql.suggest import nearest
from jobs.sql.table_errors import table_error
from jobs.sql.tokens import tokenize

_CLASS: Final = re.compile(r"^(?:: )?(?:[a-z_$][\w$]*\.)+(?P<name>[A-Z][\w$]*)(?:: |$)")
_PLACE: Final = re.compile(
    r"(?:From|At|at) line (?P<line>\d+), column (?P<column>\d+)(?: to line \d+, column \d+)?"
    r"(?:: (?P<message>.*))?",
    re.DOTALL,
)
_ENCOUNTERED: Final = re.compile(
    r'Encountered "(?P<what>.*?)" at line (?P<line>\d+), column (?P<column>\d+)\.(?P<rest>.*)', re.DOTALL
)
_LEXICAL: Final = re.compile(
    r'Lexical error at line (?P<line>\d+), column (?P<column>\d+)\.\s+Encountered: "(?P<what>.*?)"'
)

_NOISE: Final = re.compile(r"^(?:SQL (?:validation|parse) failed\. )+")
_QUALIFIED: Final = re.compile(r"`?default_catalog`?\.`?default_database`?\.`?([^`'\s.]+)`?")


@dataclass(frozen=True)
class _Cause:
    """One exception of a chain: its class without the package, and what it says."""

    name: str
    message: str


def flink_error(
    statement: Statement,
    exception: str,
    *,
    text: LocatedText | None = None,
    script: Script | None = None,
    aliases: Mapping[str, str] | None = None,
) -> SqlError:
    """The error to show for a statement that Flink refused.

    Parameters
    ----------
    statement
        The statement as the user wrote it.
    exception
        The text of the exception, with causes and stack frames or without.
    text
        What Flink was given, when it is not the statement as it stands: a rewritten statement, a call's
        input.
    script
        The whole file: with it, what is wrong with a table's options is told at its CREATE TABLE.
    aliases
        Names that the user did not write, and what to call them instead in the message.

    Returns
    -------
    SqlError
        One line, at the place Flink names, at the word it names, or at the statement's beginning.
    """
    given = text or statement.located
    causes = _causes(exception)
    error = _placed(given, causes, script) or table_error(statement, given, [cause.message for cause in causes], script)
    if error is None:
        error = _mentioned(given, _told(causes))
    message = _clean(error.message)
    for name, alias in (aliases or {}).items():
        message = message.replace(name, alias)
    return SqlError(message, file=error.file, line=error.line, column=error.column)


def refused_insert(script: Script, exception: str) -> Statement:
    """The INSERT that an error is about when Flink planned several together: the one into a table it names.

    Parameters
    ----------
    script
        The whole file; it holds an INSERT.
    exception
        The text of the exception.

    Returns
    -------
    Statement
        The first INSERT into a table the text names in quotes, outermost message first; else the first INSERT.
    """
    inserts = list(script.of_kind(StatementKind.INSERT))
    for cause in _causes(exception):
        named = {path.replace("`", "").split(".")[-1] for path in re.findall(r"'([^'\n]+)'", cause.message)}
        for insert in inserts:
            if insert.name in named:
                return insert
    return inserts[0]


def _causes(exception: str) -> list[_Cause]:
    """The chain of exceptions, outermost first, without stack frames."""
    lines = [
        line
        for line in exception.split("\n")
        if not re.match(r"\s+at [\w.$/<>]+\(|\s+\.\.\. \d+ more|\s*at jdk\.", line)
    ]
    if lines and lines[0].startswith("An error occurred while calling "):
        lines = lines[1:]
    found = []
    for part in re.split(r"^\s*Caused by: ", "\n".join(lines), flags=re.MULTILINE):
        match = _CLASS.match(part)
        name = match["name"] if match else ""
        found.append(_Cause(name, part[match.end() :].strip() if match else part.strip(" :\n")))
    return [cause for cause in found if cause.message or cause.name]


def _placed(given: LocatedText, causes: Sequence[_Cause], script: Script | None) -> SqlError | None:
    """The error of the outermost exception that names a place."""
    for cause in causes:
        message = _NOISE.sub("", cause.message)
        if match := _ENCOUNTERED.search(message):
            return _unexpected(given, match)
        if match := _LEXICAL.search(message):
            return given.error(f"the character {match['what']} has no meaning here", _offset(given.text, match))
        if match := _PLACE.search(message):
            said = match["message"] or message[: match.start()].rstrip(" ,")
            return given.error(reworded(said, script), _offset(given.text, match))
    return None


def _offset(text: str, match: re.Match[str]) -> int:
    """The offset of a line and column as Java counts them: columns are UTF-16 units."""
    starts = [0, *(m.end() for m in re.finditer(r"\r\n|\n|\r", text))]
    at = starts[min(int(match["line"]), len(starts)) - 1]
    units = int(match["column"]) - 1
    while units > 0 and at < len(text):
        units -= 2 if ord(text[at]) > 0xFFFF else 1
        at += 1
    return at


# words that begin a clause: those a slip of the pen is worth finding in
_CLAUSES: Final = frozenset(
    {
        "FROM",
        "WHERE",
        "GROUP",
        "ORDER",
        "HAVING",
        "JOIN",
        "LIMIT",
        "UNION",
        "SELECT",
        "PARTITION",
        "WITH",
        "VALUES",
    }
)
_NAMES: Final = frozenset({"<IDENTIFIER>", "<BACK_QUOTED_IDENTIFIER>"})


def _unexpected(given: LocatedText, match: re.Match[str]) -> SqlError:
    """A parse error: what was not expected, and what probably was meant."""
    offset = _offset(given.text, match)
    entries = [line.split()[0] for line in match["rest"].split("\n") if line.startswith("    ") and line.strip()]
    expected = [entry.strip('"') for entry in entries if entry.startswith('"')]
    words = [word for word in expected if word.isalpha()]
    tokens = tokenize(given)
    before = [token for token in tokens if token.end <= offset]
    if match["what"] == "<EOF>":
        return given.error("the statement ends too early", offset)
    found = next((token for token in tokens if token.start <= offset < token.end), None)
    shown = given.text[found.start : found.end] if found else match["what"]
    # an unknown word is read as a name, and the parser stumbles over what follows it
    meant = nearest(before[-1].value, _CLAUSES & set(words)) if before and before[-1].upper not in words else None
    if meant and before[-1].upper not in _CLAUSES:
        return given.error(f"unexpected {before[-1].value}, did you mean {meant}?", before[-1].start)
    if found and found.is_name and _NAMES & set(entries):
        meant = nearest(found.value, _CLAUSES & set(words))
        hint = f"if it is a name write `{found.value}`, for it is a word of SQL"
        return given.error(f"unexpected {shown}" + (f", did you mean {meant}?" if meant else f": {hint}"), offset)
    if found and found.is_name and "," in expected:
        return given.error(f"unexpected {shown}: is a comma missing before it?", offset)
    few = 0 < len(expected) <= 12 and len(expected) == len(entries)
    return given.error(f"unexpected {shown}" + (f", expected {_either(expected)}" if few else ""), offset)


def _either(words: Sequence[str]) -> str:
    shown = list(dict.fromkeys(words))
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _mentioned(given: LocatedText, message: str) -> SqlError:
    """The error for a message without a place: at the last word it mentions, else at the beginning."""
    for pattern, words in UNPLACED:
        if match := re.fullmatch(pattern, message, re.DOTALL):
            word = CALLED.get(match["at"], match["at"]).split(".")[-1].upper()
            places = [token.start for token in tokenize(given) if token.is_name and token.value.upper() == word]
            return given.error(_QUALIFIED.sub(r"\1", match.expand(words)), places[-1] if places else 0)
    return given.error(message, 0)


def _told(causes: Sequence[_Cause]) -> str:
    """What an error without a place says: its first message, and the last when that adds to it."""
    messages = [_first_paragraph(_NOISE.sub("", cause.message)) for cause in causes if cause.message]
    if not messages:
        return causes[0].name if causes else "Flink refused this statement and did not say why"
    first, last = messages[0], messages[-1]
    return first if last in first or (first in last and len(messages) == 1) else f"{first.rstrip('.')}: {last}"


def _first_paragraph(message: str) -> str:
    python = re.search(
        r"Traceback \(most recent call last\):.*\n(?P<last>\w[\w.]*(?:Error|Exception): .*)",
        message,
        re.DOTALL,
    )
    return python["last"].strip() if python else message.split("\n\n")[0]


def _clean(message: str) -> str:
    """One line, without the names of the default catalog and database."""
    return " ".join(_QUALIFIED.sub(r"\1", message).split())


__all__ = ["flink_error", "refused_insert"]
