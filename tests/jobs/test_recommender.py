"""RANK_ITEMS in SQL: requests and clicks of two tables give what one row after the other gives in plain Python."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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

    pipeline = build(tables, script(PIPELINE.format(**folders)), "recommender")
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
