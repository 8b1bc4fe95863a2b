"""Which of several models serves: a challenger takes over when it has proved to be better, and only then.

Read in this order: `kernels` (bets and decisions), `pool` (what is guaranteed), `gate` (one stream), `losses`, and
`challengers` (learners side by side behind a gate), which loads all learners and is therefore imported by its name.
"""

from models.champion.gate import ChampionGate, Decision
from models.champion.losses import bounded_loss
from models.champion.mean_rule import acceptance
from models.champion.pool import ChampionGatePool

__all__ = ["ChampionGate", "ChampionGatePool", "Decision", "acceptance", "bounded_loss"]
