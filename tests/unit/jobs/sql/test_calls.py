"""Calls of table functions: where they may stand, what they read, and what takes their place."""

from __future__ import annotations

import pytest

from jobs.errors import SqlError
from jobs.sql.call import Call, InputKind
from jobs.sql.calls import read_calls, rewritten
from jobs.sql.located import File, LocatedText
from jobs.sql.statements import Script, split

RCF = "RANDOM_CUT_FOREST"
ARGUMENTS = "input => TABLE t, on_time => DESCRIPTOR(ts)"


def script(text: str) -> Script:
    return split(LocatedText.whole(File("p.sql", text)))


def calls(text: str) -> list[Call]:
    return [call for found in read_calls(script(text)).values() for call in found]


def only(arguments: str = ARGUMENTS, function: str = RCF) -> Call:
    (call,) = calls(f"INSERT INTO o SELECT * FROM {function}({arguments})")
    return call


def expand(text: str) -> tuple[list[str], str]:
    """The inputs in order of work, and the last statement, with views named after their calls."""
    found, views, inputs = script(text), {}, []
    by_statement = read_calls(found)
    for statement in found.statements:
        for call in by_statement.get(statement, ()):
            inputs.append(call.input.query(views).text)
            views[call.name] = f"<{call.name}>"
    last = found.statements[-1]
    return inputs, rewritten(last, by_statement.get(last, ()), views).text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM F()", "SELECT * FROM <o>"),
        ("SELECT * FROM TABLE(F())", "SELECT * FROM <o>"),
        ("SELECT * FROM TABLE ( F() ) AS s (a, b)", "SELECT * FROM <o> AS s (a, b)"),
        ("SELECT * FROM f() s WHERE s.x > 1", "SELECT * FROM <o> s WHERE s.x > 1"),
        ("SELECT * FROM `F`()", "SELECT * FROM <o>"),
        ("SELECT * FROM a JOIN F() ON a.x = f2(y), F() q", "SELECT * FROM a JOIN <o> ON a.x = f2(y), <o_2> q"),
        ("SELECT * FROM a, F()", "SELECT * FROM a, <o>"),
        ("SELECT * FROM a JOIN (b JOIN F() ON TRUE) ON TRUE", "SELECT * FROM a JOIN (b JOIN <o> ON TRUE) ON TRUE"),
        ("SELECT * FROM (SELECT x FROM F() WHERE x IN (SELECT y FROM F()))",
         "SELECT * FROM (SELECT x FROM <o> WHERE x IN (SELECT y FROM <o_2>))"),
        ("SELECT 1 FROM a UNION ALL SELECT 2 FROM F()", "SELECT 1 FROM a UNION ALL SELECT 2 FROM <o>"),
        ("WITH q AS (SELECT * FROM F()) SELECT * FROM q", "WITH q AS (SELECT * FROM <o>) SELECT * FROM q"),
        ("SELECT TRIM(BOTH ' ' FROM UPPER(x)), EXTRACT(DAY FROM g(x)) FROM F()",
         "SELECT TRIM(BOTH ' ' FROM UPPER(x)), EXTRACT(DAY FROM g(x)) FROM <o>"),
        ("SELECT a IS DISTINCT FROM g(x) FROM F()", "SELECT a IS DISTINCT FROM g(x) FROM <o>"),
        ("SELECT * FROM (VALUES (1), (2)) AS v (x), F()", "SELECT * FROM (VALUES (1), (2)) AS v (x), <o>"),
        ("SELECT * FROM TUMBLE(TABLE(F()), DESCRIPTOR(ts), INTERVAL '1' MINUTE)",
         "SELECT * FROM TUMBLE(TABLE <o>, DESCRIPTOR(ts), INTERVAL '1' MINUTE)"),
        ("SELECT * FROM TUMBLE(DATA => (SELECT * FROM F()), TIMECOL => DESCRIPTOR(ts))",
         "SELECT * FROM TUMBLE(DATA => (SELECT * FROM <o>), TIMECOL => DESCRIPTOR(ts))"),
        ("SELECT * FROM F() /*+ OPTIONS('a'='F()') */", "SELECT * FROM <o> /*+ OPTIONS('a'='F()') */"),
        ("SELECT 'F()', `F` FROM F()", "SELECT 'F()', `F` FROM <o>"),
        ("SELECT a, COUNT(*) FROM F() GROUP BY a, g(b) ORDER BY h(a), a",
         "SELECT a, COUNT(*) FROM <o> GROUP BY a, g(b) ORDER BY h(a), a"),
        ("SELECT * FROM F() MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES LAST(A.x) AS y, g(B.x) AS z "
         "PATTERN (A B+) DEFINE A AS g(A.x) > 1)",
         "SELECT * FROM <o> MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES LAST(A.x) AS y, g(B.x) AS z "
         "PATTERN (A B+) DEFINE A AS g(A.x) > 1)"),
    ],
)  # fmt: skip
def test_call_is_found_wherever_a_table_may_stand(query: str, expected: str) -> None:
    """F() stands for a whole call, with a line break and a comment inside."""
    whole = f"{RCF}(\n  {ARGUMENTS} -- )\n)"
    for short in ("F()", "f()"):
        query = query.replace(short, whole if short == "F()" else whole.lower().replace("descriptor", "Descriptor"))
    query = query.replace("`F`(", f"`{RCF}`(").replace(f"`{RCF}`()", f"`{RCF}`({ARGUMENTS})")
    # what is in texts and hints stays as it is
    expected = expected.replace("'F()'", f"'{whole}'").replace("'a'='F()'", f"'a'='{whole}'")
    _, text = expand(f"INSERT INTO o {query}")
    assert text == f"INSERT INTO o {expected}"


