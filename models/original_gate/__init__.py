"""The consumer of the original clickstream system, with its gate, to show what its figures are worth.

It is kept for comparison: `models.champion` is the gate to use.
"""

from models.original_gate.consumer import Accepted, Consumer, replay

__all__ = ["Accepted", "Consumer", "replay"]
