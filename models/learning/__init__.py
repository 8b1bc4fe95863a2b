"""What all learners share: they predict at once and learn when a label comes.

Read in this order: `interface` (what every learner does), `parameters` (how a parameter is declared and checked),
`state_pool` (slots, snapshots and checks of rows). What there is to choose from is in `models.learners`.
"""

from models.learning.interface import LearnerPool

__all__ = ["LearnerPool"]
