"""The SQL that says whether a record is good and the Python that says why not agree on every record."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path
from typing import Any

import numpy as np

from jobs.sql.statements import Script
from tests.cluster.poison import all_poison
from tests.jobs.strict_reading import expansion, read_strictly
from udfs.record_check import reason

LOUDNESS = """device STRING NOT NULL, event_time TIMESTAMP_LTZ(3) NOT NULL, volume DOUBLE NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND"""
ISO = ", 'json.timestamp-format.standard' = 'ISO-8601'"


def test_every_poison_is_told_apart(
    tables: Any, script: Callable[..., Script], result_of: Callable[..., list[dict[str, Any]]], tmp_path: Path
) -> None:
    source = expansion(script, LOUDNESS, ISO, keys=["device"])
    kinds = all_poison()
    found = read_strictly(
        tables, result_of, source, [kind.value for kind in kinds], tmp_path,
        "device STRING, volume STRING, event_time STRING",
        "device, CAST(volume AS STRING), CAST(event_time AS STRING)",
    )  # fmt: skip
    assert source.tap is not None
    wrong = []
    for kind, row in zip(kinds, found, strict=True):
        refused = row["status"] == 2
        if refused is not (kind.reason is not None):
            wrong.append(f"{kind.name}: SQL says {'bad' if refused else 'good'}")
        elif refused:
            why = reason(kind.value, source.tap.contract)
            if why[0] != kind.reason:
                wrong.append(f"{kind.name}: {why}, expected {kind.reason}")
        else:
            read = row["device"], float(row["volume"])
            if repr(read) != repr(kind.expected):
                wrong.append(f"{kind.name}: read as {read}"[:200])
    assert not wrong, "\n".join(wrong)


#: For each SQL type JSON texts at the edges of what it takes; which of them it takes is for both sides to agree on.
EDGES = {
    "TINYINT": ["7", "127", "-128", "128", "-129", "0", "-0", "1.0", "1e2", "1E0", "1.5"],
    "SMALLINT": ["7", "32767", "-32768", "32768", "-32769"],
    "INT": [
        "7", "2147483647", "-2147483648", "2147483648", "-2147483649", "99999999999999999999999", "12.0", "1e3",
        "1e400",
    ],
    "BIGINT": [
        "7", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "-9223372036854775809", "1e18",
        "1e19", "9007199254740993", "9" * 60,
    ],
    "FLOAT": [
        "7", "3.4028235e38", "3.4028234e38", "3.402823466385289e38", "3.4028236e38", "3.41e38", "1e39", "-1e39",
        "1e-50", "0.1",
    ],
    "DOUBLE": [
        "7", "1.7976931348623157e308", "1.7976931348623159e308", "-1e309", "1e-400",
        "123456789012345678901234567890",
    ],
    "DECIMAL(5, 2)": [
        "7", "999.99", "-999.99", "999.994", "999.995", "1000", "0.001", "1e2", "1e3", "1.5e-3", "1e400", "1e-400",
        "12345678901234567890123456789012345678901234567890",
    ],
    "DECIMAL(38, 0)": ["7", "9" * 38, "9" * 39, "1e37", "1e38", "0.4", "1e-99999"],
    "DECIMAL(3, 3)": ["0.5", "0.999", "0.9995", "0.9994", "1", "-0.9999", "0"],
    "BOOLEAN": ["true", "false", '"true"', "0", "1", '"TRUE"'],
    "STRING": ['""', '"null"', '"a"', '"\\u0000"', '"\\""'],
    "VARCHAR(3)": ['"abc"', '"abcd"', '""'],
    "CHAR(3)": ['"abc"', '"ab"', '"abcd"'],
    "DATE": [
        '"2026-02-28"', '"2026-02-29"', '"2024-02-29"', '"2024-02-30"', '"2100-02-29"', '"2000-02-29"',
        '"2026-04-31"', '"2026-12-31"', '"2026-13-01"', '"2026-00-10"', '"2026-01-00"', '"2026-1-1"', '"2026"',
        '"20260101"', '" 2026-01-01"', '"0001-01-01"', '"0000-01-01"', '"9999-12-31"', '"2026-01-01 10:00:00"',
        "20260101", '"2026-01-0١"',
    ],
    "TIME": [
        '"10:00:00"', '"23:59:59.999"', '"24:00:00"', '"10:60:00"', '"10:00:60"', '"10:00"', '"1:2:3"',
        '"10:00:00Z"', '"10:00:00.1"', '"10:00:00."', '"10"', "100000",
    ],
    "TIMESTAMP(3)": [
        "2026-01-01{}10:00:00", "2026-01-01{}10:00:00.123456789", "2026-02-30{}10:00:00", "2026-01-01",
        "2026-01-01{}24:00:00", "2026-01-01{}10:00:00Z", "2026-01-01{}10:00", "2026-1-1{}1:2:3",
        "2026-01-01{}10:00:00.", "1969-12-31{}23:59:59.999",
    ],
    "TIMESTAMP_LTZ(3)": [
        "2026-01-01{}10:00:00Z", "2026-01-01{}10:00:00.123456789Z", "2026-02-30{}10:00:00Z", "2026-01-01Z",
        "2026-01-01{}24:00:00Z", "2026-01-01{}10:00:00", "2026-01-01{}10:00:00z", "2026-01-01{}10:00:00+00:00",
        "2026-01-01{}10:60:00Z", "1969-12-31{}23:59:59.999Z",
    ],
    "TIMESTAMP(0)": ["2026-01-01{}10:00:00.5"],
    "TIMESTAMP(9)": ["2026-01-01{}10:00:00.123456789"],
    "TIMESTAMP_LTZ(0)": ["2026-01-01{}10:00:00.5Z", "9999-12-31{}23:59:59.999999Z"],
    "TIMESTAMP_LTZ(6)": [
        "2026-01-01{}10:00:00.123456789Z", "9999-12-31{}23:59:59.999999Z", "1969-12-31{}23:59:59.999999Z",
    ],
    "ARRAY<DOUBLE>": [
        "[]", "[1, 2.5]", "[1, null]", '[1, "2"]', "[1, [2]]", '{"x": 1}', "5", "[1e400]", '["a"]', "[true]",
    ],
    "ARRAY<INT>": ["[1, 2]", "[1.5]", "[2147483648]", "[null]", "[2147483647, -2147483648, -0, 999999999]"],
    "ARRAY<BIGINT>": [
        "[]", "[-1]", "[1, null, 3]", "[9223372036854775807, -9223372036854775808]", "[9223372036854775808]",
        "[999999999999999999, -999999999999999999, 0]", "[1, [2]]", '["1"]', "[1e3]", "[1.0]", "[true]", "[-0, 7]",
        str(list(range(40_000))),
    ],
    "ARRAY<STRING>": ['["a", "b"]', "[1]", '[""]', "[null]", '["a,b", "[c]"]', '["\\""]', "[[]]", "[true]"],
}  # fmt: skip
#: What no type but some takes.
ODD = [
    "null",
    "true",
    "1",
    "1.5",
    '"1"',
    '"x"',
    '"NaN"',
    '"Infinity"',
    '""',
    '" "',
    "[]",
    "[1]",
    "{}",
    '{"x": 1}',
    "1e999",
    "-1e999",
]


def _texts(sql_type: str, sql_times: bool) -> list[str]:
    edges = EDGES[sql_type]
    if sql_type.startswith("TIMESTAMP"):
        edges = [f'"{edge.format(between)}"' for edge in edges for between in "T "]
    return [*edges, *ODD]


def test_every_type_is_told_apart(
    tables: Any, script: Callable[..., Script], result_of: Callable[..., list[dict[str, Any]]], tmp_path: Path
) -> None:
    """One column of each type, one record for each edge of it: good in SQL if and only if Python finds nothing."""
    wrong = []
    for sql_times in (False, True):
        types = [sql_type for sql_type in EDGES if not sql_times or sql_type.startswith("TIMESTAMP")]
        declared = [f"c{i} {sql_type}" for i, sql_type in enumerate(types)]
        source = expansion(script, ", ".join(declared), "" if sql_times else ISO)
        values = [f"CAST(c{i} AS STRING)" for i in range(len(types))]
        records, about = [], []
        for i, sql_type in enumerate(types):
            for text in _texts(sql_type, sql_times):
                records.append(f'{{"c{i}": {text}}}'.encode())
                about.append((f"c{i} {sql_type}", text))
        assert source.tap is not None
        (tmp_path / str(sql_times)).mkdir()
        found = read_strictly(
            tables, result_of, source, records, tmp_path / str(sql_times), "x STRING", f"COALESCE({', '.join(values)})"
        )
        for record, row, (column, text) in zip(records, found, about, strict=True):
            why = reason(record, source.tap.contract)
            if (why[1] == "a value is not what its column takes") is not (row["status"] == 0):
                wrong.append(f"{column} {text[:60]}: SQL says {row['status']}, Python {why}")
            elif row["status"] == 0 and text != "null" and not _is_read(column.split(" ", 1)[1], text, row["x"]):
                wrong.append(f"{column} {text[:60]}: read as {row['x']}")
        tables.execute_sql("DROP TEMPORARY TABLE `t (source)`")
    assert not wrong, "\n".join(wrong)


def _is_read(sql_type: str, text: str, read: str | None) -> bool:
    """Whether Flink's text of a value is that of the JSON text."""
    if read is None:
        return False
    base = sql_type.partition("(")[0]
    match base:
        case "TINYINT" | "SMALLINT" | "INT" | "BIGINT":
            return int(read) == Decimal(text)
        case "DOUBLE":
            return float(read) == float(text)
        case "FLOAT":
            return np.float32(read) == np.float32(text)
        case "DECIMAL":
            scale = int(sql_type.partition(",")[2].strip(" )"))
            with localcontext(prec=100):
                return Decimal(read) == Decimal(text).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
        case "BOOLEAN":
            return read.lower() == text
        case "VARCHAR" | "CHAR":
            return read.rstrip() == json.loads(text)[:3].rstrip()
        case "ARRAY<INT>" | "ARRAY<BIGINT>":
            numbers = [number if number is None else int(number) for number in json.loads(text)]
            return bool(json.loads(read.lower()) == numbers)
        case "ARRAY<DOUBLE>" | "ARRAY<STRING>":
            return read.startswith("[")
        case "STRING" | "DATE":
            return read == json.loads(text)
        case _:
            precision = int((sql_type.partition("(")[2] or "0").strip(")"))
            written, _, fraction = json.loads(text).replace("T", " ").rstrip("Z").partition(".")
            got, _, got_fraction = read.partition(".")
            return (got, got_fraction.ljust(9, "0")) == (written, fraction[:precision].ljust(9, "0"))
