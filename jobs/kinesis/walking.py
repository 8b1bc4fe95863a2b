"""Finding nodes in a tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jobs.kinesis import tree


def nodes_in(node: tree.Node) -> Iterator[tree.Node]:
    """A node and all inside of it, queries inside left out."""
    yield node
    for child in tree.children(node):
        if not isinstance(child, tree.Query):
            yield from nodes_in(child)


def everything_in(node: tree.Node) -> Iterator[tree.Node]:
    """A node and all inside of it, queries inside too."""
    yield node
    for child in tree.children(node):
        yield from everything_in(child)


def calls_in(node: tree.Node) -> list[tree.Call]:
    """All calls of functions in an expression."""
    return [found for found in nodes_in(node) if isinstance(found, tree.Call)]


def names_in(node: tree.Node) -> list[tree.Name]:
    """All names in an expression."""
    return [found for found in nodes_in(node) if isinstance(found, tree.Name)]


def replaced(node: tree.Expression, by: dict[tree.Expression, tree.Expression]) -> tree.Expression:
    """The expression with some expressions in it replaced."""
    if node in by:
        return by[node]

    def of(value: object) -> object:
        if isinstance(value, tree.Expression):
            return replaced(value, by)
        if isinstance(value, tuple):
            return tuple(of(each) for each in value)
        return value

    changed: dict[str, Any] = {name: of(value) for name, value in vars(node).items()}
    return type(node)(**changed)
