"""The scalar functions of Kinesis SQL: what each becomes in Flink.

`SCALARS` has them all by name. A function that Flink lacks names the Python function that takes its place, and the
compiled pipeline creates it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from jobs.kinesis.functions import log_parsers, numbers, texts, time_texts, times
from jobs.kinesis.functions.declaration import Scalar

SCALARS: Final[Mapping[str, Scalar]] = MappingProxyType(
    {**numbers.SCALARS, **texts.SCALARS, **times.SCALARS, **time_texts.SCALARS, **log_parsers.SCALARS}
)
