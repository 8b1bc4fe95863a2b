"""AWS's Java library as a process that is asked over its standard input; `ForestPeer.java` has the commands."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.rcf.contenders import Parameters, Spent
from benchmarks.rcf.points import write_keys, write_points

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "build" / "rcf-java"
#: The collector with the least work beside the one thread that is measured; of Serial, Parallel and G1 it let the
#: library run fastest.
OPTIONS = ("-XX:+UseSerialGC", "-Xms512m", "-Xmx2g")


class JavaPeer:
    """A Java process with forests of one set of points.

    One process a measurement, so that what the compiler knows about a loop comes from that loop alone.
    """

    def __init__(
        self,
        parameters: Parameters,
        points: npt.NDArray[Any],
        keys: npt.NDArray[np.int32] | None = None,
        what: str = "process",
    ) -> None:
        self.what = what
        self._parameters = parameters
        self._folder = tempfile.TemporaryDirectory(prefix="cutbank-rcf-")
        self._points = Path(self._folder.name, "points")
        self._process = subprocess.Popen(
            ["java", *OPTIONS, "-cp", f"{BUILT / 'classes'}:{BUILT / 'lib'}/*", "cutbank.ForestPeer"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._keys = None
        if keys is not None:
            self._keys = Path(self._folder.name, "keys")
            write_keys(self._keys, keys)
        self._size, self._forests = len(points), 1 if keys is None else int(keys.max()) + 1
        self.give(points)
        self.open(parameters.seed, self._forests)
        if self._keys is not None:
            self.ask("keys", self._keys)

    def give(self, points: npt.NDArray[Any]) -> None:
        """The points that forests opened from now on are for."""
        write_points(self._points, points)

    def open(self, seed: int, count: int = 1) -> None:
        """Empty forests in place of those before."""
        p = self._parameters
        self.ask("open", count, p.trees, p.sample_size, p.time_decay, seed, self._points)

    def warm(self, count: int) -> None:
        """Do what will be measured with `count` points and a forest that is thrown away afterwards.

        Without that the first rounds run at two thirds of the rate of the later ones, while the Java compiler works.
        """
        self.open(self._parameters.seed)
        size = min(count, self._size)
        for _ in range(-(-count // size)):
            self.run(0, size)
        self.open(self._parameters.seed, self._forests)
        if self._keys is not None:
            self.ask("keys", self._keys)

    def ask(self, *words: object) -> dict[str, Any]:
        """Give a command; its answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\t".join(str(word) for word in words) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the Java peer ended while it was asked {words[0]!r}; its errors are above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def run(self, first: int, end: int) -> Spent:
        """Take points first..end-1."""
        answer = self.ask(self.what, first, end)
        return Spent(answer["seconds"], answer["cpu_seconds"])

    def scores(self, count: int) -> npt.NDArray[np.float64]:
        """Score and learn the first `count` points; the scores."""
        file = Path(self._folder.name, "scores")
        self.ask("process", 0, count, file)
        return np.fromfile(file, "<f8")

    def __enter__(self) -> JavaPeer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()
