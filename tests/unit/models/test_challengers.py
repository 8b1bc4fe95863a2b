"""Learners side by side behind a gate: the same as each by itself, and the better one serves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.champion import ChampionGate, bounded_loss
from models.champion.challengers import ChallengersPool, challengers, parse_candidates
from models.errors import InputError, ModelError, ParameterError, SnapshotError
from models.learners import learner
from models.learning.work import BOTH, LEARN, PREDICT

SLOW, QUICK = {"algorithm": "logistic", "learning_rate": 0.0005}, {"algorithm": "logistic", "learning_rate": 0.1}
TREE = {"algorithm": "hoeffding_tree", "grace": 50}
RULES = {"minimum_rows": 30, "cool_down": 50}


def stream(rows: int = 3000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, 3))
    labels = (features @ [2.0, -1.0, 0.5] + random.normal(0, 0.7, rows) > 0).astype(np.float64)
    return features, labels


def pool_of(*candidates: dict[str, Any], **more: Any) -> ChallengersPool:
    return challengers(candidates, columns=3, **{**RULES, **more})


def run(pool: ChallengersPool, slot: int, features: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    n = len(features)
    return pool.process(np.full(n, slot, np.int32), np.arange(n), np.column_stack([features, labels]))


@pytest.mark.parametrize("loss", ["error", "brier", "log"])
def test_it_is_each_learner_by_itself_and_a_gate_over_their_losses(loss: str) -> None:
    features, labels = stream()
    pool = pool_of(SLOW, QUICK, TREE, loss=loss)
    found = run(pool, pool.open(), features, labels)
    alone = []
    for each in (SLOW, QUICK, TREE):
        given = {name: value for name, value in each.items() if name != "algorithm"}
        single = learner(each["algorithm"], columns=3, **given)
        slots = np.full(3000, single.open(), np.int32)
        alone.append(single.process(slots, np.arange(3000), np.column_stack([features, labels]))["prediction"])
    predictions = np.column_stack(alone)
    gate = ChampionGate(3, **RULES)
    decisions = gate.judge(bounded_loss(loss, labels, predictions))
    rows = np.flatnonzero(found["decision"])
    assert [(each.row, each.model) for each in decisions] == [(row, found["model"][row]) for row in rows.tolist()]
    assert [each.e_value for each in decisions] == found["e_value"][rows].tolist()
    serving = np.zeros(3000, np.int64)
    for each in decisions:
        if each.kind in ("promote", "rollback"):
            serving[each.row + 1 :] = each.model
    assert np.array_equal(found["champion"], serving)
    assert np.array_equal(found["prediction"], predictions[np.arange(3000), serving])
    assert decisions[0].kind == "promote" and pool.champion(0) == gate.champion


def test_the_better_learner_takes_over_and_an_equal_one_does_not() -> None:
    features, labels = stream()
    better, equal = pool_of(SLOW, QUICK), pool_of(QUICK, QUICK)
    served = run(better, better.open(), features, labels)
    assert better.champion(0) == 1
    taken_over = int(served["champion"].argmax())
    assert 30 <= taken_over < 400
    assert not run(equal, equal.open(), features, labels)["decision"].any()
    own = bounded_loss("brier", labels, served["prediction"])
    slow = learner("logistic", columns=3, learning_rate=0.0005)
    alone = slow.process(np.full(3000, slow.open(), np.int32), np.arange(3000), np.column_stack([features, labels]))
    assert own.mean() < bounded_loss("brier", labels, alone["prediction"]).mean() - 0.05


def mixed_work() -> tuple[np.ndarray, np.ndarray]:
    """Rows of two slots predicted in turn and learned 25 rows later, some both at once: place in the stream, work."""
    places, work = [], []
    for row in range(600):
        places.append(row)
        work.append(BOTH if row % 7 == 0 else PREDICT)
        late = row - 25
        if late >= 0 and late % 7:
            places.append(late)
            work.append(LEARN)
    return np.array(places), np.array(work, np.int8)


def test_late_labels_and_mixed_work_are_a_call_a_row() -> None:
    features, labels = stream(600)
    places, work = mixed_work()
    one, two = pool_of(SLOW, QUICK), pool_of(SLOW, QUICK)
    slots = np.array([one.open(), one.open()], np.int32)
    assert [two.open(), two.open()] == slots.tolist()
    keys, times = slots[places % 2], np.arange(len(places))
    together = one.take(keys, times, features[places], labels[places], work)
    champions = []
    for number, what in enumerate(work.tolist()):
        part = slice(number, number + 1)
        rows = (keys[part], times[part], features[places[part]])
        champions.append(two.champion(int(keys[number])))
        if what == PREDICT:
            assert two.predict(*rows)[0] == together.served[number]
        elif what == LEARN:
            two.learn(*rows, labels[places[part]])
            assert np.isnan(together.served[number])
        else:
            prediction = two.work(*rows, labels[places[part]], work[part])
            assert prediction[0] == together.served[number]
    assert champions == together.champion.tolist()
    assert set(champions) == {0, 1}, "who serves changes on the way"
    assert [one.dump(slot) for slot in slots.tolist()] == [two.dump(slot) for slot in slots.tolist()]


def test_predictions_of_then_are_what_is_compared() -> None:
    """The second model is better now; the predictions that are handed in say the first was when the rows came."""
    features, labels = stream(400)
    pool = pool_of(SLOW, QUICK)
    slots = np.full(400, pool.open(), np.int32)
    then = np.column_stack([np.abs(labels - 0.4), np.abs(labels - 0.6)])
    taken = pool.take(slots, np.arange(400), features, labels, np.full(400, LEARN, np.int8), then=then)
    assert not taken.decided["decision"].any() and pool.e_values(0)[1] < 0.5
    pool = pool_of(SLOW, QUICK)
    pool.open()
    swapped = pool.take(slots, np.arange(400), features, labels, np.full(400, LEARN, np.int8), then=then[:, ::-1])
    assert swapped.decided["decision"].any() and pool.champion(0) == 1
    for wrong in (then[:, :1], then + 1):
        with pytest.raises(InputError, match=r"then must be probabilities of shape \(400, 2\)"):
            pool.take(slots, np.arange(400), features, labels, np.full(400, LEARN, np.int8), then=wrong)


def test_a_label_that_is_not_known_is_not_learned_and_decides_nothing() -> None:
    features, _ = stream(50)
    pool = pool_of(SLOW, QUICK)
    slot = pool.open()
    fresh = pool.dump(slot)
    found = run(pool, slot, features, np.full(50, np.nan))
    assert np.isfinite(found["prediction"]).all() and pool.dump(slot) == fresh
    with pytest.raises(InputError, match="the label must be 0 or 1, got nan"):
        pool.learn(np.full(50, slot, np.int32), np.arange(50), features, np.full(50, np.nan))


def test_snapshots_of_other_candidates_are_refused_and_leave_nothing() -> None:
    pool = pool_of(SLOW, QUICK)
    slot = pool.open()
    run(pool, slot, *stream(100))
    data, other = pool.dump(slot), pool_of(SLOW, {**QUICK, "learning_rate": 0.2})
    with pytest.raises(SnapshotError, match=r"candidate 1: the snapshot is of a learner with learning_rate 0\.1"):
        other.load(data)
    assert other.nbytes == 0
    with pytest.raises(SnapshotError, match="of models with loss 'brier', these have 'error'"):
        pool_of(SLOW, QUICK, loss="error").load(data)
    with pytest.raises(SnapshotError, match="of a model with cool_down 50, these have 60"):
        pool_of(SLOW, QUICK, cool_down=60).load(data)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "candidates must be a JSON list of objects"),
        ('{"algorithm": "alma"}', "candidates must be a JSON list of objects, got"),
        ('["alma"]', "candidates must be a JSON list of objects, got"),
        ('[{"algorithm": "alma"}, {"learning_rate": 1}]', "candidate 1 must name its algorithm"),
    ],
)
def test_candidates_that_are_none(text: str, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        parse_candidates(text)


@pytest.mark.parametrize(
    ("candidates", "more", "says"),
    [
        ([SLOW], {}, "candidates must be 2 to 32, got 1"),
        ([SLOW, {"algorithm": "logistik"}], {}, "candidate 1: there is no algorithm 'logistik'"),
        ([SLOW, {**QUICK, "rate": 1}], {}, "candidate 1: .*rate"),
        ([SLOW, {"algorithm": "linear_regression"}], {}, "candidate 1 must be a classifier"),
        ([SLOW, QUICK], {"loss": "hinge"}, "loss must be one of error, brier, log, got 'hinge'"),
        ([SLOW, QUICK], {"alpha": 2.0}, "alpha must be"),
    ],
)
def test_what_is_refused(candidates: list[dict[str, Any]], more: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        challengers(candidates, columns=3, **more)


def test_closed_slots_are_refused() -> None:
    pool = pool_of(SLOW, QUICK)
    slot = pool.open()
    pool.close(slot)
    with pytest.raises(ModelError, match=f"slot {slot} is not open"):
        run(pool, slot, *stream(5))


@pytest.mark.parametrize("cut", [1, 13, 400, 10_000])
def test_what_is_compared_is_what_was_predicted_however_rows_are_cut(cut: int) -> None:
    """Each row judged by what was said when it came, in the same call or in one before; one gate is the oracle."""
    features, labels = stream(600)
    places, work = mixed_work()
    pool = pool_of(SLOW, QUICK)
    slots = np.array([pool.open(), pool.open()], np.int32)
    keys, said = slots[places % 2], np.full((600, 2), np.nan)
    found: list[tuple[int, int, int, float]] = []
    for start in range(0, len(places), cut):
        part = slice(start, min(start + cut, len(places)))
        rows, tasks, here = places[part], work[part], {}
        then, made = np.full((len(rows), 2), np.nan), np.full(len(rows), -1)
        for number, (row, what) in enumerate(zip(rows.tolist(), tasks.tolist(), strict=True)):
            if what == LEARN:
                then[number], made[number] = said[row], here.get(row, -1)
            here[row] = number
        taken = pool.take(keys[part], np.arange(len(rows)), features[rows], labels[rows], tasks, then=then, made=made)
        said[rows[tasks != LEARN]] = taken.candidates[tasks != LEARN]
        for number in np.flatnonzero(taken.decided["decision"]).tolist():
            facts = [taken.decided[name][number].item() for name in ("decision", "model", "e_value")]
            found.append((start + number, *facts))
    assert not np.isnan(said).any()
    wanted: list[tuple[int, int, int, float]] = []
    for key in (0, 1):
        mine = np.flatnonzero((work != PREDICT) & (places % 2 == key))
        gate = ChampionGate(2, **RULES)
        for each in gate.judge(bounded_loss("brier", labels[places[mine]], said[places[mine]])):
            wanted.append((int(mine[each.row]), {"promote": 1, "keep": 4}[each.kind], each.model, each.e_value))
    assert found == sorted(wanted) and {each[1] for each in found} >= {1}


@pytest.mark.parametrize("made", [[-1, 1], [-1, 5], [-1, -2], [0, -1]])
def test_a_row_made_elsewhere_is_refused(made: list[int]) -> None:
    features, labels = stream(2)
    pool = pool_of(SLOW, QUICK)
    slots = np.full(2, pool.open(), np.int32)
    work = np.array([PREDICT, LEARN], np.int8)
    with pytest.raises(InputError, match="made must be an earlier row of its slot that was predicted"):
        pool.take(slots, np.arange(2), features, labels, work, made=np.array(made))
