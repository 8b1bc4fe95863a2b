"""Vectors of texts reach a running job in versions, and users are compared by whom they follow: both in one job."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cosine

from feeds.media_texts import CATEGORIES, title_and_text
from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack, kafka_admin
from jobs.stack.processes import wait_until
from jobs.submit import submit
from tests.cluster.chaos import Watched
from tests.cluster.replay import iso
from tests.cluster.test_demo import environment

START_MS = 1_790_000_000_000
#: Articles after which a version is trained, and articles in all.
EVERY, ARTICLES = 40, 80
USERS, FOLLOWED = 6, 9

PIPELINE = """
SET 'table.exec.source.idle-timeout' = '2 s';
CREATE TEMPORARY FUNCTION COSINE_SIMILARITY AS 'udfs.follows.cosine_similarity' LANGUAGE PYTHON;
CREATE TABLE read_items (user_id BIGINT NOT NULL, item_id BIGINT NOT NULL, event_time TIMESTAMP_LTZ(3) NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND) WITH ({kafka}, 'topic' = '{prefix}-reads', {source});
CREATE TABLE item_vectors (item_id BIGINT, version BIGINT, vector ARRAY<FLOAT>, event_time TIMESTAMP_LTZ(3) NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND) WITH (
    {kafka}, 'topic' = '{prefix}-vectors', {source});
CREATE TABLE follows (user_id BIGINT NOT NULL, followed_id BIGINT NOT NULL, follows BOOLEAN NOT NULL,
    event_time TIMESTAMP_LTZ(3) NOT NULL, WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND
) WITH ({kafka}, 'topic' = '{prefix}-follows', {source});
CREATE TABLE means (user_id BIGINT, item_id BIGINT, vector ARRAY<FLOAT>, items BIGINT, version BIGINT)
WITH ({kafka}, 'topic' = '{prefix}-means', 'format' = 'json');
CREATE TABLE similarities (user_id BIGINT, other_id BIGINT, similarity DOUBLE,
    PRIMARY KEY (user_id, other_id) NOT ENFORCED
) WITH ({upsert}, 'topic' = '{prefix}-similarities', 'key.format' = 'json', 'value.format' = 'json');
CREATE VIEW newest_follows AS SELECT user_id, followed_id, follows FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id, followed_id ORDER BY event_time DESC) AS newest FROM follows
) WHERE newest = 1;
CREATE VIEW followed AS
SELECT user_id, ARRAY_AGG(followed_id) AS followed FROM newest_follows WHERE follows GROUP BY user_id;
INSERT INTO means SELECT user_id, item_id, user_vector, items_read, vectors_version
FROM USER_VECTOR(input => TABLE read_items PARTITION BY user_id, vectors => TABLE item_vectors,
    on_time => DESCRIPTOR(event_time), item => DESCRIPTOR(item_id), last => 5, buckets => 1);
