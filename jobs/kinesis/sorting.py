"""ORDER BY of a stream: rows are gathered while its first key stays the same, and sorted by the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.kinesis import tree
from jobs.kinesis.expressions import Expressions
from jobs.kinesis.projection import Output
from jobs.kinesis.scope import Order
from jobs.kinesis.time_terms import floor_ms


@dataclass(frozen=True)
class Sorting:
    """An ORDER BY as hidden columns: their names and SQL, and the order by them."""

    hidden: tuple[tuple[str, str], ...]
    order: Order


def sorting_of(
    keys: Sequence[tree.SortKey], outputs: Sequence[Output], expressions: Expressions, taken: Sequence[str] = ()
) -> Sorting | None:
    """What an ORDER BY needs; None where there is none.

    Parameters
    ----------
    keys
        The ORDER BY.
    outputs
        The columns of the select list, which keys may name by alias or by number.
    expressions
        What else keys may name.
    taken
        Names of hidden columns that are in use.

    Raises
    ------
    SqlError
        The first key is no time that only goes up.
    """
    if not keys:
        return None
    text = expressions.text
    first = keys[0]
    by_name = _output_of(first.value, outputs, expressions)
    size = by_name.floor_ms if by_name is not None else floor_ms(first.value, expressions.scope)
    if size is None:
        raise text.error(
            "ORDER BY over a stream begins with a time that only goes up, such as ROWTIME or FLOOR(ROWTIME TO SECOND)",
            first.start,
        )
    if first.descending:
        raise text.error("the first key of ORDER BY over a stream goes up: DESC has no place", first.start)
    hidden: list[tuple[str, str]] = []
    ordered: list[tuple[str, bool]] = []
    for key in keys[1:]:
        output = _output_of(key.value, outputs, expressions)
        value = output.value if output is not None else expressions.value(key.value)
        if value.failures:
            raise text.error("an expression that can fail cannot be a key: select it, and sort by its alias", key.start)
        name = f"sort key {len(hidden) + len(taken) + 1}"
        is_time = (output.floor_ms if output is not None else floor_ms(key.value, expressions.scope)) == 1
        hidden.append((name, f"CAST({value.sql} AS TIMESTAMP(3))" if is_time else value.sql))
        ordered.append((name, key.descending))
    return Sorting(tuple(hidden), Order(size, tuple(ordered), first.start))


def _output_of(node: tree.Expression, outputs: Sequence[Output], expressions: Expressions) -> Output | None:
    """The column of the select list that a key names: by number, by alias, or by saying the same."""
    number = expressions.integer(node)
    if number is not None:
        if not 1 <= number <= len(outputs):
            raise expressions.error(f"ORDER BY {number}: there are {len(outputs)} columns", node)
        return outputs[number - 1]
    same = next((output for output in outputs if output.node == node), None)
    if same is not None:
        return same
    if isinstance(node, tree.Name) and len(node.parts) == 1:
        return next((output for output in outputs if output.name == node.parts[0]), None)
    return None
