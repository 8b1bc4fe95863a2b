"""What an application becomes, as text: readable, each statement under its original, and errors at their place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs import cli
from jobs.errors import SqlError
from jobs.kinesis.application import compile_file
from jobs.kinesis.planning import located, own_values, saved
from jobs.kinesis.printing import Compiled
from jobs.kinesis.sources import read_sources
from jobs.settings import PROJECT_ROOT, load_settings
from jobs.sql.calls import read_calls
from jobs.sql.located import File
from jobs.sql.source import fill
from jobs.sql.statements import split

FOLDER = PROJECT_ROOT / "sql" / "kinesis"
LOUDNESS = FOLDER / "loudness.sql"


@pytest.fixture(scope="module")
def loudness() -> Compiled:
    return compile_file(LOUDNESS, read_sources(FOLDER / "sources.toml"))


def test_the_pipeline_is_one_that_cutbank_run_reads(loudness: Compiled) -> None:
    script = split(fill(File("loudness.sql", loudness.text), {}))
    calls = [call for found in read_calls(script).values() for call in found]
    (forest,) = calls
    assert forest.function.name == "RANDOM_CUT_FOREST" and forest.name == "STREAM_PUMP_scored"
    chosen = {name: forest.arguments[name] for name in ("trees", "sample_size", "time_decay", "shingle_size", "batch")}
    assert chosen == {"trees": 100, "sample_size": 10, "time_decay": 100, "shingle_size": 1, "batch": 1000}


def test_each_pump_stands_as_a_comment_over_what_it_becomes(loudness: Compiled) -> None:
    lines = loudness.text.split("\n")
    for number, text in enumerate(LOUDNESS.read_text().split("\n"), 1):
        if text.startswith("CREATE OR REPLACE PUMP"):
            at = lines.index(f"-- line {number}:")
            assert lines[at + 1] == f"--   {text}".rstrip()
    after = lines.index("CREATE VIEW `TEMP_STREAM` AS")
    assert lines.index("CREATE VIEW `STREAM_PUMP_scored` AS") < after
    assert "ORDER BY `window_time`, `sort key 1` DESC;" in lines


def test_rowtime_is_given_once_and_passed_on(loudness: Compiled) -> None:
    assert loudness.text.count("  `ROWTIME` AS ") == 1 and "JSON_VALUE(`record`, '$.event_time')" in loudness.text
    assert "WATERMARK FOR `ROWTIME` AS `ROWTIME` - INTERVAL '${delay:-1}' SECOND" in loudness.text


def test_an_error_of_the_planner_is_told_in_the_application(loudness: Compiled) -> None:
    line = loudness.text.split("\n").index("CREATE VIEW `TEMP_STREAM` AS") + 2
    error = located(loudness, SqlError("no such thing", file="x.sql", line=line, column=1))
    assert (error.file, error.line, error.column) == (str(LOUDNESS), 11, 1)
    assert error.message == f"Flink refuses what this becomes (line {line} of the pipeline): no such thing"
    table = loudness.text.split("\n").index("CREATE TABLE `SOURCE_SQL_STREAM_001_records` (") + 1
    assert loudness.origin(table) is None, "a table at the edge comes from sources.toml"


def test_the_pipeline_is_saved_under_the_name_of_the_application(loudness: Compiled, tmp_path: Path) -> None:
    settings = load_settings(environ={"CUTBANK_STATE_DIR": str(tmp_path)})
    file = saved(settings, loudness)
    assert file.name == "loudness.sql" and file.read_text() == loudness.text


def test_placeholders_of_the_pipeline_and_of_the_application_are_told_apart() -> None:
    assert own_values({"delay": "5", "limit": "3", "batch": "1"}) == {"delay": "5", "batch": "1"}


def test_compile_prints_the_pipeline(loudness: Compiled, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["kinesis", "compile", str(LOUDNESS), "--sources", str(FOLDER / "sources.toml")]
    assert cli.execute(command) == 0
    assert capsys.readouterr().out == loudness.text
    assert cli.execute([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "loudness", "text": loudness.text, "warnings": []}


def test_a_reference_file_may_come_later_but_is_there_when_it_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    application = tmp_path / "names.sql"
    application.write_text(
        'CREATE STREAM "OUT" (id INTEGER, name VARCHAR(8));\nCREATE PUMP p AS INSERT INTO "OUT"\n'
        "SELECT STREAM s.id, c.name FROM s JOIN companies AS c ON s.id = c.id;\n/* more to come"
    )
    sources = tmp_path / "sources.toml"
    columns = 'columns = [{ name = "ID", type = "INTEGER" }, { name = "NAME", type = "VARCHAR(8)" }]\n'
    sources.write_text(
        f'[sources.S]\ntopic = "in"\n{columns}[references.COMPANIES]\nfile = "companies.csv"\n{columns}'
        '[destinations."OUT"]\ntopic = "out"\n'
    )
    command = ["kinesis", "compile", str(application), "--sources", str(sources), "--json"]
    assert cli.execute(command) == 0
    comment, missing = json.loads(capsys.readouterr().out)["warnings"]
    assert comment == f"{application}:4:1: this comment is never closed: all behind it is left out"
    assert missing.startswith(f"{application}:3:40: companies.csv, the file of reference table COMPANIES, is not there")
    assert cli.execute(["kinesis", "run", *command[2:5]]) == 2
    assert "references.COMPANIES: there is no file companies.csv" in capsys.readouterr().err
    (tmp_path / "companies.csv").write_text("1,one\n1,other\n")
    assert cli.execute(command) == 2
    assert "has two rows of ID = '1'" in capsys.readouterr().err


def test_more_columns_than_a_forest_takes_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = ", ".join(f'"c{number:02d}"' for number in range(32))
    application = tmp_path / "wide.sql"
    application.write_text(
        f'CREATE STREAM "OUT" ("c31" DOUBLE, score DOUBLE);\nCREATE PUMP p AS INSERT INTO "OUT"\n'
        f'SELECT STREAM "c31", ANOMALY_SCORE FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM {columns} FROM s)));\n'
    )
    listed = ", ".join(f'{{ name = "c{number:02d}", type = "DOUBLE" }}' for number in range(32))
    sources = tmp_path / "sources.toml"
    sources.write_text(f'[sources.S]\ntopic = "in"\ncolumns = [{listed}]\n[destinations."OUT"]\ntopic = "out"\n')
    assert cli.execute(["kinesis", "compile", str(application), "--sources", str(sources), "--json"]) == 0
    told = capsys.readouterr()
    report = json.loads(told.out)
    (warning,) = report["warnings"]
    assert told.err == f"warning: {warning}\n"
    place, _, message = warning.partition(": RANDOM_CUT_FOREST: ")
    assert place == f"{application}:3:47"
    assert message.startswith("of 32 numeric columns the first 30 are scored") and "c30, c31 only pass" in message
    assert f"-- warning, line 3: RANDOM_CUT_FOREST: {message}" in report["text"].split("\n")
    (calls,) = [calls for calls in read_calls(split(fill(File("x", report["text"]), {}))).values() if calls]
    assert calls[0].columns == tuple(f"c{number:02d}" for number in range(30))


def test_compile_without_sources_guesses_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["kinesis", "compile", str(LOUDNESS)]) == 0
    assert "CREATE VIEW `DESTINATION_SQL_STREAM` AS" in capsys.readouterr().out


def test_wrong_use_is_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.sql"
    wrong.write_text("CREATE STREAM s (a INTEGER);\nCREATE PUMP p AS INSERT INTO s SELECT STREAM , FROM t;\n")
    sources = str(FOLDER / "sources.toml")
    assert cli.execute(["kinesis", "compile", str(wrong), "--sources", sources]) == 2
    assert capsys.readouterr().err.startswith(f"cutbank: {wrong}:2:48: expected an expression, got FROM")
    assert cli.execute(["kinesis", "run", str(LOUDNESS), "--sources", sources, "--set", "limit=3"]) == 2
    assert "the file has no placeholder ${limit}" in capsys.readouterr().err


def test_destinations_must_be_streams_of_the_application(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toml = tmp_path / "sources.toml"
    toml.write_text((FOLDER / "sources.toml").read_text().replace('destinations."DESTINATION', 'destinations."OTHER'))
    assert cli.execute(["kinesis", "compile", str(LOUDNESS), "--sources", str(toml)]) == 2
    assert "destinations.OTHER_SQL_STREAM: the application creates no such stream" in capsys.readouterr().err
