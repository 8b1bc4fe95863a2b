"""``cutbank evaluate``: which label is learned when, what a file must be, and figures that are known elsewhere."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from river import linear_model, optim, preprocessing
from sklearn import metrics

from jobs.cli import execute
from jobs.evaluation.reference import markdown
from jobs.evaluation.schedule import Schedule, at_once, known_before, when_known
from jobs.settings import PROJECT_ROOT, load_settings
from models.learning.work import LEARN, PREDICT

STREAMS = load_settings().data / "streams"


def slowly(labels: list[float], events: list[int], known: list[int]) -> list[tuple[int, int]]:
    """The rule, step by step: before each prediction, all labels that were known earlier."""
    steps: list[tuple[int, int]] = []
    waiting: list[tuple[int, int]] = []
    now = -(2**62)
    for row, event in enumerate(events):
        now = max(now, event)
        for time, earlier in sorted(waiting):
            if time < now:
                steps.append((earlier, LEARN))
                waiting.remove((time, earlier))
        steps.append((row, PREDICT))
        if not np.isnan(labels[row]):
            waiting.append((max(known[row], now + 1000), row))
    return steps


@pytest.mark.parametrize("seed", range(5))
def test_labels_are_learned_when_they_were_known(seed: int) -> None:
    random = np.random.default_rng(seed)
    events = np.sort(random.integers(0, 40, 60)) * 500
    if seed == 4:
        events = random.permutation(events)  # a clock that goes back
    known = events + random.choice([0, 500, 1000, 1500, 20_000], 60)
    labels = random.choice([0.0, 1.0, np.nan], 60)
    schedule = when_known(labels, events, known)
    steps = list(zip(schedule.rows.tolist(), schedule.work.tolist(), strict=True))
    expected = slowly(labels.tolist(), events.tolist(), known.tolist())
    assert steps == expected
    waiting = np.cumsum([0 if np.isnan(labels[row]) else 1 if what == PREDICT else -1 for row, what in expected])
    assert schedule.pending_max == waiting.max()
    last, mean, learned = [], [], [0.5]
    for row, what in expected:
        if what == LEARN:
            learned.append(float(labels[row]))
        else:
            last.append(learned[-1])
            mean.append(np.mean(learned[1:]) if len(learned) > 1 else 0.5)
    np.testing.assert_allclose(known_before(labels, schedule), [last, mean])


def test_at_equal_times_the_prediction_comes_first() -> None:
    schedule = when_known(np.ones(3), np.array([0, 1000, 1001]), np.array([0, 0, 0]))
    assert schedule.rows.tolist() == [0, 1, 0, 2]
    assert isinstance(at_once(np.ones(2)), Schedule)


def evaluate(capsys: pytest.CaptureFixture[str], file: Path, *arguments: str) -> tuple[int, Any]:
    code = execute(["evaluate", str(file), "--json", *arguments])
    printed = capsys.readouterr()
    return code, json.loads(printed.out) if code == 0 else printed.err


def written(folder: Path, *lines: str) -> Path:
    file = folder / "rows.csv.gz"
    with gzip.open(file, "wt") as text:
        text.write("\n".join(lines) + "\n")
    return file


def test_the_report_equals_river_and_scikit_learn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers and a text column, one-hot; the metrics of river's predictions by scikit-learn."""
    random = np.random.default_rng(0)
    texts, numbers = random.choice(["a", "b", "c"], 300).tolist(), random.normal(5, 3, 300).round(3).tolist()
    labels = [int(text == "a" or number > 8) for text, number in zip(texts, numbers, strict=True)]
    lines = [f"{number},{text},{label}" for number, text, label in zip(numbers, texts, labels, strict=True)]
    file = written(tmp_path, "size,kind,bought", *lines)
    code, report = evaluate(
        capsys,
        file,
        "--label",
        "bought",
        "--algorithm",
        "logistic",
        "--param",
        "learning_rate=0.1",
        "--text",
        "one-hot",
    )
    scaler, model, theirs = preprocessing.StandardScaler(), linear_model.LogisticRegression(optim.SGD(0.1)), []
    for number, text, label in zip(numbers, texts, labels, strict=True):
        kind = {f"kind={text}": 1.0}
        theirs.append(model.predict_proba_one({**scaler.transform_one({"size": number}), **kind})[True])
        scaler.learn_one({"size": number})
        model.learn_one({**scaler.transform_one({"size": number}), **kind}, bool(label))
    assert code == 0 and report["rows"] == 300 and report["pending_max"] == 0 and report["rows_per_second"] > 0
    assert report["log_loss"] == pytest.approx(metrics.log_loss(labels, theirs), rel=1e-6)
    assert report["roc_auc"] == pytest.approx(metrics.roc_auc_score(labels, theirs), rel=1e-9)
    assert report["brier"] == pytest.approx(metrics.brier_score_loss(labels, theirs), rel=1e-6)
    assert report["accuracy"] == np.mean((np.array(theirs) >= 0.5) == labels)
    before = [0.5, *labels[:-1]]
    assert report["baselines"]["last_class"]["accuracy"] == np.mean((np.array(before) >= 0.5) == labels)
    assert set(report["baselines"]["prior"]) == set(report["baselines"]["last_class"]) <= set(report)


