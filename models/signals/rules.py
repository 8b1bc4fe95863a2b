"""What can be chosen about predictions and signals."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from models.arguments import number, whole_number
from models.errors import ParameterError

#: Labels whose errors the inverse-error weights look back on, and from how many on they are used.
ERRORS, ERRORS_LEAST = 100, 10


@dataclass(frozen=True)
class Rules:
    """Horizon, weights of the members, and when a signal is given.

    Parameters
    ----------
    horizon_ms
        From a bar to the one whose price is its label, in event time; 1 to 86,400,000,000.
    waiting
        Predictions of a key that may wait for their label, 1 to 1,000; the oldest beyond them gets none.
    threshold, release
        A score at least this far from 0 is a signal; the next one in the same direction needs the score to have come
        nearer to 0 than `release` before. 0 to 1, release at most threshold.
    cool_down_ms
        No signal follows another sooner, 0 to 86,400,000,000.
    warm_up
        No signal before so many moves were learned, 0 to 1,000,000.
    fee
        What a venue takes of each trade, as a share, 0 and below 1.
    eta, discount
        Of the weights: what a wrong member's falls by, 0 to 10, and how much of its past counts at the next label,
        0 to 1.

    Raises
    ------
    ParameterError
        A number out of its range.
    """

    horizon_ms: int = 60_000
    waiting: int = 64
    threshold: float = 0.7
    release: float = 0.5
    cool_down_ms: int = 300_000
    warm_up: int = 100
    fee: float = 0.001
    eta: float = 0.1
    discount: float = 0.999

    def __post_init__(self) -> None:
        most = 86_400_000_000
        for name, low, high in (
            ("horizon_ms", 1, most), ("waiting", 1, 1_000), ("cool_down_ms", 0, most), ("warm_up", 0, 1_000_000),
        ):  # fmt: skip
            object.__setattr__(self, name, whole_number(name, getattr(self, name), low, high))
        for name, most_of in (("threshold", 1.0), ("release", 1.0), ("fee", 1.0), ("eta", 10.0), ("discount", 1.0)):
            object.__setattr__(self, name, number(name, getattr(self, name), 0.0, most_of))
        if self.release > self.threshold:
            raise ParameterError(f"release must be at most threshold ({self.threshold:g}), got {self.release:g}")
        if self.fee == 1.0:
            raise ParameterError("fee must be below 1, a share of what is traded: 0.001 is ten basis points")

    def numbers(self) -> dict[str, int | float]:
        """Every one by its name: what a snapshot must have been made with."""
        return asdict(self)
