"""Reading what stands between the parentheses of a call.

Named arguments come in any order, positional ones in the declared order; both together are refused, as in
Flink.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from jobs.errors import SqlError
from jobs.sql.literals import Literal, LiteralError, read_literal
from jobs.sql.located import excerpt
from jobs.sql.statements import Statement
from jobs.sql.suggest import did_you_mean
from jobs.sql.tokens import Token
from udfs.functions.declaration import Argument, ArgumentError, ArgumentType, TableFunction

_RESERVED: Final = frozenset({"TRUE", "FALSE", "NULL", "DEFAULT", "INTERVAL", "CAST", "TABLE", "DESCRIPTOR", "SELECT"})


@dataclass(frozen=True)
class Word:
    """A column's name as it was written, and its offset in the statement."""

    name: str
    start: int


@dataclass(frozen=True)
class TableTokens:
    """A table argument before it is understood: the tokens of the table itself, and its PARTITION BY."""

    tokens: Sequence[Token]
    end: int
    partition_by: tuple[Word, ...]


@dataclass
class ReadArguments:
    """The arguments of one call.

    Parameters
    ----------
    values
        Every argument but the tables, checked, defaults filled in.
    tables
        The tables by argument name.
    places
        Where the value of each argument that was given begins, by argument name.
    words
        The columns of each DESCRIPTOR that was given.
    """

    values: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, TableTokens] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    words: dict[str, tuple[Word, ...]] = field(default_factory=dict)


def read_arguments(
    statement: Statement, function: TableFunction, name: Token, inside: Sequence[Token], end: int
) -> ReadArguments:
    """The arguments of a call of ``function``.

    Parameters
    ----------
    statement, function
        Where the call stands, and what it calls.
    name
        The function's name in the call.
    inside, end
        What is between the parentheses, and the offset of the closing one.

    Raises
    ------
    SqlError
        An argument is unknown, missing, given twice, of another type, out of range, or does not fit another
        one.
    """
    reader = _Reader(statement, function, name)
    for argument, tokens, until in reader.assign(inside, end):
        reader.read(argument, tokens, until)
    return reader.finish()