def test_late_labels_are_learned_late(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No label is known before the last row, so every prediction is that of a fresh model."""
    lines = [
        f"2024-01-01T00:00:{second:02}Z,2024-01-02T00:00:00+00:00,{second % 7},{second % 2}" for second in range(50)
    ]
    file = written(tmp_path, "at,known,x,y", *lines)
    times = ("--event-time", "at", "--label-time", "known")
    code, report = evaluate(capsys, file, "--label", "y", "--algorithm", "alma", *times)
    assert code == 0 and report["pending_max"] == 50
    assert report["log_loss"] == report["baselines"]["prior"]["log_loss"] == pytest.approx(np.log(2))
    code, report = evaluate(capsys, file, "--label", "x", "--algorithm", "linear_regression", *times)
    assert report["mae"] == pytest.approx(np.mean([second % 7 for second in range(50)]))


def test_a_label_without_a_time_is_never_learned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "at,known,x,y", *(f"{second * 1000},,1,1" for second in range(30)))
    times = ("--event-time", "at", "--label-time", "known")
    code, report = evaluate(capsys, file, "--label", "y", "--algorithm", "alma", *times)
    assert code == 0 and report["pending_max"] == 30 and report["log_loss"] == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--label", "w", "--algorithm", "alma"), 2, "--label: rows.csv.gz has no column 'w'; it has t, x, y, z"),
        (("--label", "y", "--algorithm", "almo"), 2, "there is no algorithm 'almo'; did you mean 'alma'?"),
        (
            ("--label", "y", "--algorithm", "alma", "--param", "alpha=2"),
            2,
            "alpha must be a number above 0 and at most 1",
        ),
        (("--label", "y", "--algorithm", "alma", "--param", "alpha=x"), 2, "got 'x'"),
        (("--label", "y", "--algorithm", "alma", "--param", "alpha"), 2, "--param: expected K=V, got 'alpha'"),
        (
            ("--label", "y", "--algorithm", "alma", "--event-time", "t"),
            2,
            "--event-time and --label-time belong together",
        ),
        (("--label", "x", "--algorithm", "alma"), 1, "line 2: expected x to be 0, 1, true or false, got '0.5'"),
        (
            ("--label", "y", "--algorithm", "alma", "--event-time", "x", "--label-time", "t"),
            1,
            "expected x to be a time",
        ),
        (
            ("--label", "y", "--algorithm", "alma", "--ignore", "t", "--ignore", "x", "--ignore", "z"),
            2,
            "no column left to learn from",
        ),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, message: str
) -> None:
    file = written(tmp_path, "t,x,y,z", "1,0.5,true,1", "2,,0,2")
    got, said = evaluate(capsys, file, *arguments)
    assert (got, message in said) == (code, True), said


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        (("a,b", "1"), 1, "line 2: expected 2 cells as in the header, got 1"),
        (("a,a", "1,2"), 1, "two columns of the name 'a'"),
        (("a,b",), 1, "no rows below its header"),
        (("a,b", "1,"), 1, "no row has a label"),
    ],
)
def test_files_that_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: tuple[str, ...], code: int, message: str
) -> None:
    got, said = evaluate(capsys, written(tmp_path, *lines), "--label", lines[0][-1], "--algorithm", "alma")
    assert (got, message in said) == (code, True), said
    got, said = evaluate(capsys, tmp_path / "none.csv", "--label", "a", "--algorithm", "alma")
    assert (got, "there is no such file" in said) == (2, True)


def test_people_get_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "x,y", *(f"{row % 5},{row % 2}" for row in range(40)))
    assert execute(["evaluate", str(file), "--label", "y", "--algorithm", "passive_aggressive"]) == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("passive_aggressive", "last class", "class prior", "roc auc", "40 rows"))


@pytest.mark.parametrize(
    ("algorithm", "parameters", "figures"),
    [
        ("logistic", {"learning_rate": 0.01}, {"accuracy": 0.8373, "kappa": 0.6630, "log_loss": 0.3849}),
        ("alma", {}, {"accuracy": 0.9065, "f1": 0.8898, "roc_auc": 0.9497, "log_loss": 0.5182}),
        ("passive_aggressive", {"aggressiveness": 0.01}, {"accuracy": 0.8601, "average_precision": 0.9037}),
    ],
)
@pytest.mark.real_data
@pytest.mark.skipif(not STREAMS.is_dir(), reason=f"no recorded streams in {STREAMS}: set CUTBANK_DATA")
def test_the_figures_of_elec2(
    capsys: pytest.CaptureFixture[str], algorithm: str, parameters: dict[str, float], figures: dict[str, float]
) -> None:
    """Figures that were measured with river 0.26."""
    given = [word for name, value in parameters.items() for word in ("--param", f"{name}={value}")]
    _, report = evaluate(capsys, STREAMS / "elec2.csv.gz", "--label", "label", "--algorithm", algorithm, *given)
    assert report["rows"] == 45_312
    assert {name: round(report[name], 4) for name in figures} == figures
    assert round(report["baselines"]["last_class"]["accuracy"], 4) == 0.8533


def test_a_hosted_estimator_learns_a_batch_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a batch as long as the file nothing is learned before the last prediction; with 10 rows all but ten are."""
    file = written(tmp_path, "x,y", *(f"{row % 2},{row % 2}" for row in range(100)))
    report = {
        batch: evaluate(capsys, file, "--label", "y", "--algorithm", "sklearn", "--batch", str(batch))[1]
        for batch in (100, 10)
    }
    assert report[100]["log_loss"] == pytest.approx(np.log(2))
    assert report[10]["accuracy"] == pytest.approx(0.95) and report[10]["log_loss"] < 0.1
    code, said = evaluate(
        capsys, file, "--label", "y", "--algorithm", "sklearn", "--param", "estimator=SGDRegressor", "--batch", "10"
    )
    assert code == 0 and set(said) >= {"mae", "rmse", "r2"}


def test_the_reference_page_is_current() -> None:
    """To make it anew: python -m jobs.evaluation.reference > docs/learners.md"""
    assert (PROJECT_ROOT / "docs" / "learners.md").read_text(encoding="utf-8") == markdown()
