"""Where the numbers of a key lie: its last bar, the scoreboard, the members' weights and errors, what waits."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from models.signals.rules import ERRORS

#: The last bar: its time, mid price and best quotes; the sign of its return.
TIME, MID, BID, ASK, SIGN = range(5)
#: The ring of waiting predictions: where the oldest is, and how many there are; how many errors are kept, and where the
#: next one goes; the direction of the last signal while it holds, and its time.
OLDEST, WAITING, KEPT, NEXT_ERROR, HELD, SIGNALLED = range(5, 11)
#: The scoreboard: moves, bars that ended where they began, predictions that got no label; of the moves, how many were
#: predicted right by the ensemble, by the inverse-error weights, as up, as the move before and as its opposite; the
#: squared error of the probability; the ensemble's trades with what they brought before and after costs; the same of
#: signals alone.
MOVES, ZEROS, DROPPED, RIGHT, INVERSE_RIGHT, UP, SAME, OPPOSITE, SQUARED = range(11, 20)
TRADES, GROSS, NET, SIGNALS, SIGNAL_GROSS, SIGNAL_NET = range(20, 26)
HEADER: Final = 26

#: A waiting prediction: its bar's time and quotes, scores, the sign of the bar before, its signal; then the members'
#: probabilities, then the features.
AT, AT_MID, AT_BID, AT_ASK, SCORE, INVERSE_SCORE, SIGN_BEFORE, SIGNAL, RECORD = range(9)

#: The time of a key that has seen nothing.
NEVER: Final = -1.0


def record_width(members: int, features: int) -> int:
    """Numbers of a waiting prediction."""
    return RECORD + members + features


def width(members: int, features: int, waiting: int) -> int:
    """Numbers of a key: header, weights and errors of the members, what waits."""
    return HEADER + members + ERRORS * members + waiting * record_width(members, features)


def fresh(members: int, features: int, waiting: int) -> npt.NDArray[np.float64]:
    """The state of a key that has seen nothing."""
    state = np.zeros(width(members, features, waiting))
    state[TIME] = state[SIGNALLED] = NEVER
    return state
