"""How many bars each indicator looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from models.arguments import number, whole_number
from models.errors import ParameterError

MOST_BARS = 1000
"""No period is longer."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "rsi": ("rsi",),
    "macd": ("macd_fast", "macd_slow", "macd_signal"),
    "bollinger": ("bollinger", "bollinger_deviations"),
    "volume": ("volume",),
    "momentum": ("momentum",),
}
"""What may be configured by name, and the fields it sets in this order."""


@dataclass(frozen=True)
class Periods:
    """Periods in bars; the defaults are those of most charts.

    Parameters
    ----------
    rsi
        Wilder's smoothing of gains and losses, 2..1000.
    macd_fast, macd_slow, macd_signal
        Exponential averages: 2..1000, fast below slow; the average of their difference, 1..1000.
    bollinger, bollinger_deviations
        Bars of the band, 2..1000, and its half width in standard deviations, 0.01..100.
    volume
        Bars whose mean volume a bar is compared with, 1..1000.
    momentum
        Bars back, 1..1000.

    Raises
    ------
    ParameterError
        A number out of its range.

    Examples
    --------
    >>> Periods.of({"macd": [5, 35, 5], "rsi": 7}).macd_slow
    35
    """

    rsi: int = 14
    macd_fast: int = 12
    macd_slow: int = 26
    macd_signal: int = 9
    bollinger: int = 20
    bollinger_deviations: float = 2.0
    volume: int = 20
    momentum: int = 10

    def __post_init__(self) -> None:
        low = {"macd_signal": 1, "volume": 1, "momentum": 1}
        for name, value in asdict(self).items():
            if name == "bollinger_deviations":
                object.__setattr__(self, name, number(name, value, 0.01, 100.0))
            else:
                object.__setattr__(self, name, whole_number(name, value, low.get(name, 2), MOST_BARS))
        if self.macd_fast >= self.macd_slow:
            raise ParameterError(f"macd_fast must be less than macd_slow ({self.macd_slow}), got {self.macd_fast}")

    @staticmethod
    def of(given: Mapping[str, Any]) -> Periods:
        """Periods by the names of `PARTS`: a number, or a list of those that belong together.

        Raises
        ------
        ParameterError
            An unknown name, a list of another length, or a number out of its range.
        """
        fields: dict[str, Any] = {}
        for name, value in given.items():
            parts = PARTS.get(name)
            if parts is None:
                raise ParameterError(f"there is no period {name!r}; there are {', '.join(PARTS)}")
            numbers = value if isinstance(value, list | tuple) else [value]
            if len(numbers) != len(parts):
                expected = "one number" if len(parts) == 1 else f"a list of {len(parts)}: {', '.join(parts)}"
                raise ParameterError(f"period {name!r} must be {expected}, got {value!r}")
            fields.update(zip(parts, numbers, strict=True))
        return Periods(**fields)

    def first_bars(self) -> dict[str, int]:
        """The first bar, from 0, for which each indicator has a value."""
        macd = self.macd_slow + self.macd_signal - 2
        return {
            "rsi": self.rsi,
            "macd": macd,
            "macd_signal": macd,
            "macd_histogram": macd,
            "bollinger_position": self.bollinger - 1,
            "volume_ratio": self.volume - 1,
            "momentum": self.momentum,
        }
