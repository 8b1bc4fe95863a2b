"""Which tables feed what, through views."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from jobs.sql.statements import Script, Statement, StatementKind
from jobs.sql.tokens import Kind, Token


def references(statement: Statement) -> frozenset[str]:
    """Every name a statement may read from: more than it does read, never less.

    Told by the tokens alone, so a column that is named like a table counts as that table.
    """
    return names_in(statement.tokens[statement.path_end :])


def names_in(tokens: Sequence[Token]) -> frozenset[str]:
    """The names among tokens that can be tables: those that are not followed by ``(``, ``.`` or ``=>``."""
    found = set()
    for i, token in enumerate(tokens):
        following = tokens[i + 1].upper if i + 1 < len(tokens) else ""
        if token.is_name and following not in (".", "=>") and (following != "(" or token.kind is Kind.QUOTED):
            found.add(token.value)
    return frozenset(found)


def read_as_of(script: Script) -> frozenset[str]:
    """The names that are only ever read as of a time: ``JOIN name FOR SYSTEM_TIME AS OF ...``."""
    versions: set[str] = set()
    plain: set[str] = set()
    for statement in script.of_kind(StatementKind.CREATE_VIEW, StatementKind.INSERT):
        tokens = statement.tokens[statement.path_end :]
        at = {
            i for i in range(len(tokens)) if [token.upper for token in tokens[i + 1 : i + 3]] == ["FOR", "SYSTEM_TIME"]
        }
        versions |= {tokens[i].value for i in at}
        plain |= names_in([token for i, token in enumerate(tokens) if i not in at])
    return frozenset(versions - plain)


def source_tables(script: Script, names: Iterable[str]) -> tuple[Statement, ...]:
    """The CREATE TABLE statements that feed some names, directly or through views, in file order."""
    return tuple(s for s in feeding(script, names) if s.kind is StatementKind.CREATE_TABLE)


def feeding(script: Script, names: Iterable[str], ends: Container[Statement] = ()) -> tuple[Statement, ...]:
    """The statements whose tables and views feed some names, in file order; what feeds `ends` is not among them."""
    made = {s.name: s for s in script.of_kind(StatementKind.CREATE_TABLE, StatementKind.CREATE_VIEW)}
    seen: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        statement = made.get(name)
        if statement is not None and statement.kind is StatementKind.CREATE_VIEW and statement not in ends:
            todo += references(statement)
    return tuple(statement for name, statement in made.items() if name in seen)
