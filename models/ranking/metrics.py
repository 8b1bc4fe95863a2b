"""Metrics of ranked lists with binary relevance. A list is told by where its hits are, and how many there could be.

Shapes of all of them: ``hits`` bool (n, k), whether place j of list i holds a relevant item; ``relevant`` int (n,), how
many relevant items the user of list i has, those no ranking can know included; the result is float64 (n,), in 0..1,
and 0 where nothing is relevant. A shorter list is a list whose last places are no hits. Cost: O(n k).
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import numpy as np
import numpy.typing as npt

from models.arguments import integers_of_rows
from models.errors import InputError

Floats = npt.NDArray[np.float64]
Hits = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


def hits_at(lists: Sequence[Sequence[int] | npt.NDArray[Any]], relevant: Sequence[Set[int]], k: int) -> Hits:
    """Hits (n, k) of lists of items, best first, given what is relevant for each; what is behind place k is ignored."""
    hits = np.zeros((len(lists), k), np.bool_)
    for row, (items, wanted) in enumerate(zip(lists, relevant, strict=True)):
        for place, item in enumerate(items[:k]):
            hits[row, place] = int(item) in wanted
    return hits


def hit(hits: Hits, relevant: Counts) -> Floats:
    """HR@k, hit rate: 1 where a hit is in the list. ir-measures calls it Success@k."""
    return _checked(hits, relevant).any(axis=1).astype(np.float64)


def reciprocal_rank(hits: Hits, relevant: Counts) -> Floats:
    """MRR@k: 1 over the place of the first hit, 0 without one. ir-measures: RR@k."""
    hits = _checked(hits, relevant)
    first = hits.argmax(axis=1)
    return np.where(hits.any(axis=1), 1.0 / (first + 1.0), 0.0)


def dcg_discounts(k: int) -> Floats:
    """What a hit counts at each of k places: 1 / log2(place + 1), with places from 1."""
    return 1.0 / np.log2(np.arange(2, k + 2))


def ndcg(hits: Hits, relevant: Counts) -> Floats:
    """nDCG@k: discounted hits, over those of a list that begins with every relevant item. ir-measures: nDCG@k.

    Source: Järvelin, Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002; the discount of trec_eval.
    """
    hits = _checked(hits, relevant)
    discounts = dcg_discounts(hits.shape[1])
    best = np.concatenate(([0.0], np.cumsum(discounts)))[np.minimum(relevant, hits.shape[1])]
    return _over(hits @ discounts, best)


def average_precision_all(hits: Hits, relevant: Counts) -> Floats:
    """MAP@k over all relevant: the precision at each hit, over the number of relevant items. ir-measures: AP@k.

    A user with more relevant items than k cannot reach 1.
    """
    return _over(_summed_precision(_checked(hits, relevant)), np.asarray(relevant, np.float64))


def average_precision_min(hits: Hits, relevant: Counts) -> Floats:
    """MAP@k over min(k, relevant): as `average_precision_all`, over the hits that k places have room for.

    Never below the other, and more than twice it where users have many relevant items: say which one a figure is.
    """
    hits = _checked(hits, relevant)
    return _over(_summed_precision(hits), np.minimum(relevant, hits.shape[1]).astype(np.float64))


def _summed_precision(hits: Hits) -> Floats:
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    summed: Floats = np.where(hits, precision, 0.0).sum(axis=1)
    return summed


def _over(values: Floats, best: Floats) -> Floats:
    return np.divide(values, best, out=np.zeros_like(values), where=best > 0)


def _checked(hits: Hits, relevant: Counts) -> Hits:
    """The hits, once they fit; InputError if not."""
    if hits.ndim != 2 or hits.dtype != np.bool_:
        raise InputError(f"hits must be booleans (n, k), got {hits.dtype} {hits.shape}")
    counts = integers_of_rows("relevant", relevant, hits.shape[0])
    too_many = hits.sum(axis=1) > counts
    if too_many.any():
        row = int(np.flatnonzero(too_many)[0])
        raise InputError(f"list {row} has {hits[row].sum()} hits, but only {counts[row]} items are relevant")
    return hits
