"""How good predictions have been: prequential metrics beside the baselines last class and class prior.

`evaluation` is for outcomes that are all there, `PrequentialMetrics` for one stream, row by row, and
`PrequentialMetricsPool` for many.
"""

from models.metrics.offline import PrequentialMetrics, class_prior, evaluation, last_class, measures
from models.metrics.pool import PrequentialMetricsPool

__all__ = ["PrequentialMetrics", "PrequentialMetricsPool", "class_prior", "evaluation", "last_class", "measures"]
