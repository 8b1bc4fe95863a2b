"""Steps: what is told of them, and how long they took."""

from __future__ import annotations

import pytest

from jobs.demo.steps import State, Step, Steps


class Clock:
    now = 10.0

    def __call__(self) -> float:
        return self.now


def test_a_step_from_waiting_to_done_tells_each_change_once() -> None:
    told: list[Step] = []
    clock = Clock()
    steps = Steps(("one", "two"), told.append, clock)
    assert [step.state for step in steps.all()] == [State.WAITING, State.WAITING]
    with steps.step("two") as tell:
        clock.now = 12.0
        tell("half")
        tell("half")
        assert steps.all()[1].seconds(clock.now) == 2.0
        clock.now = 13.5
    clock.now = 99.0
    one, two = steps.all()
    assert (one.state, one.seconds(clock.now)) == (State.WAITING, 0.0)
    assert (two.state, two.detail, two.seconds(clock.now)) == (State.DONE, "half", 3.5)
    assert [(step.state, step.detail) for step in told] == [
        (State.RUNNING, ""),
        (State.RUNNING, "half"),
        (State.DONE, "half"),
    ]


def test_a_step_that_raises_has_failed() -> None:
    steps = Steps(("one",))
    with pytest.raises(ZeroDivisionError), steps.step("one"):
        raise ZeroDivisionError
    assert steps.all()[0].state is State.FAILED
