"""Linear learners: logistic and linear regression, perceptron, passive-aggressive, ALMA; with scaler and calibration.

Read in this order: `layout` (where the numbers of a model lie), `features` (from a row to scaled values and numbered
categories), `steps` (one learning step of each algorithm), `kernels` (rows of many keys), `pool` (the class), `mixture`
(several at different rates).
"""

from models.linear.mixture import RateMixturePool
from models.linear.pool import LinearPool

__all__ = ["LinearPool", "RateMixturePool"]
