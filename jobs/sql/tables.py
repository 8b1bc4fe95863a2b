"""Reading CREATE TABLE: its columns, watermark, keys and options, each with its place in the statement.

Expressions and types are kept as text; what they mean is Flink's business. Every part carries the `Span` of
its text, so that a part can be rewritten with `jobs.sql.located.LocatedText.replace` and the rest stays as
the user wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from jobs.errors import SqlError
from jobs.sql.located import Replacement
from jobs.sql.statements import Statement, read_path
from jobs.sql.tokens import Kind, Token


class Span(NamedTuple):
    """Offsets in the statement's text; ``end`` is exclusive."""

    start: int
    end: int

    def becomes(self, text: str) -> Replacement:
        """The replacement of this span by another text."""
        return Replacement(self.start, self.end, text)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    name
        Without backquotes.
    sql_type
        The type as written, without NOT NULL; empty for a computed column, whose type only Flink knows.
    not_null
        Whether NOT NULL is declared.
    metadata_key
        For METADATA columns what they are read from: the text behind FROM, else their own name.
    virtual
        Whether a METADATA column is left out when the table is written.
    expression
        Of a computed column.
    comment
        The text behind COMMENT.
    span
        The whole definition.
    """

    name: str
    sql_type: str
    not_null: bool
    metadata_key: str | None
    virtual: bool
    expression: str | None
    comment: str | None
    span: Span

    @property
    def is_physical(self) -> bool:
        """Whether it is part of the record itself."""
        return self.metadata_key is None and self.expression is None


@dataclass(frozen=True)
class Watermark:
    """``WATERMARK FOR column AS expression``; ``column`` may be dotted."""

    column: str
    expression: str
    expression_span: Span
    span: Span


@dataclass(frozen=True)
class Like:
    """``LIKE path (INCLUDING ...)``; ``options`` is the text between the parentheses."""

    path: tuple[str, ...]
    options: str
    span: Span


@dataclass(frozen=True)
class CreateTable:
    """A CREATE TABLE statement, read.

    Parameters
    ----------
    statement
        The statement.
    columns
        In order; none where LIKE brings them.
    watermark, like
        Where there is one.
    primary_key, partitioned_by
        Names of columns.
    distributed
        The text of a DISTRIBUTED clause.
    comment
        The table's.
    options
        Of WITH.
    option_spans
        The value of each option with its quotes.
    columns_span, options_span
        What is between the parentheses of the columns and of WITH; None where they are missing.
    options_place
        Where a WITH clause belongs when there is none.
    """

    statement: Statement
    columns: tuple[Column, ...] = ()
    watermark: Watermark | None = None
    primary_key: tuple[str, ...] = ()
    partitioned_by: tuple[str, ...] = ()
    distributed: str | None = None
    comment: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    option_spans: Mapping[str, Span] = field(default_factory=dict)
    columns_span: Span | None = None
    options_span: Span | None = None
    options_place: int = 0
    like: Like | None = None

    @property
    def name(self) -> str:
        """The last part of the table's name."""
        return self.statement.name

    def column(self, name: str) -> Column | None:
        """The column of a name; None when there is none."""
        return next((column for column in self.columns if column.name == name), None)

    def set_options(self, values: Mapping[str, str]) -> tuple[Replacement, ...]:
        """The replacements that set options, those there are and new ones."""
        changed = [
            self.option_spans[key].becomes(quoted(value)) for key, value in values.items() if key in self.options
        ]
        added = ", ".join(f"{quoted(k)} = {quoted(v)}" for k, v in values.items() if k not in self.options)
        if added and self.options_span is not None:
            comma = ", " if self.options else ""
            changed.append(Replacement(self.options_span.end, self.options_span.end, comma + added))
        elif added:
            changed.append(Replacement(self.options_place, self.options_place, f" WITH ({added}) "))
        return tuple(changed)


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """A name as SQL writes it, whatever it holds."""
    return "`" + name.replace("`", "``") + "`"


def read_table(statement: Statement) -> CreateTable:
    """The parts of a CREATE TABLE statement.

    Raises
    ------
    SqlError
        A clause cannot be read.
    """
    return _Reader(statement).read()


_BRACKETS: Final = frozenset({"ROW", "ARRAY", "MAP", "MULTISET", "RAW", "STRUCTURED"})
_TYPE_ENDS: Final = frozenset({"NOT", "NULL", "METADATA", "PRIMARY", "UNIQUE", "CONSTRAINT", "COMMENT", "AS"})


