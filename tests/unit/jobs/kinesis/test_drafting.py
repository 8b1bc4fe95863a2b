"""Drafting sources.toml: on every application of the cases, and form by form."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from jobs.cli import execute
from jobs.kinesis.application import compile_text
from jobs.kinesis.drafting import draft
from jobs.kinesis.outside import Kafka
from jobs.kinesis.source_tables import Sources
from jobs.kinesis.sources import parse_sources, read_sources
from jobs.kinesis.sources_text import sources_text
from jobs.settings import PROJECT_ROOT
from jobs.sql.located import File, LocatedText
from jobs.sql.source import fill

CASES = PROJECT_ROOT / "tests" / "sql" / "kinesis"
APPLICATIONS = sorted(CASES.glob("*.sql"))


def located(text: str, name: str = "app.sql") -> LocatedText:
    return fill(File(name, text), {})


def written_and_read(found: Sources, folder: Path = Path()) -> Sources:
    again = parse_sources(sources_text(found), folder=folder)
    assert again == found
    return again


@pytest.mark.parametrize("file", APPLICATIONS, ids=lambda file: file.stem)
def test_what_a_person_wrote_is_drafted(file: Path, tmp_path: Path) -> None:
    """The streams and tables of the hand-written file, no column it has not, and an application that compiles."""
    by_hand = file.with_suffix(".toml")
    expected = read_sources(by_hand if by_hand.exists() else CASES / "default.toml")
    text = located(file.read_text(encoding="utf-8"), file.name)
    found = written_and_read(draft(text), tmp_path)
    assert set(found.sources) <= set(expected.sources) and found.sources
    assert set(found.references) <= set(expected.references)
    for name, source in found.sources.items():
        assert {c.name for c in source.columns} <= {"COL_0", *(c.name for c in expected.sources[name].columns)}
    for name, reference in found.references.items():
        assert {c.name for c in reference.columns} <= {c.name for c in expected.references[name].columns}
        shutil.copy(expected.path_of(expected.references[name]), tmp_path / reference.file)
    compile_text(text, found, file.stem, Kafka(file.stem, tmp_path))


def columns(text: str, stream: str = "S") -> dict[str, str]:
    found = draft(located(text)).sources[stream]
    return {column.name: str(column.type) for column in found.columns}


def pump(select: str, target: str = "OUT (a VARCHAR(8), b DOUBLE, c TIMESTAMP)") -> str:
    return f"CREATE STREAM {target};\nCREATE PUMP p AS INSERT INTO OUT {select};"


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ('SELECT STREAM "x", Y, z FROM s', {"x": "VARCHAR(8)", "Y": "DOUBLE", "Z": "TIMESTAMP"}),
        ("SELECT STREAM * FROM s", {"A": "VARCHAR(8)", "B": "DOUBLE", "C": "TIMESTAMP"}),
        ("SELECT STREAM x.v FROM s AS x", {"V": "VARCHAR(8)"}),
        ("SELECT STREAM ROWTIME, approximate_arrival_time, v FROM s", {"V": "TIMESTAMP"}),
        ("SELECT STREAM q.n FROM (SELECT STREAM v AS n FROM s) AS q", {"V": "VARCHAR(8)"}),
        ("SELECT STREAM n FROM (SELECT STREAM v FROM s) AS q(n)", {"V": "VARCHAR(8)"}),
        ("SELECT STREAM v FROM (SELECT STREAM * FROM s) AS q", {"V": "VARCHAR(8)"}),
        ("SELECT STREAM v FROM s UNION ALL SELECT STREAM w FROM s", {"V": "VARCHAR(8)", "W": "VARCHAR(8)"}),
        (
            "SELECT STREAM 'x' FROM s WHERE n = 200 AND x > 3 AND t LIKE 'a%'",
            {"N": "INTEGER", "X": "DOUBLE", "T": "VARCHAR(64)"},
        ),
        ("SELECT STREAM 'x' FROM s WHERE c IN ('a', 'b') AND f BETWEEN 1.5 AND 2", {"C": "VARCHAR(16)", "F": "DOUBLE"}),
        ("SELECT STREAM 'x' FROM s WHERE t > TIMESTAMP '2009-09-16 03:15:24'", {"T": "TIMESTAMP"}),
        ("SELECT STREAM COUNT(*) FROM s GROUP BY k, FLOOR(t TO MINUTE)", {"K": "VARCHAR(64)", "T": "TIMESTAMP"}),
        ("SELECT STREAM 'x', AVG(v) FROM s GROUP BY STEP(s.ROWTIME BY INTERVAL '10' SECOND)", {"V": "DOUBLE"}),
        ("SELECT STREAM UPPER(u) FROM s", {"U": "VARCHAR(64)"}),
        ("SELECT STREAM 'x', 1, TO_TIMESTAMP(t) FROM s", {"T": "BIGINT"}),
        (
            "SELECT STREAM 'x' FROM s WHERE t < CURRENT_TIMESTAMP - INTERVAL '5' MINUTE "
            "AND (u - v) SECOND > INTERVAL '1' DAY",
            {"T": "TIMESTAMP", "U": "TIMESTAMP", "V": "TIMESTAMP"},
        ),
        ("SELECT STREAM 'x' FROM s WHERE v = w AND v > 3", {"V": "DOUBLE", "W": "DOUBLE"}),
        ("SELECT STREAM CAST(u AS VARCHAR(8)) FROM s", {"U": "VARCHAR(64)"}),
        ("SELECT STREAM r.COLUMN1 FROM (SELECT STREAM SYS_LOG_PARSE(l) AS r FROM s) AS q", {"L": "VARCHAR(1024)"}),
        (
            "SELECT STREAM 'x', anomaly_score FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM v, w / 100 FROM s)))",
            {"V": "DOUBLE", "W": "DOUBLE"},
        ),
        (
            "SELECT STREAM name, x FROM TABLE(HOTSPOTS(CURSOR(SELECT STREAM name, x, y FROM s), 100, 0.5, 2))",
            {"NAME": "VARCHAR(8)", "X": "DOUBLE", "Y": "DOUBLE"},
        ),
        (
            "SELECT STREAM v, anomaly_score FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM * FROM s)))",
            {"V": "VARCHAR(8)"},
        ),
        (
            "SELECT STREAM * FROM TABLE(TOP_K_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM s), 'v', 3, 60))",
            {"V": "VARCHAR(64)"},
        ),
    ],
)
def test_columns_and_types_come_from_where_they_go(select: str, expected: dict[str, str]) -> None:
    assert columns(pump(select)) == expected


def test_a_table_joined_without_a_window_is_a_reference() -> None:
    found = draft(
        located(pump('SELECT STREAM s.v, "c"."Company" FROM s LEFT JOIN "CompanyName" AS "c" ON s.v = "c"."Ticker"'))
    )
    assert list(found.sources) == ["S"]
    reference = found.references["CompanyName"]
    assert (reference.file, reference.format) == ("company-name.csv", "csv")
    assert {column.name: column.path for column in reference.columns} == {"Company": None, "Ticker": None}
    assert {column.name: str(column.type) for column in reference.columns} == {
        "Company": "DOUBLE",
        "Ticker": "VARCHAR(8)",
    }
    joined = "SELECT STREAM s.v FROM s JOIN t OVER (RANGE INTERVAL '1' MINUTE PRECEDING) AS w ON s.v = w.v"
    assert list(draft(located(pump(joined))).sources) == ["S", "T"]


def test_columns_that_are_compared_have_one_type() -> None:
    select = "SELECT STREAM 'x', s.id FROM s JOIN t OVER (RANGE INTERVAL '1' MINUTE PRECEDING) AS o ON o.other = s.id"
    found = draft(located(pump(select, "OUT (a VARCHAR(8), b BIGINT)")))
    assert [str(source.columns[0].type) for source in found.sources.values()] == ["BIGINT", "BIGINT"]
    assert found.sources["T"].columns[0].guess == "compared with S.ID"


def test_what_the_application_creates_is_not_outside_and_ends_are_destinations() -> None:
    text = """
    CREATE STREAM "TEMP" (v INTEGER); CREATE STREAM "OUT" (v INTEGER); CREATE STREAM DESTINATION_2 (v INTEGER);
    CREATE PUMP a AS INSERT INTO "TEMP" SELECT STREAM v FROM s;
    CREATE PUMP b AS INSERT INTO "DESTINATION_2" SELECT STREAM v FROM "TEMP";
    CREATE PUMP c AS INSERT INTO "OUT" SELECT STREAM v FROM DESTINATION_2;
    """
    found = draft(located(text))
    assert list(found.sources) == ["S"]
    assert {name: one.topic for name, one in found.destinations.items()} == {
        "DESTINATION_2": "destination-2",
        "OUT": "out",
    }


def test_every_guess_is_marked_with_its_reason() -> None:
    text = sources_text(draft(located(pump("SELECT STREAM v FROM s WHERE n = 200"))))
    assert 'name = "V", type = "VARCHAR(8)" },  # guess: goes into OUT.A' in text
    assert 'name = "N", type = "INTEGER" },  # guess: compared with 200' in text
    assert 'topic = "s"  # guess: the name of the stream' in text


def test_the_command_prints_or_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    application, out = tmp_path / "app.sql", tmp_path / "sources.toml"
    application.write_text(pump("SELECT STREAM v FROM s"))
    assert execute(["kinesis", "sources", str(application)]) == 0
    shown = capsys.readouterr().out
    assert execute(["kinesis", "sources", str(application), "--out", str(out)]) == 0
    assert "1 sources, 0 references, 1 destinations" in capsys.readouterr().out
    assert out.read_text() == shown and list(read_sources(out).sources) == ["S"]
    assert execute(["kinesis", "sources", str(application), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"] == {"S": {"V": "VARCHAR(8)"}}
    application.write_text("SELEC")
    assert execute(["kinesis", "sources", str(application)]) == 2
    assert "app.sql:1:1: " in capsys.readouterr().err
