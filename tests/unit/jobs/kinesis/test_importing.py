"""Applications as AWS described them, by the shapes of both APIs' references; the applications are our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import execute
from jobs.errors import UsageError
from jobs.kinesis.importing import file_name, import_application
from jobs.kinesis.json_path import parse_path
from jobs.kinesis.sources import parse_sources, read_sources
from jobs.kinesis.sources_text import sources_text
from jobs.settings import PROJECT_ROOT

CODE = 'CREATE OR REPLACE STREAM "OUT" (n INTEGER);\r\n-- ünïcode\tand a tab  \nCREATE OR REPLACE PUMP "P" AS\n'

JSON_SCHEMA = {
    "RecordFormat": {
        "RecordFormatType": "JSON",
        "MappingParameters": {"JSONMappingParameters": {"RecordRowPath": "$"}},
    },
    "RecordEncoding": "UTF-8",
    "RecordColumns": [
        {"Name": "page", "Mapping": "$.page", "SqlType": "VARCHAR(64)"},
        {"Name": "item", "Mapping": "$.cart[0:].item", "SqlType": "INTEGER"},
    ],
}
CSV_SCHEMA = {
    "RecordFormat": {
        "RecordFormatType": "CSV",
        "MappingParameters": {"CSVMappingParameters": {"RecordRowDelimiter": "\n", "RecordColumnDelimiter": "|"}},
    },
    "RecordColumns": [{"Name": "id", "SqlType": "INTEGER"}, {"Name": "city", "SqlType": "VARCHAR(32)"}],
}
INPUT = {
    "InputId": "1.1",
    "NamePrefix": "SOURCE_SQL_STREAM",
    "InAppStreamNames": ["SOURCE_SQL_STREAM_001"],
    "KinesisStreamsInputDescription": {"ResourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks"},
    "InputSchema": JSON_SCHEMA,
    "InputParallelism": {"Count": 1},
    "InputStartingPositionConfiguration": {"InputStartingPosition": "LAST_STOPPED_POINT"},
}
OUTPUT = {
    "Name": "DESTINATION_SQL_STREAM",
    "KinesisFirehoseOutputDescription": {"ResourceARN": "arn:aws:firehose:eu-west-1:123456789012:deliverystream/out"},
    "DestinationSchema": {"RecordFormatType": "CSV"},
}
REFERENCE = {
    "TableName": "Cities",
    "S3ReferenceDataSourceDescription": {"BucketARN": "arn:aws:s3:::my-bucket", "FileKey": "tables/cities.csv"},
    "ReferenceSchema": CSV_SCHEMA,
}


def first(**more: Any) -> str:
    """An application of the first API."""
    detail = {
        "ApplicationName": "Click-Stream 1",
        "ApplicationStatus": "READY",
        "ApplicationCode": CODE,
        "InputDescriptions": [INPUT],
        "OutputDescriptions": [OUTPUT],
        "ReferenceDataSourceDescriptions": [REFERENCE],
    }
    return json.dumps({"ApplicationDetail": detail | more})


def second(**more: Any) -> str:
    """The same application of the second API."""
    detail = {
        "ApplicationName": "Click-Stream 1",
        "RuntimeEnvironment": "SQL-1_0",
        "ApplicationConfigurationDescription": {
            "ApplicationCodeConfigurationDescription": {
                "CodeContentType": "PLAINTEXT",
                "CodeContentDescription": {"TextContent": CODE},
            },
            "SqlApplicationConfigurationDescription": {
                "InputDescriptions": [INPUT],
                "OutputDescriptions": [OUTPUT],
                "ReferenceDataSourceDescriptions": [REFERENCE],
            },
        },
    }
    return json.dumps({"ApplicationDetail": detail | more})


@pytest.mark.parametrize("description", [first(), second(), json.dumps(json.loads(first())["ApplicationDetail"])])
def test_both_descriptions_give_the_same(description: str) -> None:
    found = import_application(description)
    assert (found.name, found.code) == ("Click-Stream 1", CODE)
    source = found.sources.sources["SOURCE_SQL_STREAM_001"]
    assert (source.topic, source.format, source.rowtime) == ("clicks", "json", None)
    assert [(c.name, str(c.type), str(c.path)) for c in source.columns] == [
        ("page", "VARCHAR(64)", "$.page"),
        ("item", "INTEGER", "$.cart[0:].item"),
    ]
    assert source.unrolled == parse_path("$.cart")
    cities = found.sources.references["Cities"]
    assert (cities.file, cities.format, cities.delimiter) == ("cities.csv", "csv", "|")
    assert [(c.name, str(c.type), c.path) for c in cities.columns] == [
        ("id", "INTEGER", None),
        ("city", "VARCHAR(32)", None),
    ]
    destination = found.sources.destinations["DESTINATION_SQL_STREAM"]
    assert (destination.topic, destination.format) == ("out", "csv")
    assert found.notes == ("Cities: copy s3://my-bucket/tables/cities.csv to cities.csv beside sources.toml",)
    assert parse_sources(sources_text(found.sources)) == found.sources


def test_what_cannot_be_carried_over_is_said() -> None:
    odd = INPUT | {
        "InAppStreamNames": ["IN_001", "IN_002"],
        "InputProcessingConfigurationDescription": {
            "InputLambdaProcessorDescription": {"ResourceARN": "arn:aws:lambda:eu-west-1:1:function:clean"}
        },
        "InputStartingPositionConfiguration": {"InputStartingPosition": "NOW"},
        "InputSchema": JSON_SCHEMA | {"RecordEncoding": "ISO-8859-1"},
    }
    back = {"Name": "BACK", "KinesisStreamsOutputDescription": {"ResourceARN": "arn:aws:kinesis:x:1:stream/clicks"}}
    called = {"Name": "CALLED", "LambdaOutputDescription": {"ResourceARN": "arn:aws:lambda:x:1:function:notify"}}
    nowhere = {"Name": "NOWHERE", "DestinationSchema": {"RecordFormatType": "JSON"}}
    found = import_application(first(InputDescriptions=[odd], OutputDescriptions=[back, called, nowhere]))
    assert list(found.sources.sources) == ["IN_001"]
    assert {name: one.topic for name, one in found.sources.destinations.items()} == {
        "BACK": "clicks-out",
        "CALLED": "notify",
        "NOWHERE": "NOWHERE",
    }
    told = "\n".join(found.notes)
    for part in (
        "IN_001: the records were ISO-8859-1",
        "IN_001: a Lambda function (clean) worked on the records first",
        "IN_001: the input was split into 2 streams (IN_001, IN_002)",
        "IN_001: the input began with new records only",
        "BACK: clicks is also read, so its rows go to clicks-out",
        "CALLED: it went to a Lambda function (notify)",
        "NOWHERE: nothing is said of where it went",
    ):
        assert part in told
    assert parse_sources(sources_text(found.sources)) == found.sources


def test_paths_count_from_the_path_of_rows() -> None:
    parameters = {"JSONMappingParameters": {"RecordRowPath": "$.vehicle"}}
    schema = {
        "RecordFormat": {"RecordFormatType": "JSON", "MappingParameters": parameters},
        "RecordColumns": [
            {"Name": "Model", "Mapping": "$.Model", "SqlType": "VARCHAR(8)"},
            {"Name": "n", "SqlType": "INT"},
        ],
    }
    found = import_application(first(InputDescriptions=[INPUT | {"InputSchema": schema}]))
    columns = found.sources.sources["SOURCE_SQL_STREAM_001"].columns
    assert [str(column.path) for column in columns] == ["$.vehicle.Model", "$.vehicle.n"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "here.json: not JSON"),
        ("[]", "expected what `aws kinesisanalytics describe-application`"),
        ('{"Applications": []}', "expected what `aws kinesisanalytics describe-application`"),
        (first(ApplicationCode=""), "the application Click-Stream 1 has no code in it"),
        (second(RuntimeEnvironment="FLINK-1_15"), "Click-Stream 1 is a FLINK-1_15 application, not an SQL one"),
        (
            second(
                ApplicationConfigurationDescription={
                    "ApplicationCodeConfigurationDescription": {
                        "CodeContentDescription": {
                            "S3ApplicationCodeLocationDescription": {"BucketARN": "arn:aws:s3:::b", "FileKey": "a.sql"}
                        }
                    }
                }
            ),
            "is not in the description, it is in s3://b/a.sql",
        ),
        (
            first(InputDescriptions=[INPUT | {"InputSchema": {"RecordColumns": [{"Name": "a", "SqlType": "STRING"}]}}]),
            "SOURCE_SQL_STREAM_001: column a: there is no type STRING",
        ),
        (
            first(
                InputDescriptions=[
                    INPUT | {"InputSchema": {"RecordColumns": [{"Name": "a", "SqlType": "INT", "Mapping": "a"}]}}
                ]
            ),
            "column a: a path begins with $",
        ),
        (first(InputDescriptions=[{"InputId": "1.1"}]), "not as AWS writes it: KeyError('NamePrefix')"),
    ],
)
def test_what_is_no_description_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as refusal:
        import_application(text, name="here.json")
    assert str(refusal.value).startswith("here.json: ") and complaint in str(refusal.value)


def test_the_command_writes_two_files_and_keeps_what_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    description, out = tmp_path / "application.json", tmp_path / "out"
    description.write_text(second(), encoding="utf-8")
    assert execute(["kinesis", "import", str(description), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "copy s3://my-bucket/tables/cities.csv to cities.csv" in " ".join(shown.split())
    assert (out / "click_stream_1.sql").read_bytes() == CODE.encode(), "byte for byte"
    assert list(read_sources(out / "sources.toml").sources) == ["SOURCE_SQL_STREAM_001"]

    assert execute(["kinesis", "import", str(description), "--out", str(out), "--json"]) == 2
    assert "there already; --force writes over it" in capsys.readouterr().err
    assert execute(["kinesis", "import", str(description), "--out", str(out), "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["application"] == str(out / "click_stream_1.sql")
    assert execute(["kinesis", "import", str(tmp_path / "missing.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_what_is_imported_compiles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the saved description to the pipeline, with the project's own application."""
    code = (PROJECT_ROOT / "sql" / "kinesis" / "loudness.sql").read_text(encoding="utf-8")
    columns = [{"Name": "volume", "Mapping": "$.volume", "SqlType": "INTEGER"}]
    described = first(
        ApplicationName="loudness",
        ApplicationCode=code,
        InputDescriptions=[INPUT | {"InputSchema": JSON_SCHEMA | {"RecordColumns": columns}}],
        ReferenceDataSourceDescriptions=[],
    )
    description = tmp_path / "loudness.json"
    description.write_text(described, encoding="utf-8")
    assert execute(["kinesis", "import", str(description), "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    files = [str(tmp_path / "loudness.sql"), "--sources", str(tmp_path / "sources.toml")]
    assert execute(["kinesis", "compile", *files]) == 0
    shown = capsys.readouterr().out
    assert "'topic' = 'clicks'" in shown and "RANDOM_CUT_FOREST" in shown and "'topic' = 'out'" in shown


@pytest.mark.parametrize(
    ("name", "file"), [("Click-Stream 1", "click_stream_1.sql"), ("...", "application.sql"), ("a", "a.sql")]
)
def test_names_of_files(name: str, file: str) -> None:
    assert file_name(name) == file
