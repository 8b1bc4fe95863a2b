"""Arbitrage between venues: the best bid of one against the best ask of another, as episodes.

`kernels` (pairs, freshness, episodes), `pool` (one state a pair of currencies).
"""

from models.arbitrage.pool import EVENTS, ArbitragePool

__all__ = ["EVENTS", "ArbitragePool"]
