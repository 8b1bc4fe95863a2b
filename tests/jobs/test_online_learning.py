"""Learners in SQL: labels from a table of their own, late and disordered, give what one row after the other gives."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from jobs.sql.statements import Script
from models.features import category_codes
from models.learners import learner
from tests.jobs.conftest import rows_in, write_rows
from tests.unit.udfs.label_oracle import Event, Out, SideBySide, expected

START = datetime(2026, 3, 1, tzinfo=UTC)
START_MS = round(START.timestamp() * 1000)
TIMEOUT_MS = 4_000

PIPELINE = """
CREATE TABLE impressions (
    id STRING, campaign STRING, n BIGINT, price DOUBLE, device STRING, mobile BOOLEAN, on_day DATE, at_text STRING,
    ts AS TO_TIMESTAMP_LTZ(at_text, 'yyyy-MM-dd HH:mm:ss.SSS', 'UTC'),
    WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{impressions}', 'format' = 'json');

CREATE TABLE clicks (
    clicked BOOLEAN, value_ DOUBLE, click_of STRING, about STRING, at_text STRING,
    click_ts AS TO_TIMESTAMP_LTZ(at_text, 'yyyy-MM-dd HH:mm:ss.SSS', 'UTC'),
    WATERMARK FOR click_ts AS click_ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{clicks}', 'format' = 'json');

-- a key, columns of other names, categories, timeouts that are negatives
CREATE VIEW predicted AS SELECT * FROM ONLINE_CLASSIFIER(
    labels => TABLE clicks PARTITION BY about, input => TABLE impressions PARTITION BY campaign,
    on_time => DESCRIPTOR(ts, click_ts), id => DESCRIPTOR(id, click_of),
    features => DESCRIPTOR(price, device, mobile), label => DESCRIPTOR(clicked),
    label_timeout => INTERVAL '4' SECOND, negative_after_timeout => TRUE,
    algorithm => 'logistic', learning_rate => 0.5, category_buckets => 64);

-- one model for all, numbers only, no timeout, queries as tables
CREATE VIEW guessed AS SELECT * FROM ONLINE_REGRESSOR(
    input => (SELECT n, id, price, mobile, ts FROM impressions), on_time => DESCRIPTOR(ts),
    labels => (SELECT value_, click_of AS id, click_ts AS ts FROM clicks), id => DESCRIPTOR(id),
    label => DESCRIPTOR(value_), features => DESCRIPTOR(price), learning_rate => 0.05);

-- the label in the same row
CREATE VIEW trained AS SELECT * FROM ONLINE_CLASSIFIER(
    input => (SELECT n, campaign, price, device, mobile, ts FROM impressions) PARTITION BY campaign,
    on_time => DESCRIPTOR(ts), label => DESCRIPTOR(mobile), features => DESCRIPTOR(price, device),
    algorithm => 'passive_aggressive');

-- one model for all again, behind a gate
CREATE VIEW contested AS SELECT * FROM CHAMPION_CHALLENGER(
    input => (SELECT n, id, price, ts FROM impressions), on_time => DESCRIPTOR(ts),
    labels => (SELECT clicked, click_of AS id, click_ts AS ts FROM clicks), id => DESCRIPTOR(id),
    label => DESCRIPTOR(clicked), features => DESCRIPTOR(price), label_timeout => INTERVAL '4' SECOND,
    candidates => '[{{"algorithm": "logistic", "learning_rate": 1e-6}},
                    {{"algorithm": "logistic", "learning_rate": 1}}]',
    minimum_rows => 20, cool_down => 20, comparison_rows => 60, rollback_rows => 30);

CREATE TABLE contests (n BIGINT, at_text STRING, kind STRING, made DOUBLE, label DOUBLE, lag_ms BIGINT, version BIGINT,
    champion BIGINT, other DOUBLE, decision STRING, needed DOUBLE, evidence STRING) WITH ({sink}contests');
CREATE TABLE predictions (campaign STRING, id STRING, n BIGINT, price DOUBLE, device STRING, day_ STRING,
    at_text STRING, kind STRING, made DOUBLE, predicted DOUBLE, label DOUBLE, lag_ms BIGINT, version BIGINT)
WITH ({sink}predictions');
CREATE TABLE guesses (n BIGINT, at_text STRING, kind STRING, made DOUBLE, label DOUBLE, lag_ms BIGINT, version BIGINT)
WITH ({sink}guesses');
CREATE TABLE trainings (n BIGINT, at_text STRING, kind STRING, made DOUBLE, label DOUBLE, lag_ms BIGINT, version BIGINT)
WITH ({sink}trainings');
CREATE TABLE windows (start_text STRING, kind STRING, n BIGINT) WITH ({sink}windows');

INSERT INTO predictions SELECT campaign, id, n, price, device, CAST(on_day AS STRING), CAST(ts AS STRING),
    kind, probability, predicted, label, label_lag_ms, model_version FROM predicted;
INSERT INTO guesses SELECT n, CAST(ts AS STRING), kind, prediction, label, label_lag_ms, model_version FROM guessed;
INSERT INTO trainings SELECT n, CAST(ts AS STRING), kind, probability, label, label_lag_ms, model_version FROM trained;
INSERT INTO contests SELECT n, CAST(ts AS STRING), kind, probability, label, label_lag_ms, model_version, champion,
    CAST(JSON_VALUE(probabilities, '$[1]') AS DOUBLE), decision, CAST(JSON_VALUE(evidence, '$.needed') AS DOUBLE),
    evidence FROM contested;
INSERT INTO windows SELECT CAST(window_start AS STRING), kind, COUNT(*)
FROM TABLE(TUMBLE(TABLE predicted, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end, kind;
"""


def _text(ms: int) -> str:
    moment = START + timedelta(milliseconds=ms - START_MS)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def _streams(n: int = 300) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Impressions of 30 seconds, and clicks about them: early, late, doubled, of nobody, without a value, or none."""
    dice = random.Random(3)
    impressions: list[dict[str, Any]] = []
    clicks: list[dict[str, Any]] = []
    for i in range(n):
        at, campaign, price = START_MS + 100 * i + dice.randrange(50), dice.choice("abc"), round(dice.gauss(3, 1), 3)
        of = f"i{i if dice.random() > 0.05 else dice.randrange(i + 1)}"
        impressions.append(
            {"id": of if dice.random() > 0.02 else None, "campaign": campaign, "n": i, "at_ms": at,
             "price": price if dice.random() > 0.05 else None, "device": dice.choice(["phone", "desk", "tv"]),
             "mobile": dice.random() < 0.5, "on_day": "2026-03-01", "at_text": _text(at)}
        )  # fmt: skip
        for _ in range(dice.choice([0, 1, 1, 1, 2])):
            when = max(at + round(dice.gauss(2_500, 2_000)), START_MS) + 51 + 97 * len(clicks) % 7
            clicks.append(
                {"click_of": of if dice.random() > 0.05 else dice.choice(["nobody", None]), "about": campaign,
                 "clicked": price > 3 if dice.random() > 0.05 else None, "value_": price * 2, "at_ms": when}
            )  # fmt: skip
    # no two labels of one time: without a place in Kafka their order would be that of their values
    for i, row in enumerate(sorted(clicks, key=lambda row: row["at_ms"])):
        row["at_ms"] = row["at_ms"] // 1_000 * 1_000 + i % 1_000
        row["at_text"] = _text(row["at_ms"])
    assert len({row["at_ms"] for row in clicks}) == len(clicks)
    disorder = lambda row: row["at_ms"] + dice.uniform(0, 1_900)  # noqa: E731
    return sorted(impressions, key=disorder), sorted(clicks, key=disorder)


class Learner:
    """One model of a pool, asked row by row: predict, and learn apart from it."""

    def __init__(self, algorithm: str, columns: int, categories: int, **parameters: Any) -> None:
        self.pool = learner(algorithm, columns=columns, categories=categories, **parameters)
        self.slot = np.array([self.pool.open()], np.int32)

    def predict(self, features: tuple[float, ...]) -> float:
        return float(self.pool.predict(self.slot, np.array([0]), np.array([features]))[0])

    def learn(self, time_ms: int, features: tuple[float, ...], label: float) -> None:
        self.pool.learn(self.slot, np.array([time_ms]), np.array([features]), np.array([label]))


def _codes(name: str, value: Any) -> float:
    return float(category_codes(name, [value])[0])


def _got(rows: list[dict[str, Any]], key: str | None = None) -> dict[Any, list[tuple[Any, ...]]]:
    """By key what came out, in an order of its own: a row's time, input, kind."""
    found: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        values = [row.get(name) for name in ("n", "kind", "at_text", "made", "version", "label", "lag_ms")]
        found[row[key] if key else None].append(tuple(values))
    return {key: sorted(rows, key=repr) for key, rows in found.items()}


def _wanted(outs: list[Out], number: dict[int, int]) -> dict[Any, list[tuple[Any, ...]]]:
    found: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
    for out in outs:
        found[out.key].append((number[out.of], out.kind, _text(out.time_ms), *out[4:]))
    return {key: sorted(rows, key=repr) for key, rows in found.items()}


def test_predictions_and_outcomes_are_those_of_one_row_after_the_other(
    tables: Any, script: Callable[..., Script], tmp_path: Path
) -> None:
    from jobs.expand.graph import build

    impressions, clicks = _streams()
    drop = lambda rows: [{k: v for k, v in row.items() if k != "at_ms"} for row in rows]  # noqa: E731
    files = {
        "impressions": write_rows(tmp_path / "impressions.json", drop(impressions)).as_uri(),
        "clicks": write_rows(tmp_path / "clicks.json", drop(clicks)).as_uri(),
    }
    sink = f"'connector' = 'filesystem', 'format' = 'json', 'path' = '{tmp_path.as_uri()}/"
    build(tables, script(PIPELINE.format(sink=sink, **files)), "learning", to="execute").statements.execute().wait()
    read = {name: rows_in(tmp_path / name) for name in ("predictions", "guesses", "trainings", "contests", "windows")}

    skipped = {row["n"] for row in impressions if row["price"] is None}
    number = {i: row["n"] for i, row in enumerate(impressions)}

    def events(key: str | None, features: Callable[[dict[str, Any]], tuple[float, ...]], label: str) -> list[Event]:
        found = [
            Event(row["at_ms"], 0, i, row[key] if key else None, row["id"], features(row))
            for i, row in enumerate(impressions)
            if row["n"] not in skipped
        ]
        return found + [
            Event(row["at_ms"], 1, -1, row["about"] if key else None, row["click_of"], (), _number(row[label]))
            for row in clicks
        ]

    wanted = expected(
        events("campaign", lambda r: (r["price"], _codes("device", r["device"]),
                                      _codes("mobile", str(r["mobile"]).upper())), "clicked"),
        1_000, timeout_ms=TIMEOUT_MS, negative=True,
        model=lambda: Learner("logistic", 1, 2, learning_rate=0.5, buckets=64),
    )  # fmt: skip
    rows = [row for row in read["predictions"] if row["n"] not in skipped]
    assert _got(rows, "campaign") == _wanted(wanted, number)
    kinds = Counter((out.kind, out.label, out.lag_ms is None) for out in wanted)
    assert all(count > 3 for count in kinds.values()) and len(kinds) == 5, kinds
    assert min(out.lag_ms or 0 for out in wanted) < -100, "no label was early"
    without = [row for row in read["predictions"] if row["n"] in skipped]
    assert sorted((row["n"], row["kind"], row.get("made")) for row in without) == [
        (n, "prediction", None) for n in sorted(skipped)
    ]
    by_number = {row["n"]: row for row in impressions}
    for row in read["predictions"]:  # outcomes have the columns of their input
        of = by_number[row["n"]]
        assert [row.get(name) for name in ("id", "price", "device", "day_")] == [
            of["id"], of["price"], of["device"], of["on_day"],
        ]  # fmt: skip
        assert row.get("predicted") == (None if row.get("made") is None else float(row["made"] >= 0.5))

    wanted = expected(
        events(None, lambda r: (r["price"],), "value_"), 1_000, any_number=True,
        model=lambda: Learner("linear_regression", 1, 0, learning_rate=0.05),
    )  # fmt: skip
    assert _got([row for row in read["guesses"] if row["n"] not in skipped]) == _wanted(wanted, number)

    wanted = expected(
        [Event(row["at_ms"], 0, i, row["campaign"], None, (row["price"], _codes("device", row["device"])),
               float(row["mobile"])) for i, row in enumerate(impressions) if row["n"] not in skipped],
        1_000, late=False, model=lambda: Learner("passive_aggressive", 1, 1),
    )  # fmt: skip
    trained = _wanted(wanted, number)
    assert _got([r for r in read["trainings"] if r["n"] not in skipped]) == {
        None: sorted((row for rows in trained.values() for row in rows), key=repr)
    }

    wanted = expected(
        events(None, lambda r: (r["price"],), "clicked"), 1_000, timeout_ms=TIMEOUT_MS,
        model=lambda: SideBySide(
            [{"algorithm": "logistic", "learning_rate": rate} for rate in (1e-6, 1.0)], 1,
            minimum_rows=20, cool_down=20, comparison_rows=60, rollback_rows=30,
        ),
    )  # fmt: skip
    contested = [row for row in read["contests"] if row["n"] not in skipped]
    made = [out._replace(prediction=out.prediction[1 + out.prediction[0]]) for out in wanted if out.kind != "decision"]
    assert _got([row for row in contested if row["kind"] != "decision"]) == _wanted(made, number)
    assert sorted((row["n"], row["kind"], row["champion"], row["other"]) for row in contested if "champion" in row
                  and row["kind"] != "decision") == sorted(
        (number[out.of], out.kind, out.prediction[0], out.prediction[2]) for out in wanted if out.kind != "decision"
    )  # fmt: skip
    decided = [row for row in contested if row["kind"] == "decision"]
    assert sorted((row["at_text"], row["champion"], row["needed"], json.loads(row["evidence"])) for row in decided) == [
        (_text(out.time_ms), out.prediction["champion"], out.prediction["needed"], out.prediction)
        for out in wanted
        if out.kind == "decision"
    ]
    assert "promote" in [row["decision"] for row in decided]
    assert all(row.get("made") is None and row.get("version") is None for row in decided)

    # time goes on behind the call, and nothing is late there
    counts = Counter((_window(row["at_text"], 5), row["kind"]) for row in read["predictions"])
    assert {(row["start_text"], row["kind"]): row["n"] for row in read["windows"]} == counts


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _window(at_text: str, seconds: int) -> str:
    second = int(at_text[17:19]) // seconds * seconds
    return f"{at_text[:17]}{second:02d}.000"
