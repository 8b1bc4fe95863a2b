"""Functions of times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jobs.kinesis.functions.declaration import Scalar, simple
from jobs.kinesis.values import BIGINT, TIMESTAMP, epoch_ms, from_epoch_ms

SCALARS: Final[Mapping[str, Scalar]] = {
    "UNIX_TIMESTAMP": simple("t", epoch_ms("{0}"), BIGINT),
    "TO_TIMESTAMP": simple("n", from_epoch_ms("CAST({0} AS BIGINT)"), TIMESTAMP),
    "TSDIFF": simple("tt", f"({epoch_ms('{1}')} - {epoch_ms('{0}')})", BIGINT),
}
