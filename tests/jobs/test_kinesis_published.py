"""The published demonstrations of Kinesis Data Analytics, through the compiler: what their pages show comes out.

Source: the developer guide's blood pressure, heart rate and hotspots examples and the sine wave of the SQL reference.
The generators are those of the pages; what is compared are the published scores and their places.
"""

from __future__ import annotations

import json
import math
import random
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.kinesis.application import compile_text
from jobs.kinesis.sources import parse_sources
from jobs.sql.located import File, LocatedText
from jobs.sql.source import fill
from jobs.sql.statements import split
from tests.jobs.conftest import rows_in
from tests.jobs.test_kinesis_cases import Files

START_MS = 1_767_261_600_000
OUT = '[destinations."DESTINATION_SQL_STREAM"]\ntopic = "out"\n'


def _source(*columns: str) -> str:
    listed = ", ".join(f'{{ name = "{name}", type = "{kind}" }}' for name, kind in (c.split(" ") for c in columns))
    return f'[sources."SOURCE_SQL_STREAM_001"]\ntopic = "in"\ncolumns = [{listed}]\n{OUT}'


BLOOD = """
CREATE OR REPLACE STREAM "TEMP_STREAM" ("Systolic" INTEGER, "Diastolic" INTEGER, "BloodPressureLevel" varchar(20),
  "ANOMALY_SCORE" DOUBLE, "ANOMALY_EXPLANATION" varchar(512));
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("Systolic" INTEGER, "Diastolic" INTEGER,
  "BloodPressureLevel" varchar(20), "ANOMALY_SCORE" DOUBLE, "ANOMALY_EXPLANATION" varchar(512));
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "TEMP_STREAM"
SELECT STREAM "Systolic", "Diastolic", "BloodPressureLevel", ANOMALY_SCORE, ANOMALY_EXPLANATION
FROM TABLE(RANDOM_CUT_FOREST_WITH_EXPLANATION(CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"),
  100, 256, 100000, 1, true));
CREATE OR REPLACE PUMP "OUTPUT_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM * FROM "TEMP_STREAM" ORDER BY FLOOR("TEMP_STREAM".ROWTIME TO SECOND), ANOMALY_SCORE DESC;
"""

HEART = """
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("heartRate" INTEGER, "rateType" varchar(20), "ANOMALY_SCORE" DOUBLE);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM "heartRate", "rateType", ANOMALY_SCORE
FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001")));
"""

SINE = """
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (n INTEGER, score DOUBLE);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM CAST("n" AS INTEGER), ANOMALY_SCORE FROM TABLE(RANDOM_CUT_FOREST(
  CURSOR(SELECT STREAM "n", "value" FROM "SOURCE_SQL_STREAM_001"), 100, 256, 100000, 4)) WHERE ANOMALY_SCORE > 0;
"""

HOTSPOTS = """
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("x" DOUBLE, "y" DOUBLE, "is_hot" varchar(4),
  HOTSPOTS_RESULT VARCHAR(10000));
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT "x", "y", "is_hot", "HOTSPOTS_RESULT" FROM TABLE(HOTSPOTS(
  CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"), 1000, 0.2, 17));
"""


def _blood(dice: random.Random) -> list[dict[str, Any]]:
    rows = []
    for _ in range(700):
        kind = dice.random()
        if kind < 0.005:
            row = {"Systolic": dice.randint(50, 80), "Diastolic": dice.randint(30, 50), "BloodPressureLevel": "LOW"}
        elif kind > 0.995:
            row = {"Systolic": dice.randint(130, 200), "Diastolic": dice.randint(90, 150), "BloodPressureLevel": "HIGH"}
        else:
            row = {"Systolic": dice.randint(90, 120), "Diastolic": dice.randint(60, 80), "BloodPressureLevel": "NORMAL"}
        rows.append(row)
    return [*rows, {"Systolic": 144, "Diastolic": 123, "BloodPressureLevel": "SHOWN"}]


def _heart(dice: random.Random) -> list[dict[str, Any]]:
    rows = []
    for _ in range(600):
        if dice.random() < 0.01:
            rows.append({"heartRate": dice.randint(150, 200), "rateType": "HIGH"})
        else:
            rows.append({"heartRate": dice.randint(60, 100), "rateType": "NORMAL"})
    return rows


DIP = range(700, 720)


def _sine(dice: random.Random) -> list[dict[str, Any]]:
    """A wave of 50 records with noise, and in it 20 records without the wave."""
    return [
        {"n": f"{i}", "value": (0.0 if i in DIP else 100 * math.sin(2 * math.pi * i / 50)) + dice.gauss(0, 1)}
        for i in range(800)
    ]


