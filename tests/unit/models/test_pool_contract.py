"""What every pool of models must do, whatever the model. A new pool adds one entry to POOLS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from models.anomaly_detector import AnomalyDetectorPool
from models.arbitrage import ArbitragePool
from models.champion import ChampionGatePool
from models.champion.challengers import challengers
from models.drift import ADWINPool, DDMPool, KSWINPool, PageHinkleyPool
from models.errors import ModelError, SnapshotError
from models.hotspots import HotspotsPool
from models.indicators import NAMES, IndicatorsPool, Periods
from models.learners import learner
from models.metrics import PrequentialMetricsPool
from models.original_market import OriginalMarketPool
from models.pool import ModelPool
from models.random_cut_forest import RandomCutForestPool
from models.signals import Rules, SignalsPool
from models.stagger import StaggerPool
from models.user_vectors import ItemVectors, UserVectorPool


@dataclass(frozen=True)
class Kind:
    """A way to make pools, small and quick, and how many columns their rows have."""

    make: Callable[[], ModelPool]
    columns: int
    #: rows of a key that give no result yet
    warm_up: int
    #: results that are 0 in the warm-up and tell something of every row behind it; None: all of them
    judged: tuple[str, ...] | None = None
    #: rows of a key that are enough to tell more than nothing of each row
    rows: int = 60
    #: normal numbers (n, columns) as values the model takes
    values: Callable[[np.ndarray], np.ndarray] = np.asarray
    #: results that are NaN where they are not defined
    undefined: tuple[str, ...] = ()


def labelled(rows: np.ndarray) -> np.ndarray:
    """The last column as a label, 0 or 1, that the first one says something of."""
    return np.column_stack([rows[:, :-1], rows[:, -1] + rows[:, 0] > 0.0])


FOREST = partial(RandomCutForestPool, trees=8, sample_size=16, time_decay=60, seed=5)


def outcomes(values: np.ndarray) -> np.ndarray:
    """A label, and a probability."""
    return np.column_stack([values[:, 0] > 0, 1 / (1 + np.exp(-values.sum(axis=1)))]).astype(np.float64)


def whole(values: np.ndarray) -> np.ndarray:
    """Whole numbers, as ids are."""
    return np.round(10.0 * values)


def bits(values: np.ndarray) -> np.ndarray:
    """Errors of a model that is right more often than not."""
    return (values > 0.5).astype(np.float64)


def losses(values: np.ndarray) -> np.ndarray:
    """Losses of models of which the second is better."""
    return 1 / (1 + np.exp(-values - np.arange(values.shape[1])[::-1]))


def quotes(values: np.ndarray) -> np.ndarray:
    """Quotes of three venues, a bid and an ask around 100."""
    venue, mid = np.floor(np.abs(values[:, 0]) * 10) % 3, 100 + values[:, 1]
    return np.column_stack([venue, mid - 0.2, np.abs(values[:, 2]), mid + 0.2, np.abs(values[:, 4])])


def bars_and_features(values: np.ndarray) -> np.ndarray:
    """A mid price, quotes around it, and two features."""
    mid = 100 + values[:, 0]
    return np.column_stack([mid, mid - 0.1, mid + 0.1, values[:, 3:]])


DETECTOR = partial(Kind, columns=1, judged=("statistic",))
CHALLENGERS = partial(
    challengers, [{"algorithm": "logistic"}, {"algorithm": "alma"}, {"algorithm": "logistic", "learning_rate": 1.0}],
    columns=2, minimum_rows=5, cool_down=5, comparison_rows=50,
)  # fmt: skip
RANKED = ("roc_auc", "average_precision")
METRICS = partial(Kind, columns=2, warm_up=0, judged=("n",), values=outcomes, undefined=RANKED)
VECTORS = ItemVectors(1, np.arange(-20, 21), np.random.default_rng(1).normal(size=(41, 3)))
POOLS = {
    "forest": Kind(partial(FOREST, dimensions=2), 2, 16),
    "forest, explained": Kind(partial(FOREST, dimensions=3, explain=True), 3, 16),
    "forest, shingled": Kind(partial(FOREST, dimensions=1, shingle_size=4), 1, 16),
    "forest, threads": Kind(partial(FOREST, dimensions=1, threads=2), 1, 16),
    "forest, imputing": Kind(partial(FOREST, dimensions=2, missing="impute"), 2, 16),
    "forest, early": Kind(partial(FOREST, dimensions=2, warm_up=5), 2, 5),
    "detector": Kind(AnomalyDetectorPool, 1, 100, ("score",), 140),
    "detector, columns": Kind(partial(AnomalyDetectorPool, columns=3, seed=4), 3, 100, ("score",), 140),
    # the first hotspot of these rows comes with the twelfth, and one is always there from then on
    "hotspots": Kind(partial(HotspotsPool, 2, 40, 0.6, 4), 2, 11, ("count",)),
    "hotspots, one for all": Kind(partial(HotspotsPool, 3, 1000, 100.0, 8), 3, 7, ("count",)),
    "logistic": Kind(partial(learner, "logistic", columns=2, calibration="platt"), 3, 0, values=labelled),
    "logistic mixture": Kind(partial(learner, "logistic_mixture", columns=2), 3, 0, values=labelled),
    "alma, averaged": Kind(partial(learner, "alma", columns=2, averaging=True), 3, 0, values=labelled),
    "naive bayes": Kind(partial(learner, "naive_bayes", columns=2), 3, 0, (), values=labelled),
    "original gate": Kind(partial(learner, "original_gate", columns=2, message_rows=8), 3, 0, values=labelled),
    "hoeffding tree": Kind(partial(learner, "hoeffding_tree", columns=2, grace=20), 3, 0, (), values=labelled),
    "forest that adapts": Kind(
        partial(learner, "adaptive_random_forest", columns=2, trees=2, max_leaves=512, warning_delta=0.3),
        3,
        0,
        (),
        values=labelled,
    ),
    "linear regression": Kind(
        partial(learner, "linear_regression", columns=2, optimizer="ftrl"), 3, 1, values=labelled
    ),
    "adwin": DETECTOR(partial(ADWINPool, clock=4), warm_up=11),
    "page hinkley": DETECTOR(partial(PageHinkleyPool, minimum=20), warm_up=19),
    "kswin": DETECTOR(partial(KSWINPool, 1e-6, 40, 10), warm_up=39),
    "ddm": DETECTOR(partial(DDMPool, 1000.0, minimum=20), warm_up=20, values=bits),
    "challengers": Kind(CHALLENGERS, 3, 0, ("prediction",), values=labelled),
    "user vectors": Kind(partial(UserVectorPool, VECTORS, 6), 1, 0, ("items_read",), values=whole),
    "champion": Kind(partial(ChampionGatePool, 2, minimum_rows=5, cool_down=5), 2, 0, (), values=losses),
    "arbitrage": Kind(
        partial(ArbitragePool, [0.0, 0.001, 0.002], 0.001, 50, 30),
        5,
        0,
        (),
        values=quotes,
        undefined=("buy_venue", "sell_venue", "edge", "size", "episode", "lasted_ms", "best_edge"),
    ),
    "indicators": Kind(partial(IndicatorsPool, Periods(5, 3, 6, 4, 7, 2.0, 5, 9)), 2, 0, (), undefined=NAMES),
    "metrics": METRICS(partial(PrequentialMetricsPool, 30)),
    "metrics, fading": METRICS(partial(PrequentialMetricsPool, 30, fading=0.95)),
    "metrics, span": METRICS(partial(PrequentialMetricsPool, 30, span_ms=100)),
    "signals": Kind(
        partial(SignalsPool, 2, Rules(horizon_ms=50, waiting=7, warm_up=0, threshold=0.1, release=0.05)),
        5,
        0,
        (),
        values=bars_and_features,
        undefined=("outcome_return", "outcome_score", "outcome_right"),
    ),
    "original market": Kind(
        partial(OriginalMarketPool, 2, Rules(horizon_ms=50, waiting=7)),
        5,
        100,
        (),
        values=bars_and_features,
        undefined=("outcome_return", "outcome_score", "outcome_right"),
    ),
    # the first window opens at time 0
    "stagger": Kind(partial(StaggerPool, 10), 1, 10),
}


@pytest.fixture(params=POOLS, ids=lambda name: name.replace(", ", "-"))
def kind(request: pytest.FixtureRequest) -> Kind:
    return POOLS[request.param]


@dataclass
class Rows:
    """Rows of several keys, mixed."""

    keys: np.ndarray
    times: np.ndarray
    values: np.ndarray

    def __getitem__(self, part: slice | np.ndarray) -> Rows:
        return Rows(self.keys[part], self.times[part], self.values[part])


def rows_of(kind: Kind, n: int = 600, keys: int = 5, seed: int = 0) -> Rows:
    random = np.random.default_rng(seed)
    mixed, times = random.integers(0, keys, n), np.arange(n, dtype=np.int64)
    return Rows(mixed, times, kind.values(random.normal(size=(n, kind.columns))))


def run(pool: ModelPool, slots: list[int], rows: Rows) -> dict[str, np.ndarray]:
    return pool.process(np.array(slots, np.int32)[rows.keys], rows.times, rows.values)


def joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def assert_same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert np.array_equal(a[name], b[name], equal_nan=a[name].dtype.kind == "f"), name


def test_results_have_one_entry_a_row(kind: Kind) -> None:
    pool = kind.make()
    rows = rows_of(kind, 50)
    for name, values in run(pool, [pool.open() for _ in range(5)], rows).items():
        assert values.shape[0] == 50, name
        assert values.dtype == object or np.isfinite(values).all() or name in kind.undefined


def test_no_rows(kind: Kind) -> None:
    pool = kind.make()
    full, none = run(pool, [pool.open()], rows_of(kind, 3, 1)), run(pool, [0], rows_of(kind, 3, 1)[:0])
    assert {name: values[:0].shape for name, values in full.items()} == {n: v.shape for n, v in none.items()}


@pytest.mark.parametrize("cut", [1, 7, 100, 599])
def test_cut_of_the_stream_does_not_show(kind: Kind, cut: int) -> None:
    rows = rows_of(kind)
    one, other = kind.make(), kind.make()
    slots = [one.open() for _ in range(5)]
    assert slots == [other.open() for _ in range(5)]
    together = run(one, slots, rows)
    pieces = [run(other, slots, rows[k : k + cut]) for k in range(0, 600, cut)]
    assert_same(joined(pieces), together)
    assert [one.dump(slot) for slot in slots] == [other.dump(slot) for slot in slots]


def test_keys_do_not_influence_each_other(kind: Kind) -> None:
    rows = rows_of(kind)
    mixed = kind.make()
    slots = [mixed.open() for _ in range(5)]
    together = run(mixed, slots, rows)
    for key in range(5):
        alone = kind.make()
        for _ in range(3):
            slot = alone.open()  # another slot number than in the mixed pool
        mine = rows[rows.keys == key]
        result = alone.process(np.full(len(mine.keys), slot, np.int32), mine.times, mine.values)
        assert_same(result, {name: values[rows.keys == key] for name, values in together.items()})


def test_cold_start(kind: Kind) -> None:
    """Nothing is found before the warm-up is over, in a slot used for the first time and in one used before."""
    pool = kind.make()
    slot = pool.open()
    first = run(pool, [slot], rows_of(kind, kind.rows, 1))
    pool.close(slot)
    again = run(pool, [pool.open()], rows_of(kind, kind.rows, 1))
    assert_same(first, again)
    for name in first if kind.judged is None else kind.judged:
        values = first[name]
        assert not values[: kind.warm_up].any()
        assert np.abs(values[kind.warm_up :].reshape(kind.rows - kind.warm_up, -1)).sum(axis=1).all()


def test_dump_and_load_continue(kind: Kind) -> None:
    rows = rows_of(kind)
    pool = kind.make()
    slots = [pool.open() for _ in range(5)]
    whole = run(pool, slots, rows)
    for cut in (0, 10, 300):
        before, after = kind.make(), kind.make()
        old = [before.open() for _ in range(5)]
        run(before, old, rows[:cut])
        new = [after.load(before.dump(slot)) for slot in reversed(old)][::-1]
        assert_same(run(after, new, rows[cut:]), {name: values[cut:] for name, values in whole.items()})
        assert [after.dump(slot) for slot in new] == [pool.dump(slot) for slot in slots]


def test_dump_changes_nothing(kind: Kind) -> None:
    rows = rows_of(kind)
    one, other = kind.make(), kind.make()
    slots = [one.open() for _ in range(5)]
    assert slots == [other.open() for _ in range(5)]
    for k in range(0, 600, 60):
        assert_same(run(one, slots, rows[k : k + 60]), run(other, slots, rows[k : k + 60]))
        assert one.dump(slots[0]) == one.dump(slots[0])


def test_altered_and_foreign_bytes_are_refused(kind: Kind) -> None:
    pool = kind.make()
    slot = pool.open()
    run(pool, [slot], rows_of(kind, 40, 1))
    data, held = pool.dump(slot), pool.nbytes
    for wrong in (b"", b"not a model", data[:-1], data + b"\0", data[:-9] + b"\xff" + data[-8:]):
        with pytest.raises(SnapshotError):
            pool.load(wrong)
    assert pool.nbytes == held
    assert pool.dump(slot) == data


def test_input_is_left_alone(kind: Kind) -> None:
    pool = kind.make()
    slots = np.full(40, pool.open(), np.int32)
    rows = rows_of(kind, 40, 1)
    arrays = (slots, rows.times, rows.values)
    for array in arrays:
        array.setflags(write=False)
    copies = [array.copy() for array in arrays]
    pool.process(*arrays)
    assert all(np.array_equal(array, copy) for array, copy in zip(arrays, copies, strict=True))


def test_layout_of_the_input_does_not_matter(kind: Kind) -> None:
    rows = rows_of(kind, 80, 1)
    plain, turned, strided = kind.make(), kind.make(), kind.make()
    expected = run(plain, [plain.open()], rows)
    assert_same(run(turned, [turned.open()], Rows(rows.keys, rows.times, np.asfortranarray(rows.values))), expected)
    wide = np.repeat(rows.values, 2, axis=0)[::2]
    assert_same(run(strided, [strided.open()], Rows(rows.keys, rows.times, wide)), expected)


def test_memory_is_given_back(kind: Kind) -> None:
    pool = kind.make()
    assert pool.nbytes == 0
    slots = [pool.open() for _ in range(4)]
    full = pool.nbytes
    assert full > 0
    run(pool, slots, rows_of(kind, 400, 4))
    assert pool.nbytes == full, "bounded, and known from the start"
    for slot in slots[:2]:
        pool.close(slot)
    assert pool.nbytes == full // 2
    assert pool.open() in slots[:2], "slots are used again"


def test_closed_slots_are_refused(kind: Kind) -> None:
    pool = kind.make()
    slot, other = pool.open(), pool.open()
    pool.close(slot)
    for call in (pool.close, pool.dump):
        with pytest.raises(ModelError, match=f"slot {slot} is not open"):
            call(slot)
    before = pool.dump(other)
    with pytest.raises(ModelError, match=f"slot {slot} is not open"):
        run(pool, [other, slot], rows_of(kind, 20, 2))
    assert pool.dump(other) == before, "nothing was learned"
