"""When which label is learned: at once, or at the first prediction after it was known.

Rows are predicted in the order of the file. A label is known at its time, and at the earliest a second after its row;
it is learned before the first prediction that is later than that. At equal times the prediction comes first, as in a
running job. A clock that goes back in the file stands still until it is passed again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.learning.work import BOTH, LEARN, PREDICT, Work, all_rows

Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: No label is known earlier than so long after its row.
EARLIEST_MS = 1000


class Schedule(NamedTuple):
    """What to do in which order.

    Attributes
    ----------
    rows
        (m,) which row of the file each step is about.
    work
        (m,) whether it is predicted, learned, or both.
    times
        (m,) milliseconds, event time of the step.
    pending_max
        The most rows that were predicted and not learned at one time.
    """

    rows: Longs
    work: Work
    times: Longs
    pending_max: int


def at_once(labels: Floats) -> Schedule:
    """Each row is predicted, then learned."""
    rows = np.arange(labels.size)
    return Schedule(rows, all_rows(BOTH, rows.size), rows, 0)


def when_known(labels: Floats, event_times: Longs, label_times: Longs) -> Schedule:
    """Each row is predicted at its time, and learned when its label is known; labels never known by then, never."""
    clock = np.maximum.accumulate(event_times)
    known = np.maximum(label_times, clock + EARLIEST_MS)
    labelled = np.flatnonzero(~np.isnan(labels))
    due = labelled[np.argsort(known[labelled], kind="stable")]
    before = np.searchsorted(clock, known[due], side="right")  # the first row that is later than the label
    due, before = due[before < labels.size], before[before < labels.size]
    places = np.insert(np.arange(labels.size), before, due)
    learned = np.insert(np.zeros(labels.size, np.bool_), before, True)
    steps = np.where(learned, LEARN, PREDICT).astype(np.int8)
    waiting = np.cumsum(np.where(learned, -1, ~np.isnan(labels[places]) * 1))
    return Schedule(places, steps, clock[places], int(waiting.max(initial=0)))


def known_before(labels: Floats, schedule: Schedule) -> tuple[Floats, Floats]:
    """What the baselines could say of each row: the label learned last, and the mean of those learned; 0.5 at first."""
    order = schedule.rows[(schedule.work & LEARN) != 0]
    order = order[~np.isnan(labels[order])]
    if schedule.work[0] == BOTH:
        seen = np.cumsum(~np.isnan(labels)) - ~np.isnan(labels)
    else:
        seen = np.cumsum(schedule.work == LEARN)[schedule.work == PREDICT]
    learned = labels[order]
    last = np.concatenate([[0.5], learned])[seen]
    mean = np.concatenate([[0.5], np.cumsum(learned) / np.arange(1, learned.size + 1)])[seen]
    return last, mean
