"""Recorded clicks become honest figures: nothing of the test is learned before it is asked about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli import execute
from jobs.errors import UsageError
from jobs.validation import Clicks, Named, Period, period_of, prequential, read_clicks, report, split
from jobs.validation.protocols import ask_after_all, ask_before_each
from models.recommend import RandomRanking
from tests.recorded_data import recorded_file

DAY_MS = 86_400_000
START = 1_506_826_800_000
Longs = np.ndarray[Any, np.dtype[np.int64]]


def recorded(n: int = 4000, days: float = 16.0, seed: int = 0) -> Clicks:
    """Clicks of 150 users on 300 items, of which each day brings new ones."""
    random = np.random.default_rng(seed)
    times = np.sort(random.integers(0, int(days * DAY_MS), n)) + START
    times[0], times[-1] = START, START + int(days * DAY_MS) - 1
    items = (times - START) // DAY_MS * 15 + (30 * random.random(n) ** 3).astype(np.int64)
    return Clicks(random.integers(0, 150, n), items, times)


class Spy(RandomRanking):
    """Notes what it is told and asked, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, int, int | None, int]] = []

    def learn(self, user: int, item: int, time_ms: int) -> None:
        """Note it."""
        self.calls.append(("learn", user, item, time_ms))
        super().learn(user, item, time_ms)

    def rank(self, user: int, time_ms: int, k: int) -> Longs:
        """Note it."""
        self.calls.append(("rank", user, None, time_ms))
        return super().rank(user, time_ms, k)


def silent(_: int) -> None:
    pass


# ---------------------------------------------------------------- no leaks
def test_split_learns_nothing_of_the_test_and_nothing_before_the_training() -> None:
    clicks = recorded()
    period = period_of(clicks, 7, 7)
    spy = Spy()
    lists = ask_after_all(spy, split(clicks, period, 10**6, 0), 10, period.test_ms, silent)
    learned = [call for call in spy.calls if call[0] == "learn"]
    inside = (clicks.times_ms >= period.train_ms) & (clicks.times_ms < period.test_ms)
    assert [call[3] for call in learned] == clicks.times_ms[inside].tolist()
    assert spy.calls[: len(learned)] == learned
    assert {call[3] for call in spy.calls[len(learned) :]} == {period.test_ms}
    assert len(lists.users) == len(set(lists.users)) > 50


def test_split_asks_for_new_reads_of_users_who_were_there_before() -> None:
    clicks = recorded()
    period = period_of(clicks, 7, 7)
    questions = split(clicks, period, 10**6, 0)
    rows = list(zip(clicks.users.tolist(), clicks.items.tolist(), clicks.times_ms.tolist(), strict=True))
    train = {(u, i) for u, i, t in rows if period.train_ms <= t < period.test_ms}
    test = {(u, i) for u, i, t in rows if period.test_ms <= t < period.end_ms}
    new = {(u, i) for u, i in test - train if u in {user for user, _ in train}}
    assert {(user, item) for user, items in questions.relevant.items() for item in items} == new
    drawn = split(clicks, period, 20, 3)
    assert len(drawn.relevant) == 20
    assert drawn.relevant.items() <= questions.relevant.items()


def test_prequential_asks_before_it_tells() -> None:
    clicks = recorded()
    period = period_of(clicks, 7, 7)
    spy = Spy()
    questions = prequential(clicks, period, 10**6, 0)
    lists = ask_before_each(spy, questions, 10, silent)
    rows = list(zip(clicks.users.tolist(), clicks.items.tolist(), clicks.times_ms.tolist(), strict=True))
    expected: list[tuple[str, int, int | None, int]] = []
    read, wanted = set(), []
    for user, item, time_ms in rows:
        if time_ms >= period.test_ms and (user, item) not in read:
            expected.append(("rank", user, None, time_ms))
            wanted.append({item})
        read.add((user, item))
        expected.append(("learn", user, item, time_ms))
    assert spy.calls == expected
    assert lists.relevant == wanted
    assert questions.repeated == sum(time >= period.test_ms for time in clicks.times_ms) - len(wanted)


