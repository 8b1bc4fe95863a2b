"""One random cut forest: a pool with one slot, and the same code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.errors import InputError
from models.random_cut_forest import snapshot
from models.random_cut_forest.pool import RandomCutForestPool


class RandomCutForest:
    """Streaming anomaly scores: how much a record would stand out in random samples of the past.

    A score is the expected inverse depth at which the point would sit in random cut trees over a time-decayed
    sample, times log2(samples + 1). Around 0.7 to 1 is ordinary, a constant stream scores 0.5,
    ``log2(sample_size + 1)`` (8.006 at 256) is the largest possible. Scores are 0.0 for the first
    `sample_size` records.

    Parameters
    ----------
    dimensions : int
        Columns of a record, 1..30. They are not normalised: a column of large range takes most cuts.
    trees : int
        1..1000; the noise of a score falls with their square root (0.02 at 100 trees).
    sample_size : int
        Records each tree holds, 10..8192, below `time_decay`. More see finer structure and cost time and
        memory.
    time_decay : int
        Records after which the weight of a record in the sample has fallen to 1/e, 1..2147483647.
    shingle_size : int
        Records that make one point, 1..30: the last ones, oldest first. Catches shapes in time.
    seed : int
        Seed of all randomness: equal parameters, seed and records give equal scores, bit for bit.
    threads : int
        Threads the trees are spread over; results do not depend on it.
    missing : str
        ``'reject'``: NaN raises InputError and nothing is learned; ``'impute'``: NaN is replaced by what the
        forest expects there, then scored and learned.

    Raises
    ------
    ParameterError
        An argument is out of its range, or the forest would need more memory than allowed.

    Notes
    -----
    Memory is constant, `nbytes`. See `RandomCutForestPool` for cost and source.

    Examples
    --------
    >>> import numpy as np
    >>> forest = RandomCutForest(dimensions=2, trees=50, seed=1)
    >>> ordinary = np.random.default_rng(0).normal(size=(1000, 2))
    >>> scores = forest.process(ordinary)
    >>> bool(scores[:256].max() == 0.0 and 0.4 < np.median(scores[256:]) < 1.0)
    True
    >>> bool(forest.score(np.array([[9.0, 9.0]]))[0] > 3.0)
    True
    """

    def __init__(
        self,
        dimensions: int,
        trees: int = 100,
        sample_size: int = 256,
        time_decay: int = 100_000,
        shingle_size: int = 1,
        seed: int = 0,
        threads: int = 1,
        missing: str = "reject",
    ) -> None:
        self._pool = RandomCutForestPool(
            dimensions, trees, sample_size, time_decay, shingle_size, seed, missing=missing, threads=threads
        )
        self._slot = self._pool.open()

    @property
    def dimensions(self) -> int:
        """Columns of a record."""
        return self._pool.parameters.dimensions

    def process(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Score each point with what was learned before it, then learn it.

        Parameters
        ----------
        points : float64 (n, dimensions)
            Records in order. A one-dimensional array is n records of one column.

        Returns
        -------
        float64 (n,)
            Scores; 0.0 during the first `sample_size` records and while a shingle is incomplete. The same
            bits for every way to cut a stream into calls.

        Raises
        ------
        InputError
            A value that cannot be taken; the forest is unchanged.
        """
        return self._pool.process_slot(self._slot, self._rows(points, self.dimensions))["score"]

    def score(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Scores (n,) of points without learning; with shingles, of full vectors (n, d * shingle_size),
        oldest first."""
        return self._pool.score(self._slot, self._rows(points, self._pool.parameters.vector))

    def attribution(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What the score of each point is made of, without learning.

        Returns float64 (n, d, 2): for each column what comes from lying above ([..., 0]) and below ([..., 1])
        the ordinary; non-negative, the sum is the score. With shingles it takes full vectors, and adds up the
        positions.
        """
        return self._pool.attribution(self._slot, self._rows(points, self._pool.parameters.vector))

    def impute(self, points: npt.NDArray[np.float64], quantile: float = 0.5) -> npt.NDArray[np.float64]:
        """A copy of the points (with shingles, full vectors) whose NaNs are what the forest expects there."""
        return self._pool.impute(self._slot, self._rows(points, self._pool.parameters.vector), quantile)

    def dump(self) -> bytes:
        """The whole state as bytes; equal state gives equal bytes."""
        return self._pool.dump(self._slot)

    @classmethod
    def load(cls, data: bytes, threads: int = 1) -> RandomCutForest:
        """The forest of a snapshot, which continues bit for bit; SnapshotError if the bytes are not one."""
        parameters = snapshot.read(data)[0].parameters
        forest = cls.__new__(cls)
        forest._pool = RandomCutForestPool(
            parameters.dimensions, parameters.trees, parameters.sample_size, parameters.time_decay,
            parameters.shingle_size, parameters.seed, missing=parameters.missing, threads=threads,
        )  # fmt: skip
        forest._slot = forest._pool.load(data)
        return forest

    @property
    def nbytes(self) -> int:
        """Bytes the forest holds; constant."""
        return self._pool.nbytes

    def _rows(self, points: npt.NDArray[np.float64], width: int) -> npt.NDArray[np.float64]:
        rows = np.asarray(points, np.float64)
        if rows.ndim == 1 and width == 1:
            rows = rows[:, None]
        if rows.ndim != 2:
            raise InputError(f"points must have two dimensions (records, columns), got shape {rows.shape}")
        return rows
