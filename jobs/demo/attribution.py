"""Whose rows an application wrote, and of when: what it writes is volume and score, sorted by second and score.

The rows of a second follow each other, seconds follow each other, and a row's volume is its input's, cut off to a whole
number. So each row belongs to one input of its second, or to one of several that cannot be told apart.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Any, Final

from jobs.demo.findings import time_ms

_SECOND_MS: Final = 1000


class Attribution:
    """Joins what was read and what was written, as both become known; inputs may come in any order within a second.

    A second is joined when an input of a later one is known, as then the application cannot have written more of it.
    Inputs of a second that were not written (late or refused ones) are passed over.
    """

    def __init__(self) -> None:
        self._seconds: defaultdict[int, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
        self._written: deque[dict[str, Any]] = deque()

    def read(self, values: Iterable[bytes | None]) -> list[bytes]:
        """Inputs; returns rows as of `written` for which they were wanting."""
        for value in values:
            try:
                row = json.loads(value or b"null")
                at = time_ms(row["event_time"])
                int(row["volume"])
            except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
                continue  # refused: nothing is written of it
            self._seconds[at // _SECOND_MS].append((at, row))
        return self._joined()

    def written(self, values: Iterable[bytes | None]) -> list[bytes]:
        """Rows of the application, in the order of its topic; returns those that are joined now.

        As in a topic of scores, each has the columns of its input, and its ``anomaly_score``.
        """
        self._written.extend(json.loads(value) for value in values if value is not None)
        return self._joined()

    @property
    def astray(self) -> int:
        """Rows that no input belongs to, as far as known: after all was given, a fault."""
        return len(self._written)

    def _joined(self) -> list[bytes]:
        found: list[bytes] = []
        latest = max(self._seconds, default=0)
        while self._written and self._seconds and (second := min(self._seconds)) < latest:
            row = self._written[0]
            inputs = self._seconds[second]
            inputs.sort(key=lambda pair: pair[0])
            place = next((i for i, (_, given) in enumerate(inputs) if int(given["volume"]) == row["volume"]), None)
            if place is None:
                del self._seconds[second]
                continue
            self._written.popleft()
            _, given = inputs.pop(place)
            score = {"anomaly_score": row["ANOMALY_SCORE"]}
            found.append(json.dumps({**given, **score}).encode())
        return found
