"""Errors of the models.

ModelError
├── ParameterError      a constructor argument is out of its range
├── InputError          a value that cannot be scored or learned (NaN, infinity, wrong shape);
│                       the model is unharmed
└── SnapshotError       bytes that cannot be loaded: foreign, truncated, altered, or of
                        another version or other parameters
"""

from __future__ import annotations


class ModelError(Exception):
    """Base of everything a model raises on purpose."""


class ParameterError(ModelError, ValueError):
    """An argument is out of its range; the message names it, its value and the range."""


class InputError(ModelError, ValueError):
    """A value cannot be scored or learned; nothing was changed."""


class SnapshotError(ModelError, ValueError):
    """A snapshot cannot be loaded; the message says why not."""