class _Reader:
    def __init__(self, statement: Statement, function: TableFunction, name: Token) -> None:
        self.statement, self.function, self.name = statement, function, name
        self.result = ReadArguments()
        self.given: dict[str, object] = {}

    def error(self, message: str, offset: int) -> SqlError:
        return self.statement.error(f"{self.function.name}: {message}", offset)

    # -- which tokens belong to which argument

    def assign(self, inside: Sequence[Token], end: int) -> Iterator[tuple[Argument, Sequence[Token], int]]:
        seen: set[str] = set()
        named_mode: bool | None = None
        for index, (tokens, until) in enumerate(self._parts(inside, end)):
            if not tokens:
                raise self.error("an argument is missing before this", until)
            named = len(tokens) > 1 and tokens[1].upper == "=>"
            if named_mode is None:
                named_mode = named
            if named != named_mode:
                raise self.error("named and positional arguments cannot be mixed: name all of them", tokens[0].start)
            argument = self._named(tokens[0]) if named else self._positional(index, tokens[0])
            if argument.name in seen:
                raise self.error(f"{argument.name} is given twice", tokens[0].start)
            seen.add(argument.name)
            values = tokens[2:] if named else tokens
            if not values:
                raise self.error(f"{argument.name} has no value behind =>", tokens[0].start)
            yield argument, values, until

    def _parts(self, inside: Sequence[Token], end: int) -> list[tuple[list[Token], int]]:
        """The arguments: parts between commas, where ``PARTITION BY a, b`` is one part."""
        parts: list[tuple[list[Token], int]] = []
        current: list[Token] = []
        depth, partitioned = 0, False
        for i, token in enumerate(inside):
            depth += (token.upper == "(") - (token.upper == ")")
            if token.upper == "," and depth == 0:
                if partitioned and self._is_lone_name(inside, i + 1):
                    current.append(token)
                    continue
                parts.append((current, token.start))
                current, partitioned = [], False
                continue
            partitioned = partitioned or (depth == 0 and token.upper == "PARTITION")
            current.append(token)
        if current or parts:
            parts.append((current, end))
        return parts

    @staticmethod
    def _is_lone_name(inside: Sequence[Token], at: int) -> bool:
        name = inside[at] if at < len(inside) else None
        following = inside[at + 1].upper if at + 1 < len(inside) else ","
        is_word = name is not None and name.is_name and name.upper not in _RESERVED
        return is_word and following in (",", "ORDER", ".")

    def _named(self, token: Token) -> Argument:
        argument = self.function.argument(token.value) if token.is_name else None
        if argument is None:
            known = [a.name for a in self.function.arguments]
            hint = did_you_mean(token.value, known) or f"; it has {', '.join(known)}"
            raise self.error(f"unknown argument {token.value}{hint}", token.start)
        return argument

    def _positional(self, index: int, token: Token) -> Argument:
        if index >= len(self.function.arguments):
            raise self.error(f"takes at most {len(self.function.arguments)} arguments", token.start)
        return self.function.arguments[index]

    # -- what the tokens mean

    def read(self, argument: Argument, tokens: Sequence[Token], until: int) -> None:
        start = tokens[0].start
        if len(tokens) == 1 and tokens[0].upper == "DEFAULT":
            if argument.required:
                raise self.error(f"{argument.name} has no default", start)
            return
        self.result.places[argument.name] = start
        if argument.type is ArgumentType.TABLE:
            self.result.tables[argument.name] = self._table(argument, tokens, until)
        elif argument.type is ArgumentType.DESCRIPTOR:
            words = self._descriptor(argument, tokens)
            self.result.words[argument.name] = words
            self.given[argument.name] = tuple(word.name for word in words)
        else:
            self.given[argument.name] = self._value(argument, tokens)

    def _value(self, argument: Argument, tokens: Sequence[Token]) -> object:
        try:
            literal = read_literal(tokens)
        except LiteralError as error:
            raise self.error(f"{argument.name} {error}", error.token.start) from error
        wants_interval = argument.type is ArgumentType.INTERVAL
        if literal.value is not None and literal.is_interval != wants_interval:
            raise self.error(
                f"{argument.name} must be {argument.type.expectation}, got {self._shown(tokens)}",
                tokens[0].start,
            )
        return self._checked(argument, literal, tokens)

    def _checked(self, argument: Argument, literal: Literal, tokens: Sequence[Token]) -> object:
        try:
            return argument.checked(literal.value)
        except ArgumentError as error:
            raise self.error(str(error), tokens[0].start) from error

    def _shown(self, tokens: Sequence[Token]) -> str:
        return excerpt(self.statement.text[tokens[0].start : tokens[-1].end])

    def _descriptor(self, argument: Argument, tokens: Sequence[Token]) -> tuple[Word, ...]:
        opens = len(tokens) > 2 and tokens[0].upper == "DESCRIPTOR" and tokens[1].upper == "("
        if not opens or tokens[-1].upper != ")":
            raise self.error(
                f"{argument.name} must be {argument.type.expectation}, got {self._shown(tokens)}",
                tokens[0].start,
            )
        words = self._names(tokens[2:-1], f"{argument.name}: DESCRIPTOR", tokens[0])
        if argument.single and len(words) != 1:
            raise self.error(f"{argument.name} must be one column, got {len(words)}", words[1].start)
        return words

    def _table(self, argument: Argument, tokens: Sequence[Token], until: int) -> TableTokens:
        at = self._clause(tokens, 0)
        if at == len(tokens):
            return TableTokens(tokens, until, ())
        if at + 1 >= len(tokens) or tokens[at + 1].upper != "BY":
            raise self.error("PARTITION is followed by BY", tokens[at].start)
        behind = self._clause(tokens, at + 2)
        if behind < len(tokens):
            raise self.error("PARTITION BY is given twice", tokens[behind].start)
        names = tokens[at + 2 :]
        if names and names[0].upper == "(" and names[-1].upper == ")":
            names = names[1:-1]
        return TableTokens(tokens[:at], tokens[at].start, self._names(names, "PARTITION BY", tokens[at + 1]))

    def _clause(self, tokens: Sequence[Token], at: int) -> int:
        """The index of the next PARTITION outside parentheses; the number of tokens when there is none."""
        depth = 0
        for i in range(at, len(tokens)):
            word = tokens[i].upper
            depth += (word == "(") - (word == ")")
            if depth == 0 and word == "ORDER":
                raise self.error("ORDER BY: rows are ordered by on_time already, remove it", tokens[i].start)
            if depth == 0 and word == "PARTITION":
                return i
        return len(tokens)

    def _names(self, tokens: Sequence[Token], what: str, after: Token) -> tuple[Word, ...]:
        """Names with commas between them."""
        words: list[Word] = []
        for i, token in enumerate(tokens):
            if i % 2 == 1 and token.upper == ",":
                continue
            if i % 2 == 1 or not token.is_name or token.upper in _RESERVED:
                # an expression is told at its beginning: the name before the operator or the parenthesis
                begin = tokens[i - 1] if i % 2 == 1 else token
                raise self.error(
                    f"{what} takes names of columns, not expressions: compute them in the input, "
                    "(SELECT ..., expression AS name FROM t)",
                    begin.start,
                )
            if any(word.name == token.value for word in words):
                raise self.error(f"{what} names {token.value} twice", token.start)
            words.append(Word(token.value, token.start))
        if len(tokens) % 2 == 0:
            place = tokens[-1].end if tokens else after.end
            raise self.error(f"{what} needs the name of a column here", place)
        return tuple(words)

    # -- all of them together

    def finish(self) -> ReadArguments:
        for argument in self.function.arguments:
            missing = argument.name not in self.result.places and argument.required
            if missing:
                raise self.error(
                    f"{argument.name} is missing: {argument.name} => {_EXAMPLES.get(argument.name, '...')}",
                    self.name.start,
                )
        try:
            self.result.values = self.function.resolve(self.given)
        except ArgumentError as error:
            places = [self.result.places[name] for name in error.arguments if name in self.result.places]
            raise self.error(str(error), places[0] if places else self.name.start) from error
        return self.result


_EXAMPLES: Final[Mapping[str, str]] = {
    "input": "TABLE name PARTITION BY column",
    "on_time": "DESCRIPTOR(column)",
    "value": "DESCRIPTOR(column)",
}
