"""How good ranked lists are: metrics of one list each, their means, and whether a difference is more than noise."""

from models.ranking.metrics import (
    average_precision_all,
    average_precision_min,
    dcg_discounts,
    hit,
    hits_at,
    ndcg,
    reciprocal_rank,
)
from models.ranking.summary import Estimate, mean_by_user, paired_difference

__all__ = [
    "Estimate", "average_precision_all", "average_precision_min", "dcg_discounts", "hit", "hits_at", "mean_by_user",
    "ndcg", "paired_difference", "reciprocal_rank",
]  # fmt: skip
