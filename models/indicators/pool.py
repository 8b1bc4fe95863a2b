"""Indicators for many keys, each with its own bars."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.indicators import kernels
from models.indicators.kernels import BARS, COUNT, RINGS
from models.indicators.periods import Periods
from models.packed_pool import PackedPool, check_finite

Floats = npt.NDArray[np.float64]

NAMES: Final = ("rsi", "macd", "macd_signal", "macd_histogram", "bollinger_position", "volume_ratio", "momentum")
"""The results, in the order of the kernel's columns."""

_MOST_BARS = float(2**53)


class IndicatorsPool(PackedPool):
    """RSI, MACD, Bollinger bands, volume and momentum of many keys, once a closed bar.

    Parameters
    ----------
    periods
        How many bars each looks at.

    Notes
    -----
    A row is a bar that is closed: its price, as a rule the last one, and its volume. A bar that still changes must not
    be given, because each row counts as one bar.

    Results a row, NaN before the bar that `Periods.first_bars` names:

    - rsi: Wilder's relative strength index, 0..100. 50 where no price has moved since the beginning.
    - macd, macd_signal, macd_histogram: fast less slow exponential average, the average of that, their difference; in
      the unit of prices. All three begin together, with the signal.
    - bollinger_position: 0 at the lower band, 0.5 at the mean, 1 at the upper; outside of 0..1 beyond them. 0.5 where
      all prices of the band are equal.
    - volume_ratio: the volume beside the mean of the last bars, this one included. 1 where none of them has any.
    - momentum: the price less that of so many bars before, in the unit of prices.

    Equal to TA-Lib's RSI, MACD, BBANDS, SMA and MOM over the whole series from their own first bar on, but for what a
    price that has never moved gives (TA-Lib: an RSI of 0, a band without width). Memory is ``8 * (7 + prices +
    volumes)`` bytes a key with as many prices and volumes as the longest periods ask for, 376 bytes with the defaults;
    a row takes a fraction of a microsecond.

    Sources: Wilder, "New Concepts in Technical Trading Systems" (1978), RSI; Appel, "Technical Analysis" (2005), MACD;
    Bollinger, "Bollinger on Bollinger Bands" (2001); how averages begin: TA-Lib.

    Examples
    --------
    >>> import numpy as np
    >>> pool = IndicatorsPool(Periods(momentum=2))
    >>> bars = np.array([[10.0, 5.0], [11.0, 0.0], [13.0, 2.0]])
    >>> pool.process(np.zeros(3, np.int32) + pool.open(), np.arange(3), bars)["momentum"].tolist()
    [nan, nan, 3.0]
    """

    def __init__(self, periods: Periods | None = None) -> None:
        self.periods = periods if periods is not None else Periods()
        self._prices = max(self.periods.bollinger, self.periods.momentum + 1)
        fresh = np.zeros(RINGS + self._prices + self.periods.volume)
        super().__init__("indicators", asdict(self.periods), fresh, columns=2)
        kernels.make_ready()

    def process(
        self,
        slots: npt.NDArray[np.int32],
        times_ms: npt.NDArray[np.int64],
        columns: npt.NDArray[np.float64],
    ) -> dict[str, npt.NDArray[Any]]:
        """The indicators after each bar.

        Shapes: ``slots`` integers (n,), ``times_ms`` (n,), not used: a period counts bars, ``columns`` float64 (n, 2),
        price and volume.

        Raises
        ------
        InputError
            Wrong shapes, or a value that is not finite; nothing was changed.
        """
        places, values = self._checked(slots, columns)
        check_finite(values)
        results = np.empty((values.shape[0], COUNT))
        given = self.periods
        kernels.indicate(
            self._state, places, values, given.rsi, given.macd_fast, given.macd_slow, given.macd_signal,
            given.bollinger, given.bollinger_deviations, self._prices, given.momentum, results,
        )  # fmt: skip
        return {name: results[:, number] for number, name in enumerate(NAMES)}

    def _wrong_state(self, state: Floats) -> str | None:
        """The kernel counts on a number of bars that is one."""
        bars = state[BARS]
        if not (0.0 <= bars <= _MOST_BARS and bars == np.floor(bars)):
            return f"it counts {bars!r} bars"
        return super()._wrong_state(state)
