"""Has something changed: four detectors over a stream of numbers, one number a row.

`ADWINPool` and `PageHinkleyPool` look at the mean, `KSWINPool` at the whole distribution, `DDMPool` at the errors of a
model. Each module has its kernels, to be used inside others, and its pool.
"""

from models.drift.adwin import ADWINPool
from models.drift.ddm import DDMPool
from models.drift.kswin import KSWINPool
from models.drift.page_hinkley import PageHinkleyPool

__all__ = ["ADWINPool", "DDMPool", "KSWINPool", "PageHinkleyPool"]
