"""Where a market goes next, and whether that was right: an ensemble of learners that is told the truth a horizon later.

Read in this order: `rules` (what can be chosen), `layout` (where the numbers of a key lie), `kernels` (settling what
has come true, and deciding), `pool` (the class).
"""

from models.signals.pool import SignalsPool
from models.signals.rules import Rules

__all__ = ["Rules", "SignalsPool"]
