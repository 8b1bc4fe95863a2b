"""Whom to follow, kept up to date by plain SQL: what `models.follows` says of everything that was told."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from feeds.media import FOLLOWS
from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack, kafka_admin
from jobs.stack.processes import wait_until
from jobs.submit import submit
from models.follows import Follows
from tests.cluster.replay import iso, milliseconds

START_MS = 1_790_000_000_000
USERS, TOLD, WANTED, NEIGHBOURS = 24, 300, 10, 50


def _told(first: int) -> list[dict[str, Any]]:
    """Three groups whose members mostly follow one another; one in five times somebody ends it."""
    dice, rows = random.Random(first), []
    for number in range(first, first + TOLD // 2):
        user = dice.randrange(USERS)
        near = [other for other in range(USERS) if other % 3 == user % 3 and other != user]
        followed = dice.choice(near) if dice.random() < 0.8 else (user + 1) % USERS
        at = iso(START_MS + 1_000 * number)
        rows.append({"user_id": user, "followed_id": followed, "follows": dice.random() < 0.8, "event_time": at})
    return rows


def _expected(records: list[Any]) -> dict[int, dict[int, float]]:
    """By user, the score of everybody whom one might follow."""
    newest: dict[tuple[int, int], tuple[int, bool]] = {}
    for row in map(json.loads, (record.value for record in records)):
        pair, at = (row["user_id"], row["followed_id"]), milliseconds(row["event_time"])
        if pair not in newest or at > newest[pair][0]:
            newest[pair] = at, row["follows"]
    graph = Follows()
    for (user, followed), (_, follows) in newest.items():
        graph.set(user, followed, follows)
    users = {user for pair in newest for user in pair}
    found = {user: dict(graph.recommend(user, len(users), NEIGHBOURS)) for user in users}
    return {user: scores for user, scores in found.items() if scores}


def _held(records: list[Any]) -> dict[int, dict[int, float]]:
    """What the upsert topic holds, by user."""
    last = {record.key: record.value for record in records}
    held: dict[int, dict[int, float]] = defaultdict(dict)
    for row in (json.loads(value) for value in last.values() if value):
        held[row["user_id"]][row["followed_id"]] = row["score"]
    return dict(held)


def _same(held: dict[int, dict[int, float]], expected: dict[int, dict[int, float]]) -> bool:
    """The best of each user; of two that are as good, which comes in is a matter of the last digit."""
    if held.keys() != expected.keys():
        return False
    for user, scores in expected.items():
        best = sorted(scores.values(), reverse=True)[:WANTED]
        if sorted(held[user].values(), reverse=True) != pytest.approx(best, abs=1e-9):
            return False
        if held[user] != pytest.approx({other: scores.get(other, -1.0) for other in held[user]}, abs=1e-9):
            return False
    return True


def test_whom_to_follow_equals_a_recomputation(
    stack: Stack, produce: Callable[..., None], read_committed: Callable[..., list[Any]]
) -> None:
    kafka_admin.create_topics(stack.settings, {FOLLOWS: 2, "recommender-follows": 1})
    settings = stack.settings.model_copy(update={"parallelism": 2})
    job = submit(settings, PROJECT_ROOT / "sql" / "recommender_follows.sql", {"every": "1"}, fresh=True).job_id
    try:
        for first in (0, TOLD // 2):  # the second half changes what the first had brought
            produce(FOLLOWS, _told(first), partition=0)
            expected = _expected(read_committed(FOLLOWS, at_least=first + TOLD // 2))
            assert len(expected) == USERS and any(len(scores) > WANTED for scores in expected.values())
            assert wait_until(
                lambda wanted=expected: _same(_held(read_committed("recommender-follows", timeout_s=0)), wanted), 90
            )
    finally:
        stack.rest.cancel(job)
        stack.rest.wait_for_end(job)
