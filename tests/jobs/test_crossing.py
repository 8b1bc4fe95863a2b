"""A column of every SQL type comes back from a model call as it went in: value, NULL and type."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.sql.statements import Script
from tests.jobs.conftest import rows_in, write_rows

#: For each type texts of its values, as CAST reads them.
VALUES: dict[str, tuple[str, ...]] = {
    "TINYINT": ("-128", "127", "0"),
    "SMALLINT": ("-32768", "32767"),
    "INT": ("-2147483648", "2147483647"),
    "BIGINT": ("-9223372036854775808", "9223372036854775807", "9007199254740993"),
    "FLOAT": ("3.4028235E38", "1.4E-45", "0.1", "-0.0"),
    "DOUBLE": ("1.7976931348623157E308", "4.9E-324", "0.1", "-0.0", "123456789.123456789"),
    "DECIMAL(38, 18)": ("12345678901234567890.123456789012345678", "-0.000000000000000001"),
    "DECIMAL(5, 0)": ("99999", "-1"),
    "CHAR(4)": ("ab", "ab  ", "é😀"),
    "VARCHAR(5)": ("abcde", "", " x "),
    "STRING": ("", "null", "é😀\u0000\n\"'\\", "x" * 70_000),
    "BOOLEAN": ("true", "false"),
    "DATE": ("2026-02-28", "0001-01-01", "9999-12-31", "1969-12-31"),
    "TIME": ("23:59:59", "00:00:00"),
    "TIMESTAMP(0)": ("2026-10-25 02:30:00", "9999-12-31 23:59:59"),
    "TIMESTAMP(3)": ("2026-10-25 02:30:00.123", "1969-12-31 23:59:59.999", "2040-01-01 00:00:00.001"),
    "TIMESTAMP(6)": ("2026-10-25 02:30:00.123456", "0001-01-01 00:00:00.000001"),
    "TIMESTAMP(9)": ("2026-10-25 02:30:00.123456789", "9999-12-31 23:59:59.999999999"),
    "BYTES": ("", "\u0000\u0001ÿé", "plain"),
    "VARBINARY(4)": ("ÿÿÿÿ", "a"),
    "BINARY(2)": ("ÿ\u0000", "ab"),
}
#: Milliseconds since the epoch; the first two are one local time in Berlin.
INSTANTS = (
    1_792_888_200_123,
    1_792_891_800_123,
    -1,
    -60_001,
    4_102_444_800_000,
    253_402_214_400_000,
    -62_135_500_000_000,
)
LTZ = [f"TIMESTAMP_LTZ({precision})" for precision in range(10)]


def _column(sql_type: str, text: str) -> str:
    if "BINARY" in sql_type or sql_type == "BYTES":
        return f"CAST(ENCODE({text}, 'ISO-8859-1') AS {sql_type})"
    if "LTZ" in sql_type:
        # with microseconds where the type has them
        return f"CAST(TO_TIMESTAMP_LTZ(CAST({text} AS BIGINT) * 1000 + 456, 6) AS {sql_type})"
    return f"CAST({text} AS {sql_type})"


def _shown(sql_type: str, column: str) -> str:
    """A text that tells every two values apart, in every zone."""
    if "BINARY" in sql_type or sql_type == "BYTES":
        return f"DECODE({column}, 'ISO-8859-1')"
    if "LTZ" in sql_type:
        millis = f"TIMESTAMPDIFF(HOUR, TO_TIMESTAMP_LTZ(0, 3), {column})"
        return f"CONCAT(CAST({column} AS STRING), ' ', CAST({millis} AS STRING))"
    return f"CONCAT(CAST({column} AS STRING), '.')"


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "Europe/Berlin"])
def test_every_type_comes_back(tables: Any, script: Callable[..., Script], tmp_path: Path, zone: str) -> None:
    from jobs.expand.flink import columns_of
    from jobs.expand.graph import build

    # the finest instants cross as local texts, which Berlin has twice
    types = [*VALUES, *(LTZ if zone != "Europe/Berlin" else LTZ[:7])]
    texts = [VALUES.get(sql_type, tuple(map(str, INSTANTS))) for sql_type in types]
    count = max(map(len, texts)) + 1  # the last row is all NULL, and so are the short columns' ends
    rows = [{"id": i, "at": f"2026-01-01 00:00:{i:02d}", "v": float(i), **_texts(texts, i)} for i in range(count)]
    source = write_rows(tmp_path / "rows.json", rows)
    names = [f"c{i}" for i in range(len(types))]
    columns = ",\n".join(f"{_column(t, n)} AS {n}" for t, n in zip(types, names, strict=True))
    shown = ", ".join(f"{_shown(t, n)} AS {n}" for t, n in zip(types, names, strict=True))
    sink = ", ".join(f"{name} STRING" for name in names)
    text = f"""
        SET 'table.local-time-zone' = '{zone}';
        CREATE TABLE texts (
            id BIGINT, `at` STRING, v DOUBLE, {sink},
            ts AS TO_TIMESTAMP(`at`), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
        ) WITH ('connector' = 'filesystem', 'path' = '{source.as_uri()}', 'format' = 'json');
        CREATE VIEW typed AS SELECT id, ts, v, {columns} FROM texts;
        CREATE VIEW scored AS SELECT * FROM RANDOM_CUT_FOREST(
            input => TABLE typed PARTITION BY id, on_time => DESCRIPTOR(ts), columns => DESCRIPTOR(v));
        CREATE TABLE before (id BIGINT, at_time STRING, {sink}) WITH (
            'connector' = 'filesystem', 'path' = '{(tmp_path / "before").as_uri()}', 'format' = 'json');
        CREATE TABLE behind (id BIGINT, at_time STRING, {sink}) WITH (
            'connector' = 'filesystem', 'path' = '{(tmp_path / "behind").as_uri()}', 'format' = 'json');
        INSERT INTO before SELECT id, CAST(ts AS STRING), {shown} FROM typed;
        INSERT INTO behind SELECT id, CAST(ts AS STRING), {shown} FROM scored;
    """
    pipeline = build(tables, script(text), "crossing", to="execute")
    went_in = {column.name: column for column in columns_of(tables.from_path("typed"))}
    came_out = {column.name: column for column in columns_of(tables.from_path("scored"))}
    assert list(came_out) == [*went_in, "anomaly_score"]
    for name, column in went_in.items():
        assert came_out[name].sql_type.removesuffix(" NOT NULL") == column.sql_type.removesuffix(" NOT NULL"), name
        assert came_out[name].is_time_attribute is column.is_time_attribute is (name == "ts"), name
    pipeline.statements.execute().wait()
    before = {row["id"]: row for row in rows_in(tmp_path / "before")}
    behind = {row["id"]: row for row in rows_in(tmp_path / "behind")}
    assert len(before) == len(behind) == count
    type_of = dict(zip(names, types, strict=True))
    wrong = [
        f"{type_of.get(name, name)}: {str(value)[:60]!r} became {str(behind[i].get(name))[:60]!r}"
        for i, row in before.items()
        for name, value in row.items()
        if behind[i].get(name) != value
    ]
    assert not wrong, "\n".join(wrong)
    for i, each in enumerate(texts):
        assert [f"c{i}" in before[j] and before[j][f"c{i}"] is not None for j in range(count)] == [
            j < len(each) for j in range(count)
        ], types[i]


def _texts(texts: list[tuple[str, ...]], i: int) -> dict[str, str | None]:
    return {f"c{j}": each[i] if i < len(each) else None for j, each in enumerate(texts)}