@pytest.mark.parametrize(
    ("written", "kind", "path", "keys", "query"),
    [
        ("TABLE t", InputKind.TABLE, ("t",), (), "SELECT * FROM t"),
        ("TABLE t PARTITION BY a", InputKind.TABLE, ("t",), ("a",), "SELECT * FROM t"),
        ("TABLE t PARTITION BY a, `b c`", InputKind.TABLE, ("t",), ("a", "b c"), "SELECT * FROM t"),
        ("table t partition by (a, b)", InputKind.TABLE, ("t",), ("a", "b"), "SELECT * FROM t"),
        ("TABLE c.d.`t 1` PARTITION BY a", InputKind.TABLE, ("c", "d", "t 1"), ("a",), "SELECT * FROM c.d.`t 1`"),
        ("TABLE t /*+ OPTIONS('a'='b') */ -- x\n PARTITION BY a", InputKind.TABLE, ("t",), ("a",),
         "SELECT * FROM t /*+ OPTIONS('a'='b') */"),
        ("(SELECT a, ts FROM t) PARTITION BY a", InputKind.QUERY, (), ("a",), "SELECT a, ts FROM t"),
        ("( SELECT 1, (2) -- x\n )", InputKind.QUERY, (), (), "SELECT 1, (2)"),
        ("TABLE(SELECT a, ts FROM t) PARTITION BY a", InputKind.QUERY, (), ("a",), "SELECT a, ts FROM t"),
        ("(WITH q AS (SELECT 1) SELECT * FROM q)", InputKind.QUERY, (), (), "WITH q AS (SELECT 1) SELECT * FROM q"),
    ],
)  # fmt: skip
def test_input(written: str, kind: InputKind, path: tuple[str, ...], keys: tuple[str, ...], query: str) -> None:
    for call in (
        only(f"input => {written}, on_time => DESCRIPTOR(ts), trees => 7"),
        only(f"on_time => DESCRIPTOR(ts), trees => 7, input => {written}"),
        only(f"{written}, DESCRIPTOR(ts), DEFAULT, 7"),
    ):
        assert (call.input.kind, call.input.path, call.partition_by) == (kind, path, keys)
        assert call.input.query({}).text == query
        assert (call.on_time, call.columns, call.arguments["trees"]) == ("ts", None, 7)


@pytest.mark.parametrize(
    "inner",
    [
        f"{RCF}(input => TABLE t, on_time => DESCRIPTOR(ts), trees => 5)",
        f"TABLE({RCF}(input => TABLE t, on_time => DESCRIPTOR(ts), trees => 5))",
        f"({RCF}(input => TABLE t, on_time => DESCRIPTOR(ts), trees => 5))",
    ],
)
def test_call_as_input_of_another(inner: str) -> None:
    text = f"INSERT INTO o SELECT * FROM {RCF}(input => {inner} PARTITION BY k, on_time => DESCRIPTOR(ts))"
    first, second = calls(text)
    assert (first.name, first.arguments["trees"], first.partition_by) == ("o_2", 5, ())
    assert (second.name, second.arguments["trees"], second.partition_by) == ("o", 100, ("k",))
    assert second.input.kind is InputKind.CALL
    assert expand(text) == (["SELECT * FROM t", "SELECT * FROM <o_2>"], "INSERT INTO o SELECT * FROM <o>")


