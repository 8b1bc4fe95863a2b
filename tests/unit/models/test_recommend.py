"""What every ranking must do, and what each one claims, against slow references."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from models.errors import ParameterError, SnapshotError
from models.recommend import RANKINGS, ClickRanking, PopularWindow, RandomRanking, make_ranking
from models.recommend.blend import BlendRanking
from models.recommend.clusters import spherical_kmeans
from models.recommend.covisits import BACK, POPULAR, PRIOR, CoVisitRanking
from models.recommend.popular import PopularStatic
from models.recommend.vectors import ClickVectors

Click = tuple[int, int, int]
HOUR = 3_600_000
START = 1_507_000_000_000


def clicks_of(n: int, users: int = 40, items: int = 60, seed: int = 0, step_ms: int = 60_000) -> list[Click]:
    """Users go on from an item to the next one often; some items are popular; ids are large and have gaps."""
    random = np.random.default_rng(seed)
    at: dict[int, int] = {}
    found = []
    for number in range(n):
        user = int(random.integers(users))
        goes_on = user in at and random.random() < 0.6
        item = (at[user] + 1) % items if goes_on else int(items * random.random() ** 2)
        at[user] = item
        found.append((user * 1_000_003, item * 7 - 100, START + number * step_ms))
    return found


def learned(ranking: ClickRanking, clicks: list[Click]) -> ClickRanking:
    for click in clicks:
        ranking.learn(*click)
    return ranking


@pytest.fixture(params=[*RANKINGS, "popular-window:2h"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# ---------------------------------------------------------------- all of them
def test_before_any_click_there_is_nothing_to_show(name: str) -> None:
    assert make_ranking(name).rank(1, START, 10).tolist() == []


def test_lists_are_distinct_and_without_what_was_read(name: str) -> None:
    clicks = clicks_of(3000)
    ranking = learned(make_ranking(name, last=30), clicks)
    known = {item for _, item, _ in clicks}
    for user in range(40):
        shown = ranking.rank(user * 1_000_003, clicks[-1][2], 10).tolist()
        reads = list(dict.fromkeys(item for who, item, _ in reversed(clicks) if who == user * 1_000_003))[:30]
        assert len(set(shown)) == len(shown) == 10
        assert set(shown) <= known - set(reads)


def test_what_was_read_may_be_shown_where_asked_for() -> None:
    ranking = make_ranking("popular-window", exclude_read=False)
    ranking.learn(1, 5, START)
    assert ranking.rank(1, START, 3).tolist() == [5]
    assert ranking.rank(2, START, 3).tolist() == [5]


def test_ranking_changes_nothing(name: str) -> None:
    clicks = clicks_of(1500)
    ranking = learned(make_ranking(name), clicks)
    before = ranking.dump()
    for user, k in itertools.product(range(-1, 20), (1, 10, 100)):
        ranking.rank(user * 1_000_003, START + 10**9, k)
    assert ranking.dump() == before


def test_dump_and_load_continue(name: str) -> None:
    clicks = clicks_of(2600, step_ms=120_000)
    ranking = learned(make_ranking(name, seed=3, last=10), clicks[:2000])
    again = type(ranking).load(ranking.dump())
    for user, item, time_ms in clicks[2000:]:
        assert np.array_equal(ranking.rank(user, time_ms, 10), again.rank(user, time_ms, 10))
        ranking.learn(user, item, time_ms)
        again.learn(user, item, time_ms)
    assert ranking.dump() == again.dump()


def test_a_snapshot_of_something_else_is_refused(name: str) -> None:
    data = learned(make_ranking(name), clicks_of(50)).dump()
    kind = type(make_ranking(name))
    other = PopularStatic if kind is not PopularStatic else RandomRanking
    with pytest.raises(SnapshotError, match="the snapshot is of"):
        other.load(data)
    for damaged in (data[:-1], data[:100], data[:60] + bytes([data[60] ^ 1]) + data[61:], b"", data + b"x"):
        with pytest.raises(SnapshotError):
            kind.load(damaged)


def test_places_of_items_there_are_not_are_refused() -> None:
    """Kernels index by them: a snapshot whose checksums fit must not make them read elsewhere."""
    for place in (-2, 10**6):
        ranking = learned(make_ranking("covisit"), clicks_of(50))
        ranking._by_user["reads"][0, 0] = place
        with pytest.raises(SnapshotError, match="its reads name items there are not"):
            CoVisitRanking.load(ranking.dump())


DATA = Path(__file__).parents[2] / "data" / "recommend"


def test_snapshots_of_format_1_are_read(name: str) -> None:
    """Written when the format was new, with what was shown then; every later version reads them or says why not."""
    if ":" in name:
        return
    ranking = type(make_ranking(name)).load((DATA / f"{name}_1.snapshot").read_bytes())
    told = json.loads((DATA / "shown_1.json").read_text())[name]
    assert {user: ranking.rank(int(user), START + 10**8, 5).tolist() for user in told} == told


def test_state_is_bounded(name: str) -> None:
    """A hundred times more ids than there is room for: memory stays, and lists hold what is known still."""
    small = {"dimensions": 8} if name in ("clusters", "segment-popular", "exact", "blend") else {}
    ring = {"most": 512} if name.startswith("popular-window") else {}
    ranking = make_ranking(name, items=64, users=32, **small, **ring)
    random = np.random.default_rng(1)
    sizes = []
    for number in range(6000):
        user, item = int(random.integers(3200)), number // 4 + int(random.integers(20))
        ranking.learn(user, item, START + number * 1000)
        if number % 1000 == 999:
            sizes.append((ranking.nbytes, len(ranking.dump()) // 20_000))
            assert ranking.known <= 64
            shown = ranking.rank(user, START + number * 1000, 5)
            assert all(ranking.knows(int(one)) for one in shown)
            assert len(shown) == 5
    assert sizes[-1][0] <= sizes[2][0] * 1.2


def test_the_seed_decides_and_nothing_else(name: str) -> None:
    clicks = clicks_of(1200)
    one, same = (learned(make_ranking(name, seed=7), clicks) for _ in range(2))
    assert one.dump() == same.dump()
    users = [user * 1_000_003 for user in range(-3, 40)]
    assert all(np.array_equal(one.rank(u, START + 10**9, 20), same.rank(u, START + 10**9, 20)) for u in users)


def test_the_cap_leaves_out_what_was_shown_often_enough(name: str) -> None:
    clicks = clicks_of(1500)
    ranking = learned(make_ranking(name, frequency_cap=2), clicks)
    now, user = clicks[-1][2], clicks[-1][0]
    first = ranking.rank(user, now, 5)
    ranking.show(user, first, now)
    assert np.array_equal(ranking.rank(user, now, 5), first)
    ranking.show(user, first, now)
    assert not set(ranking.rank(user, now, 5).tolist()) & set(first.tolist())
    assert set(ranking.rank(user, now + 25 * HOUR, 60).tolist()) >= set(first.tolist())
    assert np.array_equal(type(ranking).load(ranking.dump()).rank(user, now, 5), ranking.rank(user, now, 5))


def test_lists_that_are_filled_up_are_counted() -> None:
    ranking = learned(make_ranking("exact", dimensions=16), clicks_of(500))
    assert len(ranking.rank(-5, START + 10**8, 10)) == 10
    assert ranking.fallbacks == ranking.lists == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("best", "there is no ranking 'best'; there are random, popular-static"),
        ("covisit:1h", "only popular-window takes a window"),
        ("popular-window:1w", "only popular-window takes a window"),
        ("popular-window:999d", r"window_ms must be in 1\.\."),
    ],
)
def test_wrong_names(given: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        make_ranking(given)


# ---------------------------------------------------------------- each of them
def test_a_constant_scorer_ranks_like_chance() -> None:
    """200 items, lists of 10: each item is in 5 % of them, and no place is special."""
    ranking = RandomRanking(seed=11)
    for item in range(200):
        ranking.learn(1, item, START)
    lists = np.array([ranking.rank(user, START + user, 10) for user in range(2, 4002)])
    counts = np.bincount(lists.ravel(), minlength=200)[:170]  # the last 30 are what user 1 read
    deviation = (counts - 200.0) / np.sqrt(200 * 0.95)
    assert np.abs(deviation).max() < 4.5
    assert deviation.std() == pytest.approx(1.0, abs=0.2)
    assert lists.mean(axis=0) == pytest.approx(np.full(10, 99.5), abs=4.5 * 57.7 / np.sqrt(4000))


def test_another_seed_breaks_ties_otherwise() -> None:
    lists = []
    for seed in range(2):
        ranking = RandomRanking(seed=seed)
        for item in range(50):
            ranking.learn(1, item, START)
        lists.append(ranking.rank(2, START, 10).tolist())
    assert lists[0] != lists[1]


@pytest.mark.parametrize("most", [1 << 20, 40])
def test_the_window_counts_what_is_in_it(most: int) -> None:
    clicks = clicks_of(1200, step_ms=7_000)
    ranking = PopularWindow(window_ms=600_000, most=most, last=1)
    for number, (user, item, time_ms) in enumerate(clicks):
        if number % 50 == 49:
            inside = [i for _, i, t in clicks[:number] if t > time_ms - 600_000][-most:]
            counts = Counter(inside)
            shown = ranking.rank(-1, time_ms, 5).tolist()
            assert [counts[i] for i in shown] == [count for _, count in counts.most_common(5)]
        ranking.learn(user, item, time_ms)


def test_static_popularity_counts_its_days_only() -> None:
    clicks = clicks_of(900)
    ranking = learned(PopularStatic(since_ms=clicks[100][2], until_ms=clicks[400][2], last=1), clicks)
    counts = Counter(item for _, item, _ in clicks[100:400])
    shown = ranking.rank(-1, clicks[-1][2], 5).tolist()
    assert [counts[i] for i in shown] == [count for _, count in counts.most_common(5)]


def test_covisits_equal_a_slow_reference() -> None:
    """Few enough items that no neighbour is dropped; numbers are single, so places may differ by rounding only."""
    clicks = clicks_of(800, items=30)
    ranking = learned(CoVisitRanking(last=3), clicks)
    weights: dict[int, Counter[int]] = {}
    totals: Counter[int] = Counter()
    now = clicks[-1][2]
    history: dict[int, list[int]] = {}
    popular: Counter[int] = Counter()
    for user, item, time_ms in clicks:
        popular[item] += 0.5 ** ((now - time_ms) / HOUR)  # type: ignore[assignment]
        fade = 0.5 ** ((now - time_ms) / (24 * HOUR))
        reads = history.setdefault(user, [])
        for place, other in enumerate(reads[:3]):
            if other != item:
                for source, target, amount in ((other, item, 1.0), (item, other, BACK)):
                    weights.setdefault(source, Counter())[target] += amount / (place + 1) * fade  # type: ignore[assignment]
                    totals[source] += amount / (place + 1) * fade  # type: ignore[assignment]
        history[user] = [item, *(i for i in reads if i != item)]
    for user, reads in history.items():
        scores = {item: POPULAR * count / sum(popular.values()) for item, count in popular.items()}
        for place, source in enumerate(reads[:3]):
            for target, weight in weights.get(source, {}).items():
                scores[target] += weight / (totals[source] + PRIOR) / (place + 1)
        expected = sorted((score for item, score in scores.items() if item not in reads[:3]), reverse=True)[:10]
        shown = ranking.rank(user, now, 10).tolist()
        assert [scores[item] for item in shown] == pytest.approx(expected, rel=1e-5)


def test_cosines_of_vectors_are_those_of_the_readers() -> None:
    """Random signs keep cosines up to 1 / sqrt(dimensions)."""
    random = np.random.default_rng(4)
    matrix = random.random((400, 30)) < np.linspace(0.05, 0.5, 30)
    matrix[:, 15:20] = matrix[:, 10:15] | (random.random((400, 5)) < 0.05)
    vectors = ClickVectors(1024, seed=1)
    vectors.reach(30)
    for user, item in zip(*np.nonzero(matrix), strict=True):
        vectors.learn(int(user) * 12_345, int(item))

    def cosines(columns: np.ndarray) -> np.ndarray:
        directions = columns / np.linalg.norm(columns, axis=0)
        return directions.T @ directions

    error = cosines(vectors["vectors"][:30].T.astype(float)) - cosines(matrix.astype(float))
    assert np.abs(error).max() < 4.5 / np.sqrt(1024)


def test_clusters_are_found_where_there_are_some() -> None:
    random = np.random.default_rng(0)
    middles = np.linalg.qr(random.normal(size=(16, 5)))[0].T
    owner = random.integers(0, 5, 400)
    points = middles[owner] + random.normal(scale=0.05, size=(400, 16))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    centroids = spherical_kmeans(points, 5, seed=2)
    assert (centroids @ middles.T).max(axis=1) == pytest.approx(np.ones(5), abs=0.01)
    assert sorted((centroids @ middles.T).argmax(axis=1)) == [0, 1, 2, 3, 4]


def hit_rate(ranking: ClickRanking, clicks: list[Click], behind: int) -> float:
    hits, asked, read = 0, 0, set()
    for number, (user, item, time_ms) in enumerate(clicks):
        if number >= behind and (user, item) not in read:
            asked += 1
            hits += item in ranking.rank(user, time_ms, 3)
        read.add((user, item))
        ranking.learn(user, item, time_ms)
    return hits / asked


def test_the_blend_learns_what_matters() -> None:
    """60 % of the clicks are the next item of a chain, for which popularity is no help; then the chain turns round."""
    clicks = clicks_of(6000, users=400, items=200, step_ms=20_000)
    rates = {name: hit_rate(make_ranking(name), clicks, 3000) for name in ("popular-window", "random", "blend")}
    assert rates["blend"] > 0.45
    assert rates["blend"] > rates["popular-window"] + 0.25 > rates["random"] + 0.25


def test_the_gradient_of_the_blend_is_that_of_its_likelihood() -> None:
    """By finite differences: with sums of squares that long, a step is the gradient times a known factor."""
    from models.recommend import blend_kernels as kernels

    random = np.random.default_rng(5)
    features, weights = random.normal(size=(12, kernels.FEATURES)), random.normal(size=(3, kernels.FEATURES))
    appeal, candidates, contexts = random.normal(size=(20, 3)), np.arange(3, 15), np.array([0, 2])

    def likelihood(weights: np.ndarray, appeal: np.ndarray) -> float:
        scores = features @ weights[contexts].sum(axis=0) + appeal[candidates, 0] + appeal[candidates, 2]
        return float(scores[4] - np.log(np.exp(scores).sum()))

    moved, raised = weights.copy(), appeal.copy()
    squares = np.full_like(weights, 1e12)
    told = kernels.climb(features, 4, moved, squares, contexts, candidates, raised, 1, np.empty(12), 1e6, 1e-3)
    assert told == pytest.approx(likelihood(weights, appeal))
    for place in itertools.product((0, 1, 2), range(kernels.FEATURES)):
        nudged = weights.copy()
        nudged[place] += 1e-6
        slope = (likelihood(nudged, appeal) - likelihood(weights, appeal)) / 1e-6
        assert moved[place] - weights[place] == pytest.approx(slope, abs=1e-5)
    for place in ((3, 0), (7, 0), (7, 2), (9, 1), (2, 0)):
        nudged = appeal.copy()
        nudged[place] += 1e-6
        slope = (likelihood(weights, nudged) - likelihood(weights, appeal)) / 1e-6
        assert (raised[place] - appeal[place]) / 1e-3 == pytest.approx(slope, abs=1e-5)


def test_a_blend_that_was_not_asked_is_the_same() -> None:
    clicks = clicks_of(1500)
    silent, asked = BlendRanking(), BlendRanking()
    for user, item, time_ms in clicks:
        asked.rank(user, time_ms, 10)
        silent.learn(user, item, time_ms)
        asked.learn(user, item, time_ms)
    assert silent.dump() == asked.dump()
