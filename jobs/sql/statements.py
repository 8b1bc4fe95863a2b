"""A pipeline file, cut into its statements.

A file is one Flink job: its INSERT statements run together, whether or not ``EXECUTE STATEMENT SET BEGIN ...
END`` stands around them, so that frame is read and left out. What would be a second job (CREATE TABLE AS, a
bare SELECT) or has no meaning without a person before the screen (SHOW, DESCRIBE) is refused with a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from jobs.errors import SqlError
from jobs.sql.located import File, LocatedText, Position
from jobs.sql.refused import ONE_JOB, REFUSED
from jobs.sql.source import read_source
from jobs.sql.suggest import did_you_mean
from jobs.sql.tokens import Kind, Token, end_with_hints, tokenize


class StatementKind(Enum):
    """What a statement does."""

    SET = "SET"
    CREATE_TABLE = "CREATE TABLE"
    CREATE_VIEW = "CREATE VIEW"
    CREATE_FUNCTION = "CREATE FUNCTION"
    CREATE_CATALOG = "CREATE CATALOG"
    CREATE_DATABASE = "CREATE DATABASE"
    CREATE_MODEL = "CREATE MODEL"
    INSERT = "INSERT"
    ALTER = "ALTER"
    USE = "USE"
    DROP = "DROP"
    LOAD = "LOAD"
    UNLOAD = "UNLOAD"


@dataclass(frozen=True, eq=False)
class Statement:
    """One statement of a file.

    Parameters
    ----------
    kind
        What it does.
    located
        Its text without the semicolon, placeholders filled.
    tokens
        Its words; their offsets are offsets in `text`.
    path
        What it makes, changes or fills: ``("catalog", "database", "table")`` or fewer parts; empty where
        there is none.
    path_end
        Index of the first token behind the path.
    option
        Key and value of a SET.
    """

    kind: StatementKind
    located: LocatedText
    tokens: tuple[Token, ...]
    path: tuple[str, ...] = ()
    path_end: int = 0
    option: tuple[str, str] | None = None

    @property
    def text(self) -> str:
        """What Flink would read."""
        return self.located.text

    @property
    def name(self) -> str:
        """The last part of `path`, as it is looked up in the current database; empty where there is none."""
        return self.path[-1] if self.path else ""

    @property
    def position(self) -> Position:
        """Where it begins in the file."""
        return self.located.position(0)

    def error(self, message: str, offset: int = 0) -> SqlError:
        """The error to raise for something wrong at an offset in `text`."""
        return self.located.error(message, offset)


@dataclass(frozen=True, eq=False)
class Script:
    """A pipeline file: its text with placeholders filled, and its statements in order."""

    source: LocatedText
    statements: tuple[Statement, ...]

    @property
    def file(self) -> File:
        """The file as it was read."""
        return self.source.file

    def of_kind(self, *kinds: StatementKind) -> Iterator[Statement]:
        """The statements of some kinds, in order."""
        return (statement for statement in self.statements if statement.kind in kinds)


def read_script(path: Path, values: Mapping[str, str] | None = None) -> Script:
    """The statements of a file, its placeholders filled with what ``--set`` gave.

    Raises
    ------
    SqlError
        As for `jobs.sql.source.read_source` and `split`.
    """
    return split(read_source(path, values))


def split(source: LocatedText) -> Script:
    """The statements of a text.

    Raises
    ------
    SqlError
        Quotes, comments or parentheses are not closed; a statement is not one that a pipeline can hold;
        nothing would run because there is no INSERT.
    """
    tokens = tokenize(source)
    statements: list[Statement] = []
    set_begin: Token | None = None
    for words, end in _between_semicolons(source, tokens):
        upper = [token.upper for token in words[:4]]
        if upper[:3] in (["EXECUTE", "STATEMENT", "SET"], ["BEGIN", "STATEMENT", "SET"]):
            if set_begin is not None:
                raise source.error(
                    "a statement set inside a statement set: close the first one with END;", words[0].start
                )
            set_begin = words[0]
            words = words[3:]
            if upper[0] == "EXECUTE":
                if upper[3:] != ["BEGIN"]:
                    raise source.error("EXECUTE STATEMENT SET is followed by BEGIN", set_begin.start)
                words = words[1:]
            if not words:
                continue
        elif upper[:1] == ["END"] and set_begin is not None and len(words) == 1:
            set_begin = None
            continue
        statement = _statement(source, words, end)
        if set_begin is not None and statement.kind is not StatementKind.INSERT:
            raise statement.error("a statement set holds INSERT INTO statements only; close it with END; before this")
        statements.append(statement)
    if set_begin is not None:
        raise source.error("this statement set is never closed: END; is missing", set_begin.start)
    if not statements:
        raise source.error("the file holds no statement: a pipeline needs at least one INSERT INTO")
    if not any(statement.kind is StatementKind.INSERT for statement in statements):
        last = statements[-1]
        raise last.error("nothing would run: a pipeline needs at least one INSERT INTO", len(last.text))
    return Script(source, tuple(statements))


def _between_semicolons(source: LocatedText, tokens: Sequence[Token]) -> Iterator[tuple[tuple[Token, ...], int]]:
    """The words of each statement, and where it ends: behind its last hint, which is no word."""
    words: list[Token] = []
    open_marks: list[Token] = []
    for token in tokens:
        if token.upper == ";":
            if open_marks:
                raise source.error("this parenthesis is never closed: ) is missing", open_marks[-1].start)
            if words:
                yield tuple(words), token.start
            words = []
            continue
        if token.upper == "(":
            open_marks.append(token)
        elif token.upper == ")":
            if not open_marks:
                raise source.error("this parenthesis closes nothing: ( is missing", token.start)
            open_marks.pop()
        words.append(token)
    if open_marks:
        raise source.error("this parenthesis is never closed: ) is missing", open_marks[-1].start)
    if words:
        yield tuple(words), len(source.text)


_CREATE: Final = {
    "TABLE": StatementKind.CREATE_TABLE,
    "VIEW": StatementKind.CREATE_VIEW,
    "FUNCTION": StatementKind.CREATE_FUNCTION,
    "CATALOG": StatementKind.CREATE_CATALOG,
    "DATABASE": StatementKind.CREATE_DATABASE,
    "MODEL": StatementKind.CREATE_MODEL,
}
_TAKEN_AS_THEY_ARE: Final = {
    "ALTER": StatementKind.ALTER,
    "USE": StatementKind.USE,
    "DROP": StatementKind.DROP,
    "LOAD": StatementKind.LOAD,
    "UNLOAD": StatementKind.UNLOAD,
}
_STARTS: Final = ("SET", "CREATE", "INSERT", "EXECUTE", "SELECT", "WITH", *_TAKEN_AS_THEY_ARE)
# words between the verb and the name
_MODIFIERS: Final = frozenset(
    {"TEMPORARY", "SYSTEM", "OR", "REPLACE", "IF", "NOT", "EXISTS", "INTO", "OVERWRITE", "TABLE"}
)


def _statement(source: LocatedText, words: Sequence[Token], end: int) -> Statement:
    start = words[0].start
    located = source.slice(start, end_with_hints(source.text, words[-1].end, end))
    tokens = tuple(Token(t.kind, t.value, t.upper, t.start - start, t.end - start) for t in words)
    verb = tokens[0].upper
    if verb == "SET":
        return Statement(StatementKind.SET, located, tokens, option=_option(located, tokens))
    if verb == "CREATE":
        return _create(located, tokens)
    if verb == "INSERT":
        if len(tokens) < 2 or tokens[1].upper not in ("INTO", "OVERWRITE"):
            raise located.error("INSERT is followed by INTO and a table")
        path, path_end = read_path(located, tokens, _skip(tokens, 1), "INSERT INTO needs the name of a table")
        return Statement(StatementKind.INSERT, located, tokens, path, path_end)
    if verb in _TAKEN_AS_THEY_ARE:
        at = _skip(tokens, 2)
        named = verb in ("ALTER", "DROP") and at < len(tokens) and tokens[at].is_name
        path, path_end = read_path(located, tokens, at, "") if named else ((), 0)
        return Statement(_TAKEN_AS_THEY_ARE[verb], located, tokens, path, path_end)
    if verb in REFUSED:
        raise located.error(REFUSED[verb])
    if verb == "(":
        raise located.error(REFUSED["SELECT"])
    hint = did_you_mean(verb, _STARTS) or "; a pipeline is made of CREATE, SET and INSERT INTO statements"
    raise located.error(f"unknown statement {tokens[0].value}{hint}")


def _create(located: LocatedText, tokens: tuple[Token, ...]) -> Statement:
    at = 1
    while at < len(tokens) and tokens[at].upper in ("TEMPORARY", "SYSTEM", "OR", "REPLACE"):
        at += 1
    what = tokens[at].upper if at < len(tokens) else ""
    if what == "MATERIALIZED":
        raise located.error(
            f"materialized tables run jobs of their own, and {ONE_JOB}: use CREATE VIEW", tokens[at].start
        )
    if what not in _CREATE:
        shown = tokens[at].value if at < len(tokens) else "nothing"
        raise located.error(
            f"CREATE is followed by TABLE, VIEW, FUNCTION, CATALOG, DATABASE or MODEL, not by {shown}",
            tokens[min(at, len(tokens) - 1)].start,
        )
    kind = _CREATE[what]
    path, path_end = read_path(located, tokens, _skip(tokens, at + 1), f"CREATE {what} needs a name")
    if kind is StatementKind.CREATE_TABLE:
        depth = 0
        for token in tokens[path_end:]:
            depth += (token.upper == "(") - (token.upper == ")")
            if depth == 0 and token.upper == "AS":
                raise located.error(
                    f"CREATE TABLE AS would run a job of its own, and {ONE_JOB}: "
                    "declare the columns and write INSERT INTO",
                    token.start,
                )
    return Statement(kind, located, tokens, path, path_end)


def _skip(tokens: Sequence[Token], at: int) -> int:
    while at < len(tokens) and tokens[at].upper in _MODIFIERS:
        at += 1
    return at


def read_path(located: LocatedText, tokens: Sequence[Token], at: int, message: str) -> tuple[tuple[str, ...], int]:
    """The dotted name at a token, and the index of the first token behind it.

    Raises
    ------
    SqlError
        There is no name; says ``message``.
    """
    path: list[str] = []
    while True:
        if at >= len(tokens) or not tokens[at].is_name:
            raise located.error(message, tokens[at].start if at < len(tokens) else tokens[-1].end)
        path.append(tokens[at].value)
        at += 1
        if at >= len(tokens) or tokens[at].upper != ".":
            return tuple(path), at
        at += 1


def _option(located: LocatedText, tokens: Sequence[Token]) -> tuple[str, str]:
    """Key and value of ``SET 'key' = 'value'``; the SQL client's old form without quotes is read too."""
    equals = next((i for i, token in enumerate(tokens) if token.upper == "="), None)
    if equals is None or equals < 2 or equals == len(tokens) - 1:
        raise located.error("SET is followed by 'key' = 'value'")
    sides = []
    for side in (tokens[1:equals], tokens[equals + 1 :]):
        quoted = len(side) == 1 and side[0].kind is Kind.STRING
        sides.append(side[0].value if quoted else located.text[side[0].start : side[-1].end])
    return sides[0], sides[1]
