"""CREATE TABLE, part by part."""

from __future__ import annotations

import pytest

from jobs.sql.located import File, LocatedText
from jobs.sql.statements import split
from jobs.sql.tables import CreateTable, quoted, quoted_name, read_table

FULL = """CREATE TEMPORARY TABLE IF NOT EXISTS c.d.`t x` (
    id BIGINT NOT NULL COMMENT 'the, id',
    r ROW<a INT NOT NULL, m MAP<STRING, ARRAY<INT>>> NOT NULL, -- a comment, with a comma
    `d,x` DECIMAL(10, 2),
    zoned TIMESTAMP(3) WITH LOCAL TIME ZONE NULL,
    many INT ARRAY NOT NULL,
    part INT NOT NULL METADATA FROM 'partition' VIRTUAL,
    `timestamp` TIMESTAMP_LTZ(3) METADATA COMMENT 'broker''s',
    small AS id < 3 AND id > f(1, 2) COMMENT 'c',
    pt AS PROCTIME(),
    k STRING PRIMARY KEY NOT ENFORCED,
    WATERMARK FOR r.`a` AS ts - INTERVAL '1' SECOND,
    CONSTRAINT pk PRIMARY KEY (id, `k`) NOT ENFORCED
) COMMENT 'it''s' DISTRIBUTED BY HASH(id) INTO 4 BUCKETS PARTITIONED BY (id, k)
WITH ('a' = 'b', 'c'='d;') LIKE base (INCLUDING ALL EXCLUDING OPTIONS)"""


def table(text: str) -> CreateTable:
    return read_table(split(LocatedText.whole(File("p.sql", f"{text};\nINSERT INTO o SELECT 1"))).statements[0])


def written(read: CreateTable, span: object) -> str:
    start, end = span  # type: ignore[misc]
    return read.statement.text[start:end]


def test_columns() -> None:
    read = table(FULL)
    facts = [(c.name, c.sql_type, c.not_null, c.metadata_key, c.virtual, c.expression, c.comment) for c in read.columns]
    assert facts == [
        ("id", "BIGINT", True, None, False, None, "the, id"),
        ("r", "ROW<a INT NOT NULL, m MAP<STRING, ARRAY<INT>>>", True, None, False, None, None),
        ("d,x", "DECIMAL(10, 2)", False, None, False, None, None),
        ("zoned", "TIMESTAMP(3) WITH LOCAL TIME ZONE", False, None, False, None, None),
        ("many", "INT ARRAY", True, None, False, None, None),
        ("part", "INT", True, "partition", True, None, None),
        ("timestamp", "TIMESTAMP_LTZ(3)", False, "timestamp", False, None, "broker's"),
        ("small", "", False, None, False, "id < 3 AND id > f(1, 2)", "c"),
        ("pt", "", False, None, False, "PROCTIME()", None),
        ("k", "STRING", False, None, False, None, None),
    ]
    assert [c.name for c in read.columns if c.is_physical] == ["id", "r", "d,x", "zoned", "many", "k"]
    assert written(read, read.column("part").span) == "part INT NOT NULL METADATA FROM 'partition' VIRTUAL"  # type: ignore[union-attr]
    assert read.column("nope") is None


def test_everything_else() -> None:
    read = table(FULL)
    assert read.watermark is not None and read.like is not None
    assert (read.name, read.statement.path) == ("t x", ("c", "d", "t x"))
    assert (read.watermark.column, read.watermark.expression) == ("r.a", "ts - INTERVAL '1' SECOND")
    assert written(read, read.watermark.expression_span) == "ts - INTERVAL '1' SECOND"
    assert written(read, read.watermark.span) == "WATERMARK FOR r.`a` AS ts - INTERVAL '1' SECOND"
    assert (read.primary_key, read.partitioned_by) == (("id", "k"), ("id", "k"))
    assert (read.comment, read.distributed) == ("it's", "DISTRIBUTED BY HASH(id) INTO 4 BUCKETS")
    assert read.options == {"a": "b", "c": "d;"}
    assert written(read, read.option_spans["c"]) == "'d;'"
    assert written(read, read.options_span) == "'a' = 'b', 'c'='d;'"
    assert written(read, read.columns_span).strip().startswith("id BIGINT")
    assert (read.like.path, read.like.options) == (("base",), "INCLUDING ALL EXCLUDING OPTIONS")
    assert written(read, read.like.span) == "LIKE base (INCLUDING ALL EXCLUDING OPTIONS)"


def test_rewriting_the_watermark_leaves_the_rest() -> None:
    read = table(FULL)
    assert read.watermark is not None
    changed = read.statement.located.replace([read.watermark.expression_span.becomes("g(ts)")])
    assert changed.text == FULL.replace("ts - INTERVAL '1' SECOND", "g(ts)")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE TABLE t (a INT) WITH ('a' = 'b')", "CREATE TABLE t (a INT) WITH ('a' = 'q''', 'n' = 'm')"),
        ("CREATE TABLE t (a INT) WITH ('n' = 'b', 'a' = '')", "CREATE TABLE t (a INT) WITH ('n' = 'm', 'a' = 'q''')"),
        ("CREATE TABLE t (a INT) WITH ()", "CREATE TABLE t (a INT) WITH ('a' = 'q''', 'n' = 'm')"),
        ("CREATE TABLE t LIKE u", "CREATE TABLE t WITH ('a' = 'q''', 'n' = 'm')  LIKE u"),
        ("CREATE TABLE t (a INT) COMMENT 'c'", "CREATE TABLE t (a INT) COMMENT 'c' WITH ('a' = 'q''', 'n' = 'm') "),
    ],
)
def test_options_are_set_and_added(text: str, expected: str) -> None:
    read = table(text)
    assert read.statement.located.replace(read.set_options({"a": "q'", "n": "m"})).text == expected


def test_table_without_columns() -> None:
    read = table("CREATE TABLE t LIKE c.u")
    assert (read.columns, read.columns_span, read.options, read.options_span) == ((), None, {}, None)
    assert read.like is not None and read.like.path == ("c", "u")


def test_names_and_texts_as_sql_writes_them() -> None:
    assert (quoted("it's"), quoted_name("a`b")) == ("'it''s'", "`a``b`")
