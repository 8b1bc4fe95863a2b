"""Which views carry the hidden order column, and that they do so without changing what they give."""

from __future__ import annotations

import pytest

from jobs.expand.ordered import ordered_query
from jobs.sql.located import File, LocatedText

ORDERED = {"t": "t (ordered)", "odd name": "odd name (ordered)"}


def rewritten(query: str) -> str | None:
    """The query with the hidden column; None where it is lost."""
    return ordered_query(LocatedText.whole(File("test.sql", query)), ORDERED)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM t", "SELECT * FROM `t (ordered)` AS `t`"),
        ("SELECT a FROM t", "SELECT a , `__order` FROM `t (ordered)` AS `t`"),
        ("SELECT a FROM `t`", "SELECT a , `__order` FROM `t (ordered)` AS `t`"),
        ("SELECT a FROM `odd name`", "SELECT a , `__order` FROM `odd name (ordered)` AS `odd name`"),
        ("select a from t where a > 1", "select a , `__order` from `t (ordered)` AS `t` where a > 1"),
        ("SELECT x.a FROM t AS x", "SELECT x.a , `__order` FROM `t (ordered)` AS x"),
        ("SELECT x.a FROM t x WHERE x.a > 1", "SELECT x.a , `__order` FROM `t (ordered)` x WHERE x.a > 1"),
        ("SELECT t.a FROM t WHERE t.b = 'FROM'", "SELECT t.a , `__order` FROM `t (ordered)` AS `t` WHERE t.b = 'FROM'"),
        ("SELECT *, a * b AS c FROM t", "SELECT *, a * b AS c FROM `t (ordered)` AS `t`"),
        ("SELECT a * b AS c FROM t", "SELECT a * b AS c , `__order` FROM `t (ordered)` AS `t`"),
        ("SELECT x.* FROM t AS x", "SELECT x.* FROM `t (ordered)` AS x"),
        ("SELECT ALL * FROM t", "SELECT ALL * FROM `t (ordered)` AS `t`"),
        ("SELECT EXTRACT(DAY FROM a) FROM t", "SELECT EXTRACT(DAY FROM a) , `__order` FROM `t (ordered)` AS `t`"),
        ("SELECT 'UNION' AS a FROM t", "SELECT 'UNION' AS a , `__order` FROM `t (ordered)` AS `t`"),
        ("SELECT `count` FROM t", "SELECT `count` , `__order` FROM `t (ordered)` AS `t`"),
        ("SELECT a -- , b FROM u\nFROM t", "SELECT a -- , b FROM u\n, `__order` FROM `t (ordered)` AS `t`"),
        (
            "SELECT a FROM t UNION ALL SELECT x.b FROM `odd name` AS x WHERE x.b > 1",
            "SELECT a , `__order` FROM `t (ordered)` AS `t`\nUNION ALL\n"
            "SELECT x.b , `__order` FROM `odd name (ordered)` AS x WHERE x.b > 1",
        ),
        ("SELECT a FROM t WHERE a IN (1, 2)", "SELECT a , `__order` FROM `t (ordered)` AS `t` WHERE a IN (1, 2)"),
    ],
)
def test_a_plain_selection_carries_it(query: str, expected: str) -> None:
    assert rewritten(query) == expected


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a FROM u",
        "SELECT a FROM T",  # names have a case
        "SELECT a FROM db.t",
        "SELECT a FROM t.x",
        "SELECT 1",
        "SELECT DISTINCT a FROM t",
        "SELECT a FROM t GROUP BY a",
        "SELECT COUNT(*) FROM t",
        "SELECT max(a) FROM t",
        "SELECT a, ROW_NUMBER() OVER (PARTITION BY b ORDER BY ts) FROM t",
        "SELECT a FROM t ORDER BY ts",
        "SELECT a FROM t LIMIT 3",
        "SELECT a FROM t FETCH FIRST 3 ROWS ONLY",
        "SELECT a FROM t, u",
        "SELECT a FROM t AS x, u",
        "SELECT a FROM t JOIN u ON t.a = u.a",
        "SELECT a FROM t CROSS JOIN UNNEST(b) AS v(c)",
        "SELECT a FROM t AS x(a, b)",  # one column too few with the hidden one
        "SELECT a FROM t x(a, b)",
        "SELECT a FROM t FOR SYSTEM_TIME AS OF ts AS x",
        "SELECT a FROM t UNION SELECT a FROM t",
        "SELECT a FROM t UNION ALL SELECT a FROM u",
        "SELECT * FROM t UNION ALL SELECT * FROM t",
        "SELECT a FROM t UNION ALL SELECT a FROM t INTERSECT SELECT a FROM t",
        "SELECT a FROM t WHERE a IN (SELECT b FROM u)",
        "SELECT a FROM (SELECT a FROM t)",
        "SELECT a FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND))",
        "SELECT a FROM t MATCH_RECOGNIZE (x)",
        "SELECT JSON_ARRAYAGG(a) FROM t",
        "WITH x AS (SELECT 1) SELECT a FROM t",
        "(SELECT a FROM t)",
        "VALUES (1)",
        "",
        "SELECT a FROM",
    ],
)
def test_through_anything_else_it_is_lost(query: str) -> None:
    assert rewritten(query) is None
