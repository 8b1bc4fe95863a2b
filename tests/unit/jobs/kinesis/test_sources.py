"""sources.toml: what is read, what is written back, and every fault told with file, table and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.errors import SettingsError
from jobs.kinesis.column_types import parse_type
from jobs.kinesis.json_path import member, parse_path
from jobs.kinesis.sources import (
    Destination,
    Reference,
    Source,
    SourceColumn,
    Sources,
    parse_sources,
    read_sources,
)
from jobs.kinesis.sources_text import sources_text

FULL = """
[sources."SOURCE_SQL_STREAM_001"]
topic = "loudness"
format = "json"
rowtime = "event_time"
columns = [
  { name = "volume", type = "INTEGER", path = "$.volume" },
  { name = "device", type = "varchar(32)", not_null = true },
]

[sources.TICKS]
topic = "ticks"
format = "csv"
delimiter = "|"
rowtime = "AT"
columns = [{ name = "AT", type = "TIMESTAMP" }, { name = "PRICE", type = "REAL" }]

[references."CompanyName"]
file = "companies.csv"
columns = [{ name = "Ticker", type = "VARCHAR(4)" }]

[destinations."DESTINATION_SQL_STREAM"]
topic = "loudness-out"

[destinations.error_stream]
topic = "errors"
format = "csv"
"""


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "sources.toml"
    file.write_text(FULL)
    found = read_sources(file)

    source = found.sources["SOURCE_SQL_STREAM_001"]
    assert (source.topic, source.format, source.rowtime) == ("loudness", "json", "event_time")
    assert source.columns == (
        SourceColumn("volume", parse_type("INTEGER"), parse_path("$.volume")),
        SourceColumn("device", parse_type("VARCHAR(32)"), parse_path("$.device"), not_null=True),
    )
    assert source.rowtime_column is None and source.rowtime_path == member("event_time")
    ticks = found.sources["TICKS"]
    assert (ticks.format, ticks.delimiter, [c.path for c in ticks.columns]) == ("csv", "|", [None, None])
    assert ticks.rowtime_column == ticks.columns[0] and ticks.rowtime_path is None
    reference = found.references["CompanyName"]
    assert (reference.format, found.path_of(reference)) == ("csv", tmp_path / "companies.csv")
    assert found.destinations["DESTINATION_SQL_STREAM"] == Destination("DESTINATION_SQL_STREAM", "loudness-out")
    assert found.destinations["error_stream"].format == "csv"
    assert found.topics == {
        "loudness": "SOURCE_SQL_STREAM_001",
        "ticks": "TICKS",
        "loudness-out": "DESTINATION_SQL_STREAM",
        "errors": "error_stream",
    }


def test_what_is_written_is_read_back() -> None:
    column = SourceColumn('it\'s "odd".\\x', parse_type("DECIMAL(5,2)"), parse_path("$.orders[0:].id"), guess="a\nb")
    time = SourceColumn("AT", parse_type("TIMESTAMP"), member("AT"))
    sources = Sources(
        sources={
            "a.b": Source("a.b", "in", (column, time), rowtime="AT"),
            "CSV": Source("CSV", "in-2", (SourceColumn("X", parse_type("INT"), not_null=True),), "csv", "\t"),
        },
        references={"R": Reference("R", "r.csv", (SourceColumn("K", parse_type("CHAR(2)")),))},
        destinations={"OUT": Destination("OUT", "out", "csv", ";", guess="no output is named")},
    )
    text = sources_text(sources, heading=("From a test.",))
    assert parse_sources(text) == sources
    assert text.startswith('# From a test.\n\n[sources."a.b"]\n')
    assert text.count("# guess: ") == 2 and "# guess: a b\n" in text
    assert parse_sources(sources_text(parse_sources(FULL))) == parse_sources(FULL)


def test_the_text_is_as_a_person_would_write_it() -> None:
    assert sources_text(parse_sources(FULL)).startswith(
        """[sources."SOURCE_SQL_STREAM_001"]
