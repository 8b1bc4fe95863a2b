"""Everybody who takes part, behind one method: take points first..end-1 of the stream, and say how long it took."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from models.random_cut_forest import RandomCutForest, RandomCutForestPool


@dataclass(frozen=True)
class Parameters:
    """What is equal for all."""

    trees: int = 100
    sample_size: int = 256
    time_decay: int = 100_000
    seed: int = 1

    def options(self) -> dict[str, Any]:
        """As keyword arguments of our forests."""
        return {
            "trees": self.trees, "sample_size": self.sample_size, "time_decay": self.time_decay, "seed": self.seed
        }  # fmt: skip


class Spent(NamedTuple):
    """Seconds of the wall, and of the processor in the thread that worked."""

    seconds: float
    cpu_seconds: float


class Contender(Protocol):
    """Takes points of the stream it was made with."""

    def run(self, first: int, end: int) -> Spent:
        """Take points first..end-1, which follow those it took before."""
        ...


def timed(work: Callable[[], object]) -> Spent:
    """How long a piece of work takes."""
    wall, cpu = time.perf_counter(), time.thread_time()
    work()
    return Spent(time.perf_counter() - wall, time.thread_time() - cpu)


class Ours:
    """One forest of ours, `batch` points a call."""

    def __init__(self, parameters: Parameters, points: npt.NDArray[Any], batch: int, threads: int = 1) -> None:
        self.points = points.astype(np.float64)
        self.forest = RandomCutForest(points.shape[1], threads=threads, **parameters.options())
        self.batch = batch

    def take(self, points: npt.NDArray[np.float64]) -> object:
        """One call."""
        return self.forest.process(points)

    def run(self, first: int, end: int) -> Spent:
        def work() -> None:
            for start in range(first, end, self.batch):
                self.take(self.points[start : min(end, start + self.batch)])

        return timed(work)


class OursApart:
    """Forests of ours that know nothing of each other, a thread each, which share the points evenly."""

    def __init__(self, parameters: Parameters, points: npt.NDArray[Any], batch: int, forests: int) -> None:
        self.forests = [Ours(parameters, points, batch) for _ in range(forests)]
        self.threads = ThreadPoolExecutor(forests)

    def run(self, first: int, end: int) -> Spent:
        bounds = np.linspace(first, end, len(self.forests) + 1).astype(int).tolist()
        return timed(lambda: list(self.threads.map(Ours.run, self.forests, bounds[:-1], bounds[1:])))


class OursReadingParts(Ours):
    """Attribution of every point by a forest that stays as it is."""

    def take(self, points: npt.NDArray[np.float64]) -> object:
        return self.forest.attribution(points)


class OursExplaining(Ours):
    """Score, attribution and update of every point."""

    def __init__(self, parameters: Parameters, points: npt.NDArray[Any], batch: int) -> None:
        super().__init__(parameters, points, batch)
        self.pool = RandomCutForestPool(points.shape[1], explain=True, **parameters.options())
        self.slot = self.pool.open()

    def take(self, points: npt.NDArray[np.float64]) -> object:
        return self.pool.process_slot(self.slot, points)


class OursKeyed:
    """A pool of ours, the rows of all keys mixed, `call` rows a call."""

    def __init__(
        self, parameters: Parameters, points: npt.NDArray[Any], keys: npt.NDArray[np.int32], call: int
    ) -> None:
        self.points = points.astype(np.float64)
        self.pool = RandomCutForestPool(points.shape[1], **parameters.options())
        slots = np.array([self.pool.open() for _ in range(int(keys.max()) + 1)], np.int32)
        self.slots = slots[keys]
        self.times = np.arange(len(points), dtype=np.int64)
        self.call = call

    def run(self, first: int, end: int) -> Spent:
        def work() -> None:
            for start in range(first, end, self.call):
                rows = slice(start, min(end, start + self.call))
                self.pool.process(self.slots[rows], self.times[rows], self.points[rows])

        return timed(work)


class OneByOne:
    """A peer that takes one point a call: `take` scores it, then learns it."""

    def __init__(self, points: npt.NDArray[Any], take: Callable[[Any], float], as_given: Callable[[Any], Any]) -> None:
        self.points = [as_given(point) for point in points]
        self.take = take

    def run(self, first: int, end: int) -> Spent:
        return timed(lambda: self.scores(first, end))

    def scores(self, first: int, end: int) -> list[float]:
        """Scores of points first..end-1."""
        return [self.take(self.points[k]) for k in range(first, end)]


def krcf_forest(parameters: Parameters, dimensions: int) -> Any:
    """krcf's forest with these parameters, boxes cached, one thread."""
    import krcf

    options: Any = {
        "dimensions": dimensions, "shingle_size": 1, "num_trees": parameters.trees,
        "sample_size": parameters.sample_size, "output_after": parameters.sample_size,
        "random_seed": parameters.seed, "parallel_execution_enabled": False,
        "lambda": 1.0 / parameters.time_decay, "initial_accept_fraction": 1.0, "bounding_box_cache_fraction": 1.0,
    }  # fmt: skip
    return krcf.RandomCutForest(options)


def krcf_peer(parameters: Parameters, points: npt.NDArray[Any]) -> OneByOne:
    """krcf, the Rust port of AWS's library."""
    forest = krcf_forest(parameters, points.shape[1])

    def take(point: npt.NDArray[np.float32]) -> float:
        score = forest.score(point)
        forest.update(point)
        return float(score)

    return OneByOne(points, take, np.asarray)


def rrcf_peer(parameters: Parameters, points: npt.NDArray[Any]) -> OneByOne:
    """rrcf, in plain Python: CoDisp over sliding windows of `sample_size` points, as its own examples do."""
    import rrcf

    np.random.seed(parameters.seed)  # trees without a generator of their own draw from numpy's global one
    trees = [rrcf.RCTree() for _ in range(parameters.trees)]
    window: deque[int] = deque()
    taken = 0

    def take(point: npt.NDArray[np.float64]) -> float:
        nonlocal taken
        oldest = window.popleft() if len(window) == parameters.sample_size else None
        total = 0.0
        for tree in trees:
            if oldest is not None:
                tree.forget_point(oldest)
            tree.insert_point(point, index=taken)
            total += tree.codisp(taken)
        window.append(taken)
        taken += 1
        return total / len(trees)

    return OneByOne(points, take, lambda point: np.asarray(point, np.float64))


def river_peer(parameters: Parameters, points: npt.NDArray[Any]) -> OneByOne:
    """river's half-space trees, as many trees and the same window; values scaled to 0..1, which they need."""
    from river import anomaly, compose, preprocessing

    scaler: Any = preprocessing.MinMaxScaler
    trees = anomaly.HalfSpaceTrees(
        n_trees=parameters.trees, window_size=parameters.sample_size, seed=parameters.seed
    )  # fmt: skip
    model: Any = compose.Pipeline(scaler(), trees)

    def take(point: dict[int, float]) -> float:
        score = model.score_one(point)
        model.learn_one(point)
        return float(score)

    return OneByOne(points, take, lambda point: dict(enumerate(map(float, point))))
