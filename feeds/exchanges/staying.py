"""Staying connected: when to dial again, and when a connection counts as dead. No sockets and no clocks here."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from enum import Enum

CAP_S = 60.0
"""No wait before a dial is drawn from a longer range."""

HEALTHY_S = 30.0
"""Only a connection that brought data for so long makes the next wait short again."""

WINDOW_S = 300.0
MAX_ATTEMPTS = 250
"""At most so many dials in any five minutes; Binance bans an address at 300."""


class Backoff:
    """How long to wait before the next dial: full jitter, uniform in 0 to min(60 s, 2^n s) after n failures.

    A handshake alone proves nothing: against a server that accepts and closes, waits must grow. They begin
    anew only after `HEALTHY_S` seconds of data.

    Parameters
    ----------
    rng
        Where the jitter comes from.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.failures = 0

    def next_s(self) -> float:
        """The wait after one more failure."""
        limit = min(CAP_S, 2.0 ** min(self.failures, 30))
        self.failures += 1
        return self._rng.uniform(0.0, limit)

    def brought_data_for(self, seconds: float) -> None:
        """Between the first and the last data of a connection lay so many seconds."""
        if seconds >= HEALTHY_S:
            self.failures = 0


class AttemptBudget:
    """Dials of this process to one venue, so that no jitter, however unlucky, exceeds the venue's limit."""

    def __init__(self, limit: int = MAX_ATTEMPTS, window_s: float = WINDOW_S) -> None:
        self._limit, self._window_s = limit, window_s
        self._at: deque[float] = deque()

    def wait_s(self, now_s: float) -> float:
        """How long to wait until one more dial fits; 0: it does."""
        while self._at and self._at[0] + self._window_s <= now_s:
            self._at.popleft()
        return 0.0 if len(self._at) < self._limit else self._at[0] + self._window_s - now_s

    def spend(self, now_s: float) -> None:
        """A dial at this moment."""
        self._at.append(now_s)


class Health(Enum):
    """What is to be done about a connection."""

    GOOD = "good"
    ASK = "ask"
    DEAD = "dead"
    QUIET = "quiet"
    OLD = "old"


@dataclass(slots=True)
class Liveness:
    """The two ages of a connection, kept apart: that of its last sign of life, and that of its last data.

    A quiet market is not a dead link. Signs of life are frames of any kind and answers to pings; without one
    for `dead_s` seconds the link is dead. Data may be missing for longer: for ten times the longest pause this
    connection has had, at least `least_quiet_s`, and `first_data_s` before the first.

    Attributes
    ----------
    opened_s
        When it was opened, in seconds of a monotonic clock, as all times here.
    max_age_s
        After so long it is to be replaced; None: never.
    """

    opened_s: float
    max_age_s: float | None = None
    ask_s: float = 15.0
    dead_s: float = 45.0
    least_quiet_s: float = 60.0
    first_data_s: float = 300.0
    alive_s: float = field(init=False)
    first_data_at_s: float | None = field(init=False, default=None)
    data_at_s: float = field(init=False)
    longest_pause_s: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.alive_s = self.data_at_s = self.opened_s

    def data(self, now_s: float) -> None:
        """A trade or a quote came."""
        if self.first_data_at_s is None:
            self.first_data_at_s = now_s
        else:
            self.longest_pause_s = max(self.longest_pause_s, now_s - self.data_at_s)
        self.data_at_s = now_s

    @property
    def data_span_s(self) -> float:
        """Seconds between first and last data."""
        return 0.0 if self.first_data_at_s is None else self.data_at_s - self.first_data_at_s

    def quiet_limit_s(self) -> float:
        """How long data may be missing."""
        if self.first_data_at_s is None:
            return self.first_data_s
        return max(self.least_quiet_s, 10.0 * self.longest_pause_s)

    def health(self, now_s: float) -> Health:
        """What is to be done now."""
        if now_s - self.alive_s > self.dead_s:
            return Health.DEAD
        if now_s - self.data_at_s > self.quiet_limit_s():
            return Health.QUIET
        if self.max_age_s is not None and now_s - self.opened_s > self.max_age_s:
            return Health.OLD
        return Health.ASK if now_s - self.alive_s > self.ask_s else Health.GOOD
