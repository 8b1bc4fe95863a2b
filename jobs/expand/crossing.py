"""How a column of each SQL type crosses from Flink to a Python function and back in its own type.

Arrays of STRING, BIGINT, INT, DOUBLE and BOOLEAN cross as they are, NULLs included. Every other type crosses as one of
these and comes back by a cast that loses nothing; but a TIMESTAMP_LTZ(7) to (9), finer than a BIGINT can count over
all years, crosses as its local text, which is ambiguous in the hour that a zone with summer time has twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from udfs.functions.declaration import base_type


class Element(Enum):
    """What the elements of a crossing array are, by their SQL name."""

    STRING = "STRING"
    BIGINT = "BIGINT"
    INT = "INT"
    DOUBLE = "DOUBLE"
    BOOLEAN = "BOOLEAN"
    #: only on the way back, of columns that a function adds
    LONGS = "ARRAY<BIGINT>"
    FLOATS = "ARRAY<FLOAT>"


@dataclass(frozen=True)
class Crossing:
    """A column's way to Python and back.

    Parameters
    ----------
    element
        Type of the crossing array's elements.
    pack
        SQL expression that makes an element of a column, with ``{0}`` for the column.
    unpack
        SQL expression that makes the column's value of an element, with ``{0}`` for the element.
    """

    element: Element
    pack: str = "{0}"
    unpack: str = "{0}"


#: The year 0, the earliest instant TO_TIMESTAMP_LTZ gives: differences from it are never negative.
YEAR_0_MS = -62_167_219_200_000


def epoch_ms(sql_type: str) -> str:
    """SQL for the milliseconds since the epoch of a TIMESTAMP or TIMESTAMP_LTZ, ``{0}``, as BIGINT.

    Integer functions only: formatting a time costs more than all the rest of packing. It holds in every session time
    zone and hour and for the years 1 to 9999. EXTRACT of a TIMESTAMP_LTZ is local; the difference in seconds is not,
    but an INT, which overflows. Their difference is the zone's offset, which fits, so the overflow cancels out.
    """
    return _since_epoch(sql_type, "MILLISECOND", 1_000)


def _since_epoch(sql_type: str, unit: str, units: int) -> str:
    local = f"(EXTRACT(EPOCH FROM {{0}}) * {units} + EXTRACT({unit} FROM {{0}}))"
    if base_type(sql_type) == "TIMESTAMP":
        return local
    start = f"TO_TIMESTAMP_LTZ({YEAR_0_MS}, 3)"
    local_seconds = f"({local} + {-YEAR_0_MS // 1_000 * units}) / {units}"
    offset = f"CAST({local_seconds} - CAST(TIMESTAMPDIFF(SECOND, {start}, {{0}}) AS BIGINT) AS INT)"
    return f"({local} - CAST({offset} AS BIGINT) * {units})"


def crossing_of(sql_type: str) -> Crossing | None:
    """The way of a column of this SQL type; None when there is none (MAP, ROW, ARRAY, VARIANT, RAW)."""
    bare = sql_type.replace("*ROWTIME*", "").replace("*PROCTIME*", "").strip()
    bare = bare.removesuffix("NOT NULL").strip()
    back = f"CAST({{0}} AS {bare})"
    match base_type(sql_type):
        case "STRING" | "VARCHAR" | "CHAR":
            unlimited = bare.upper() in ("STRING", "VARCHAR(2147483647)")
            return Crossing(Element.STRING, "{0}", "{0}" if unlimited else back)
        case "BOOLEAN":
            return Crossing(Element.BOOLEAN)
        case "BIGINT":
            return Crossing(Element.BIGINT)
        case "INT":
            return Crossing(Element.INT)
        case "TINYINT" | "SMALLINT":
            return Crossing(Element.INT, "CAST({0} AS INT)", back)
        case "DOUBLE":
            return Crossing(Element.DOUBLE)
        case "FLOAT":
            return Crossing(Element.DOUBLE, "CAST({0} AS DOUBLE)", back)
        case "TIMESTAMP_LTZ" if precision_of(bare, 6) <= 3:
            return Crossing(Element.BIGINT, epoch_ms(sql_type), _back_ltz(bare))
        case "TIMESTAMP_LTZ" if precision_of(bare, 6) <= 6:
            micros = _since_epoch(sql_type, "MICROSECOND", 1_000_000)
            return Crossing(Element.BIGINT, micros, f"CAST(TO_TIMESTAMP_LTZ({{0}}, 6) AS {bare})")
        case "DECIMAL" | "DATE" | "TIME" | "TIMESTAMP" | "TIMESTAMP_LTZ":
            return Crossing(Element.STRING, "CAST({0} AS STRING)", back)
        case "BYTES" | "BINARY" | "VARBINARY":
            # every byte is a letter of ISO-8859-1, so this text holds any bytes
            return Crossing(Element.STRING, "DECODE({0}, 'ISO-8859-1')", f"CAST(ENCODE({{0}}, 'ISO-8859-1') AS {bare})")
    return None


def time_crossing(sql_type: str) -> Crossing:
    """The way of the time attribute: always milliseconds, which the model's order goes by."""
    bare = sql_type.replace("*ROWTIME*", "").strip().removesuffix("NOT NULL").strip()
    if base_type(sql_type) == "TIMESTAMP_LTZ":
        return Crossing(Element.BIGINT, epoch_ms(sql_type), _back_ltz(bare))
    day = "TIMESTAMPADD(DAY, CAST({0} / 86400000 AS INT), TIMESTAMP '1970-01-01 00:00:00')"
    back = f"{day} + CAST(MOD({{0}}, 86400000) AS INT) * INTERVAL '0.001' SECOND"
    return Crossing(Element.BIGINT, epoch_ms(sql_type), f"CAST({back} AS {bare})")


def _back_ltz(bare: str) -> str:
    back = "TO_TIMESTAMP_LTZ({0}, 3)"
    return back if precision_of(bare, 6) == 3 else f"CAST({back} AS {bare})"


def precision_of(bare: str, default: int) -> int:
    """The precision in a type: 3 of ``TIMESTAMP(3)``; `default` where it has none."""
    inside = bare.partition("(")[2].partition(")")[0]
    return int(inside) if inside.strip().isdigit() else default
