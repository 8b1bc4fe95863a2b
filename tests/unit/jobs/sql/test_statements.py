"""Cutting a file into statements."""

from __future__ import annotations

import pytest

from jobs.errors import SqlError
from jobs.sql.lineage import references, source_tables
from jobs.sql.located import File, LocatedText
from jobs.sql.statements import Script, Statement, StatementKind, split

RUN = "INSERT INTO out SELECT 1"


def script(text: str) -> Script:
    return split(LocatedText.whole(File("p.sql", text)))


def only(text: str) -> Statement:
    return script(f"{text};\n{RUN}").statements[0]


@pytest.mark.parametrize(
    ("text", "kind", "path"),
    [
        ("CREATE TABLE t (a INT)", StatementKind.CREATE_TABLE, ("t",)),
        ("create temporary table if not exists a.b.t (a INT)", StatementKind.CREATE_TABLE, ("a", "b", "t")),
        ("CREATE TABLE `my table` (a INT)", StatementKind.CREATE_TABLE, ("my table",)),
        ("CREATE TABLE t LIKE u", StatementKind.CREATE_TABLE, ("t",)),
        ("CREATE OR REPLACE TABLE t (x AS a)", StatementKind.CREATE_TABLE, ("t",)),
        ("CREATE VIEW v AS SELECT 1", StatementKind.CREATE_VIEW, ("v",)),
        ("CREATE TEMPORARY VIEW IF NOT EXISTS v (a) AS SELECT 1", StatementKind.CREATE_VIEW, ("v",)),
        (
            "CREATE TEMPORARY SYSTEM FUNCTION f AS 'a.b' LANGUAGE PYTHON",
            StatementKind.CREATE_FUNCTION,
            ("f",),
        ),
        ("CREATE CATALOG c WITH ('type' = 'jdbc')", StatementKind.CREATE_CATALOG, ("c",)),
        ("CREATE DATABASE d", StatementKind.CREATE_DATABASE, ("d",)),
        ("CREATE MODEL m WITH ('provider' = 'openai')", StatementKind.CREATE_MODEL, ("m",)),
        ("INSERT INTO t SELECT 1", StatementKind.INSERT, ("t",)),
        ("INSERT OVERWRITE a.t SELECT 1", StatementKind.INSERT, ("a", "t")),
        ("ALTER TABLE t SET ('a' = 'b')", StatementKind.ALTER, ("t",)),
        ("DROP TABLE IF EXISTS t", StatementKind.DROP, ("t",)),
        ("DROP VIEW v", StatementKind.DROP, ()),
        ("USE CATALOG c", StatementKind.USE, ()),
        ("LOAD MODULE m", StatementKind.LOAD, ()),
        ("SET 'a' = 'b'", StatementKind.SET, ()),
    ],
)
def test_kind_and_name(text: str, kind: StatementKind, path: tuple[str, ...]) -> None:
    statement = only(text)
    assert statement.kind is kind
    assert statement.text == text
    if kind is not StatementKind.DROP:
        assert statement.path == path


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("SET 'table.exec.source.idle-timeout' = '30 s'", ("table.exec.source.idle-timeout", "30 s")),
        ("SET table.exec.mini-batch.enabled = true", ("table.exec.mini-batch.enabled", "true")),
        ("set 'a' = ''", ("a", "")),
    ],
)
def test_option_of_set(text: str, option: tuple[str, str]) -> None:
    assert only(text).option == option


def test_semicolons_in_texts_names_and_comments_do_not_cut() -> None:
    found = script("INSERT INTO `a;b` SELECT ';' -- ; c\n , 1 /* ; */;;\n -- end ;\n" + RUN + " -- done ;")
    assert [s.text for s in found.statements] == ["INSERT INTO `a;b` SELECT ';' -- ; c\n , 1", RUN]
    assert [tuple(s.position) for s in found.statements] == [(1, 1), (4, 1)]


def test_hints_stay_comments_behind_go() -> None:
    text = "INSERT INTO o SELECT * FROM t /*+ OPTIONS('scan.startup.mode'='earliest-offset') */"
    assert script(text + " -- all of it\n;").statements[0].text == text


@pytest.mark.parametrize(
    "text",
    [
        "EXECUTE STATEMENT SET\nBEGIN\nINSERT INTO a SELECT 1;\nINSERT INTO b SELECT 2;\nEND;",
        "BEGIN STATEMENT SET;\nINSERT INTO a SELECT 1;\nINSERT INTO b SELECT 2;\nEND",
        "INSERT INTO a SELECT 1;\nINSERT INTO b SELECT 2",
    ],
)
def test_statement_sets_are_taken_apart(text: str) -> None:
    assert [s.text for s in script(text).statements] == ["INSERT INTO a SELECT 1", "INSERT INTO b SELECT 2"]


def test_tokens_are_placed_in_the_statement() -> None:
    statement = script("  " + RUN + ";" + "\n INSERT INTO b SELECT 'x' FROM y").statements[1]
    for token in statement.tokens:
        assert statement.text[token.start : token.end].strip("'") == token.value
    assert statement.located.position(statement.text.index("FROM")) == (2, 27)


def test_references_hold_every_table_that_is_read() -> None:
    statement = only(
        "CREATE VIEW v AS WITH c AS (SELECT * FROM c1.d.`my t`) "
        "SELECT a.x, f(b.y) FROM a, (SELECT 1 FROM b) q "
        "JOIN c ON TRUE WHERE EXISTS (SELECT * FROM TUMBLE(TABLE e, DESCRIPTOR(ts), INTERVAL '1' SECOND))"
    )
    found = references(statement)
    assert {"my t", "a", "b", "c", "e"} <= found
    assert not {"v", "f", "TUMBLE", "c1", "d", "DESCRIPTOR"} & found


def test_source_tables_are_found_through_views() -> None:
    found = script(
        "CREATE TABLE t1 (a INT); CREATE TABLE t2 (a INT); CREATE TABLE t3 (a INT);"
        "CREATE VIEW v1 AS SELECT * FROM t1; CREATE VIEW v2 AS SELECT * FROM v1 JOIN cat.db.t3 ON TRUE;"
        "INSERT INTO t2 SELECT * FROM v2"
    )
    assert [s.name for s in source_tables(found, ["v2"])] == ["t1", "t3"]
    assert [s.name for s in source_tables(found, ["t2"])] == ["t2"]
    assert source_tables(found, ["nope"]) == ()


def test_views_that_read_each_other_do_not_loop() -> None:
    found = script("CREATE VIEW a AS SELECT * FROM b; CREATE VIEW b AS SELECT * FROM a;" + RUN)
    assert source_tables(found, ["a"]) == ()


@pytest.mark.parametrize(
    "word",
    [
        "SELECT 1",
        "(SELECT 1)",
        "VALUES (1)",
        "TABLE t",
        "SHOW TABLES",
        "DESCRIBE t",
        "RESET",
        "CALL f()",
        "DELETE FROM t",
        "EXPLAIN SELECT 1",
        "STOP JOB 'x'",
    ],
)
def test_statements_without_a_place_are_refused(word: str) -> None:
    with pytest.raises(SqlError) as caught:
        script(f"{RUN};\n{word}")
    assert (caught.value.line, caught.value.column) == (2, 1)
