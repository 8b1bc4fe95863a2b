"""Clicks: rows that can be learned, labels that come late, and the original system's messages."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import MinMaxScaler

from feeds.clicks import Impression, honest, original, original_rows, records, sizes
from feeds.concept import concept_and_rows
from feeds.label_delay import LONGEST_S, parse_delay
from feeds.recorded_clicks import Recording
from jobs.errors import CutbankError, UsageError

NONE = parse_delay("none")


def table(impressions: list[Impression]) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.array([list(each.features.values()) for each in impressions], np.float64),
        np.array([each.clicked for each in impressions]),
    )


def test_ten_thousand_messages_have_the_rows_of_the_original() -> None:
    assert sum(sizes(2011, 10_000)) == 1_045_155
    assert set(islice(sizes(3), 1000)) == set(range(100, 110))


@pytest.mark.parametrize(("seed", "count"), [(0, 100), (1, 103), (2, 109), (3, 101)])
def test_a_concept_and_its_rows_are_scikit_learns(seed: int, count: int) -> None:
    theirs, labels = make_classification(
        count, n_features=10, n_informative=6, n_redundant=2, scale=1.0, shift=0.0,
        random_state=np.random.RandomState(seed),
    )  # fmt: skip
    ours, own = concept_and_rows(np.random.RandomState(seed), count)
    assert np.allclose(ours, theirs, rtol=0, atol=1e-12) and np.array_equal(own, labels)


def test_original_messages_are_scaled_by_the_first() -> None:
    chance, scaler = np.random.RandomState(7), MinMaxScaler()
    expected = [
        make_classification(count, n_features=10, n_informative=6, n_redundant=2, random_state=chance)
        for count in sizes(7, 3)
    ]
    scaler.fit(expected[0][0])
    for (features, labels), (rows, own) in zip(original_rows(7, 3), expected, strict=True):
        assert np.allclose(features, scaler.transform(rows), atol=1e-12) and np.array_equal(labels, own)


def test_original_records() -> None:
    sent = list(original(seed=2011, messages=3, rate=20.0, speed=2.0))
    assert [each.due_s for each in sent] == [0.0, 0.025, 0.05]
    assert {(each.topic, each.key) for each in sent} == {("testbroker", None)}
    for each, count in zip(sent, sizes(2011), strict=False):
        message = json.loads(each.value)
        assert list(message) == ["X", "y"] and np.shape(message["X"]) == (count, 10)
        assert len(message["y"]) == count and set(message["y"]) == {0, 1}


def accuracy_behind(rows: np.ndarray, labels: np.ndarray, learned: slice, tried: slice) -> float:
    return float(LogisticRegression().fit(rows[learned], labels[learned]).score(rows[tried], labels[tried]))


def test_one_concept_can_be_learned_until_it_changes() -> None:
    rows, labels = table(list(honest(messages=60, delay=NONE, drift=[30])))
    turn = sum(islice(sizes(2011), 30))
    assert accuracy_behind(rows, labels, slice(0, turn // 2), slice(turn // 2, turn)) > 0.75
    assert accuracy_behind(rows, labels, slice(0, turn), slice(turn, None)) < 0.68
    assert accuracy_behind(rows, labels, slice(turn, turn + 1500), slice(turn + 1500, None)) > 0.7


def test_the_messages_of_the_original_teach_nothing_about_the_next() -> None:
    parts = list(original_rows(1, 60))
    rows, labels = np.concatenate([each for each, _ in parts]), np.concatenate([each for _, each in parts])
    assert 0.44 < accuracy_behind(rows, labels, slice(0, 3000), slice(3000, None)) < 0.56


def test_the_same_seed_gives_the_same_rows_whatever_the_length() -> None:
    delay = parse_delay("exponential:5")
    long = list(honest(seed=5, messages=4, delay=delay, lost=0.1, drift=[2]))
    assert list(honest(seed=5, messages=2, delay=delay, lost=0.1))[:200] == long[:200]
    assert list(islice(honest(seed=5, messages=None, delay=delay, lost=0.1, drift=[2]), len(long))) == long
    assert table(list(honest(seed=6, messages=1, delay=delay)))[0][0].tolist() != table(long)[0][0].tolist()
    late, none = (list(honest(seed=5, messages=2, delay=each)) for each in (delay, NONE))
    assert [each.features for each in late] == [each.features for each in none], "rows do not depend on delays"


def test_rows_are_spread_over_the_time_of_their_message() -> None:
    rows = list(honest(messages=3, rate=2.0, delay=NONE, campaigns=3))
    counts = list(sizes(2011, 3))
    offsets = [each.offset_ms for each in rows]
    assert offsets == sorted(offsets) and [each.number for each in rows] == list(range(sum(counts)))
    assert Counter(offset // 500 for offset in offsets) == dict(enumerate(counts))
    assert set(Counter(each.campaign for each in rows)) == {"campaign-1", "campaign-2", "campaign-3"}


def test_every_label_comes_once_at_its_time_and_all_is_in_order() -> None:
    rows = list(honest(messages=5, delay=parse_delay("exponential:3"), lost=0.2))
    sent = list(records(rows, start_ms=1_772_366_400_000, speed=None))
    values = [json.loads(each.value) for each in sent]
    times = [value["event_time"] for value in values]
    assert times == sorted(times) and times[0] == "2026-03-01T12:00:00.000Z"
    shown = {v["impression_id"]: v for each, v in zip(sent, values, strict=True) if each.topic == "impressions"}
    labels = {v["impression_id"]: v for each, v in zip(sent, values, strict=True) if each.topic == "clicks"}
    assert len(sent) == len(shown) + len(labels) and len(shown) == len(rows)
    for row in rows:
        record = shown[row.number]
        assert list(record) == ["impression_id", "campaign", "event_time", *(f"x{k}" for k in range(10))]
        assert (row.number in labels) == (row.delay_ms is not None)
        if row.delay_ms is not None:
            label = labels[row.number]
            assert (label["clicked"], label["campaign"]) == (row.clicked, row.campaign)
            moments = [np.datetime64(each["event_time"][:-1], "ms") for each in (record, label)]
            assert (moments[1] - moments[0]).astype(int) == row.delay_ms
    assert all(each.key == json.loads(each.value)["campaign"].encode() for each in sent)
    assert 0.15 < 1 - len(labels) / len(rows) < 0.25


def test_a_label_of_the_same_millisecond_comes_behind_the_impressions() -> None:
    rows = [Impression(k, 10 * (k // 2), "c", {}, 1, 0) for k in range(4)]
    topics = [each.topic for each in records(rows, start_ms=0)]
    assert topics == ["impressions"] * 2 + ["clicks"] * 2 + ["impressions"] * 2 + ["clicks"] * 2


def test_only_clicks_and_due_times_and_truth() -> None:
    rows = list(honest(messages=2, rate=1.0, delay=parse_delay("constant:0.5"), drift=[1]))
    sent = list(records(rows, start_ms=0, speed=4.0, topic="shown", labels_topic="labels", only_clicks=True))
    truths = [each for each in sent if each.truth]
    assert [each.topic for each in truths] == ["shown-truth"]
    told = json.loads(truths[0].value)
    assert (told["kind"], told["concept"], told["event_time"]) == ("drift", 1, "1970-01-01T00:00:01.000Z")
    assert sent[sent.index(truths[0]) + 1].topic == "shown", "in front of the first row of the new concept"
    labels = [json.loads(each.value) for each in sent if each.topic == "labels"]
    assert {each["clicked"] for each in labels} == {1} and len(labels) == sum(each.clicked for each in rows)
    assert [each.due_s for each in sent[:2]] == [0.0, rows[1].offset_ms / 4000]
    due = [each.due_s for each in sent]
    assert due == sorted(due)


@pytest.mark.parametrize(
    ("text", "law"),
    [("exponential:30", stats.expon(scale=30)), ("uniform:2,5", stats.uniform(2, 3)),
     ("lognormal:20,0.7", stats.lognorm(0.7, scale=20))],
)  # fmt: skip
def test_delays_have_their_distribution(text: str, law: Any) -> None:
    delay, luck = parse_delay(text), random.Random(4)
    seconds = np.array([delay.milliseconds(luck) / 1000 for _ in range(4000)])
    assert stats.kstest(seconds, law.cdf).pvalue > 0.001


def test_constant_delays_and_the_longest() -> None:
    luck = random.Random(1)
    assert [parse_delay(each).milliseconds(luck) for each in ("none", "constant:1.5")] == [0, 1500]
    assert max(parse_delay("lognormal:600000,9").milliseconds(luck) for _ in range(50)) == LONGEST_S * 1000


@pytest.mark.parametrize(
    "text",
    ["late", "constant", "constant:", "constant:x", "constant:-1", "uniform:5,2", "uniform:5", "none:1",
     "exponential:nan", "exponential:700000", "lognormal:20,11"],
)  # fmt: skip
def test_what_is_no_delay_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--delay: expected .*lognormal:MEDIAN,SIGMA.*, got"):
        parse_delay(text)


CSV = "when,known,place,price,code,note,label\n{rows}"


def recording(folder: Path, rows: str, **given: Any) -> Recording:
    path = folder / "flights.csv.gz"
    path.write_bytes(gzip.compress(CSV.format(rows=rows).encode()))
    return Recording(path=path, label="label", delay=given.pop("delay", NONE), **given)


def test_rows_of_a_file_become_impressions(tmp_path: Path) -> None:
    text = (
        "2026-03-01T12:00:00Z,2026-03-01T14:00:00+01:00,a,1.5,007,,1\n"
        "2026-03-01 12:00:10,1772366400000,b,-3,1_0,x y,no\n"
    )
    made = recording(tmp_path, text, event_time="when", label_time="known", key="place")
    one, other = made.impressions()
    assert made.start_ms() == 1_772_366_400_000
    assert one == Impression(0, 0, "a", {"price": 1.5, "code": "007", "note": None}, 1, 3_600_000)
    assert other == Impression(1, 10_000, "b", {"price": -3, "code": "1_0", "note": "x y"}, 0, 0), (
        "known before: at once"
    )


def test_a_file_without_times_has_an_even_pace_and_delays(tmp_path: Path) -> None:
    made = recording(tmp_path, "x,y,a,1e3,.5,inf,TRUE\n" * 5, rate=4.0, delay=parse_delay("constant:2"))
    rows = list(made.impressions(4))
    assert [each.offset_ms for each in rows] == [0, 250, 500, 750]
    assert {(each.campaign, each.clicked, each.delay_ms) for each in rows} == {("flights", 1, 2000)}
    assert rows[0].features == {"when": "x", "known": "y", "place": "a", "price": 1000.0, "code": 0.5, "note": "inf"}
    assert made.start_ms() is None


@pytest.mark.parametrize(
    ("given", "rows", "says"),
    [
        ({"key": "city"}, "", "--key: .* has no column 'city'; it has when, known"),
        ({}, "a,b,c,1,2,3,maybe\n", "line 2: its label must be 0 or 1, .* got 'maybe'"),
        ({"event_time": "when"}, "noon,b,c,1,2,3,1\n", "line 2: its when must be an ISO 8601 time .* got 'noon'"),
        ({"event_time": "when"}, "2000,b,c,1,2,3,1\n1000,b,c,1,2,3,1\n", "line 3: its when is before"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, given: dict[str, Any], rows: str, says: str) -> None:
    with pytest.raises((CutbankError, UsageError), match=says):
        list(recording(tmp_path, rows, **given).impressions())


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv.gz"
    path.write_bytes(b"not compressed")
    with pytest.raises(CutbankError, match=r"broken\.csv\.gz' cannot be read"):
        list(Recording(path=path, label="label", delay=NONE).impressions())
    plain = tmp_path / "taken.csv"
    plain.write_text("campaign,label\na,1\n")
    with pytest.raises(UsageError, match="has a column 'campaign', as the records have: rename it"):
        list(Recording(path=plain, label="label", delay=NONE).impressions())
    assert next(Recording(path=plain, label="label", key="campaign", delay=NONE).impressions()).campaign == "a"