def _hot(dice: random.Random) -> list[dict[str, Any]]:
    """A field of ten by ten; a fifth of the points lie in a square of one by one."""
    left, low = 3.25, 6.5
    rows = []
    for _ in range(1000):
        hot = dice.random() < 0.2
        x, y = (left + dice.random(), low + dice.random()) if hot else (10 * dice.random(), 10 * dice.random())
        rows.append({"x": x, "y": y, "is_hot": "Y" if hot else "N"})
    return rows


APPLICATIONS = {
    "blood": (BLOOD, _source("Systolic INTEGER", "Diastolic INTEGER", "BloodPressureLevel VARCHAR(20)"), _blood),
    "heart": (HEART, _source("heartRate INTEGER", "rateType VARCHAR(20)"), _heart),
    "sine": (SINE, _source("n VARCHAR(8)", "value DOUBLE"), _sine),
    "hot": (HOTSPOTS, _source("x DOUBLE", "y DOUBLE", "is_hot VARCHAR(4)"), _hot),
}


@pytest.fixture(scope="module")
def shown(new_tables: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The rows that come out of each demonstration; all of them run as one job."""
    from jobs.expand.graph import build

    folder = tmp_path_factory.mktemp("published")
    texts = []
    for name, (sql, toml, generate) in APPLICATIONS.items():
        (folder / name).mkdir()
        records = [(START_MS + 40 * i, json.dumps(row)) for i, row in enumerate(generate(random.Random(11)))]
        place = Files(folder / name, Path(__file__), {"SOURCE_SQL_STREAM_001": records})
        text = LocatedText.whole(File(f"{name}.sql", sql))
        texts.append(compile_text(text, parse_sources(toml), name, place, prefix=f"{name}__").text)
    script = split(fill(File("published", "\n".join(texts)), {}))
    build(new_tables(), script, "published", to="execute").statements.execute().wait()
    return {name: rows_in(folder / name / "out.out") for name in APPLICATIONS}


def test_blood_pressure(shown: dict[str, list[dict[str, Any]]]) -> None:
    """Published: (144, 123) scores 3.8559, HIGH on both sides, Diastolic stronger; ordinary rows 0.71 to 0.74."""
    rows = shown["blood"]
    assert len(rows) == 701 and sum(row["ANOMALY_SCORE"] == 0 for row in rows) == 256
    (high,) = [row for row in rows if row["BloodPressureLevel"] == "SHOWN"]
    assert 3.3 <= high["ANOMALY_SCORE"] <= 4.5
    fields = json.loads(high["ANOMALY_EXPLANATION"])
    assert list(fields) == ["Systolic", "Diastolic"]
    assert list(fields["Systolic"]) == ["DIRECTION", "STRENGTH", "ATTRIBUTION_SCORE"]
    assert [field["DIRECTION"] for field in fields.values()] == ["HIGH", "HIGH"]
    assert float(fields["Diastolic"]["STRENGTH"]) > float(fields["Systolic"]["STRENGTH"])
    parts = [float(field["ATTRIBUTION_SCORE"]) for field in fields.values()]
    assert sum(parts) == pytest.approx(high["ANOMALY_SCORE"], abs=2e-4)
    usual = [r["ANOMALY_SCORE"] for r in rows if r["BloodPressureLevel"] == "NORMAL" and r["ANOMALY_SCORE"]]
    assert 0.68 <= statistics.median(usual) <= 0.8


def test_heart_rate(shown: dict[str, list[dict[str, Any]]]) -> None:
    """Rates of 150 and more score above all ordinary ones once the warm-up of 256 records is over."""
    scored = [row for row in shown["heart"] if row["ANOMALY_SCORE"] > 0]
    assert len(scored) == 600 - 256
    high = [row["ANOMALY_SCORE"] for row in scored if row["rateType"] == "HIGH"]
    usual = [row["ANOMALY_SCORE"] for row in scored if row["rateType"] == "NORMAL"]
    assert high and min(high) > max(1.5, statistics.quantiles(usual, n=100)[97])


def test_sine_with_a_dip(shown: dict[str, list[dict[str, Any]]]) -> None:
    """The beginning and the end of the dip score high."""
    scores = {row["N"]: row["SCORE"] for row in shown["sine"]}
    edges = [*range(DIP.start, DIP.start + 4), *range(DIP.stop, DIP.stop + 4)]
    before = [score for n, score in scores.items() if n < DIP.start]
    assert all(max(scores[n] for n in edge) > max(before[-200:]) for edge in (edges[:4], edges[4:]))


def test_hotspots(shown: dict[str, list[dict[str, Any]]]) -> None:
    """One row out a row in; the full window has exactly one box of density 40 or more, and it is the square."""
    rows = shown["hot"]
    assert len(rows) == 1000
    spots = json.loads(rows[-1]["HOTSPOTS_RESULT"])["hotspots"]
    (dense,) = [spot for spot in spots if spot["density"] >= 40]
    assert dense["minValues"] == pytest.approx([3.25, 6.5], abs=0.3)
    assert dense["maxValues"] == pytest.approx([4.25, 7.5], abs=0.3)
