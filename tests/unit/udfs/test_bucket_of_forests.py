"""Exactness with the models that really run: scores and parts bit for bit those of a forest that was never stopped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.random_cut_forest import RandomCutForest
from tests.unit.udfs.bucket_parts import DictStore, Rows, packs, random_rows
from udfs.bucket import Bucket, Counters, Hosted, SnapshotPolicy
from udfs.functions.registry import FUNCTIONS

KEYS = ["a", "b", None, "ü", "e"]
FOREST = {"trees": 8, "sample_size": 16, "time_decay": 60, "shingle_size": 2, "seed": 5}


def hosted(function: str, policy: SnapshotPolicy, on_null: str = "skip") -> Hosted:
    arguments = {**FOREST, "on_null": on_null}
    return Hosted(function, FOREST, FUNCTIONS[function].make_pool(2, arguments), policy=policy)


def run(hosted: Hosted, store: DictStore, cut: list[tuple[int, Rows]]) -> dict[str, np.ndarray[Any, Any]]:
    bucket = Bucket(hosted, store, Counters())
    parts = [bucket.process(rows.keys, rows.times_ms, rows.values, start, store) for start, rows in cut]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def scores_of(rows: Rows, **more: Any) -> np.ndarray[Any, Any]:
    """The oracle: a forest a key over all its rows at once."""
    scores = np.empty(len(rows))
    for key in set(rows.keys):
        own = np.array([i for i, each in enumerate(rows.keys) if each == key])
        scores[own] = RandomCutForest(dimensions=2, **FOREST, **more).process(rows.values[own])
    return scores


@pytest.mark.parametrize("policy", [SnapshotPolicy(10**9, 10**9), SnapshotPolicy(90, 10**9), SnapshotPolicy(1, 1)])
@pytest.mark.parametrize("batch_ms", [500, 3_000])
def test_scores_survive_a_crash_between_any_two_packs(policy: SnapshotPolicy, batch_ms: int) -> None:
    rows = random_rows(400, seed=1, keys=KEYS, step_ms=30)
    cut, expected = packs(rows, batch_ms), scores_of(rows)
    assert np.count_nonzero(expected) > 200, "the forests are hardly past their warm-up"
    store, checkpoints, done = DictStore(), [], 0
    bucket = Bucket(hosted("RANDOM_CUT_FOREST", policy), store, Counters())
    for start_ms, pack in cut:
        checkpoints.append((done, store.copy()))
        scores = bucket.process(pack.keys, pack.times_ms, pack.values, start_ms, store)["score"]
        assert scores.tobytes() == expected[done : done + len(pack)].tobytes()
        done += len(pack)
    for number, (at, checkpoint) in enumerate(checkpoints):
        again = run(hosted("RANDOM_CUT_FOREST", policy), checkpoint, cut[number:])["score"]
        assert again.tobytes() == expected[at:].tobytes(), f"restored before pack {number}"
        assert checkpoint == store


def test_parts_survive_a_crash() -> None:
    rows = random_rows(300, seed=2, keys=KEYS)
    cut, name = packs(rows, 400), "RANDOM_CUT_FOREST_WITH_EXPLANATION"
    whole = run(hosted(name, SnapshotPolicy(10**9, 10**9)), DictStore(), cut)
    store, found = DictStore(), []
    for first in range(0, len(cut), 4):
        found.append(run(hosted(name, SnapshotPolicy(70, 10**9)), store, cut[first : first + 4]))
    for output in ("score", "attribution"):
        assert np.concatenate([part[output] for part in found]).tobytes() == whole[output].tobytes()
    assert whole["score"].tobytes() == scores_of(rows).tobytes()


def test_imputed_rows_survive_a_crash() -> None:
    rows = random_rows(300, seed=3, keys=KEYS)
    rows.values[np.random.default_rng(0).random(rows.values.shape) < 0.2] = np.nan
    rows.values[np.isnan(rows.values).all(axis=1), 0] = 1.0
    cut, name, expected = packs(rows, 400), "RANDOM_CUT_FOREST", scores_of(rows, missing="impute")
    store, found = DictStore(), []
    for first in range(0, len(cut), 3):
        found.append(run(hosted(name, SnapshotPolicy(70, 10**9), "impute"), store, cut[first : first + 3])["score"])
    assert np.concatenate(found).tobytes() == expected.tobytes()


def test_models_released_from_memory_go_on_as_if_they_had_stayed() -> None:
    rows = random_rows(300, seed=4, keys=KEYS)
    store, found = DictStore(), []
    bucket = Bucket(hosted("RANDOM_CUT_FOREST", SnapshotPolicy(20, 10**9)), store, Counters())
    released = 0
    for start_ms, pack in packs(rows, 300):
        found.append(bucket.process(pack.keys, pack.times_ms, pack.values, start_ms, store)["score"])
        released += bucket.release_quiet_keys()
    assert released > 10
    assert np.concatenate(found).tobytes() == scores_of(rows).tobytes()
