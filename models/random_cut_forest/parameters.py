"""The parameters of a forest, their ranges, and what a forest of them costs in memory."""

from __future__ import annotations

from dataclasses import dataclass

from models.arguments import whole_number
from models.errors import ParameterError
from models.random_cut_forest.layout import Layout, block_bytes, layout_of

#: inclusive ranges
RANGES = {
    "dimensions": (1, 30),
    "trees": (1, 1000),
    "sample_size": (10, 8192),
    "time_decay": (1, 2147483647),
    "shingle_size": (1, 30),
    "seed": (0, 2**64 - 1),
}
MISSING = ("reject", "impute")
#: Bytes one forest may hold.
MEMORY_LIMIT = 2 * 1024**3


@dataclass(frozen=True)
class Parameters:
    """Parameters of a forest, checked; `ParameterError` names the one that is wrong.

    Attributes
    ----------
    dimensions : int
        Columns of a record, 1..30.
    trees : int
        Trees, 1..1000; the noise of a score falls with their square root.
    sample_size : int
        Records each tree holds, 10..8192.
    time_decay : int
        Records after which a record's weight in the sample has fallen to 1/e; above `sample_size`.
    shingle_size : int
        Records that make one point, 1..30.
    seed : int
        Seed of all randomness, 0..2**64 - 1.
    missing : str
        ``'reject'``: NaN is an InputError; ``'impute'``: it is replaced by what the forest expects.
    """

    dimensions: int
    trees: int = 100
    sample_size: int = 256
    time_decay: int = 100_000
    shingle_size: int = 1
    seed: int = 0
    missing: str = "reject"

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            object.__setattr__(self, name, whole_number(name, getattr(self, name), low, high))
        if self.missing not in MISSING:
            raise ParameterError(f"missing must be 'reject' or 'impute', got {self.missing!r}")
        if not self.sample_size < self.time_decay:
            raise ParameterError(
                f"sample_size must be below time_decay, got sample_size {self.sample_size} and "
                f"time_decay {self.time_decay}"
            )
        needed = block_bytes(self.layout)
        if needed > MEMORY_LIMIT:
            raise ParameterError(
                f"a forest of {self.trees} trees with sample_size {self.sample_size} over {self.dimensions} columns x "
                f"shingle_size {self.shingle_size} needs {needed:,} bytes, more than the limit of {MEMORY_LIMIT:,}: "
                "lower one of them"
            )

    @property
    def layout(self) -> Layout:
        """Where everything lies in a forest of these parameters."""
        return layout_of(self.trees, self.sample_size, self.dimensions, self.shingle_size)

    @property
    def rate(self) -> float:
        """Decay rate per record."""
        return 1.0 / self.time_decay

    @property
    def vector(self) -> int:
        """Numbers in a full shingled vector."""
        return self.dimensions * self.shingle_size
