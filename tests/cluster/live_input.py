"""An unbounded source for cluster tests: records of many keys, out of order and with ties, sent at a steady pace."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.cluster.replay import iso

#: Records lie at most this far behind the newest one: less than the watermark delay of the pipelines under test.
DISORDER_MS = 800


class LiveInput(threading.Thread):
    """Sends records until it has sent all, or is told to stop; then it sends what lets the last windows close.

    Parameters
    ----------
    send
        ``send(values, partition)``.
    keys
        Number of devices.
    records
        How many to send at most; afterwards `sent` says how many there are.
    rate
        Records a second; 0 is all at once.
    seed
        Of everything random.
    spread_ms
        Event time from one record to the next.
    """

    def __init__(
        self,
        send: Callable[[list[dict[str, Any]], int], None],
        *,
        keys: int,
        records: int,
        rate: float,
        seed: int,
        spread_ms: int = 4,
        start_ms: int = 1_790_000_000_000,
    ) -> None:
        super().__init__(daemon=True)
        self.send, self.keys, self.records, self.rate = send, keys, records, rate
        self.spread_ms, self.start_ms = spread_ms, start_ms
        self.random = random.Random(seed)
        self.sent = 0
        self.stopped = threading.Event()
        self.error: BaseException | None = None

    @property
    def end_ms(self) -> int:
        """No record of the data is later than this."""
        return self.start_ms + self.sent * self.spread_ms

    def record(self, i: int) -> dict[str, Any]:
        """Record number i; times are multiples of 20 ms, so many are equal."""
        moment = self.start_ms + i * self.spread_ms - self.random.randrange(DISORDER_MS)
        loud = self.random.random() < 0.01
        volume = self.random.gauss(60.0, 2.0) if loud else self.random.gauss(10.0, 1.0)
        return {
            "device": f"device-{self.random.randrange(self.keys):02d}",
            "event_time": iso(moment // 20 * 20),
            "volume": round(volume, 3),
        }

    def run(self) -> None:
        try:
            begin, chunk = time.monotonic(), max(1, int(self.rate // 10) or self.records)
            for first in range(0, self.records, chunk):
                numbers = range(first, min(first + chunk, self.records))
                batches: dict[int, list[dict[str, Any]]] = {0: [], 1: []}
                for i in numbers:
                    batches[self.random.randrange(2)].append(self.record(i))
                for partition, values in batches.items():
                    self.send(values, partition)
                self.sent = numbers.stop
                if self.stopped.is_set():
                    break
                if self.rate:
                    ahead = begin + numbers.stop / self.rate - time.monotonic()
                    self.stopped.wait(max(0.0, ahead))
            self.finish()
        except BaseException as error:
            self.error = error
            raise

    def end(self) -> None:
        """Let what was sent be all; it must have been going on until now."""
        assert self.is_alive(), f"the input ended: {self.error}"
        self.stopped.set()
        self.join(timeout=60)
        assert self.error is None

    def finish(self, more_ms: int = 60_000) -> None:
        """A last record in each partition, late enough to close every window over the data."""
        for partition in (0, 1):
            moment = self.end_ms + more_ms
            self.send([{"device": "closing", "event_time": iso(moment), "volume": 10.0}], partition)
