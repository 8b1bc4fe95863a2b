"""A verdict on every record of a stream: is this an anomaly, how surely, and what was expected instead.

Read in this order: `state` (what is kept of a key), `profile` (what is usual at a time of day and week), `verdict`
(from a score to a grade), `kernels` (the compiled entry points), `snapshot`, and the two classes in `pool` and
`detector`. The scores come from `models.random_cut_forest`.
"""

from models.anomaly_detector.detector import AnomalyDetector
from models.anomaly_detector.pool import AnomalyDetectorPool

__all__ = ["AnomalyDetector", "AnomalyDetectorPool"]