class _Reader:
    def __init__(self, statement: Statement) -> None:
        self.statement, self.tokens = statement, statement.tokens
        self.parts: dict[str, Any] = {}
        self.columns: list[Column] = []

    def error(self, message: str, token: Token | None) -> SqlError:
        end = self.tokens[-1].end
        return self.statement.error(f"CREATE TABLE {self.statement.name}: {message}", token.start if token else end)

    def text(self, tokens: Sequence[Token]) -> str:
        return self.statement.text[tokens[0].start : tokens[-1].end] if tokens else ""

    def read(self) -> CreateTable:
        at = self.statement.path_end
        if self._upper(at) == "(":
            close = self._close(at)
            self.parts["columns_span"] = Span(self.tokens[at].end, self.tokens[close].start)
            for element in self._elements(at + 1, close):
                self._element(element)
            at = close + 1
        place = self.tokens[at - 1].end
        while at < len(self.tokens):
            clause = at
            at = self._clause(at)
            if self.tokens[clause].upper != "LIKE":
                place = self.tokens[at - 1].end
        return CreateTable(
            self.statement,
            columns=tuple(self.columns),
            options_place=place,
            **self.parts,
        )

    def _upper(self, at: int) -> str:
        return self.tokens[at].upper if at < len(self.tokens) else ""

    def _close(self, at: int) -> int:
        depth = 0
        for i in range(at, len(self.tokens)):
            depth += (self.tokens[i].upper == "(") - (self.tokens[i].upper == ")")
            if depth == 0:
                return i
        raise self.error("a parenthesis is never closed", self.tokens[at])

    def _elements(self, at: int, end: int) -> list[Sequence[Token]]:
        """The parts between commas; commas in parentheses and in ``ROW<...>`` do not count."""
        found: list[Sequence[Token]] = []
        depth = angle = 0
        start = at
        for i in range(at, end + 1):
            word = self.tokens[i].upper if i < end else ","
            if word == "(":
                depth += 1
            elif word == ")":
                depth -= 1
            elif word == "<" and self._upper(i - 1) in _BRACKETS:
                angle += 1
            elif word == ">" and angle:
                angle -= 1
            elif word == "," and not depth and (not angle or i == end):
                if i == start:
                    raise self.error("something is missing before this", self.tokens[i])
                found.append(self.tokens[start:i])
                start = i + 1
        return found

    # -- columns, watermark, keys

    def _element(self, tokens: Sequence[Token]) -> None:
        words = [token.upper for token in tokens]
        if words[0] == "WATERMARK" and words[1:2] == ["FOR"]:
            self._watermark(tokens)
        elif words[0] == "CONSTRAINT" and words[2:4] == ["PRIMARY", "KEY"]:
            self.parts["primary_key"] = self._names(tokens[4:])
        elif words[:2] == ["PRIMARY", "KEY"] and words[2:3] == ["("]:
            self.parts["primary_key"] = self._names(tokens[2:])
        elif words[0] not in ("CONSTRAINT", "UNIQUE"):
            self.columns.append(self._column(tokens))

    def _watermark(self, tokens: Sequence[Token]) -> None:
        message = f"CREATE TABLE {self.statement.name}: a watermark is WATERMARK FOR column AS expression"
        path, behind = read_path(self.statement.located, tokens, 2, message)
        if behind + 1 >= len(tokens) or tokens[behind].upper != "AS":
            raise self.error("a watermark is WATERMARK FOR column AS expression", tokens[0])
        if "watermark" in self.parts:
            raise self.error("a table has one watermark, this is the second", tokens[0])
        expression = tokens[behind + 1 :]
        self.parts["watermark"] = Watermark(".".join(path), self.text(expression), _span(expression), _span(tokens))

    def _column(self, tokens: Sequence[Token]) -> Column:
        name = tokens[0]
        if not name.is_name or len(tokens) < 2:
            raise self.error("a column is a name and a type, or a name AS expression", name)
        rest, comment = self._without_comment(tokens[1:])
        if rest and rest[0].upper == "AS":
            if len(rest) < 2:
                raise self.error(f"column {name.value} has no expression behind AS", rest[0])
            return Column(name.value, "", False, None, False, self.text(rest[1:]), comment, _span(tokens))
        type_end = self._type_end(rest)
        if type_end == 0:
            raise self.error(f"column {name.value} has no type", rest[0] if rest else name)
        behind = rest[type_end:]
        words = [token.upper for token in behind]
        metadata_key = None
        if "METADATA" in words:
            at = words.index("METADATA")
            source = behind[at + 2] if words[at + 1 : at + 2] == ["FROM"] and len(behind) > at + 2 else None
            metadata_key = source.value if source is not None else name.value
        if "PRIMARY" in words:
            self.parts["primary_key"] = (name.value,)
        return Column(
            name.value,
            self.text(rest[:type_end]),
            any(words[i : i + 2] == ["NOT", "NULL"] for i in range(len(words))),
            metadata_key,
            "VIRTUAL" in words,
            None,
            comment,
            _span(tokens),
        )

    @staticmethod
    def _without_comment(tokens: Sequence[Token]) -> tuple[Sequence[Token], str | None]:
        if len(tokens) >= 2 and tokens[-2].upper == "COMMENT" and tokens[-1].kind is Kind.STRING:
            return tokens[:-2], tokens[-1].value
        return tokens, None

    def _type_end(self, tokens: Sequence[Token]) -> int:
        depth = 0
        for i, token in enumerate(tokens):
            if token.upper in ("(", "<"):
                depth += 1
            elif token.upper in (")", ">"):
                depth -= 1
            elif depth == 0 and token.upper in _TYPE_ENDS:
                return i
        return len(tokens)

    def _names(self, tokens: Sequence[Token]) -> tuple[str, ...]:
        """The names in the first parenthesis."""
        names = []
        for token in tokens:
            if token.upper == ")":
                break
            if token.is_name:
                names.append(token.value)
        return tuple(names)

    # -- what follows the columns

    def _clause(self, at: int) -> int:
        """Read the clause at a token; the index of the token behind it."""
        word, token = self._upper(at), self.tokens[at]
        if word == "COMMENT" and at + 1 < len(self.tokens) and self.tokens[at + 1].kind is Kind.STRING:
            self.parts["comment"] = self.tokens[at + 1].value
            return at + 2
        if word == "PARTITIONED" and self._upper(at + 1) == "BY" and self._upper(at + 2) == "(":
            close = self._close(at + 2)
            self.parts["partitioned_by"] = self._names(self.tokens[at + 3 : close + 1])
            return close + 1
        if word == "DISTRIBUTED":
            end = at + 1
            while end < len(self.tokens) and self._upper(end) not in (
                "PARTITIONED",
                "WITH",
                "LIKE",
                "COMMENT",
            ):
                end = self._close(end) + 1 if self._upper(end) == "(" else end + 1
            self.parts["distributed"] = self.text(self.tokens[at:end])
            return end
        if word == "WITH" and self._upper(at + 1) == "(":
            return self._options(at + 1)
        if word == "LIKE":
            return self._like(at)
        raise self.error(f"{token.value} is not expected here: WITH ('key' = 'value') follows the columns", token)

    def _options(self, at: int) -> int:
        close = self._close(at)
        options: dict[str, str] = {}
        spans: dict[str, Span] = {}
        for element in self._elements(at + 1, close) if close > at + 1 else []:
            kinds = [token.kind for token in element]
            if kinds != [Kind.STRING, Kind.SYMBOL, Kind.STRING] or element[1].upper != "=":
                raise self.error("an option is 'key' = 'value', both in single quotes", element[0])
            if element[0].value in options:
                raise self.error(f"option '{element[0].value}' is given twice", element[0])
            options[element[0].value] = element[2].value
            spans[element[0].value] = Span(element[2].start, element[2].end)
        self.parts.update(
            options=options,
            option_spans=spans,
            options_span=Span(self.tokens[at].end, self.tokens[close].start),
        )
        return close + 1

    def _like(self, at: int) -> int:
        message = f"CREATE TABLE {self.statement.name}: LIKE needs the name of a table"
        path, behind = read_path(self.statement.located, self.tokens, at + 1, message)
        options = ""
        if self._upper(behind) == "(":
            close = self._close(behind)
            options = self.text(self.tokens[behind + 1 : close])
            behind = close + 1
        self.parts["like"] = Like(path, options, Span(self.tokens[at].start, self.tokens[behind - 1].end))
        return behind


def _span(tokens: Sequence[Token]) -> Span:
    return Span(tokens[0].start, tokens[-1].end)
