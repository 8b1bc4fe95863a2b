"""Values for what a call has to give, for tests that look at every function."""

from __future__ import annotations

from typing import Any

from udfs.functions.declaration import ArgumentType, TableFunction

TEXTS = {"fees": "[0.001, 0.001]", "candidates": '[{"algorithm": "logistic"}, {"algorithm": "alma"}]'}
"""Texts that mean something, by argument."""


def least(function: TableFunction) -> dict[str, Any]:
    """The time, and the least value of each of a function's own arguments that has no default; a column each."""
    own = [argument for argument in function.arguments if argument.required and not argument.common]
    return {
        "on_time": ("ts",),
        **{a.name: int(a.low or 0) if a.type is ArgumentType.BIGINT else a.low for a in own},
        **{a.name: TEXTS[a.name] for a in own if a.type is ArgumentType.STRING},
        **{a.name: (f"column_{a.name}",) for a in own if a.type is ArgumentType.DESCRIPTOR},
    }
