"""Random Cut Forest: streaming anomaly scores, deterministic to the bit and fast.

Read in this order: `layout` (where things lie in memory), `machine` and `boxes` (loads, stores, vectors),
`sampler`, `tree`, `scoring`, `attribution`, `imputation`, `learning` (how a stream runs through the trees),
`kernels` (the compiled entry points), `snapshot`, and the two classes in `pool` and `forest`.
"""

from models.random_cut_forest.forest import RandomCutForest
from models.random_cut_forest.pool import RandomCutForestPool

__all__ = ["RandomCutForest", "RandomCutForestPool"]
