"""Watermarks rounded down to the boundaries of packs.

Rows of a pack come out of a model call up to one interval behind the watermark that released them. They are on time
for everything behind the call if no watermark ever lies inside an interval: then the last watermark before a window
[a, b) is packed was at most a - 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from jobs.expand.crossing import YEAR_0_MS, time_crossing


def common_interval(batches_ms: Iterable[int]) -> int | None:
    """The interval to round to for calls of these pack intervals: their least common multiple; None for no call."""
    batches = list(batches_ms)
    return math.lcm(*batches) if batches else None


def rounded(expression: str, sql_type: str, interval_ms: int) -> str:
    """A watermark expression, rounded down to a multiple of an interval, minus 1 ms.

    Parameters
    ----------
    expression
        The user's, of a TIMESTAMP or TIMESTAMP_LTZ.
    sql_type
        The type of the time attribute.
    interval_ms
        The pack interval.
    """
    whole = {1000: "SECOND", 60_000: "MINUTE"}.get(interval_ms)
    if whole is not None:  # names the expression once, and an expression may parse JSON
        return f"FLOOR(({expression}) TO {whole}) - INTERVAL '0.001' SECOND"
    crossing = time_crossing(sql_type)
    milliseconds = crossing.pack.format(f"({expression})")
    # before 1970 a division would round up: count from a boundary in the year 0
    start = YEAR_0_MS // interval_ms * interval_ms
    return crossing.unpack.format(f"(({milliseconds} - {start}) / {interval_ms} * {interval_ms} + {start} - 1)")
