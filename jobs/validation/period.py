"""Which days of a recording are for training and which for the test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from jobs.errors import UsageError
from jobs.validation.clicks import Clicks

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
#: Days at the end of a recording with less than this part of the clicks of its median day are stragglers.
STRAGGLERS = 0.1


@dataclass(frozen=True)
class Period:
    """Training is ``train_ms <= time < test_ms``, the test ``test_ms <= time < end_ms``; milliseconds since 1970."""

    train_ms: int
    test_ms: int
    end_ms: int

    def described(self) -> dict[str, Any]:
        """The three times as ISO 8601."""
        return {name.removesuffix("_ms"): _iso(value) for name, value in vars(self).items()}


def period_of(clicks: Clicks, train_days: int, test_days: int) -> Period:
    """The last `test_days` of a recording, and the `train_days` before them.

    Days are counted in 24 hours from the full hour of the first click. Days at the end with hardly a click, which
    recordings by session trail behind them, are left off; a last day that has begun ends with its last click.

    Raises
    ------
    UsageError
        There is no click before the test, or none in it.
    """
    first = int(clicks.times_ms[0]) // HOUR_MS * HOUR_MS
    by_day = np.bincount((clicks.times_ms - first) // DAY_MS)
    days = by_day.size
    while days > 1 and by_day[days - 1] < STRAGGLERS * np.median(by_day[by_day > 0]):
        days -= 1
    last = int(clicks.times_ms[clicks.before(first + days * DAY_MS) - 1])
    # a last day of which more than an hour is missing at its end has only begun
    end = first + days * DAY_MS if last >= first + days * DAY_MS - HOUR_MS else last + 1
    period = Period(end - (train_days + test_days) * DAY_MS, end - test_days * DAY_MS, end)
    if not clicks.before(period.test_ms):
        raise UsageError(
            f"the clicks reach from {_iso(first)} to {_iso(end)}: a test of {test_days} days leaves nothing to train "
            "on; give --test-days and --train-days fewer"
        )
    return period


def _iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
