"""Gaussian naive Bayes for many keys, with categories beside the numbers."""

from models.naive_bayes.pool import NaiveBayesPool

__all__ = ["NaiveBayesPool"]
