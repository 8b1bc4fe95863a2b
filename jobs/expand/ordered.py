"""Views that carry the hidden order columns along, where that changes nothing else.

A model call orders rows of equal time by Kafka partition and offset. It finds them through a view when the view is a
plain selection: one SELECT over one table that has them, with or without WHERE, or several of these with UNION ALL
that name their columns. Through any other view they are lost (a join or a window has no one offset), and equal times
are ordered by the rows' own values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jobs.expand import quote
from jobs.expand.source import HIDDEN
from jobs.sql.located import LocatedText, Replacement
from jobs.sql.tokens import Token, tokenize

_NOT_PLAIN = frozenset(
    {
        "DISTINCT", "GROUP", "HAVING", "UNION", "INTERSECT", "EXCEPT", "JOIN", "ORDER", "LIMIT", "FETCH", "OVER",
        "TABLE", "UNNEST", "LATERAL", "MATCH_RECOGNIZE", "VALUES", "WITH", "QUALIFY", "WINDOW",
        "COUNT", "SUM", "AVG", "MIN", "MAX", "FIRST_VALUE", "LAST_VALUE", "LISTAGG", "ARRAY_AGG", "COLLECT",
        "STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP", "STDDEV", "VARIANCE", "SINGLE_VALUE", "PERCENTILE",
        "APPROX_COUNT_DISTINCT", "JSON_OBJECTAGG", "JSON_ARRAYAGG",
    }
)  # fmt: skip


def ordered_query(query: LocatedText, ordered: Mapping[str, str]) -> str | None:
    """The query with the hidden columns behind its own; None where it has none to give.

    Parameters
    ----------
    query
        A SELECT.
    ordered
        For names of tables and views, the name of the view that has the hidden columns too.
    """
    tokens = tokenize(query)
    unions = _unions(tokens)
    if unions:
        return _united(query, tokens, unions, ordered)
    plain = (
        bool(tokens)
        and tokens[0].upper == "SELECT"
        and sum(token.upper == "SELECT" for token in tokens) == 1
        and not any(token.upper in _NOT_PLAIN for token in tokens)
    )
    at = _from(tokens) if plain else None
    if at is None or at + 1 >= len(tokens) or not tokens[at + 1].is_name or tokens[at + 1].value not in ordered:
        return None
    source, behind = tokens[at + 1], tokens[at + 2 :]
    alias = _alias_length(behind)
    if len(behind) > alias and behind[alias].upper != "WHERE":
        return None
    replaced = quote.name(ordered[source.value])
    if not alias:  # its columns may be written with its name
        replaced += f" AS {quote.name(source.value)}"
    changes = [Replacement(source.start, source.end, replaced)]
    if not any(token.upper == "*" and _selects_all(tokens, i) for i, token in enumerate(tokens[:at])):
        changes.append(Replacement(tokens[at].start, tokens[at].start, f", {quote.name(HIDDEN)} "))
    return query.replace(changes).text


def _unions(tokens: Sequence[Token]) -> list[int]:
    """Where tables are put together, outside of all parentheses."""
    depth, found = 0, []
    for i, token in enumerate(tokens):
        depth += (token.upper == "(") - (token.upper == ")")
        if depth == 0 and token.upper == "UNION":
            found.append(i)
    return found


def _united(
    query: LocatedText, tokens: Sequence[Token], unions: Sequence[int], ordered: Mapping[str, str]
) -> str | None:
    """Selections with UNION ALL between them, each with the hidden columns behind its own."""
    parts = []
    first = 0
    for union in [*unions, len(tokens)]:
        part = tokens[first:union]
        if not part or (union < len(tokens) and tokens[union + 1].upper != "ALL"):
            return None
        # with a star the hidden columns may stand before others, and columns of the parts would not meet
        if any(token.upper == "*" and _selects_all(part, i) for i, token in enumerate(part)):
            return None
        parts.append(ordered_query(query.slice(part[0].start, part[-1].end), ordered))
        first = union + 2
    return None if None in parts else "\nUNION ALL\n".join(filter(None, parts))


def _alias_length(tokens: Sequence[Token]) -> int:
    """How many of the tokens behind a table are its alias: ``AS x``, ``x``, or none."""
    if not tokens or tokens[0].upper == "WHERE":
        return 0
    return 2 if tokens[0].upper == "AS" else 1


def _from(tokens: Sequence[Token]) -> int | None:
    depth = 0
    for i, token in enumerate(tokens):
        depth += (token.upper == "(") - (token.upper == ")")
        if depth == 0 and token.upper == "FROM":
            return i
    return None


def _selects_all(tokens: Sequence[Token], at: int) -> bool:
    """Whether a star is a select item rather than a multiplication."""
    before = tokens[at - 1].upper
    return before in ("SELECT", ",", ".", "ALL")