def test_drawn_questions_are_some_of_all_and_everything_is_learned() -> None:
    clicks = recorded()
    period = period_of(clicks, 7, 7)
    every, some = (prequential(clicks, period, most, 1) for most in (10**6, 50))
    assert some.asked.size == 50
    assert set(some.asked.tolist()) < set(every.asked.tolist())
    assert len(some.clicks) == len(every.clicks) == len(clicks)


# ---------------------------------------------------------------- the days
def test_the_days_are_counted_from_the_end() -> None:
    period = period_of(recorded(), 7, 7)
    assert period == Period(START + 2 * DAY_MS, START + 9 * DAY_MS, START + 16 * DAY_MS)
    assert period.described() == {
        "train": "2017-10-03T03:00:00.000Z", "test": "2017-10-10T03:00:00.000Z", "end": "2017-10-17T03:00:00.000Z",
    }  # fmt: skip


def test_stragglers_are_left_off_and_a_begun_day_is_cut() -> None:
    clicks = recorded()
    late = np.array([START + 17 * DAY_MS, START + 22 * DAY_MS])
    with_late = Clicks(
        np.append(clicks.users, [1, 2]), np.append(clicks.items, [3, 4]), np.append(clicks.times_ms, late)
    )
    period = period_of(with_late, 7, 7)
    assert period == period_of(clicks, 7, 7)
    assert len(prequential(with_late, period, 10**6, 0).clicks) == len(clicks)
    assert period_of(recorded(days=15.5), 7, 7).end_ms == START + int(15.5 * DAY_MS)


def test_too_few_days_are_refused() -> None:
    with pytest.raises(UsageError, match="a test of 7 days leaves nothing to train on; give --test-days"):
        period_of(recorded(days=5), 7, 7)
    assert period_of(recorded(days=5), 2, 2).test_ms == START + 3 * DAY_MS


# ---------------------------------------------------------------- the file
def written(file: Path, clicks: Clicks, **columns: Any) -> Path:
    table = {"user_id": clicks.users, "click_article_id": clicks.items, "click_timestamp": clicks.times_ms} | columns
    pq.write_table(pa.table(table), file)
    return file


