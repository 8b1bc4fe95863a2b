"""Indicators of the bars of a market: what a chart shows, updated once a closed bar.

`periods` (what can be configured), `kernels` (the recurrences), `pool` (one state a key).
"""

from models.indicators.periods import Periods
from models.indicators.pool import NAMES, IndicatorsPool

__all__ = ["NAMES", "IndicatorsPool", "Periods"]
