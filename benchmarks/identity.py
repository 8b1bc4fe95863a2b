"""The cheapest functions there are, to measure what crossing to Python costs: one for packs, one for each record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pyflink.common import Row
from pyflink.datastream import KeyedProcessFunction

from udfs.functions.common_arguments import with_common
from udfs.functions.declaration import AddedColumn, TableFunction


class IdentityPool:
    """A pool without models: each row's value comes back."""

    nbytes = 0

    def open(self) -> int:
        return 0

    def process(self, slots: Any, times_ms: Any, columns: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
        return {"same": columns[:, 0]}

    def dump(self, slot: int) -> bytes:
        return b""

    def load(self, data: bytes) -> int:
        return 0

    def close(self, slot: int) -> None:
        return None


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> IdentityPool:
    return IdentityPool()


def _present(outputs: Mapping[str, Any], names: Sequence[str], arguments: Mapping[str, Any]) -> tuple[list[Any], ...]:
    return (outputs["same"].tolist(),)


IDENTITY = TableFunction(
    name="IDENTITY",
    summary="Gives each row's value back.",
    description="Measures the way to Python and back.",
    arguments=with_common(),
    added=(AddedColumn("same", "DOUBLE", "The value."),),
    make_pool=_make_pool,
    present=_present,
    example="SELECT * FROM IDENTITY(input => TABLE t, on_time => DESCRIPTOR(ts))",
)


class IdentityEachRecord(KeyedProcessFunction):
    """The usual way: a keyed process function that is called for each record."""

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        device, milliseconds, volume = value
        yield Row(device, milliseconds, volume, volume)
