"""The pipelines of the recommender: lists, joins and rates equal a recomputation of the whole topics at once."""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from feeds.media import ARTICLES, CLICKS, LISTS, REQUESTS, MediaSite, Site
from jobs.cli import execute
from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack, kafka_admin
from jobs.submit import submit
from models.recommend import make_ranking
from tests.cluster.replay import iso, milliseconds

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
START_MS = 1_790_000_000_000 // DAY_MS * DAY_MS + 10 * HOUR_MS
JOIN_MS = MINUTE_MS
RANKINGS = ("popular-window:1h", "blend")
#: From here on a fifth of the readers get the treatment and three fifths the control, by the digits of their ids.
ALLOCATION, CHANGED_MS = "media-allocation", START_MS + 7 * MINUTE_MS
SPANS = {
    "10 min": (MINUTE_MS, 10 * MINUTE_MS), "1 h": (5 * MINUTE_MS, HOUR_MS), "24 h": (HOUR_MS, DAY_MS),
    "7 d": (6 * HOUR_MS, 7 * DAY_MS),
}  # fmt: skip


def _events() -> dict[str, list[dict[str, Any]]]:
    """A quarter of an hour; no click has the time of another event, for such ties are another test's."""
    site = MediaSite(Site(seed=6, users=120, articles_a_day=6, rate=0.8, wanted=8), START_MS)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for at, topic, _, record in itertools.takewhile(lambda event: event[0] < START_MS + 15 * MINUTE_MS, site.events()):
        found[topic].append({**record, "ms": at})
    taken = Counter(row["ms"] for topic in (REQUESTS, CLICKS) for row in found[topic])
    found[CLICKS] = [row for row in found[CLICKS] if taken[row["ms"]] == 1]
    return found


def _lists(events: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, list[int]]]:
    """By request, what each ranking answers."""
    rankings = {name: make_ranking(name) for name in RANKINGS}
    found = {}
    for row in sorted([*events[REQUESTS], *events[CLICKS]], key=lambda row: row["ms"]):
        if "wanted" in row:
            asked = row["user_id"], row["ms"], row["wanted"]
            found[row["request_id"]] = {name: ranking.rank(*asked).tolist() for name, ranking in rankings.items()}
        else:
            for ranking in rankings.values():
                ranking.learn(row["user_id"], row["item_id"], row["ms"])
    return found


def _windows(at: int, slide: int, size: int) -> range:
    """Ends of the windows that hold a moment."""
    first = at // slide * slide + slide
    return range(first, first + size, slide)


