"""Flink's own messages, as its version 2.3 gave them, told in one line at their place.

`flink_messages.json` holds statements and what Flink said of each, stack frames shortened. The expected places were
read off the statements by eye.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.sql.flink_errors import flink_error, refused_insert
from jobs.sql.located import File, LocatedText, Replacement
from jobs.sql.source import fill
from jobs.sql.statements import Script, split

MESSAGES = json.loads((Path(__file__).parent / "flink_messages.json").read_text(encoding="utf-8"))

# the tables that the statements read, behind the statement itself: its places begin at line 1
TABLES = """;
CREATE TABLE badformat (a INT, x BIGINT) WITH ('connector' = 'filesystem', 'path' = 'somewhere', 'format' = 'jsn');
CREATE TABLE badconnector (a INT) WITH ('connector' = 'nope');
CREATE TABLE noconnector (a INT) WITH ('x' = 'nope');
CREATE TABLE nopath (a INT) WITH ('connector' = 'filesystem');
CREATE TABLE badoption (a INT) WITH ('connector' = 'datagen', 'rows' = '4');
CREATE TABLE badvalue (a INT) WITH ('connector' = 'datagen', 'rows-per-second' = 'four');
INSERT INTO o SELECT 1;
"""

EXPECTED = {
    "unknown column": "3:8: there is no column nope",
    "unknown column of alias": "2:13: q has no column nope",
    "unknown alias": "1:25: no table of the query is called z",
    "parse word": "2:1: unexpected FORM, did you mean FROM?",
    "parse operator": "1:24: unexpected +",
    "reserved word": "1:22: unexpected value: if it is a name write `value`, for it is a word of SQL",
    "reserved word column": "1:17: unexpected value: if it is a name write `value`, for it is a word of SQL",
    "lexical": "1:24: the character # has no meaning here",
    "too early": "1:30: the statement ends too early",
    "unknown table": "1:32: there is no table or view nope, did you mean nopath?",
    "unknown sink": "1:13: there is no table or view nope, did you mean nopath?",
    "unknown sink column": "1:19: the table has no column nope",
    "unknown function": "1:22: there is no function foo(<NUMERIC>)",
    "wrong argument": "1:40: Cannot apply 'LIKE' to arguments of type 'LIKE(<INTEGER>, <INTEGER>)'. "
    "Supported form(s): 'LIKE(<STRING>, <STRING>, <STRING>)'",
    "not grouped": "1:22: a is neither aggregated nor in GROUP BY",
    "sink types": "1:13: incompatible types for sink column 'x' at position 2: "
    "the query gives (a INT, b STRING), s takes (a INT, x DOUBLE)",
    "sink count": "1:13: different number of columns: the query gives (a INT), s takes (a INT, x DOUBLE)",
    "sink updates": "1:13: fs takes new rows only, but the query changes rows it gave before (GroupAggregate): "
    "aggregate over a window (TUMBLE), or write to a table with a PRIMARY KEY",
    "upsert key differs": "1:13: the query changes rows by another key (none) than the PRIMARY KEY (a) of pk: "
    "group by that key, or end with ON CONFLICT DO DEDUPLICATE, DO ERROR or DO NOTHING",
    "duplicate relation": "1:39: two tables are called t: give one AS other_name",
    "cast": "1:22: Cast function cannot convert value of type VARCHAR(2147483647) to type "
    "RecordType:peek_no_expand(INTEGER a)",
    "badconnector": "3:55: table badconnector cannot be read from: there is no connector 'nope'; there are "
    "blackhole, datagen, filesystem, legacy-csv, print, python-arrow-source, python-input-format",
    "noconnector": "4:14: table noconnector cannot be read from: WITH lacks 'connector'",
    "nopath": "5:14: table nopath cannot be read from: WITH lacks 'format', 'path'",
    "badoption": "6:63: table badoption cannot be read from: there is no option 'rows'; there are connector, "
    "fields.a.kind, fields.a.max, fields.a.min, fields.a.null-rate, number-of-rows, rows-per-second, scan.parallelism",
    "badvalue": "7:82: table badvalue cannot be read from: Could not parse value 'four' for key 'rows-per-second'",
    "badformat": "2:109: table badformat cannot be read from: there is no format 'jsn'",
    "duplicate column": "1:27: there are two columns a",
    "watermark unknown": "1:41: The rowtime attribute field 'b' is not defined in the table schema",
    "watermark type": "1:27: the column of a watermark must be TIMESTAMP(3) or TIMESTAMP_LTZ(3), it is INT",
    "unknown type ddl": "1:22: unknown name FOO",
    "missing comma": "1:26: unexpected b: is a comma missing before it?",
    "table twice": "1:14: there is a table or view t already",
    "view column": "3:3: there is no column nope",
    "view twice": "1:23: there is a table or view v already",
    "python function": "1:22: function f cannot be loaded: ModuleNotFoundError: No module named 'a'",
    "alter unknown": "1:13: there is no table or view nope, did you mean nopath?",
    "drop unknown": "1:12: there is no table or view nope, did you mean nopath?",
    "use catalog": "1:13: there is no catalog nope",
    "use database": "1:5: there is no database nope",
    "window without time": "1:37: TUMBLE: the column in DESCRIPTOR must be a time attribute, it is INTEGER",
    "order by": "1:34: ORDER BY must begin with a time attribute, ascending",
    "emoji": "1:33: there is no column nope",
    "tab": "2:12: there is no column nope",
    "where type": "1:40: WHERE clause must be a condition",
    "reading only": "1:29: table pk cannot be read from: "
    "Connector 'blackhole' can only be used as a sink. It cannot be used as a source.",
    "module": "1:1: Could not execute LOAD MODULE `nope`. Unable to create module 'nope': Could not find any factory "
    "for identifier 'nope' that implements 'org.apache.flink.table.factories.ModuleFactory' in the classpath.",
    "distinct from ptf": "1:59: unknown name nope",
}


def script(text: str) -> Script:
    return split(LocatedText.whole(File("p.sql", text)))


def test_every_message_has_an_expectation() -> None:
    assert set(EXPECTED) == set(MESSAGES)


@pytest.mark.parametrize("name", EXPECTED)
def test_message(name: str) -> None:
    found = script(MESSAGES[name]["sql"] + TABLES)
    error = flink_error(found.statements[0], MESSAGES[name]["message"], script=found)
    assert str(error) == f"p.sql:{EXPECTED[name]}"


@pytest.mark.parametrize("name", [name for name in EXPECTED if name not in ("parse word", "module")])
def test_message_without_causes_is_enough_where_it_names_a_place(name: str) -> None:
    """Some callers only have the first line or the outermost message."""
    first = MESSAGES[name]["message"].split("\n\tat ")[0]
    found = script(MESSAGES[name]["sql"] + TABLES)
    error = flink_error(found.statements[0], first, script=found)
    if " line " in first:
        assert f"{error.line}:{error.column}" == EXPECTED[name].split(": ")[0]
    assert "\n" not in str(error) and "org.apache" not in str(error)


def test_place_in_a_rewritten_statement_is_the_place_in_the_file() -> None:
    source = fill(
        File("p.sql", "-- first\nINSERT INTO ${sink}\nSELECT a, nope FROM f(x,\n y) AS s"), {"sink": "scores"}
    )
    statement = split(source).statements[0]
    start, end = statement.text.index("f(x"), statement.text.index(" AS s")
    rewritten = statement.located.replace([Replacement(start, end, "`a much longer name of a view`")])
    line = rewritten.text.split("\n")[1]
    for word, place in (("nope", (3, 11)), ("`a much", (3, 21)), ("AS s", (4, 5))):
        column = line.index(word) + 1
        message = f"From line 2, column {column} to line 2, column {column + 3}: Column 'nope' not found in any table"
        error = flink_error(statement, message, text=rewritten)
        assert (error.line, error.column) == place


def test_place_beyond_the_text_is_its_end() -> None:
    statement = script("INSERT INTO o SELECT 1").statements[0]
    error = flink_error(statement, "At line 7, column 900: something")
    assert (error.line, error.column, error.message) == (1, 23, "something")


def test_names_that_the_user_did_not_write_are_translated() -> None:
    statement = script("INSERT INTO o SELECT x FROM q").statements[0]
    message = "From line 1, column 22 to line 1, column 22: Column 'x' not found in table '_cutbank_q'"
    assert flink_error(statement, message, aliases={"_cutbank_q": "q"}).message == "q has no column x"


def test_unknown_names_suggest_those_of_the_file() -> None:
    found = script("INSERT INTO score SELECT 1;\nCREATE TABLE scores (a INT);")
    message = "Cannot find table '`default_catalog`.`default_database`.`score`' in any of the catalogs [x]"
    error = flink_error(found.statements[0], message, script=found)
    assert str(error) == "p.sql:1:13: there is no table or view score, did you mean scores?"


def test_insert_is_found_when_several_are_planned_together() -> None:
    found = script("INSERT INTO a SELECT 1;\nINSERT INTO fs SELECT 1;\nINSERT INTO `c`.d.pk SELECT 1;")
    for name, table in (("sink updates", "fs"), ("upsert key differs", "pk"), ("order by", "a")):
        assert refused_insert(found, MESSAGES[name]["message"]).name == table


@pytest.mark.parametrize("message", ["", "\n", "java.lang.NullPointerException", "boom", "Caused by: x"])
def test_any_text_gives_one_line(message: str) -> None:
    error = flink_error(script("INSERT INTO o SELECT 1").statements[0], message)
    assert error.exit_code == 2
    assert error.message and "\n" not in error.message