def test_times_and_ids_of_any_kind_are_read(tmp_path: Path) -> None:
    clicks = recorded(300)
    whole = Clicks(clicks.users, clicks.items, clicks.times_ms // 1000 * 1000)
    for number, times in enumerate(
        (
            whole.times_ms, whole.times_ms // 1000, whole.times_ms * 1000, whole.times_ms * 1_000_000,
            pa.array(whole.times_ms * 1000, pa.timestamp("us", "UTC")), pa.array(whole.times_ms, pa.timestamp("ms")),
        )
    ):  # fmt: skip
        read = read_clicks(written(tmp_path / f"{number}.parquet", whole, click_timestamp=times))
        assert np.array_equal(read.times_ms, whole.times_ms)
        assert np.array_equal(read.users, whole.users)
    names = [f"u{user}" for user in whole.users]
    read = read_clicks(written(tmp_path / "named.parquet", whole, who=names), Named(user="who"))
    first = {name: number for number, name in enumerate(dict.fromkeys(names))}
    assert read.users.tolist() == [first[name] for name in names]


def test_rows_are_put_in_the_order_of_their_times(tmp_path: Path) -> None:
    clicks = recorded(300)
    order = np.random.default_rng(0).permutation(300)
    shuffled = Clicks(clicks.users[order], clicks.items[order], clicks.times_ms[order])
    read = read_clicks(written(tmp_path / "c.parquet", shuffled))
    assert np.array_equal(read.items, clicks.items)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"user_id": [None, 1]}, "user_id is NULL in 1 rows"),
        ({"user_id": [1.5, 2.5]}, "user_id must be integers or texts, got double"),
        ({"click_timestamp": ["a", "b"]}, "click_timestamp must be timestamps or integers, got string"),
        ({"click_timestamp": [5, 1_506_826_800_000]}, "all of one kind, got 5 to 1506826800000"),
        ({"user_id": pa.array([], pa.int64())}, "has no rows"),
    ],
)
def test_files_that_cannot_be_taken(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    clicks = Clicks(*np.array([[1, 2], [3, 4], [START, START + 1]]))
    if not len(columns.get("user_id", [1])):
        clicks = Clicks(*np.empty((3, 0), np.int64))
    with pytest.raises(UsageError, match=message):
        read_clicks(written(tmp_path / "c.parquet", clicks, **columns))


def test_missing_files_and_columns_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        read_clicks(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("hello")
    with pytest.raises(UsageError, match="cannot be read as Parquet"):
        read_clicks(tmp_path / "text.parquet")
    with pytest.raises(UsageError, match=r"has no column userid, did you mean user_id.*--user"):
        read_clicks(written(tmp_path / "c.parquet", recorded(10)), Named(user="userid"))


# ---------------------------------------------------------------- the report
FIGURES = {"n", "ndcg@10", "hr@10", "mrr@10", "map@10_all", "map@10_min", "se_ndcg@10", "coverage"}


@pytest.mark.parametrize("protocol", ["split", "prequential"])
def test_the_command_prints_the_figures_of_every_ranking(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], protocol: str
) -> None:
    file = str(written(tmp_path / "c.parquet", recorded()))
    assert execute(["validate", file, "--protocol", protocol, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["protocol"] == protocol
    assert len(told["models"]) == 10
    for name, row in told["models"].items():
        assert row.keys() > FIGURES, name
        assert all(np.isfinite(row[figure]) for figure in FIGURES), name
        assert row["n"] == told["asked"]
        assert 0 <= row["map@10_all"] <= row["map@10_min"] <= row["hr@10"] <= 1
    if protocol == "prequential":
        for row in told["models"].values():
            assert row["map@10_all"] == pytest.approx(row["mrr@10"])
    chance = told["models"]["random"]
    assert not chance["passes"]
    assert told["models"]["popular-window:1h"]["versus"]["popular-static"]["difference"] == pytest.approx(
        told["models"]["popular-window:1h"]["ndcg@10"] - told["models"]["popular-static"]["ndcg@10"]
    )


def test_the_table_says_what_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(written(tmp_path / "c.parquet", recorded()))
    assert execute(["validate", file, "--model", "random"]) == 0
    out = capsys.readouterr().out
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
    assert rows["popular-static"][-1] == rows["popular-window"][-1] == "baseline"
    assert rows["random"][-1] == "no"


def test_a_wrong_ranking_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(written(tmp_path / "c.parquet", recorded(200)))
    assert execute(["validate", file, "--model", "best"]) == 2
    assert "--model: there is no ranking 'best'" in capsys.readouterr().err


def test_both_baselines_must_be_beaten() -> None:
    """Clicks follow what is new: the hour beats the static list, but not the ten minutes that are a baseline."""
    told = report(recorded(), period_of(recorded(), 7, 7), "prequential", ["popular-window:30m", "popular-window:10m"])
    equal = told["models"]["popular-window:10m"]
    assert equal["versus"]["popular-window"] == {"difference": 0.0, "se": 0.0}
    assert equal["versus"]["popular-static"]["difference"] > 2 * equal["versus"]["popular-static"]["se"]
    assert not equal["passes"]


@pytest.mark.real_data
def test_recorded_clicks_give_the_known_figures() -> None:
    """The whole set gave 0.006 for static popularity (split) and 0.328 for the hour; this is a tenth of its users."""
    clicks = read_clicks(recorded_file("recsys", "globo", "clicks_users10pct.parquet"))
    period = period_of(clicks, 7, 7)
    assert period.described()["test"] == "2017-10-10T03:00:00.000Z"
    models = report(clicks, period, "split", ["popular-static"], most=3000)["models"]
    assert models["popular-static"]["ndcg@10"] == pytest.approx(0.006, abs=0.0015)
    models = report(clicks, period, "prequential", ["popular-window:1h"], most=5000)["models"]
    assert 0.29 < models["popular-window:1h"]["ndcg@10"] < 0.34
