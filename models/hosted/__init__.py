"""Estimators of scikit-learn with ``partial_fit``, hosted as learners: one a key, a call's rows at a time."""

from models.hosted.pool import HostedEstimatorPool

__all__ = ["HostedEstimatorPool"]
