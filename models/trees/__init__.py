"""Trees that grow with the stream: one Hoeffding tree, and a forest of them that replaces those that no longer fit.

Read in this order: `layout` (where everything lies), `leaf` (what a leaf has seen and predicts), `split` (when a leaf
becomes two), `tree`, `forest` (votes, resampling, drift), `kernels`, `pool` (the classes).
"""

from models.trees.pool import AdaptiveForestPool, HoeffdingTreePool

__all__ = ["AdaptiveForestPool", "HoeffdingTreePool"]
