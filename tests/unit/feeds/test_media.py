"""The made-up media site: its numbers are those that were measured, and its events fit each other."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from feeds import recorded_media
from feeds.media import (
    ARTICLES,
    CLICKS,
    DAY_MS,
    FOLLOWS,
    HOUR_MS,
    LISTS,
    REQUESTS,
    MediaSite,
    Site,
    records,
)
from feeds.media_texts import CATEGORIES, title_and_text
from jobs.errors import UsageError
from tests.unit.feeds.conftest import Sink
from tests.unit.feeds.test_feed_command import done, run

START_MS = 1_790_000_000_000 // DAY_MS * DAY_MS + 10 * HOUR_MS
SITE = Site(seed=4, users=3_000, articles_a_day=300.0, rate=0.5)
Event = tuple[int, str, int, dict[str, Any]]


@pytest.fixture(scope="module")
def events() -> list[Event]:
    """Three hours of a day."""
    site = MediaSite(SITE, START_MS)
    return list(itertools.takewhile(lambda event: event[0] < START_MS + 3 * HOUR_MS, site.events()))


def of(events: list[Event], topic: str) -> list[Event]:
    return [event for event in events if event[1] == topic]


def test_the_numbers_are_the_measured_ones(events: list[Event]) -> None:
    shown = {record["request_id"]: len(record["items"]) for _, _, _, record in of(events, LISTS)}
    clicks = Counter(record["request_id"] for _, _, _, record in of(events, CLICKS))
    lengths, counts = np.array([shown[request] for request in clicks]), np.array(list(clicks.values()))
    assert lengths.size > 2_000
    # MIND keeps lists with a click: their lengths, clicks and rates
    assert np.percentile(lengths, [10, 25, 50, 75, 90]) == pytest.approx([4, 10, 24, 52, 93], rel=0.15)
    assert lengths.mean() == pytest.approx(37.9, rel=0.12)
    assert counts.mean() == pytest.approx(1.51, rel=0.1)
    assert (counts == 1).mean() == pytest.approx(0.72, abs=0.06)
    for low, high, rate in ((2, 5, 0.331), (6, 15, 0.115), (16, 40, 0.053), (41, 100, 0.029), (101, 999, 0.019)):
        part = (lengths >= low) & (lengths <= high)
        assert counts[part].sum() / lengths[part].sum() == pytest.approx(rate, rel=0.15), (low, high)
    published = {}
    for _, _, item, record in of(events, ARTICLES):
        published.setdefault(item, np.datetime64(record["published"].removesuffix("Z"), "ms").astype(int))
    ages = [(at - published[record["item_id"]]) / HOUR_MS for at, _, _, record in of(events, CLICKS)]
    assert np.percentile(ages, [10, 25, 50, 75, 90]) == pytest.approx([3.7, 9.5, 23.8, 54.5, 106], rel=0.6)
    by_item = sorted(Counter(record["item_id"] for _, _, _, record in of(events, CLICKS)).values(), reverse=True)
    assert sum(by_item[: len(published) // 100]) / sum(by_item) == pytest.approx(0.68, abs=0.12)


def test_the_rhythm_is_that_of_a_day() -> None:
    site = MediaSite(Site(seed=1, users=500, rate=0.015), START_MS // DAY_MS * DAY_MS)
    hours = Counter(
        at // HOUR_MS % 24
        for at, topic, _, _ in itertools.takewhile(
            lambda event: event[0] < START_MS // DAY_MS * DAY_MS + 2 * DAY_MS, site.events()
        )
        if topic == REQUESTS
    )
    total = hours.total()
    assert total > 2_000
    assert sum(hours[hour] for hour in range(2, 6)) / total < 0.04  # 0.5 % an hour
    assert sum(hours[hour] for hour in range(9, 21)) / total == pytest.approx(0.78, abs=0.06)  # 6.5 % an hour


def test_events_fit_each_other(events: list[Event]) -> None:
    times = [event[0] for event in events]
    assert times == sorted(times)
    asked = {record["request_id"]: (at, record) for at, _, _, record in of(events, REQUESTS)}
    lists = {record["request_id"]: (at, record) for at, _, _, record in of(events, LISTS)}
    known = {item for _, _, item, _ in of(events, ARTICLES)}
    for request, (at, record) in lists.items():
        before, wish = asked[request]
        assert at == before + SITE.shown_after_ms and record["user_id"] == wish["user_id"]
        assert len(record["items"]) == len(set(record["items"])) <= wish["wanted"]
        assert known.issuperset(record["items"])
    for at, _, user, record in of(events, CLICKS):
        shown, what = lists[record["request_id"]]
        assert shown < at and user == record["user_id"] == what["user_id"]
        assert what["items"][record["position"] - 1] == record["item_id"]
    assert all(record["user_id"] != record["followed_id"] for _, _, _, record in of(events, FOLLOWS))


def test_updated_articles_have_their_text_and_more(events: list[Event]) -> None:
    first = {item: record for _, _, item, record in of(events, ARTICLES) if record["revision"] == 1}
    updates = [record for _, _, _, record in of(events, ARTICLES) if record["revision"] == 2]
    assert updates
    for record in updates:
        before = first[record["item_id"]]
        assert record["title"] == before["title"] and record["text"].startswith(before["text"])
        assert len(record["text"]) > len(before["text"])
    assert {record["language"] for record in first.values()} == {"en", "ja"}
    assert {record["category"] for record in first.values()} == set(CATEGORIES)


def test_the_same_seed_gives_the_same_site_and_another_one_another() -> None:
    def beginning(seed: int) -> list[Event]:
        return list(itertools.islice(MediaSite(Site(seed=seed, users=50, articles_a_day=5), 0).events(), 300))

    assert beginning(1) == beginning(1) != beginning(2)


def test_lists_may_come_from_elsewhere() -> None:
    asked: list[str] = []

    def shown(request: str, user: int, wanted: int, now_ms: int) -> list[int] | None:
        asked.append(request)
        return None if len(asked) % 2 else [3, 1, 10**6]

    site = MediaSite(Site(users=50, articles_a_day=5, rate=5.0), START_MS, shown)
    lists = [r for _, topic, _, r in itertools.islice(site.events(), 1_000) if topic == LISTS]
    assert len(lists) > 100
    for number, record in enumerate(lists, 1):
        assert record["made_by"] == ("site" if number % 2 else "answer")
        assert number % 2 or record["items"] == [3, 1]  # what is no article of the site is not shown


def test_records_are_due_at_the_pace_of_the_site() -> None:
    site = Site(users=50, articles_a_day=5)
    sent = list(records(MediaSite(site, START_MS), START_MS, 2.0, until_ms=START_MS + 20_000))
    assert 0 < sent[-1].due_s < 10 and sent[0].due_s == 0  # type: ignore[operator]
    assert all(each.due_s is None for each in records(MediaSite(site, START_MS), START_MS, 0, until_ms=START_MS + 9))


def test_words_of_a_text_belong_to_its_category() -> None:
    import random

    title, text = title_and_text("housing", "en", 40, random.Random(1))
    assert sum(text.count(word) for word in ("kitchen", "sofa", "curtain", "garden")) > 15
    assert title[0].isupper() and "棚" in title_and_text("housing", "ja", 40, random.Random(1))[1]


def test_recorded_clicks_keep_their_order_and_ask_first() -> None:
    rows = list(recorded_media.questions([7, 8], [70, 80], [1_000, 1_000], [True, False], rankings=3, topic="q"))
    values = [json.loads(row.value) for row in rows]
    assert [(v["number"], v["item_id"], v["wanted"], v["ranking"]) for v in values] == [
        (0, None, 10, 0), (0, None, 10, 1), (0, 70, 10, 2), (1, 80, None, None), (-1, None, None, None),
    ]  # fmt: skip
    assert values[-1]["event_time"] == "1970-01-01T01:00:01.000Z"
    played = list(recorded_media.clicks([7, 8], [70, 80], [1_000, 3_000], speed=4.0))
    assert [each.due_s for each in played] == [0.0, 0.5]


def test_the_command(sink: Sink) -> None:
    # at noon, not at the hour it happens to be: at night hardly anything is asked for
    when = ("--start", "2026-03-02T12:00:00Z", "--speed", "0", "--seconds", "20")
    summary = done("media", *when, "--rate", "2", "--articles", "3", "--users", "40")
    counts = Counter(each.topic for each in sink.records)
    assert summary["topics"] == counts and summary["records"] == counts.total()
    assert counts[ARTICLES] >= 60 and counts[REQUESTS] > 5
    assert set(sink.topics) == {f"media-{what}" for what in ("articles", "requests", "lists", "clicks", "follows")}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--ask", "2"], "--ask needs --globo"),
        (["--answers", "t", "--speed", "0"], "--answers needs a --speed above 0"),
        (["--japanese", "2"], "--japanese: expected a number from 0 to 1, got 2"),
        (["--rate", "0"], "--rate: expected a number above 0, got 0"),
        (["--globo", "nowhere.parquet"], "there is no file nowhere.parquet"),
    ],
)
def test_what_is_refused(sink: Sink, arguments: list[str], says: str) -> None:
    error = run("media", *arguments).exception
    assert isinstance(error, UsageError) and str(error).startswith(says) and not sink.records
