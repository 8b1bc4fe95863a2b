"""Learners without a cluster: a file in row order through a learner, and what its predictions were worth.

Read in this order: `table` (a CSV file as features, labels and times), `schedule` (when which label is learned), `run`.
"""

from jobs.evaluation.run import Options, evaluate_file, evaluate_rows

__all__ = ["Options", "evaluate_file", "evaluate_rows"]
