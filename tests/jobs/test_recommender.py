"""RANK_ITEMS in SQL: requests and clicks of two tables give what one row after the other gives in plain Python."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.expand.graph import build
from jobs.sql.statements import Script
from models.recommend import make_ranking
from tests.jobs.conftest import rows_in, write_rows

START = datetime(2026, 3, 1, tzinfo=UTC)
START_MS = round(START.timestamp() * 1000)

PIPELINE = """
CREATE TABLE requests (
    request_id STRING, user_id BIGINT, wanted INT, arm INT, at_text STRING,
    ts AS TO_TIMESTAMP_LTZ(at_text, 'yyyy-MM-dd HH:mm:ss.SSS', 'UTC'), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{requests}', 'format' = 'json');
CREATE TABLE clicks (
    user_id BIGINT, item_id BIGINT, at_text STRING,
    ts AS TO_TIMESTAMP_LTZ(at_text, 'yyyy-MM-dd HH:mm:ss.SSS', 'UTC'), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{clicks}', 'format' = 'json');
CREATE VIEW asked_and_clicked AS
SELECT ts, request_id, user_id, CAST(NULL AS BIGINT) AS item_id, wanted, arm FROM requests
UNION ALL
SELECT ts, CAST(NULL AS STRING), user_id, item_id, CAST(NULL AS INT), CAST(NULL AS INT) FROM clicks;
CREATE TABLE answers (request_id STRING, items ARRAY<BIGINT>, first_item BIGINT, ranking STRING, fallback BOOLEAN)
WITH ('connector' = 'filesystem', 'path' = '{answers}', 'format' = 'json');
INSERT INTO answers
SELECT request_id, ranked_items, ranked_items[1], ranked_by, fallback
FROM RANK_ITEMS(
    input => TABLE asked_and_clicked, on_time => DESCRIPTOR(ts), user => DESCRIPTOR(user_id),
    item => DESCRIPTOR(item_id), wanted => DESCRIPTOR(wanted), ranking => DESCRIPTOR(arm),
    rankings => 'blend, popular-window:1h', frequency_cap => 3, seed => 5)
WHERE request_id IS NOT NULL;
"""


def _text(ms: int) -> str:
    moment = START + timedelta(milliseconds=ms)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def test_lists_are_those_of_one_row_after_the_other(tables: Any, script: Callable[..., Script], tmp_path: Path) -> None:
    dice = random.Random(8)
    times = dice.sample(range(1, 60_000), 700)  # no two alike: ties are another test's
    events: list[tuple[int, dict[str, Any], bool]] = []
    for number, ms in enumerate(times):
        row: dict[str, Any] = {"user_id": dice.randrange(12), "at_text": _text(ms)}
        asks = number % 3 == 0
        if asks:
            row |= {"request_id": f"r{number}", "wanted": dice.choice([1, 5, 10]), "arm": dice.randrange(2)}
        else:
            row |= {"item_id": 10**12 + round(dice.paretovariate(0.7)) % 40}
        events.append((ms, row, asks))
    # a ranking there is not: no list, and nothing fails
    odd = {"user_id": 1, "at_text": _text(0), "request_id": "odd", "wanted": 10, "arm": 7}
    disordered = sorted(events, key=lambda event: event[0] + dice.uniform(0, 1_500))
    write_rows(tmp_path / "requests", [odd, *(row for _, row, asks in disordered if asks)])
    write_rows(tmp_path / "clicks", [row for _, row, asks in disordered if not asks])
    folders = {name: (tmp_path / name).as_uri() for name in ("requests", "clicks", "answers")}

    pipeline = build(tables, script(PIPELINE.format(**folders)), "recommender", to="execute")
    pipeline.statements.execute().wait()

    rankings = [make_ranking(name, seed=5, frequency_cap=3) for name in ("blend", "popular-window:1h")]
    wanted: dict[str, Any] = {"odd": {"request_id": "odd"}}
    for ms, row, asks in sorted(events, key=lambda event: event[0]):
        if not asks:
            for ranking in rankings:
                ranking.learn(row["user_id"], row["item_id"], START_MS + ms)
            continue
        ranking = rankings[row["arm"]]
        before = ranking.fallbacks
        items = ranking.rank(row["user_id"], START_MS + ms, row["wanted"])
        ranking.show(row["user_id"], items, START_MS + ms)
        wanted[row["request_id"]] = {
            "request_id": row["request_id"], "items": items.tolist(),
            "ranking": ("blend", "popular-window:1h")[row["arm"]], "fallback": ranking.fallbacks > before,
            **({"first_item": int(items[0])} if items.size else {}),
        }  # fmt: skip
    got = {row["request_id"]: {k: v for k, v in row.items() if v is not None} for row in rows_in(tmp_path / "answers")}
    assert got == wanted
    assert sum(row.get("fallback", False) for row in got.values()) > 1


VECTORS = """
CREATE TABLE clicks (
    user_id STRING, item_id BIGINT, n INT, at_text STRING,
    ts AS TO_TIMESTAMP_LTZ(at_text, 'yyyy-MM-dd HH:mm:ss.SSS', 'UTC'), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{clicks}', 'format' = 'json');
CREATE TABLE item_vectors (
    article INT, version INT, vector ARRAY<DOUBLE>, at_text STRING,
    made AS TO_TIMESTAMP_LTZ(at_text, 'yyyy-MM-dd HH:mm:ss.SSS', 'UTC'),
    WATERMARK FOR made AS made - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{vectors}', 'format' = 'json');
CREATE TABLE means (n INT, user_vector ARRAY<FLOAT>, items_read BIGINT, vectors_version BIGINT)
WITH ('connector' = 'filesystem', 'path' = '{means}', 'format' = 'json');
INSERT INTO means SELECT n, user_vector, items_read, vectors_version
FROM USER_VECTOR(
    input => TABLE clicks PARTITION BY user_id, vectors => TABLE item_vectors, on_time => DESCRIPTOR(ts, made),
    item => DESCRIPTOR(item_id, article), last => 4, buckets => 3);
"""


def test_user_vectors_are_those_of_a_batch(tables: Any, script: Callable[..., Script], tmp_path: Path) -> None:
    dice = random.Random(9)
    times = dice.sample(range(1, 40_000), 500)
    reads = [
        (ms, {"n": n, "user_id": f"u{dice.randrange(20)}", "item_id": dice.randrange(30), "at_text": _text(ms)})
        for n, ms in enumerate(times[:400])
    ]
    made: list[tuple[int, dict[str, Any]]] = []
    for number, ms in enumerate(sorted(times[400:])):
        version = 1 if number < 40 else 2  # those of the second one wait, while the first one is in use
        vector = [dice.gauss(0, 1) for _ in range(version + 2)]
        row = {"version": version, "article": dice.randrange(28), "vector": vector}
        made.append((ms, row if number not in (20, 70) else {"version": version, "article": None, "vector": None}))
    made += [(made[60][0], {"version": 1, "article": 3, "vector": [9.0, 9.0, 9.0]})]  # of the version in use
    made += [(made[90][0], {"version": 1, "article": 4, "vector": [9.0, 9.0, 9.0]})]  # too late
    made += [(made[95][0], {"version": 2, "article": 5, "vector": [9.0]})]  # of another length
    write_rows(tmp_path / "clicks", [row for _, row in reads])
    write_rows(tmp_path / "vectors", [{**row, "at_text": _text(ms)} for ms, row in sorted(made, key=lambda e: e[0])])
    reads.sort(key=lambda event: event[0])
    write_rows(tmp_path / "clicks", [row for _, row in reads])
    folders = {name: (tmp_path / name).as_uri() for name in ("clicks", "vectors", "means")}

    build(tables, script(VECTORS.format(**folders)), "vectors", to="execute").statements.execute().wait()

    # each read by itself: everything that was before it, looked at anew
    wanted = {}
    for ms, read in reads:
        before = [row for at, row in sorted(made, key=lambda event: event[0]) if at <= ms]
        version = max((row["version"] for row in before if row["article"] is None), default=None)
        items: list[int] = []
        for at, row in reads:
            if at <= ms and row["user_id"] == read["user_id"]:
                items = [row["item_id"], *(item for item in items if item != row["item_id"])][:4]
        sizes = {1: 3, 2: 4}
        known = {
            row["article"]: row["vector"]
            for row in before
            if row["article"] is not None and row["version"] == version and len(row["vector"]) == sizes[version]
        }
        held = [np.array(known[item], np.float32) for item in items if item in known]
        mean = np.mean(np.array(held, np.float64), axis=0) if held else np.zeros(sizes.get(version or 0, 0))
        wanted[read["n"]] = (version, len(items), mean)
    got = {row["n"]: row for row in rows_in(tmp_path / "means")}
    assert got.keys() == wanted.keys()
    for n, (version, items_read, mean) in wanted.items():
        row = got[n]
        assert (row.get("vectors_version"), row["items_read"]) == (version, items_read)
        if version is None:
            assert row.get("user_vector") is None
        else:
            assert row["user_vector"] == pytest.approx(mean.tolist(), rel=1e-6, abs=1e-7), n
    versions = [version for version, _, _ in wanted.values()]
    assert min(versions.count(each) for each in (None, 1, 2)) > 50
