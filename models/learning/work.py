"""What a learner's kernel is asked to do with rows."""

from __future__ import annotations

PREDICT, LEARN, BOTH = 1, 2, 3
