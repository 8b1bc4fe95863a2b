"""What the original consumer does with a message, step by step, and what it should have measured beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from models.metrics import evaluation, measures
from models.original_gate import kernels

Floats = npt.NDArray[np.float64]

SEED = 2011
TRIED = 0.20
LEARNING_RATE = 0.001
SHARE_OF_MEAN = 0.95
#: scikit-learn clips probabilities by the precision of a float64 when it computes a log loss; with hard labels that
#: is what a wrong prediction costs.
WORST = -float(np.log(np.finfo(np.float64).eps))


@dataclass(frozen=True)
class Accepted:
    """What the original system records of a message that passes its gate, from a fifth of that message's own rows.

    Attributes
    ----------
    message
        Its number, from 0.
    f1, accuracy
        Of the predicted classes.
    log_loss
        Of the predicted *classes*, not of probabilities: 36 for each wrong one.
    """

    message: int
    f1: float
    accuracy: float
    log_loss: float


@dataclass
class Consumer:
    """The original consumer.

    Parameters
    ----------
    copies
        Whether a refused update is taken back. The original means to try an update on a copy of the model, but its
        copy is another name for the same model (``clf_temp = clf``), so what is refused stays learned.
    learning_rate
        Of the gradient descent, constant.

    Attributes
    ----------
    weights
        (11,) of the ten features and the intercept.
    accepted
        What it has recorded: messages that were refused leave no trace, which is why its figures rise.

    Notes
    -----
    The steps, for each message: put a fifth of its rows aside, by a permutation with the seed 2011; learn the others,
    one pass; predict the rows put aside; accept if F1 is above 95 % of the mean F1 of the accepted messages. The rows
    are learned in the order of that permutation, where scikit-learn, which the original uses, shuffles once more.

    Source: the published code of the article "Data Streams and Online Machine Learning in Python" (2019), by what it
    does; its defects are told in the guide.
    """

    copies: bool = False
    learning_rate: float = LEARNING_RATE
    weights: Floats = field(default_factory=lambda: np.zeros(11))
    accepted: list[Accepted] = field(default_factory=list)
    messages: int = 0

    def probabilities(self, features: Floats) -> Floats:
        """(n,) of class 1, for rows (n, 10)."""
        found: Floats = 1.0 / (1.0 + np.exp(-(features @ self.weights[:-1] + self.weights[-1])))
        return found

    def consume(self, features: Any, labels: Any) -> Accepted | None:
        """Take a message of rows (n, 10) and labels (n,) 0 or 1; what was recorded, None where it was refused."""
        rows, truth = np.ascontiguousarray(features, np.float64), np.asarray(labels, np.float64)
        order = np.random.RandomState(SEED).permutation(len(rows))
        tried, learned = np.split(order, [ceil(TRIED * len(rows))])
        before = self.weights.copy()
        kernels.make_ready()
        kernels.fit(self.weights, rows[learned], truth[learned], self.learning_rate)
        predicted = (self.probabilities(rows[tried]) > 0.5).astype(np.float64)
        found = measures(truth[tried], predicted)
        f1, accuracy = float(found["f1"] or 0.0), float(found["accuracy"] or 0.0)
        number, self.messages = self.messages, self.messages + 1
        if self.accepted and not f1 > SHARE_OF_MEAN * np.mean([each.f1 for each in self.accepted]):
            if self.copies:
                self.weights = before
            return None
        self.accepted.append(Accepted(number, f1, accuracy, (1.0 - accuracy) * WORST))
        return self.accepted[-1]


def replay(consumer: Consumer, stream: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """A stream of messages through the consumer, and beside what it records, what is true.

    Parameters
    ----------
    consumer
        A fresh one.
    stream
        Messages of rows (n, 10) and labels (n,).

    Returns
    -------
    dict
        ``accepted``, the share of messages; ``f1_first``, ``f1_mean``, ``f1_last``: as the original records it, of
        the first ten accepted ones, of all, of the last ten; ``log_loss``, as it records it; ``honest``: the metrics of
        all rows of all messages, each predicted before it was learned, beside the baselines (`models.metrics`).
    """
    truths, given = [], []
    for features, labels in stream:
        truths.append(np.asarray(labels))
        given.append(consumer.probabilities(np.asarray(features, np.float64)))
        consumer.consume(features, labels)
    f1 = np.array([each.f1 for each in consumer.accepted])
    return {
        "accepted": len(f1) / max(consumer.messages, 1),
        "f1_first": float(f1[:10].mean()),
        "f1_mean": float(f1.mean()),
        "f1_last": float(f1[-10:].mean()),
        "log_loss": float(np.mean([each.log_loss for each in consumer.accepted])),
        "honest": evaluation(np.concatenate(truths), np.concatenate(given)),
    }
