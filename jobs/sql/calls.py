"""Finding the calls of table functions in a statement, and reading them.

A call may stand wherever a table may: behind FROM, JOIN or a comma of a FROM clause, inside ``TABLE(...)``,
and as the input of another call. Its text, `Call.start` to `Call.end`, is what the name of a view takes the
place of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from jobs.sql.arguments import TableTokens, read_arguments
from jobs.sql.call import Call, Input, InputKind
from jobs.sql.lineage import names_in
from jobs.sql.located import LocatedText, Position, Replacement, excerpt
from jobs.sql.statements import Script, Statement, StatementKind, read_path
from jobs.sql.suggest import nearest
from jobs.sql.tokens import Token, end_with_hints
from udfs.functions.declaration import TableFunction
from udfs.functions.registry import FUNCTIONS

__all__ = ["FLINK_TABLE_FUNCTIONS", "Call", "Input", "InputKind", "find_calls", "read_calls", "rewritten"]

#: Flink 2.3's own functions that stand where a table may.
FLINK_TABLE_FUNCTIONS: Final = frozenset(
    {
        "CUMULATE", "FROM_CHANGELOG", "HOP", "ML_EVALUATE", "ML_PREDICT", "SESSION", "TO_CHANGELOG", "TUMBLE",
        "UNNEST", "VECTOR_SEARCH",
    }
)  # fmt: skip


def read_calls(script: Script, functions: Mapping[str, TableFunction] = FUNCTIONS) -> dict[Statement, tuple[Call, ...]]:
    """The calls of each statement that has any, statements in order, inner calls before those that read them.

    Raises
    ------
    SqlError
        A call is wrong, stands where no table may, names no function there is, or two calls of the file have
        one name.
    """
    others = _functions_elsewhere(script)
    found: dict[Statement, tuple[Call, ...]] = {}
    for statement in script.of_kind(StatementKind.CREATE_VIEW, StatementKind.INSERT):
        calls = find_calls(statement, functions, others)
        if calls:
            found[statement] = calls
    taken: dict[str, Call] = {}
    for call in sorted((call for calls in found.values() for call in calls), key=_in_file):
        other = taken.setdefault(call.name, call)
        if other is not call:
            line, column = other.position
            raise call.error(
                f"two calls are named {call.name}, the other at {line}:{column}: give this one uid => '...'",
                call.places.get("uid"),
            )
    return found


def rewritten(statement: Statement, calls: Iterable[Call], views: Mapping[str, str]) -> LocatedText:
    """The statement's text with each call replaced by the view that holds its result.

    Parameters
    ----------
    statement, calls
        A statement and its calls, as `read_calls` gave them.
    views
        For each call, by `Call.name`, the SQL name of its view.
    """
    return statement.located.replace(
        Replacement(call.start, call.end, call.reference(views[call.name])) for call in calls
    )


def find_calls(
    statement: Statement,
    functions: Mapping[str, TableFunction] = FUNCTIONS,
    others: frozenset[str] | None = FLINK_TABLE_FUNCTIONS,
) -> tuple[Call, ...]:
    """The calls of one statement, inner ones before those that read them.

    Parameters
    ----------
    statement
        Where to look.
    functions
        The functions there are, by upper-case name.
    others
        Upper-case names of functions that Flink knows; None where a catalog or module may bring any.

    Raises
    ------
    SqlError
        As for `read_calls`.
    """
    scanner = _Scanner(statement, functions, others)
    scanner.group(statement.path_end, len(statement.tokens), at_table=False)
    return tuple(scanner.calls)


def _in_file(call: Call) -> Position:
    return call.position


def _functions_elsewhere(script: Script) -> frozenset[str] | None:
    """The functions Flink will know: its own and the file's; None when a catalog or module may bring any."""
    for statement in script.of_kind(StatementKind.CREATE_CATALOG, StatementKind.LOAD, StatementKind.USE):
        if statement.kind is not StatementKind.USE or (
            statement.tokens[1:2] and statement.tokens[1].upper != "MODULES"
        ):
            return None
    created = (statement.name.upper() for statement in script.of_kind(StatementKind.CREATE_FUNCTION))
    return FLINK_TABLE_FUNCTIONS | frozenset(created)


