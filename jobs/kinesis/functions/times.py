"""Functions of times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from jobs.kinesis.functions.declaration import Scalar, check_kinds, simple
from jobs.kinesis.values import BIGINT, TIMESTAMP, Value, epoch_ms, from_epoch_ms


def _difference(values: Sequence[Value]) -> Value:
    """Milliseconds from the first time to the second; both may be TIMESTAMP or BIGINT.

    Source: "Temporal Predicates" of AWS's SQL reference, "the value of (endTime - startTime) in milliseconds".
    """
    sides = []
    for index, value in enumerate(values):
        if value.type is not None and value.type.is_integer:
            sides.append(f"CAST({value.sql} AS BIGINT)")
        else:
            check_kinds(values[index : index + 1], "t")
            sides.append(epoch_ms(value.sql))
    return Value(f"({sides[1]} - {sides[0]})", BIGINT)


SCALARS: Final[Mapping[str, Scalar]] = {
    "UNIX_TIMESTAMP": simple("t", epoch_ms("{0}"), BIGINT),
    "TO_TIMESTAMP": simple("n", from_epoch_ms("CAST({0} AS BIGINT)"), TIMESTAMP),
    "TSDIFF": Scalar(2, 2, _difference),
}
