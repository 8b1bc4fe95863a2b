"""A/B tests: who gets which variant, and what may be concluded from what they did."""

from models.experiments.assignment import Assignment, hashed_bucket, last_two_digits
from models.experiments.comparison import Comparison, Totals, compare, compare_as_if_independent
from models.experiments.power import minimum_detectable_effect, users_needed
from models.experiments.sample_ratio import SRM_LEVEL, SampleRatio, chi_square_tail, sample_ratio
from models.experiments.sequential import Sequential, sequential

__all__ = [
    "SRM_LEVEL", "Assignment", "Comparison", "SampleRatio", "Sequential", "Totals", "chi_square_tail", "compare",
    "compare_as_if_independent", "hashed_bucket", "last_two_digits", "minimum_detectable_effect", "sample_ratio",
    "sequential", "users_needed",
]  # fmt: skip