# words that end a FROM clause
_FROM_ENDS: Final = frozenset(
    {
        "VALUES", "WHERE", "GROUP", "HAVING", "WINDOW", "QUALIFY", "ORDER", "LIMIT", "FETCH", "OFFSET", "UNION",
        "EXCEPT", "INTERSECT", "MINUS",
    }
)  # fmt: skip


class _Scanner:
    """Walks a statement's tokens and tells where a table may stand."""

    def __init__(
        self, statement: Statement, functions: Mapping[str, TableFunction], others: frozenset[str] | None
    ) -> None:
        self.statement, self.functions, self.others = statement, functions, others
        self.tokens = statement.tokens
        self.calls: list[Call] = []
        self.count = 0
        self.close: dict[int, int] = {}
        opens: list[int] = []
        for i, token in enumerate(self.tokens):
            if token.upper == "(":
                opens.append(i)
            elif token.upper == ")":
                self.close[opens.pop()] = i

    def upper(self, at: int) -> str:
        return self.tokens[at].upper if 0 <= at < len(self.tokens) else ""

    def is_call(self, at: int) -> bool:
        """Whether a name and an opening parenthesis stand here."""
        return at + 1 < len(self.tokens) and self.tokens[at].is_name and self.upper(at + 1) == "("

    def group(self, at: int, end: int, *, at_table: bool) -> None:
        """Scan tokens ``at`` to ``end`` (exclusive), the inside of a parenthesis or a whole statement."""
        clause = "FROM" if at_table else ""
        expects, lateral = at_table, False
        while at < end:
            word = self.upper(at)
            if word == "SELECT":
                clause, expects = "SELECT", False
            elif word == "FROM" and clause == "SELECT" and self.upper(at - 1) != "DISTINCT":
                clause, expects, lateral = "FROM", True, False
            elif word in ("JOIN", ",") and clause == "FROM":
                expects, lateral = True, False
            elif word == "LATERAL" and expects:
                lateral = True
            elif word in _FROM_ENDS and clause == "FROM":
                clause, expects = "", False
            else:
                at = self._item(at, expects, lateral)
                expects = False
                continue
            at += 1

    def _item(self, at: int, expects: bool, lateral: bool) -> int:
        """Scan what begins at a token; the index of the token behind it."""
        word = self.upper(at)
        if word == "(":
            self.group(at + 1, self.close[at], at_table=expects)
            return self.close[at] + 1
        if word == "TABLE" and self.upper(at + 1) == "(":
            close = self.close[at + 1]
            inner = at + 2
            if self.is_call(inner) and self.close[inner + 1] == close - 1:
                self._call_or_not(inner, True, lateral, at, close, in_argument=not expects)
            else:
                self.group(inner, close, at_table=True)
            return close + 1
        if self.is_call(at) and self.upper(at - 1) != ".":
            self._call_or_not(at, expects, lateral, at, self.close[at + 1], in_argument=False)
            return self.close[at + 1] + 1
        return at + 1

    def _call_or_not(self, at: int, expects: bool, lateral: bool, first: int, last: int, *, in_argument: bool) -> None:
        """A name and a parenthesis: our function, one of Flink's, or a mistake."""
        token = self.tokens[at]
        function = self.functions.get(token.value.upper())
        if function is None:
            if expects:
                self._refuse_unknown(token)
            self.group(at + 2, self.close[at + 1], at_table=False)
            return
        if not expects:
            raise self.statement.error(
                f"{function.name}: stands where no table may: call it behind FROM or JOIN", token.start
            )
        if lateral:
            raise self.statement.error(f"{function.name}: cannot be LATERAL: remove the word", token.start)
        self.read(function, at, self.tokens[first].start, self.tokens[last].end, in_argument=in_argument)

    def _refuse_unknown(self, token: Token) -> None:
        if self.others is not None and token.value.upper() in self.others:
            return
        meant = nearest(token.value, self.functions)
        if meant:
            raise self.statement.error(f"unknown table function {token.value}, did you mean {meant}?", token.start)
        if self.others is not None:
            raise self.statement.error(
                f"unknown table function {token.value}: `cutbank functions` lists those there are, "
                "CREATE FUNCTION declares others",
                token.start,
            )

    def read(self, function: TableFunction, at: int, start: int, end: int, *, in_argument: bool) -> Call:
        """Read the call whose name is at a token."""
        self.count += 1
        ordinal = self.count
        name, open_at = self.tokens[at], at + 1
        close = self.close[open_at]
        read = read_arguments(
            self.statement, function, name, self.tokens[open_at + 1 : close], self.tokens[close].start
        )
        inputs = {argument: self._input(function, argument, table) for argument, table in read.tables.items()}
        call = Call(
            function=function,
            statement=self.statement,
            name=read.values["uid"] or self._derived(ordinal),
            arguments=read.values,
            inputs=inputs,
            start=start,
            end=end,
            place=name.start,
            places=read.places,
            words=read.words,
            in_argument=in_argument,
        )
        self.calls.append(call)
        return call

    def _derived(self, ordinal: int) -> str:
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", self.statement.name)
        plain = plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"
        return plain if ordinal == 1 else f"{plain}_{ordinal}"

    def _input(self, function: TableFunction, argument: str, table: TableTokens) -> Input:
        tokens = table.tokens
        if not tokens:
            raise self.statement.error(f"{function.name}: {argument} names no table before PARTITION BY", table.end)
        at = self.tokens.index(tokens[0])
        last = at + len(tokens)
        path: tuple[str, ...] = ()
        start, end = tokens[0].start, tokens[-1].end
        already = len(self.calls)
        unwrapped = self._unwrapped(at, last)
        if self.is_call(unwrapped[0]) and self.close[unwrapped[0] + 1] == unwrapped[1] - 1:
            kind = InputKind.CALL
            self._inner_call(unwrapped[0], start, end)
        elif unwrapped != (at, last):
            kind = InputKind.QUERY
            start, end = self._query_span(function, argument, at, last)
        elif self.upper(at) == "TABLE" and len(tokens) > 1:
            kind = InputKind.TABLE
            path, behind = read_path(
                self.statement.located, self.tokens, at + 1, f"{function.name}: TABLE needs a name"
            )
            if behind != last:
                raise self.statement.error(
                    f"{function.name}: {argument} is TABLE name PARTITION BY columns, nothing else",
                    self.tokens[behind].start,
                )
            start = self.tokens[at + 1].start
            end = end_with_hints(self.statement.text, end, table.end)
        else:
            written = excerpt(self.statement.text[start:end])
            raise self.statement.error(
                f"{function.name}: {argument} must be TABLE name or (SELECT ...), got {written}", start
            )
        return Input(
            argument=argument,
            statement=self.statement,
            kind=kind,
            path=path,
            partition_by=table.partition_by,
            start=start,
            end=end,
            calls=tuple(self.calls[already:]),
            names=names_in(tokens),
        )

    def _unwrapped(self, at: int, last: int) -> tuple[int, int]:
        """The tokens inside ``TABLE(...)`` and ``(...)`` that hold all of ``at`` to ``last``."""
        while True:
            opens = at + 1 if self.upper(at) == "TABLE" else at
            if self.upper(opens) != "(" or self.close[opens] != last - 1:
                return at, last
            at, last = opens + 1, last - 1

    def _inner_call(self, at: int, start: int, end: int) -> None:
        """The input that is itself a call: its span is the whole argument."""
        token = self.tokens[at]
        function = self.functions.get(token.value.upper())
        if function is None:
            self._refuse_unknown(token)
            raise self.statement.error(
                f"{token.value} cannot stand here: write (SELECT * FROM {token.value}(...))",
                token.start,
            )
        self.read(function, at, start, end, in_argument=False)

    def _query_span(self, function: TableFunction, argument: str, at: int, last: int) -> tuple[int, int]:
        opens = at + 1 if self.upper(at) == "TABLE" else at
        if self.upper(opens + 1) not in ("SELECT", "WITH", "VALUES", "TABLE", "("):
            raise self.statement.error(
                f"{function.name}: {argument} must be TABLE name or (SELECT ...)", self.tokens[opens].end
            )
        self.group(opens + 1, last - 1, at_table=False)
        text, close = self.statement.text, self.tokens[last - 1].start
        return self.tokens[opens + 1].start, end_with_hints(text, self.tokens[last - 2].end, close)