topic = "loudness"
rowtime = "event_time"
columns = [
  { name = "volume", type = "INTEGER" },
  { name = "device", type = "VARCHAR(32)", not_null = true },
]
"""
    )


COLUMNS = 'columns = [{ name = "v", type = "INTEGER" }]'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("sources = 3", "sources: expected tables [sources.NAME], got 3"),
        ("[sources]\nA = 3", 'sources."A": expected a table'),
        ("[source.A]", "there is no key 'source', did you mean sources?"),
        (f"[sources.A]\n{COLUMNS}", 'sources."A": topic: missing'),
        (f'[sources.A]\ntopic = "a b"\n{COLUMNS}', 'sources."A": topic: expected 1 to 249 of the characters'),
        (f"[sources.A]\ntopic = 3\n{COLUMNS}", 'sources."A": topic: expected a text that is not empty, got 3'),
        (f'[sources.A]\ntopic = "t"\nformat = "avro"\n{COLUMNS}', "format: expected json or csv, got 'avro'"),
        (f'[sources.A]\ntopic = "t"\ndelimiter = ";"\n{COLUMNS}', 'delimiter: only with format = "csv"'),
        (f'[sources.A]\ntopic = "t"\ntopics = "t"\n{COLUMNS}', "there is no key 'topics', did you mean topic?"),
        ('[sources.A]\ntopic = "t"', "columns: expected a list of at least one column, got nothing"),
        ('[sources.A]\ntopic = "t"\ncolumns = []', "columns: expected a list of at least one column, got []"),
        ('[sources.A]\ntopic = "t"\ncolumns = ["v"]', "columns[1]: expected { name"),
        ('[sources.A]\ntopic = "t"\ncolumns = [{ type = "INT" }]', "columns[1]: name: missing"),
        ('[sources.A]\ntopic = "t"\ncolumns = [{ name = "v" }]', "columns[1]: type: missing"),
        (
            '[sources.A]\ntopic = "t"\ncolumns = [{ name = "v", type = "STRING" }]',
            'sources."A": columns[1]: type: there is no type STRING; expected one of BIGINT',
        ),
        (
            '[sources.A]\ntopic = "t"\ncolumns = [{ name = "v", type = "INT", path = "v" }]',
            "columns[1]: path: a path begins with $",
        ),
        (
            '[sources.A]\ntopic = "t"\nformat = "csv"\ncolumns = [{ name = "v", type = "INT", path = "$.v" }]',
            "columns[1]: path: csv has no paths",
        ),
        (
            '[sources.A]\ntopic = "t"\ncolumns = [{ name = "v", type = "INT", not_null = "yes" }]',
            "columns[1]: not_null: expected true or false, got 'yes'",
        ),
        (
            '[sources.A]\ntopic = "t"\ncolumns = [{ name = "v", type = "INT", nul = true }]',
            "columns[1]: there is no key 'nul'; expected name, type, path, not_null",
        ),
        (
            '[sources.A]\ntopic = "t"\ncolumns = [{ name = "v", type = "INT" }, { name = "v", type = "INT" }]',
            "columns[2]: name: there are two columns 'v'",
        ),
        (
            '[sources.A]\ntopic = "t"\ncolumns = [{ name = "rowtime", type = "TIMESTAMP" }]',
            "columns[1]: name: rowtime is there by itself; `rowtime` of the stream says",
        ),
        (
            '[sources.A]\ntopic = "t"\ncolumns = [{ name = "APPROXIMATE_ARRIVAL_TIME", type = "TIMESTAMP" }]',
            "it is the timestamp of the Kafka record",
        ),
        (
            '[sources.A]\ntopic = "t"\ncolumns = [{ name = "a", type = "INT", path = "$.x[0:].a" }, '
            '{ name = "b", type = "INT", path = "$.y[0:].b" }]',
            "columns: only one array can become rows, got $.x[0:] (a), $.y[0:] (b)",
        ),
        (f'[sources.A]\ntopic = "t"\nrowtime = "v"\n{COLUMNS}', "rowtime: 'v' is INTEGER; expected TIMESTAMP"),
        (f'[sources.A]\ntopic = "t"\nrowtime = "$.a["\n{COLUMNS}', "rowtime: expected .name, [0:]"),
        (
            f'[sources.A]\ntopic = "t"\nformat = "csv"\nrowtime = "V"\n{COLUMNS}',
            "rowtime: expected the name of a column, got 'V', did you mean v?",
        ),
        (f"[references.A]\n{COLUMNS}", 'references."A": file: missing'),
        (
            f'[sources.A]\ntopic = "t"\n{COLUMNS}\n[references.A]\nfile = "f"\n{COLUMNS}',
            'references."A": there is a source stream of this name too',
        ),
        (
            f'[sources.A]\ntopic = "t"\n{COLUMNS}\n[destinations.B]\ntopic = "t"',
            'destinations."B": topic: \'t\' is what "A" reads',
        ),
        ("[sources.A", "not a TOML file"),
    ],
)
def test_a_fault_names_file_table_and_key(text: str, fault: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        parse_sources(text, name="here.toml")
    assert str(refusal.value).startswith("here.toml: ") and fault in str(refusal.value)
    assert refusal.value.exit_code == 2


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as refusal:
        parse_sources('[sources.A]\nformat = "xml"\n[destinations.B]\n[references.C]\nfile = "c"')
    assert [part.split(": ", 1)[1] for part in str(refusal.value).split("; ")] == [
        "sources.\"A\": format: expected json or csv, got 'xml'",
        'sources."A": columns: expected a list of at least one column, got nothing',
        'sources."A": topic: missing',
        'references."C": columns: expected a list of at least one column, got nothing',
        'destinations."B": topic: missing',
    ]


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"there is no such file; `cutbank kinesis sources APP\.sql` drafts one"):
        read_sources(tmp_path / "sources.toml")
