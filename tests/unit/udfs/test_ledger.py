"""What a label and a prediction find in the ledger of a key: every case by name."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from udfs.ledger import Id, InputFate, LabelFate, Ledger, Pending


def pending(of: Id, time_ms: int) -> Pending:
    return Pending(of, time_ms, (of, time_ms), np.array([1.0]), 0, 0.5)


def ledger(*inputs: tuple[Id, int], timeout_ms: int | None = 1_000, limit: int = 100) -> Ledger:
    made = Ledger(timeout_ms, limit)
    for of, time_ms in inputs:
        assert made.predicted(pending(of, time_ms))[0] is InputFate.WAITS
    return made


def test_a_label_finds_its_prediction_once() -> None:
    made = ledger(("a", 0), ("b", 10))
    fate, found = made.label("a", 500, 1.0)
    assert fate is LabelFate.JOINED and found is not None and found.id == "a"
    assert len(made) == 1
    assert made.label("a", 600, 1.0) == (LabelFate.DUPLICATE, None)
    assert made.label("a", 700, 0.0) == (LabelFate.REVISED, None), "the first one stands"
    assert made.label("a", 800, 1.0) == (LabelFate.DUPLICATE, None)


@pytest.mark.parametrize(("time_ms", "fate"), [(1_000, LabelFate.JOINED), (1_001, LabelFate.LATE)])
def test_the_last_moment_of_a_label(time_ms: int, fate: LabelFate) -> None:
    made = ledger(("a", 0))
    assert made.label("a", time_ms, 1.0)[0] is fate
    # whether the timeout was looked at in between makes no difference
    made = ledger(("a", 0))
    assert [each.id for each in made.expire(time_ms)] == ([] if fate is LabelFate.JOINED else ["a"])
    assert made.label("a", time_ms, 1.0)[0] is fate


def test_the_oldest_times_out_first_and_those_with_labels_do_not() -> None:
    made = ledger(("a", 0), ("b", 10), ("c", 20), ("d", 500))
    made.label("b", 100, 0.0)
    assert made.deadline_ms() == 1_000
    assert made.expire(1_000) == []
    assert [each.id for each in made.expire(1_400)] == ["a", "c"]
    assert made.deadline_ms() == 1_500 and len(made) == 1
    assert made.label("c", 1_450, 1.0) == (LabelFate.LATE, None)


def test_an_early_label_waits_for_its_input() -> None:
    made = ledger()
    assert made.label("a", 100, 1.0) == (LabelFate.EARLY, None)
    assert made.label("a", 150, 0.0) == (LabelFate.REVISED, None)
    assert made.label("a", 160, 1.0) == (LabelFate.DUPLICATE, None)
    assert made.predicted(pending("a", 300)) == (InputFate.LABELLED, (100, 1.0), None)
    assert len(made) == 0 and made.label("a", 400, 1.0)[0] is LabelFate.DUPLICATE


@pytest.mark.parametrize(("time_ms", "waits"), [(1_100, False), (1_101, True)])
def test_an_early_label_waits_as_long_as_a_prediction_would(time_ms: int, waits: bool) -> None:
    made = ledger()
    made.label("a", 100, 1.0)
    fate, *_ = made.predicted(pending("a", time_ms))
    assert fate is (InputFate.WAITS if waits else InputFate.LABELLED)
    assert made.unmatched == int(waits)


def test_an_id_is_remembered_for_the_timeout_after_it_was_closed() -> None:
    made = ledger(("a", 0))
    made.label("a", 500, 1.0)
    assert made.predicted(pending("a", 1_500))[0] is InputFate.DUPLICATE
    assert made.predicted(pending("a", 1_501))[0] is InputFate.WAITS
    assert made.predicted(pending("a", 1_502))[0] is InputFate.DUPLICATE, "one of them waits"


def test_without_a_timeout_everything_is_remembered_up_to_the_limit() -> None:
    made = ledger(("a", 0), timeout_ms=None, limit=2)
    assert made.deadline_ms() is None and made.expire(10**15) == []
    made.predicted(pending("b", 1))
    fate, label, given_up = made.predicted(pending("c", 2))
    assert (fate, label, given_up and given_up.id) == (InputFate.WAITS, None, "a")
    assert made.label("a", 10**14, 1.0) == (LabelFate.LATE, None)
    for of in "xyz":
        assert made.label(of, 10**14, 1.0)[0] is LabelFate.EARLY
    assert made.unmatched == 1, "the oldest of three"
    assert made.predicted(pending("x", 10**14))[0] is InputFate.WAITS
    assert made.predicted(pending("y", 10**14))[0] is InputFate.LABELLED


def test_ids_of_numbers_and_of_texts_differ() -> None:
    made = ledger((7, 0), ("7", 0))
    assert made.label("7", 1, 1.0)[0] is LabelFate.JOINED and made.label(7, 1, 0.0)[0] is LabelFate.JOINED


def test_as_data_and_back() -> None:
    made = ledger(("a", 0), (2, 10), ("ü", 20))
    made.learned = 7
    made.label("a", 100, 1.0)
    made.label("early", 110, 0.0)
    made.expire(1_011)

    def again(data: dict[str, Any]) -> Ledger:
        read = json.loads(json.dumps(data))
        return Ledger.of_data(read, 1_000, 100, lambda columns: np.ones((len(columns[0]), 1)))

    other = again(made.as_data())
    assert other.as_data() == made.as_data() and other.learned == 7 and len(other) == 1
    assert other.deadline_ms() == 1_020
    asked: list[tuple[Id, float]] = [("ü", 1.0), ("a", 1.0), (2, 1.0), ("early", 0.0)]
    fates = [LabelFate.JOINED, LabelFate.DUPLICATE, LabelFate.LATE, LabelFate.DUPLICATE]
    for each in (made, other):
        assert [each.label(of, 1_015, label)[0] for of, label in asked] == fates
    assert again(Ledger(None, 1).as_data()).as_data() == Ledger(None, 1).as_data()
