"""Losses in 0..1 of binary predictions, as the gate takes them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.errors import ParameterError

#: The losses there are.
LOSSES: Final = ("error", "brier", "log")
#: Probabilities are taken to lie in [LOG_CLIP, 1 - LOG_CLIP] for the log loss: without a bound there is no test that
#: holds for all distributions, and one row that a model was quite sure of would decide.
LOG_CLIP: Final = 0.01


def bounded_loss(name: str, labels: Any, probabilities: Any) -> npt.NDArray[np.float64]:
    """The loss of each prediction.

    Parameters
    ----------
    name
        'error': 1 where the class with a probability of at least one half is the wrong one, else 0. 'brier': the
        squared distance of probability and label, which sees calibration too and finds a better model sooner where
        the difference is not in the classes alone. 'log': log loss with probabilities clipped to 0.01 from both ends,
        divided by its most.
    labels
        (n,) 0 or 1.
    probabilities
        (n,) or (n, models), of class 1.

    Returns
    -------
    ndarray
        Of the shape of the probabilities, each in 0..1.

    Raises
    ------
    ParameterError
        There is no such loss.

    Examples
    --------
    >>> bounded_loss("brier", [1, 0], [[0.5, 1.0], [0.5, 1.0]]).tolist()
    [[0.25, 0.0], [0.25, 1.0]]
    """
    given = np.asarray(probabilities, np.float64)
    truth = np.asarray(labels, np.float64).reshape(-1, *[1] * (given.ndim - 1))
    if name == "error":
        return np.asarray((given >= 0.5) != (truth == 1.0), np.float64)
    if name == "brier":
        return np.square(given - truth)
    if name == "log":
        clipped = np.clip(given, LOG_CLIP, 1.0 - LOG_CLIP)
        losses: npt.NDArray[np.float64] = np.log(np.where(truth == 1.0, clipped, 1.0 - clipped)) / np.log(LOG_CLIP)
        return np.clip(losses, 0.0, 1.0)
    raise ParameterError(f"a loss must be one of {', '.join(LOSSES)}, got {name!r}")
