"""Hosted estimators: what scikit-learn itself would do with the same blocks, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.preprocessing import StandardScaler

from jobs.settings import PROJECT_ROOT
from models.errors import InputError, ModelError, ParameterError, SnapshotError
from models.hosted import HostedEstimatorPool
from models.hosted import estimator as hosting
from models.learners import learner
from tests.unit.models.learning_streams import made


def blocks(rows: int = 600, size: int = 50) -> list[np.ndarray]:
    stream = made(rows)
    return np.split(stream.rows, rows // size)


def run(pool: HostedEstimatorPool, parts: list[np.ndarray], slot: int = 0) -> np.ndarray:
    found = [
        pool.process(np.full(len(part), slot, np.int32), np.arange(len(part)), part)["prediction"] for part in parts
    ]
    return np.concatenate(found)


def hosted(**parameters: Any) -> HostedEstimatorPool:
    pool = learner("sklearn", columns=5, **parameters)
    assert isinstance(pool, HostedEstimatorPool)
    pool.open()
    return pool


def test_blocks_are_predicted_then_learned_as_scikit_learn_does() -> None:
    pool = hosted(estimator_parameters='{"loss": "log_loss", "learning_rate": "constant", "eta0": 0.01}')
    peer = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.01, random_state=0)
    scaler, theirs = StandardScaler(), []
    for number, part in enumerate(blocks()):
        theirs.append(peer.predict_proba(scaler.transform(part[:, :-1]))[:, 1] if number else np.full(50, 0.5))
        scaler.partial_fit(part[:, :-1])
        peer.partial_fit(scaler.transform(part[:, :-1]), part[:, -1], classes=[0, 1])
    np.testing.assert_allclose(run(pool, blocks()), np.concatenate(theirs), rtol=1e-9)


def test_a_regressor_without_scaling() -> None:
    pool = hosted(estimator="SGDRegressor", estimator_parameters='{"eta0": 1e-9}', scale=False)
    peer, theirs = SGDRegressor(eta0=1e-9, random_state=0), []
    for number, part in enumerate(blocks()):
        theirs.append(peer.predict(part[:, :-1]) if number else np.zeros(50))
        peer.partial_fit(part[:, :-1], part[:, -1])
    assert pool.task == "regression"
    np.testing.assert_allclose(run(pool, blocks()), np.concatenate(theirs), rtol=1e-9)


@pytest.mark.parametrize("name", sorted(hosting.MODULES))
def test_every_estimator_is_hosted_and_continues_from_its_snapshot(name: str) -> None:
    pool, parts = hosted(estimator=name), blocks(400)
    run(pool, parts[:4])
    copy = pool.load(pool.dump(0))
    assert pool.dump(copy) == pool.dump(0)
    after = run(pool, parts[4:])
    np.testing.assert_array_equal(run(pool, parts[4:], copy), after)
    assert np.isfinite(after).all() and np.ptp(after) > 0.0
    assert pool.nbytes > 2 * 4096
    pool.close(copy)
    with pytest.raises(ModelError, match="slot 1 is not open"):
        pool.dump(copy)


def test_late_labels_are_learned_in_their_place() -> None:
    part, pool, twin = blocks()[0], hosted(), hosted()
    slots, times = np.zeros(50, np.int32), np.arange(50)
    work = np.repeat(np.array([2, 1], np.int8), 25)
    found = pool.work(slots, times, part[:, :-1], part[:, -1], work)
    twin.learn(slots[:25], times[:25], part[:25, :-1], part[:25, -1])
    np.testing.assert_array_equal(found[25:], twin.predict(slots[25:], times[25:], part[25:, :-1]))
    assert np.isnan(found[:25]).all()


@pytest.mark.parametrize(("name", "other"), [("scikit-learn", "1.4.2"), ("numpy", "1"), ("python", "3.10")])
def test_other_versions_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, other: str) -> None:
    pool = hosted()
    run(pool, blocks(100))
    data, now = pool.dump(0), hosting.versions()
    monkeypatch.setattr(hosting, "versions", lambda: {**now, name: other})
    with pytest.raises(SnapshotError, match=f"under {name} {now[name]}, this is {name} {other}"):
        pool.load(data)


def test_other_parameters_and_broken_bytes_are_refused() -> None:
    data = hosted().dump(0)
    with pytest.raises(SnapshotError, match="the snapshot is of an estimator with"):
        hosted(buckets=32).load(data)
    for wrong in (b"", data[:-1], data[:-9] + b"\xff" + data[-8:]):
        with pytest.raises(SnapshotError):
            hosted().load(wrong)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"estimator": "SVC"}, "estimator must be one of BernoulliNB, .*, got 'SVC'"),
        ({"estimator_parameters": "{"}, "must be a JSON object"),
        ({"estimator_parameters": "[]"}, "must be a JSON object"),
        ({"estimator_parameters": '{"losses": 1}'}, "SGDClassifier has no 'losses'; it has .*loss"),
        ({"estimator_parameters": '{"loss": "nonsense"}'}, "'loss' parameter of SGDClassifier must be"),
    ],
)
def test_what_the_estimator_refuses_is_said_at_once(given: dict[str, str], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        learner("sklearn", columns=1, **given)


def test_weights_where_an_estimator_takes_none() -> None:
    pool = hosted(estimator="SGDClassifier")
    assert pool._weighted
    pool._weighted = False
    with pytest.raises(InputError, match="takes no weights"):
        pool.learn(np.zeros(2, np.int32), np.arange(2), np.zeros((2, 5)), np.zeros(2), np.array([1.0, 2.0]))


def test_without_scikit_learn_the_message_says_how_to_install_it() -> None:
    program = (
        "import sys; sys.modules['sklearn.linear_model'] = None\n"
        "from models.learners import learner\n"
        "assert 'sklearn' not in sys.modules\n"
        "learner('sklearn', columns=1)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=PROJECT_ROOT, timeout=60)
    assert "pip install 'cutbank[sklearn]'" in done.stderr