INSERT INTO similarities SELECT a.user_id, b.user_id, COSINE_SIMILARITY(a.followed, b.followed)
FROM followed AS a JOIN followed AS b ON a.user_id <> b.user_id;
"""
UPSERT = "'connector' = 'upsert-kafka', 'properties.bootstrap.servers' = '${bootstrap_servers}'"
KAFKA = UPSERT.replace("upsert-kafka", "kafka")
SOURCE = "'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'"


def _article(number: int) -> dict[str, Any]:
    """The first half are new, the second half updates of them."""
    item, luck = 1 + number % EVERY, random.Random(number)
    title, text = title_and_text(CATEGORIES[item % len(CATEGORIES)], "en", 5, luck)
    return {"item_id": item, "title": title, "text": text, "event_time": iso(_at(number))}


def _at(number: int) -> int:
    """Event time of an article: the one behind each version is a minute later, and before the next ones come reads."""
    return START_MS + 100 * number + 60_000 * ((number >= EVERY) + (number > EVERY) + (number >= ARTICLES))


def test_versions_of_vectors_and_similar_users(
    stack: Stack,
    tmp_path: Path,
    produce: Callable[..., None],
    read_committed: Callable[..., list[Any]],
) -> None:
    prefix = f"texts-{uuid.uuid4().hex[:6]}"
    kafka_admin.create_topics(stack.settings, {f"{prefix}-articles": 1, f"{prefix}-similarities": 1})
    file = tmp_path / "texts.sql"
    file.write_text(PIPELINE.format(kafka=KAFKA, upsert=UPSERT, source=SOURCE, prefix=prefix))
    submitted = submit(stack.settings, file, {})
    command = [sys.executable, "-m", "jobs.cli", "vectors", "--follow", "--every", str(EVERY), "--dimensions", "4"]
    command += ["--articles", f"{prefix}-articles", "--into", f"{prefix}-vectors", "--json"]
    produce(f"{prefix}-articles", [_article(number) for number in range(EVERY + 1)])
    publishing = subprocess.Popen(
        command, env=environment(stack.settings), cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    )
    job = Watched(stack, submitted.job_id, f"{prefix}-means")
    try:
        follows = _follows()
        produce(f"{prefix}-follows", follows, partition=0)
        for version, first in ((1, EVERY), (2, ARTICLES)):
            if version == 2:
                produce(f"{prefix}-articles", [_article(number) for number in range(EVERY + 1, ARTICLES + 1)])
            # its row behind the one that completes the version moves time on
            assert wait_until(lambda v=version: job.metric("vectors_version") == v, 120), job.metric("vectors_taken")
            at = _at(first) + 10_000
            reads = [
                {
                    "user_id": user,
                    "item_id": 1 + (7 * user + 3 * k + version) % EVERY,
                    "event_time": iso(at + 10 * k + user),
                }
                for k in range(4)
                for user in range(3)
            ]
            produce(
                f"{prefix}-reads", [*reads, {**reads[-1], "user_id": 9, "event_time": iso(at + 5_000)}], partition=0
            )
            rows = _rows(read_committed(f"{prefix}-means", at_least=12 * version, timeout_s=120))
            assert [row["version"] for row in rows if row["user_id"] != 9][-12:] == [version] * 12
        similar = _newest(read_committed(f"{prefix}-similarities", at_least=USERS * (USERS - 1), timeout_s=60))
        publishing.send_signal(signal.SIGINT)
        told, _ = publishing.communicate(timeout=60)
    finally:
        publishing.kill()
        publishing.wait(timeout=30)
        stack.rest.cancel(submitted.job_id)
        stack.rest.wait_for_end(submitted.job_id)
    published = _rows(read_committed(f"{prefix}-vectors"))
    assert json.loads(told)["rows"] == len(published) and json.loads(told)["version"] == 2
    _check_means([row for row in rows if row["user_id"] != 9], published)
    _check_similar(similar, follows)
    assert not read_committed(f"{prefix}-reads-late", timeout_s=0)


def _rows(records: list[Any]) -> list[dict[str, Any]]:
    return [json.loads(record.value) for record in records]


def _newest(records: list[Any]) -> dict[tuple[int, int], float]:
    """What an upsert topic holds: the last value of each key, without deleted ones."""
    last = {record.key: record.value for record in records}
    rows = [json.loads(value) for value in last.values() if value]
    return {(row["user_id"], row["other_id"]): row["similarity"] for row in rows}


def _check_means(rows: list[dict[str, Any]], published: list[dict[str, Any]]) -> None:
    """Each row is the mean of its user's last five items, in vectors of its version as they were then."""
    held: dict[int, list[int]] = {}
    assert len(rows) == 24
    for row in rows:
        mine = held.setdefault(row["user_id"], [])
        mine[:] = [row["item_id"], *(item for item in mine if item != row["item_id"])][:5]
        # updates that came behind the reads of a version have vectors of it too
        until = iso(_at(EVERY if row["version"] == 1 else ARTICLES))
        of_version = [v for v in published if v["version"] == row["version"] and v["event_time"] <= until]
        vectors = {v["item_id"]: v["vector"] for v in of_version if v["item_id"] is not None}
        mean = np.mean([np.array(vectors[item], np.float32) for item in mine], axis=0, dtype=np.float64)
        assert row["items"] == len(mine)
        assert row["vector"] == pytest.approx(mean.tolist(), rel=1e-5, abs=1e-6)


def _follows() -> list[dict[str, Any]]:
    """Told one after the other; some end again."""
    dice, rows = random.Random(4), []
    for number in range(60):
        user, followed = dice.randrange(USERS), 100 + dice.randrange(FOLLOWED)
        at = iso(START_MS + 1_000 * number)
        rows.append({"user_id": user, "followed_id": followed, "follows": dice.random() < 0.8, "event_time": at})
    return rows


def _check_similar(similar: dict[tuple[int, int], float], follows: list[dict[str, Any]]) -> None:
    matrix = np.zeros((USERS, FOLLOWED))
    for row in follows:
        matrix[row["user_id"], row["followed_id"] - 100] = row["follows"]
    assert (matrix.sum(axis=1) > 0).all()
    for one in range(USERS):
        for other in range(USERS):
            if one != other:
                assert similar[one, other] == pytest.approx(1 - cosine(matrix[one], matrix[other]), abs=1e-12)
