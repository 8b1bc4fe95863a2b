"""The predictions of the original market system, with its rules, to show what they are worth.

They are kept for comparison: `models.signals` is the ensemble to use.
"""

from models.original_market.pool import OriginalMarketPool

__all__ = ["OriginalMarketPool"]
