"""One real disturbance of this machine, on purpose: all cores and the disk busy for a few seconds.

It is bounded in time and in bytes written, and ends with the process that caused it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

from jobs.errors import CutbankError, UsageError

MAX_SECONDS = 60.0
MAX_BYTES = 2 * 1024 * 1024 * 1024
"""Written to the disk in one burst at most; the file itself never gets larger than 64 MiB."""

_GRACE_S = 3.0
_SCRIPT = Path(__file__).with_name("burn.py")


class Burst:
    """Child processes that keep every core, and the disk, busy.

    Parameters
    ----------
    seconds
        How long, above 0 and at most `MAX_SECONDS`.
    max_bytes
        How much is written to the disk at most.
    folder
        Where; None: the folder for temporary files that is kept on a disk, where the system has one.

    Raises
    ------
    UsageError
        `seconds` is out of range.
    CutbankError
        No process could be started.
    """

    def __init__(self, seconds: float, *, max_bytes: int = MAX_BYTES, folder: Path | None = None) -> None:
        if not 0.0 < seconds <= MAX_SECONDS:
            raise UsageError(f"a burst lasts above 0 and at most {MAX_SECONDS:g} seconds, got {seconds:g}")
        self.children: list[subprocess.Popen[bytes]] = []
        me = str(os.getpid())
        where = str(folder if folder is not None else _disk_folder())
        jobs = [["cpu", str(seconds), me] for _ in range(os.cpu_count() or 1)]
        jobs.append(["disk", str(seconds), me, where, str(max_bytes)])
        self._deadline = time.monotonic() + seconds + _GRACE_S
        try:
            for job in jobs:
                self.children.append(
                    subprocess.Popen(
                        [sys.executable, "-I", "-S", str(_SCRIPT), *job],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )
                )
        except OSError as error:
            self.end()
            raise CutbankError(f"the disturbance could not be started: {error}") from error

    @property
    def running(self) -> bool:
        """Whether a child still works. One that outlives its time by more than 3 s is ended here."""
        alive = [child for child in self.children if child.poll() is None]
        if alive and time.monotonic() > self._deadline:
            self.end()
            return False
        return bool(alive)

    @property
    def failed(self) -> bool:
        """Whether a child has ended other than by itself in good order."""
        return any(child.returncode for child in self.children)

    def wait(self) -> None:
        """Wait for the end, which comes in bounded time."""
        for child in self.children:
            try:
                child.wait(max(0.0, self._deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.end()

    def end(self) -> None:
        """End every child that still runs, by its process id, and wait for it. Ending twice is no error."""
        for child in self.children:
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            try:
                child.wait(_GRACE_S)
            except subprocess.TimeoutExpired:  # stuck in a write: the kernel ends it with the write
                child.kill()
                child.wait()

    def __enter__(self) -> Burst:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


def burst(seconds: float, *, max_bytes: int = MAX_BYTES, folder: Path | None = None) -> tuple[int, int]:
    """Cause one burst and wait for its end, also when interrupted.

    Parameters
    ----------
    seconds, max_bytes, folder
        As of `Burst`.

    Returns
    -------
    tuple of int
        When it began and ended, milliseconds since 1970.
    """
    start_ms = time.time_ns() // 1_000_000
    with Burst(seconds, max_bytes=max_bytes, folder=folder) as running:
        running.wait()
    return start_ms, time.time_ns() // 1_000_000


class Disturbance:
    """A burst at a set moment of a feed, which goes on while the burst lasts.

    Parameters
    ----------
    after_s
        Seconds after the feed's start, 0 or more.
    seconds
        How long the burst lasts.
    folder
        Where it writes.
    """

    def __init__(self, after_s: float, seconds: float, *, folder: Path | None = None) -> None:
        self.after_s, self.seconds, self._folder = after_s, seconds, folder
        self._burst: Burst | None = None
        self._over = False

    def step(self, elapsed_s: float) -> list[tuple[int, str]]:
        """Start the burst when its moment has come, and notice its end.

        Parameters
        ----------
        elapsed_s
            Seconds since the feed's start.

        Returns
        -------
        list of (int, str)
            What has happened since the call before: milliseconds since 1970, and "burst_start" or
            "burst_end".
        """
        if self._over:
            return []
        now_ms = time.time_ns() // 1_000_000
        if self._burst is None:
            if elapsed_s < self.after_s:
                return []
            self._burst = Burst(self.seconds, folder=self._folder)
            return [(now_ms, "burst_start")]
        if self._burst.running:
            return []
        self._over = True
        return [(now_ms, "burst_end")]

    @property
    def failed(self) -> bool:
        """Whether the burst is over and was not what was asked for: a process of it failed."""
        return self._over and self._burst is not None and self._burst.failed

    def end(self) -> list[tuple[int, str]]:
        """End the burst where it still runs; what has happened, as of `step`."""
        if self._burst is None or self._over:
            return []
        self._burst.end()
        self._over = True
        return [(time.time_ns() // 1_000_000, "burst_end")]


def parse_disturb(text: str) -> Disturbance:
    """A `Disturbance` from ``AFTER,DURATION`` in seconds.

    Raises
    ------
    UsageError
        Not two numbers, or out of range.
    """
    try:
        after_s, seconds = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--disturb: expected AFTER,DURATION in seconds, such as 30,5; got {text!r}") from None
    if not 0.0 <= after_s < float("inf") or not 0.0 < seconds <= MAX_SECONDS:
        raise UsageError(
            f"--disturb: AFTER is 0 or more and DURATION above 0 and at most {MAX_SECONDS:g} seconds, got {text!r}"
        )
    return Disturbance(after_s, seconds)


def _disk_folder() -> Path:
    # /tmp is often kept in memory, where writing is no work for a disk; /var/tmp by convention is not
    var = Path("/var/tmp")
    return var if os.access(var, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
