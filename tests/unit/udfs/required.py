"""Values for what a call has to give, for tests that look at every function."""

from __future__ import annotations

from typing import Any

from udfs.functions.declaration import Argument, ArgumentType, TableFunction


def least(function: TableFunction) -> dict[str, Any]:
    """The time, and the least value of each of a function's own arguments that has no default."""
    own = [argument for argument in function.arguments if argument.required and not argument.common]
    return {
        "on_time": ("ts",),
        **{a.name: _least(a) for a in own},
    }


def _least(argument: Argument) -> Any:
    if argument.type is ArgumentType.DESCRIPTOR:
        return ("y",)
    return int(argument.low or 0) if argument.type is ArgumentType.BIGINT else argument.low
