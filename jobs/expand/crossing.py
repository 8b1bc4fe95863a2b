"""How a column of each SQL type crosses from Flink to a Python function and back in its own type.

Arrays of STRING, BIGINT, INT, DOUBLE and BOOLEAN cross as they are, NULLs included. Every other type crosses as one of
these and comes back by a cast that loses nothing.
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


def epoch_ms(sql_type: str) -> str:
    """SQL for the milliseconds since the epoch of a TIMESTAMP or TIMESTAMP_LTZ of at most that precision, as BIGINT.

    Integer functions only: formatting a time costs more than all the rest of packing. They hold in every session
    time zone (EXTRACT of a TIMESTAMP_LTZ is local, so nothing above seconds is asked of it) and beyond 2038 (a
    difference in minutes fits an INT for four thousand years).
    """
    if base_type(sql_type) == "TIMESTAMP":
        return "(EXTRACT(EPOCH FROM {0}) * 1000 + EXTRACT(MILLISECOND FROM {0}))"
    return (
        "(CAST(TIMESTAMPDIFF(MINUTE, TO_TIMESTAMP_LTZ(0, 3), {0}) AS BIGINT) * 60000"
        " + EXTRACT(SECOND FROM {0}) * 1000 + EXTRACT(MILLISECOND FROM {0}))"
    )


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
        case "DECIMAL" | "DATE" | "TIME" | "TIMESTAMP" | "TIMESTAMP_LTZ":
            return Crossing(Element.STRING, "CAST({0} AS STRING)", back)
        case "BYTES" | "BINARY" | "VARBINARY":
            # every byte is a letter of ISO-8859-1, so this text holds any bytes
            return Crossing(
                Element.STRING, "DECODE({0}, 'ISO-8859-1')", f"CAST(ENCODE({{0}}, 'ISO-8859-1') AS {bare})"
            )
    return None


def time_crossing(sql_type: str) -> Crossing:
    """The way of the time attribute: always milliseconds, which the model's order goes by."""
    bare = sql_type.replace("*ROWTIME*", "").strip().removesuffix("NOT NULL").strip()
    if base_type(sql_type) == "TIMESTAMP_LTZ":
        return Crossing(Element.BIGINT, epoch_ms(sql_type), _back_ltz(bare))
    seconds = "TIMESTAMPADD(SECOND, CAST({0} / 1000 AS INT), TIMESTAMP '1970-01-01 00:00:00')"
    back = f"CAST({seconds} AS TIMESTAMP(3)) + CAST(MOD({{0}}, 1000) AS INT) * INTERVAL '0.001' SECOND"
    return Crossing(Element.BIGINT, epoch_ms(sql_type), f"CAST({back} AS {bare})")


def _back_ltz(bare: str) -> str:
    back = "TO_TIMESTAMP_LTZ({0}, 3)"
    return back if precision_of(bare, 6) == 3 else f"CAST({back} AS {bare})"


def precision_of(bare: str, default: int) -> int:
    """The precision in a type: 3 of ``TIMESTAMP(3)``; `default` where it has none."""
    inside = bare.partition("(")[2].partition(")")[0]
    return int(inside) if inside.strip().isdigit() else default
