"""Pools of forests beyond the common contract: many keys, slots that come and go, one implementation."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.random_cut_forest import RandomCutForest, RandomCutForestPool
from tests.unit.models.rcf_data import stream


def test_a_key_in_a_pool_is_a_forest() -> None:
    random = np.random.default_rng(1)
    keys, rows = random.integers(0, 64, 6000), stream("normal", 6000, 2)
    pool = RandomCutForestPool(2, trees=10, sample_size=32, time_decay=300, seed=4)
    slots = np.array([pool.open() for _ in range(64)], np.int32)
    parts = [
        pool.process(slots[keys[k : k + 500]], np.zeros(500, np.int64), rows[k : k + 500])["score"]
        for k in range(0, 6000, 500)
    ]
    scores = np.concatenate(parts)
    for key in range(64):
        forest = RandomCutForest(2, trees=10, sample_size=32, time_decay=300, seed=4)
        assert np.array_equal(forest.process(rows[keys == key]), scores[keys == key])
        assert forest.dump() == pool.dump(int(slots[key]))


def test_keys_with_one_row_a_call() -> None:
    rows = stream("integers", 200 * 9, 3).reshape(200, 9, 3)
    pool = RandomCutForestPool(3, trees=5, sample_size=16, time_decay=50, seed=1)
    slots = np.array([pool.open() for _ in range(9)], np.int32)
    scores = np.stack([pool.process(slots, np.zeros(9, np.int64), now)["score"] for now in rows])
    for key in range(9):
        forest = RandomCutForest(3, trees=5, sample_size=16, time_decay=50, seed=1)
        assert np.array_equal(forest.process(rows[:, key]), scores[:, key])


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_slots_that_come_and_go(data: st.DataObject) -> None:
    """Whatever is opened, closed, dumped and loaded in between, every key's scores are those of its rows alone."""
    columns = data.draw(st.sampled_from([1, 3]))
    parameters = {"trees": 4, "sample_size": 10, "time_decay": 25, "seed": 2}
    pool = RandomCutForestPool(columns, **parameters)
    slots: dict[int, int] = {}
    rows: dict[int, list[np.ndarray]] = {}
    scores: dict[int, list[float]] = {}
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    fresh = iter(range(10_000))
    for _ in range(data.draw(st.integers(3, 25))):
        action = data.draw(st.sampled_from(["open", "close", "move", "rows", "rows"]))
        if action == "open" or not slots:
            key = next(fresh)
            slots[key], rows[key], scores[key] = pool.open(), [], []
        elif action == "close":
            pool.close(slots.pop(data.draw(st.sampled_from(sorted(slots)))))
        elif action == "move":
            key = data.draw(st.sampled_from(sorted(slots)))
            snapshot = pool.dump(slots[key])
            pool.close(slots[key])
            slots[key] = pool.load(snapshot)
        else:
            n = data.draw(st.integers(1, 40))
            keys = random.choice(sorted(slots), n)
            values = random.integers(-3, 4, (n, columns)).astype(np.float64)
            answer = pool.process(np.array([slots[k] for k in keys], np.int32), np.zeros(n, np.int64), values)
            for key, row, score in zip(keys.tolist(), values, answer["score"].tolist(), strict=True):
                rows[key].append(row)
                scores[key].append(score)
    for key, mine in rows.items():
        if mine:
            assert np.array_equal(RandomCutForest(columns, **parameters).process(np.array(mine)), scores[key])