def test_three_calls_inside_each_other_and_a_query() -> None:
    inner = f"{RCF}({ARGUMENTS}, uid => 'first')"
    middle = f"{RCF}(input => (SELECT * FROM a JOIN {inner} AS x ON TRUE) PARTITION BY k, on_time => DESCRIPTOR(ts))"
    inputs, text = expand(f"INSERT INTO o SELECT * FROM {RCF}(input => {middle}, on_time => DESCRIPTOR(ts))")
    assert inputs == ["SELECT * FROM t", "SELECT * FROM a JOIN <first> AS x ON TRUE", "SELECT * FROM <o_2>"]
    assert text == "INSERT INTO o SELECT * FROM <o>"


def test_arguments_are_checked_values_with_defaults() -> None:
    call = only(
        "seed=>3, BATCH => INTERVAL '0.2' SECOND, idle => INTERVAL '2' DAYS, on_time => DESCRIPTOR(`my ts`), "
        "columns => DESCRIPTOR(a, `b c`), input => TABLE t PARTITION BY k, on_null => 'impute', time_decay => DEFAULT"
    )
    assert dict(call.arguments) == {
        "on_time": ("my ts",),
        "columns": ("a", "b c"),
        "trees": 100,
        "sample_size": 256,
        "time_decay": 100_000,
        "shingle_size": 1,
        "batch": 200,
        "idle": 172_800_000,
        "seed": 3,
        "on_null": "impute",
        "buckets": 16,
        "uid": None,
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f"CREATE VIEW v AS SELECT * FROM {RCF}({ARGUMENTS}); INSERT INTO a.o SELECT * FROM {RCF}({ARGUMENTS})",
         ["v", "o"]),
        (f"INSERT INTO `my-table 1` SELECT * FROM {RCF}({ARGUMENTS})", ["my-table_1"]),
        (f"INSERT INTO `1st` SELECT * FROM {RCF}({ARGUMENTS})", ["_1st"]),
        (f"INSERT INTO o SELECT * FROM {RCF}({ARGUMENTS}, uid => 'x'), {RCF}({ARGUMENTS})", ["x", "o_2"]),
    ],
)  # fmt: skip
def test_names_come_from_the_statement_or_uid(text: str, names: list[str]) -> None:
    assert [call.name for call in calls(text)] == names


def test_names_are_unique_across_views_and_ordinals() -> None:
    text = (
        f"CREATE VIEW o_2 AS SELECT * FROM {RCF}({ARGUMENTS});\n"
        f"INSERT INTO o SELECT * FROM {RCF}({ARGUMENTS}),\n{RCF}({ARGUMENTS})"
    )
    with pytest.raises(SqlError) as caught:
        calls(text)
    assert str(caught.value).startswith(f"p.sql:3:1: {RCF}: two calls are named o_2, the other at 1:34")


def test_places_lead_back_to_the_file() -> None:
    call = only(
        "input => TABLE t PARTITION BY k,\n on_time => DESCRIPTOR(ts),\n columns => DESCRIPTOR(a, b), trees => 3"
    )
    assert call.position == (1, 29)
    assert call.statement.located.position(call.words["columns"][1].start) == (3, 27)
    assert call.statement.located.position(call.places["trees"]) == (3, 40)
    assert call.statement.located.position(call.input.partition_by[0].start) == (1, 77)
    query = call.input.query({})
    assert query.position(query.text.index("t", 9)) == (1, 62)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)",
        "SELECT * FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE))",
        "SELECT * FROM t CROSS JOIN UNNEST(xs) WITH ORDINALITY AS u (x, i)",
        "SELECT * FROM TO_CHANGELOG(input => TABLE t)",
        "SELECT * FROM my_function(t)",
        "SELECT * FROM t, LATERAL TABLE(MY_FUNCTION(x)) AS u (y)",
        "SELECT * FROM c.d.random_cut_forrest(TABLE t)",
        "SELECT random_cut_forrest(x) FROM t",
        "SELECT * FROM (VALUES (1, 'a')) AS random_cut_forrest (x, y)",
        "SELECT * FROM t AS s (a, b)",
        "SELECT * FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a))",
    ],
)
def test_other_functions_are_left_alone(query: str) -> None:
    assert calls(f"CREATE FUNCTION my_function AS 'a.b' LANGUAGE PYTHON; INSERT INTO o {query}") == []


def test_functions_of_other_catalogs_are_left_alone_but_near_names_are_not() -> None:
    for opener in ("CREATE CATALOG c WITH ('type' = 'x')", "USE CATALOG c", "LOAD MODULE hive"):
        assert calls(f"{opener}; INSERT INTO o SELECT * FROM PARSE_URLS(TABLE t)") == []
        with pytest.raises(SqlError, match="did you mean RANDOM_CUT_FOREST"):
            calls(f"{opener}; INSERT INTO o SELECT * FROM RANDOM_CUT_FORST(TABLE t)")