def test_the_pipelines_equal_a_recomputation(
    stack: Stack,
    produce: Callable[..., None],
    read_committed: Callable[..., list[Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    events = _events()
    shown = {
        (row["request_id"], item): (row["ms"], place)
        for row in events[LISTS]
        for place, item in enumerate(row["items"], 1)
    }
    clicked = {(row["request_id"], row["item_id"]): row["ms"] for row in events[CLICKS]}
    in_time = {pair: at for pair, at in clicked.items() if pair in shown and 0 <= at - shown[pair][0] <= JOIN_MS}
    assert 30 < len(in_time) < len(clicked) - 3
    counts: dict[str, Counter[tuple[int, int]]] = {"shown": Counter(), "clicked": Counter()}
    for span, (slide, size) in SPANS.items():
        for (_, item), (at, _) in shown.items():
            counts["shown"].update((span, end, item) for end in _windows(at, slide, size))
        for (_, item), at in clicked.items():
            counts["clicked"].update((span, end, item) for end in _windows(at, slide, size))

    kafka_admin.create_topics(stack.settings, {REQUESTS: 2, CLICKS: 2, LISTS: 2, ALLOCATION: 1, ARTICLES: 1})
    end = iso(START_MS + 10 * DAY_MS)
    closing = {
        REQUESTS: {"request_id": "closing", "event_time": end, "user_id": 1, "wanted": 1},
        CLICKS: {"event_time": end, "user_id": 1, "item_id": 1, "request_id": "closing", "position": 1},
        LISTS: {"request_id": "closing", "event_time": end, "user_id": 1, "items": []},
    }
    for topic, last in closing.items():
        rows = [{name: value for name, value in row.items() if name != "ms"} for row in events[topic]]
        for partition in (0, 1):
            mine = [row for row in rows if row["user_id"] % 2 == partition]
            produce(topic, [*mine, last], partition=partition)
    change = {"experiment": "ranking", "event_time": iso(CHANGED_MS), "treatment_percent": 20, "control_percent": 60}
    produce(ALLOCATION, [{**change, "assign_by": "digits"}, {"experiment": "closing", "event_time": end}], partition=0)
    values = {
        "recommender": {"batch": "1", "idle": "60"},
        "recommender_rates": {"join_minutes": "1", "idle": "60", "checkpoint": "1"},
    }
    jobs = [
        submit(stack.settings, PROJECT_ROOT / "sql" / f"{name}.sql", given, fresh=True).job_id
        for name, given in values.items()
    ]
    try:
        wanted = _lists(events)

        def rows_of(topic: str, at_least: int) -> list[dict[str, Any]]:
            found = read_committed(f"recommender-{topic}", at_least=at_least, timeout_s=240)
            return [json.loads(record.value) for record in found]

        answers = {row["request_id"]: row for row in rows_of("answers", len(wanted))}
        assert answers.keys() == wanted.keys()
        _check_variants(wanted, answers)
        produce(ARTICLES, [{name: value for name, value in row.items() if name != "ms"} for row in events[ARTICLES]])
        last = max((row for row in answers.values() if row["items"]), key=lambda row: str(row["event_time"]))
        monkeypatch.setenv("CUTBANK_KAFKA_PORT", str(stack.settings.kafka_port))
        capsys.readouterr()
        assert execute(["recommend", "--user", str(last["user_id"]), "--json"]) == 0
        titles = {row["item_id"]: row["title"] for row in events[ARTICLES]}
        assert json.loads(capsys.readouterr().out) == {**last, "titles": [titles[item] for item in last["items"]]}

        items = {row["request_id"]: row["items"] for row in events[LISTS]}
        unclicked = items.keys() - {request for request, _ in in_time}
        impressions = rows_of("impressions", len(in_time) + len(unclicked))
        assert len(impressions) == len(in_time) + len(unclicked)
        assert {row["request_id"]: row["items"] for row in impressions} == items
        joined = [row for row in impressions if row["clicked_at"] is not None]
        assert {row["request_id"] for row in impressions if row["clicked_at"] is None} == unclicked
        assert {(r["request_id"], r["item_id"]): milliseconds(r["clicked_at"]) for r in joined} == in_time
        assert all(row["position"] == shown[row["request_id"], row["item_id"]][1] for row in joined)
        late = {(row["request_id"], row["item_id"]) for row in rows_of("late-clicks", len(clicked) - len(in_time))}
        assert late == clicked.keys() - in_time.keys()
        ten = [row for row in rows_of("joins", 2) if milliseconds(row["window_end"]) < START_MS + DAY_MS]
        assert sum(row["clicks"] for row in ten) == len(clicked)
        assert sum(row["joined"] for row in ten) == len(in_time)

        windows = counts["shown"].keys() | counts["clicked"].keys()
        rates = rows_of("ctr", len(windows) + sum(span == "1 h" for span, *_ in windows))
        by_key = {(row["span"], milliseconds(row["window_end"]), int(row["item"])): row for row in rates}
        assert len(by_key) == len(rates), "a rate is there twice"
        plain = {key: row for key, row in by_key.items() if key[0] in SPANS}
        assert plain.keys() == windows
        assert {key[1:] for key in by_key.keys() - plain.keys()} == {key[1:] for key in windows if key[0] == "1 h"}
        for key, row in plain.items():
            n, hits = counts["shown"][key], counts["clicked"][key]
            assert (row["shown"], row["clicked"]) == (n, hits), key
            assert row["rate"] == pytest.approx((hits + 20 * 0.04) / (n + 20), rel=1e-12)
        _check_expected(by_key, shown, clicked, events)
    finally:
        for job in jobs:
            stack.rest.cancel(job)
            stack.rest.wait_for_end(job)
    for topic in (REQUESTS, CLICKS):
        assert not read_committed(f"{topic}-late", timeout_s=0)


def _check_variants(wanted: dict[str, dict[str, list[int]]], answers: dict[str, dict[str, Any]]) -> None:
    """Before the change halves by a hash, behind it what the change says, each reader always the same."""
    sides: dict[bool, dict[int, set[str | None]]] = {False: defaultdict(set), True: defaultdict(set)}
    for request, row in answers.items():
        assert row["ranking"] == RANKINGS[row["variant"] == "treatment"], request
        assert row["items"] == wanted[request][row["ranking"]], request
        changed = milliseconds(row["event_time"]) >= CHANGED_MS
        sides[changed][row["user_id"]].add(row["variant"])
    assert all(len(found) == 1 for half in sides.values() for found in half.values()), "a user changed sides"
    treated = sum(found == {"treatment"} for found in sides[False].values()) / len(sides[False])
    assert 0.3 < treated < 0.7
    assert {None} not in sides[False].values()
    by_digits = {
        user: "treatment" if user % 100 < 20 else "control" if user % 100 < 80 else None for user in range(121)
    }
    assert {user: found.pop() for user, found in sides[True].items()} == {user: by_digits[user] for user in sides[True]}
    assert None in by_digits.values() and len(sides[True]) > 50


def _check_expected(
    rates: dict[Any, dict[str, Any]],
    shown: dict[tuple[str, int], tuple[int, int]],
    clicked: dict[tuple[str, int], int],
    events: dict[str, list[dict[str, Any]]],
) -> None:
    """Clicks over those expected by the places, in each hour that slides by five minutes."""
    by_place: dict[str, Counter[Any]] = {"shown": Counter(), "clicked": Counter()}
    by_both: Counter[Any] = Counter()
    slide, size = SPANS["1 h"]
    for (_, item), (at, place) in shown.items():
        for end in _windows(at, slide, size):
            by_place["shown"][end, place] += 1
            by_both[end, item, place] += 1
    places = {(row["request_id"], row["item_id"]): row["position"] for row in events[CLICKS]}
    for pair, at in clicked.items():
        for end in _windows(at, slide, size):
            by_place["clicked"][end, places[pair]] += 1
    expected: dict[Any, float] = defaultdict(float)
    for (end, item, place), n in by_both.items():
        expected[end, item] += n * by_place["clicked"][end, place] / by_place["shown"][end, place]
    told = {key[1:]: row for key, row in rates.items() if key[0] == "1 h, by position"}
    assert len(told) > 100
    for key, value in expected.items():
        assert told[key]["expected"] == pytest.approx(value, rel=1e-9), key
        hits = told[key]["clicked"]
        assert told[key]["over_expected"] == pytest.approx((hits + 1) / (value + 1), rel=1e-9)
