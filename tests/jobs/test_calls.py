"""Calls wherever a table may stand give what a forest gives, and time goes on behind them."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import talib
from river.drift import PageHinkley
from sklearn.cluster import DBSCAN
from sklearn.metrics import accuracy_score, roc_auc_score

from jobs.sql.statements import Script
from models.anomaly_detector import AnomalyDetector
from models.random_cut_forest import RandomCutForest
from tests.jobs.conftest import rows_in, write_rows

START = datetime(2039, 12, 31, 23, 59, 40, tzinfo=UTC)  # over the new year, and beyond what an INT of seconds holds
FOREST = {"trees": 5, "sample_size": 10, "time_decay": 100_000, "seed": 2}
ARGUMENTS = "trees => 5, sample_size => 10, seed => 2"
STEP_MS = 97
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PIPELINE = """
CREATE TABLE t (
    id BIGINT, k STRING, k2 INT, v DOUBLE, w BIGINT, at_text STRING,
    ts AS TO_TIMESTAMP_LTZ(at_text, 'yyyy-MM-dd HH:mm:ss.SSS', 'UTC'),
    WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{rows}', 'format' = 'json');

CREATE TABLE u (
    id BIGINT, k STRING, v DOUBLE, at_text STRING,
    ts AS TO_TIMESTAMP(at_text, 'yyyy-MM-dd HH:mm:ss.SSS'),
    WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{rows}', 'format' = 'json');

CREATE VIEW labels AS SELECT * FROM (VALUES ('a', 'first'), ('b', 'second')) AS l(k, label);

-- no key: one model for all
CREATE VIEW scored AS SELECT * FROM RANDOM_CUT_FOREST(
    input => TABLE t, on_time => DESCRIPTOR(ts), columns => DESCRIPTOR(v, w), {arguments});

-- time as TIMESTAMP(3), another pack interval
CREATE VIEW scored_plain AS SELECT * FROM RANDOM_CUT_FOREST(
    input => TABLE u PARTITION BY k, on_time => DESCRIPTOR(ts), columns => DESCRIPTOR(v),
    {arguments}, batch => INTERVAL '0.25' SECOND);

-- another function, one model a key
CREATE VIEW judged AS SELECT * FROM DETECT_ANOMALIES(
    input => TABLE t PARTITION BY k, on_time => DESCRIPTOR(ts), columns => DESCRIPTOR(v),
    sensitivity => 0.9, seed => 2);

CREATE TABLE verdicts (id BIGINT, score DOUBLE, grade DOUBLE, verdict BOOLEAN, expected DOUBLE, explanation STRING)
WITH ({sink}verdicts');
CREATE TABLE one_model (id BIGINT, score DOUBLE, at_text STRING) WITH ({sink}one_model');
CREATE TABLE nested (id BIGINT, score DOUBLE) WITH ({sink}nested');
CREATE TABLE joined (id BIGINT, score DOUBLE, label STRING) WITH ({sink}joined');
CREATE TABLE windows (k STRING, start_text STRING, n BIGINT, highest DOUBLE) WITH ({sink}windows');
CREATE TABLE plain (id BIGINT, score DOUBLE, at_text STRING) WITH ({sink}plain');
CREATE TABLE plain_windows (start_text STRING, n BIGINT) WITH ({sink}plain_windows');

INSERT INTO one_model SELECT id, anomaly_score, CAST(ts AS STRING) FROM scored;

-- a call over another's view, straight into a sink
INSERT INTO nested SELECT id, anomaly_score FROM RANDOM_CUT_FOREST(
    input => (SELECT id, ts, k, v, anomaly_score AS before FROM scored) PARTITION BY k,
    on_time => DESCRIPTOR(ts), columns => DESCRIPTOR(v, before), {arguments}, on_null => 'skip', uid => 'over-scored');

-- a call in a subquery in a join, two key columns, one of them with NULLs
INSERT INTO joined SELECT c.id, c.score, d.label
FROM (SELECT id, k, anomaly_score AS score FROM RANDOM_CUT_FOREST(
        input => TABLE t PARTITION BY k, k2, on_time => DESCRIPTOR(ts), columns => DESCRIPTOR(v), {arguments},
        uid => 'two-keys')) AS c
JOIN labels AS d ON c.k = d.k;

INSERT INTO verdicts SELECT id, anomaly_score, anomaly_grade, is_anomaly, expected_value, anomaly_explanation
FROM judged;

INSERT INTO windows SELECT k, CAST(window_start AS STRING), COUNT(*), MAX(anomaly_score)
FROM TABLE(TUMBLE(TABLE scored, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY k, window_start, window_end;

CREATE TABLE crowded (id BIGINT, found STRING) WITH ({sink}crowded');
INSERT INTO crowded SELECT id, hotspots_result FROM HOTSPOTS(
    input => (SELECT id, ts, k, v FROM t) PARTITION BY k, on_time => DESCRIPTOR(ts), columns => DESCRIPTOR(v),
    window_size => 30, scan_radius => 0.2, minimum_points => 4, uid => 'crowded');

-- columns named one by one, a BOOLEAN among them, and a call within a call that takes its NULLs
CREATE TABLE measured (id BIGINT, n BIGINT, accuracy DOUBLE, auc DOUBLE, prior DOUBLE, drift BOOLEAN, statistic DOUBLE)
WITH ({sink}measured');
INSERT INTO measured SELECT id, n, accuracy, roc_auc, baseline_prior, drift, drift_statistic FROM DRIFT(
    input => PREQUENTIAL_METRICS(
        input => (SELECT id, ts, k, v > 10.0 AS label, w / 100.0e0 AS p FROM t) PARTITION BY k,
        on_time => DESCRIPTOR(ts), probability => DESCRIPTOR(p), window => 40, uid => 'metrics') PARTITION BY k,
    on_time => DESCRIPTOR(ts), value => DESCRIPTOR(accuracy), method => 'page_hinkley', threshold => 0.5,
    uid => 'drift');

-- rows as closed bars, v the price and w the volume
CREATE TABLE charted (id BIGINT, rsi DOUBLE, macd DOUBLE, signal DOUBLE, histogram DOUBLE, momentum DOUBLE,
                      volume_ratio DOUBLE, place DOUBLE)
WITH ({sink}charted');
INSERT INTO charted
SELECT id, rsi, macd, macd_signal, macd_histogram, momentum, volume_ratio, bollinger_position FROM INDICATORS(
    input => (SELECT id, ts, k, v, w FROM t) PARTITION BY k, on_time => DESCRIPTOR(ts), price => DESCRIPTOR(v),
    volume => DESCRIPTOR(w), periods => '{{"macd": [5, 12, 4], "momentum": 3}}', uid => 'charted');

-- rows as quotes of two venues, a bid around 10 and an ask one above
CREATE TABLE apart (id BIGINT, event STRING, buy BIGINT, sell BIGINT, edge DOUBLE, amount DOUBLE, episode BIGINT,
                    lasted BIGINT)
WITH ({sink}apart');
INSERT INTO apart
SELECT id, arbitrage_event, buy_venue, sell_venue, edge, size, episode, episode_ms FROM ARBITRAGE(
    input => (SELECT id, ts, k, MOD(w, 2) AS number, v AS bid, v + 1.0e0 AS ask, 1.0e0 AS amount FROM t) PARTITION BY k,
    on_time => DESCRIPTOR(ts), venue => DESCRIPTOR(number), bid => DESCRIPTOR(bid), bid_size => DESCRIPTOR(amount),
    ask => DESCRIPTOR(ask), ask_size => DESCRIPTOR(amount), fees => '[0.001, 0.002]', threshold => 0.05,
    max_age => INTERVAL '5' SECOND, max_skew => INTERVAL '2' SECOND, uid => 'apart');

INSERT INTO plain SELECT id, anomaly_score, CAST(ts AS STRING) FROM scored_plain;

INSERT INTO plain_windows SELECT CAST(window_start AS STRING), COUNT(*)
FROM TABLE(TUMBLE(TABLE scored_plain, DESCRIPTOR(ts), INTERVAL '2' SECOND)) GROUP BY window_start, window_end;
"""


def _rows() -> list[dict[str, Any]]:
    """Rows with NULLs, out of order by less than the watermarks' delay, no two at one time."""
    dice = random.Random(5)
    rows = [
        {
            "id": i,
            "k": dice.choice("ab"),
            "k2": dice.choice([None, 1, 2]),
            "v": None if dice.random() < 0.05 else dice.gauss(10, 2),
            "w": dice.randrange(100),
            "at_text": _text(START + timedelta(milliseconds=STEP_MS * i)),
        }
        for i in range(400)
    ]
    return sorted(rows, key=lambda row: row["id"] + dice.uniform(0, 15))


def _moment_ms(text: str) -> int:
    return (datetime.strptime(text + "+0000", "%Y-%m-%d %H:%M:%S.%f%z") - EPOCH) // timedelta(milliseconds=1)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def _scores(
    rows: Iterable[dict[str, Any]], key: Callable[[dict[str, Any]], Any], columns: tuple[str, ...]
) -> dict[int, float | None]:
    """The oracle: by id the score, of a forest a key over the rows in order of time; none where a value is NULL."""
    forests: dict[Any, RandomCutForest] = {}
    scores: dict[int, float | None] = {}
    for row in sorted(rows, key=lambda row: row["at_text"]):
        values = [row[column] for column in columns]
        if None in values:
            scores[row["id"]] = None
            continue
        forest = forests.setdefault(key(row), RandomCutForest(dimensions=len(columns), **FOREST))
        scores[row["id"]] = float(forest.process([values])[0])
    return scores


def _verdicts(rows: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The oracle of DETECT_ANOMALIES: by id what a detector a key says; nothing where the value is NULL."""
    empty = dict.fromkeys(("score", "grade", "verdict", "expected", "explanation"))
    found: dict[int, dict[str, Any]] = {row["id"]: dict(empty) for row in rows}
    for key in {row["k"] for row in rows}:
        own = sorted((row["at_text"], row) for row in rows if row["k"] == key and row["v"] is not None)
        times = [_moment_ms(text) for text, _ in own]
        values = np.array([row["v"] for _, row in own])
        result = AnomalyDetector(seed=2, sensitivity=0.9).process(np.array(times), values)
        for place, (_, row) in enumerate(own):
            explanation = None
            if result["grade"][place] > 0:
                explanation = json.dumps(
                    {
                        "COLUMN": "v",
                        "DIRECTION": "HIGH" if row["v"] > result["expected"][place] else "LOW",
                        "VALUE": row["v"],
                        "EXPECTED": float(result["expected"][place]),
                        "DEVIATION": round(float(result["deviation"][place]), 2),
                        "UNUSUAL": "FOR THE TIME" if result["by_time"][place] else "VALUE",
                    },
                    separators=(",", ":"),
                )
            found[row["id"]] = {
                "score": float(result["score"][place]),
                "grade": float(result["grade"][place]),
                "verdict": bool(result["is_anomaly"][place]),
                "expected": float(result["expected"][place]),
                "explanation": explanation,
            }
    return found


def _crowded(rows: Iterable[dict[str, Any]]) -> dict[int, list[tuple[float, float]] | None]:
    """By id the boxes that scikit-learn finds in the last 30 values of the row's key; none where the value is NULL."""
    windows: dict[Any, list[float]] = defaultdict(list)
    boxes: dict[int, list[tuple[float, float]] | None] = {}
    for row in sorted(rows, key=lambda row: row["at_text"]):
        boxes[row["id"]] = None
        if row["v"] is None:
            continue
        window = windows[row["k"]] = [*windows[row["k"]], row["v"]][-30:]
        values = np.array(window)
        labels = DBSCAN(eps=0.2, min_samples=4).fit(values.reshape(-1, 1)).labels_
        found = [values[labels == label] for label in range(labels.max() + 1)]
        boxes[row["id"]] = sorted((float(each.min()), float(each.max())) for each in found)
    return boxes


def _measured(rows: Iterable[dict[str, Any]]) -> dict[int, tuple[Any, ...]]:
    """By id what scikit-learn says of the last 40 outcomes of the row's key, and river of those accuracies."""
    outcomes: dict[Any, list[tuple[bool, float]]] = defaultdict(list)
    watches: dict[Any, PageHinkley] = defaultdict(lambda: PageHinkley(threshold=0.5))
    found: dict[int, tuple[Any, ...]] = {}
    for row in sorted(rows, key=lambda row: row["at_text"]):
        if row["v"] is None:
            found[row["id"]] = (None,) * 6
            continue
        known, watch = outcomes[row["k"]], watches[row["k"]]
        prior = [2 * sum(label for label, _ in known[:i]) >= i for i in range(len(known) + 1)]
        known.append((row["v"] > 10, row["w"] / 100))
        labels, given = (np.array(column)[-40:] for column in zip(*known, strict=True))
        accuracy = accuracy_score(labels, given >= 0.5)
        auc = roc_auc_score(labels, given) if len(set(labels)) == 2 else None
        watch.update(accuracy)
        tests = watch._sum_increase - watch._min_increase, watch._max_decrease - watch._sum_decrease
        statistic = max(tests) if watch._x_mean.n >= 30 else 0.0
        baseline = accuracy_score(labels, np.array(prior)[-40:])
        found[row["id"]] = (len(labels), accuracy, auc, baseline, watch.drift_detected, statistic)
    return found


def _charted(rows: Iterable[dict[str, Any]]) -> dict[int, tuple[float | None, ...]]:
    """By id what TA-Lib says over all bars of the row's key; nothing where the price is NULL, which is no bar."""
    found: dict[int, tuple[float | None, ...]] = {row["id"]: (None,) * 7 for row in rows}
    for key in {row["k"] for row in rows}:
        bars = [row for row in sorted(rows, key=lambda row: row["at_text"]) if row["k"] == key and row["v"] is not None]
        prices, volumes = (np.array([bar[name] for bar in bars], np.float64) for name in ("v", "w"))
        upper, _, lower = talib.BBANDS(prices, 20, 2, 2)
        columns = (
            talib.RSI(prices, 14),
            *talib.MACD(prices, 5, 12, 4),
            talib.MOM(prices, 3),
            volumes / talib.SMA(volumes, 20),
            (prices - lower) / (upper - lower),
        )
        for bar, values in zip(bars, np.column_stack(columns).tolist(), strict=True):
            found[bar["id"]] = tuple(None if value != value else value for value in values)
    return found


def _apart(rows: Iterable[dict[str, Any]]) -> dict[int, tuple[Any, ...]]:
    """By id the venue to buy at and the best edge, between the last quotes of two venues, by hand."""
    quotes: dict[tuple[str, int], tuple[int, float]] = {}
    found: dict[int, tuple[Any, ...]] = {}
    for row in sorted(rows, key=lambda row: row["at_text"]):
        found[row["id"]] = (None, None)
        if row["v"] is None:
            continue
        key, at = row["k"], _moment_ms(row["at_text"])
        quotes[key, row["w"] % 2] = (at, row["v"])
        both = [quotes.get((key, venue)) for venue in (0, 1)]
        if both[0] is None or both[1] is None or abs(both[0][0] - both[1][0]) >= 2000:
            continue
        (_, first), (_, second) = both
        edges = {0: second * 0.998 / ((first + 1) * 1.001) - 1, 1: first * 0.999 / ((second + 1) * 1.002) - 1}
        buy = max(edges, key=edges.__getitem__)
        found[row["id"]] = (buy, edges[buy])
    return found


def _boxes(text: str) -> list[tuple[float, float]]:
    """The boxes of a result of one column."""
    return sorted((spot["minValues"][0], spot["maxValues"][0]) for spot in json.loads(text)["hotspots"])


def test_calls_give_what_forests_give_wherever_they_stand(
    tables: Any, script: Callable[..., Script], tmp_path: Path
) -> None:
    from jobs.expand.graph import build

    rows = _rows()
    file = write_rows(tmp_path / "rows.json", rows)
    sink = f"'connector' = 'filesystem', 'format' = 'json', 'path' = '{tmp_path.as_uri()}/"
    text = PIPELINE.format(rows=file.as_uri(), sink=sink, arguments=ARGUMENTS)
    build(tables, script(text), "calls", to="execute").statements.execute().wait()
    sinks = ("one_model", "nested", "joined", "windows", "verdicts", "crowded", "measured", "charted")
    sinks += ("apart", "plain", "plain_windows")
    read: dict[str, list[dict[str, Any]]] = {name: rows_in(tmp_path / name) for name in sinks}

    one_model = _scores(rows, lambda row: None, ("v", "w"))
    assert _by_id(read["one_model"]) == one_model
    assert sum(1 for score in one_model.values() if score) > 300, "hardly past warm-up"
    times = {row["id"]: row["at_text"] for row in rows}
    assert {row["id"]: row["at_text"] for row in read["one_model"]} == times

    with_score = [{**row, "before": one_model[row["id"]]} for row in rows]
    assert _by_id(read["nested"]) == _scores(with_score, lambda row: row["k"], ("v", "before"))

    assert _by_id(read["joined"]) == _scores(rows, lambda row: (row["k"], row["k2"]), ("v",))
    key_of = {row["id"]: row["k"] for row in rows}
    assert all(row["label"] == {"a": "first", "b": "second"}[key_of[row["id"]]] for row in read["joined"])

    highest: dict[tuple[str, str], list[float | None]] = defaultdict(list)
    for row in rows:
        highest[row["k"], _window(row["at_text"], 5)].append(one_model[row["id"]])
    assert {(row["k"], row["start_text"]): (row["n"], row.get("highest")) for row in read["windows"]} == {
        place: (len(scores), max((s for s in scores if s is not None), default=None))
        for place, scores in highest.items()
    }

    expected = _verdicts(rows)
    names = next(iter(expected.values()))
    verdicts = {row["id"]: {name: row.get(name) for name in names} for row in read["verdicts"]}
    assert verdicts == expected
    assert {row["verdict"] for row in verdicts.values()} == {True, False, None}

    assert {row["id"]: row.get("found") and _boxes(row["found"]) for row in read["crowded"]} == _crowded(rows)

    expected_measures = _measured(rows)
    names_of = ("n", "accuracy", "auc", "prior", "drift", "statistic")
    assert len(read["measured"]) == len(expected_measures)
    for row in read["measured"]:
        assert tuple(map(row.get, names_of)) == pytest.approx(expected_measures[row["id"]], abs=1e-9), row
    assert {row.get("drift") for row in read["measured"]} == {True, False, None}

    charts = ("rsi", "macd", "signal", "histogram", "momentum", "volume_ratio", "place")
    expected_charts = _charted(rows)
    assert len(read["charted"]) == len(rows)
    for row in read["charted"]:
        assert tuple(map(row.get, charts)) == pytest.approx(expected_charts[row["id"]], abs=1e-9), row

    expected_edges = _apart(rows)
    assert len(read["apart"]) == len(rows)
    for row in read["apart"]:
        buy, edge = expected_edges[row["id"]]
        assert row.get("edge") == (edge if edge is None else pytest.approx(edge)), row
        if row.get("event") != "close":  # which tells of the pair it closes
            assert row.get("buy") == buy, row
        if row.get("event") in ("open", "update"):
            assert edge > 0.05 and row["amount"] == 1.0 and (row["lasted"] == 0) == (row["event"] == "open"), row
    assert {row.get("event") for row in read["apart"]} == {"open", "update", "close", None}

    assert _by_id(read["plain"]) == _scores(rows, lambda row: row["k"], ("v",))
    assert {row["id"]: row["at_text"] for row in read["plain"]} == times
    assert {row["start_text"]: row["n"] for row in read["plain_windows"]} == Counter(
        _window(row["at_text"], 2) for row in rows
    )


def _by_id(rows: list[dict[str, Any]]) -> dict[int, float | None]:
    """Scores by id; each id must be there once."""
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: row.get("score") for row in rows}


def _window(at_text: str, seconds: int) -> str:
    """Flink's text of the start of a row's window."""
    second = int(at_text[17:19]) // seconds * seconds
    return f"{at_text[:17]}{second:02d}.000"
