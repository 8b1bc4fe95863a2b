"""Applications as AWS described them: ``describe-application`` of the first and the second API, as SQL and sources.

Source: "DescribeApplication" of both APIs' references (``kinesisanalytics``, ``kinesisanalyticsv2``). What the second
nests deeper has the same members.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jobs.errors import UsageError
from jobs.kinesis.column_types import parse_type
from jobs.kinesis.json_path import JsonPath, member, parse_path
from jobs.kinesis.source_tables import Destination, Format, Reference, Source, SourceColumn, Sources

_ENCODING = "UTF-8"


@dataclass(frozen=True)
class Imported:
    """An application that was read.

    Attributes
    ----------
    name
        As AWS had it.
    code
        The SQL, as it was saved.
    sources
        Its inputs, reference tables and outputs.
    notes
        What could not be carried over or has to be done by hand, a sentence each.
    """

    name: str
    code: str
    sources: Sources
    notes: tuple[str, ...]


def import_application(text: str, *, name: str = "application") -> Imported:
    """Read what ``aws kinesisanalytics describe-application`` or ``aws kinesisanalyticsv2 ...`` printed.

    Parameters
    ----------
    text
        The JSON, with or without its outermost ``ApplicationDetail``.
    name
        What errors call it, usually the file's name.

    Raises
    ------
    UsageError
        It is no such JSON, the application is no SQL application, or its code is not in it.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{name}: not JSON: {error}") from error
    detail = document.get("ApplicationDetail", document) if isinstance(document, dict) else None
    if not isinstance(detail, dict) or "ApplicationName" not in detail:
        raise UsageError(
            f"{name}: expected what `aws kinesisanalytics describe-application` or `aws kinesisanalyticsv2 "
            "describe-application` prints, an object with ApplicationDetail"
        )
    try:
        return _Importer(name).application(detail)
    except (TypeError, AttributeError, KeyError) as error:
        raise UsageError(f"{name}: the description of the application is not as AWS writes it: {error!r}") from error


@dataclass
class _Importer:
    name: str
    notes: list[str] = field(default_factory=list)

    def application(self, detail: Mapping[str, Any]) -> Imported:
        configuration = detail.get("ApplicationConfigurationDescription")
        if configuration is None:  # the first API
            code, described = detail.get("ApplicationCode"), detail
        else:
            code, described = self._second(detail, configuration)
        if not code:
            raise UsageError(f"{self.name}: the application {detail['ApplicationName']} has no code in it")
        sources: dict[str, Source] = {}
        for one in described.get("InputDescriptions", []):
            sources |= self._input(one)
        references = [self._reference(one) for one in described.get("ReferenceDataSourceDescriptions", [])]
        outputs = [self._output(one) for one in described.get("OutputDescriptions", [])]
        destinations = self._topics_apart(outputs, sources)
        if not sources:
            self.notes.append("the application has no input: add a [sources.NAME] by hand")
        found = Sources(sources, {one.name: one for one in references}, {one.name: one for one in destinations})
        return Imported(str(detail["ApplicationName"]), code, found, tuple(self.notes))

    def _second(self, detail: Mapping[str, Any], configuration: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        runtime = str(detail.get("RuntimeEnvironment", "SQL-1_0"))
        if not runtime.startswith("SQL"):
            raise UsageError(f"{self.name}: {detail['ApplicationName']} is a {runtime} application, not an SQL one")
        content = configuration.get("ApplicationCodeConfigurationDescription", {}).get("CodeContentDescription", {})
        if "TextContent" not in content:
            place = content.get("S3ApplicationCodeLocationDescription")
            where = f", it is in {_s3(place)}" if place else ""
            raise UsageError(f"{self.name}: the code of {detail['ApplicationName']} is not in the description{where}")
        return content["TextContent"], configuration.get("SqlApplicationConfigurationDescription", {})

    def _input(self, described: Mapping[str, Any]) -> dict[str, Source]:
        names = described.get("InAppStreamNames") or [f"{described['NamePrefix']}_001"]
        first = str(names[0])
        resource, guess = self._resource(described, "Input", first)
        form, delimiter, columns = self._schema(described["InputSchema"], first)
        processing = described.get("InputProcessingConfigurationDescription") or {}
        if processing.get("InputLambdaProcessorDescription"):
            arn = processing["InputLambdaProcessorDescription"].get("ResourceARN", "?")
            self.notes.append(
                f"{first}: a Lambda function ({_last(arn)}) worked on the records first; do it before Kafka"
            )
        if len(names) > 1:
            self.notes.append(
                f"{first}: the input was split into {len(names)} streams ({', '.join(map(str, names))}); here the "
                f"first reads the whole topic, so the pumps that read the others are not needed"
            )
        start = (described.get("InputStartingPositionConfiguration") or {}).get("InputStartingPosition")
        if start == "NOW":
            self.notes.append(f"{first}: the input began with new records only; here a new job begins with the oldest")
        return {first: Source(first, resource, columns, form, delimiter, guess=guess)}

    def _reference(self, described: Mapping[str, Any]) -> Reference:
        table = str(described["TableName"])
        form, delimiter, columns = self._schema(described["ReferenceSchema"], table)
        place = described.get("S3ReferenceDataSourceDescription") or {}
        file = _last(str(place.get("FileKey") or f"{table}.{form}"))
        self.notes.append(f"{table}: copy {_s3(place)} to {file} beside sources.toml")
        return Reference(table, file, columns, form, delimiter)

    def _output(self, described: Mapping[str, Any]) -> Destination:
        stream = str(described["Name"])
        if described.get("LambdaOutputDescription"):
            arn = described["LambdaOutputDescription"].get("ResourceARN", "?")
            self.notes.append(f"{stream}: it went to a Lambda function ({_last(arn)}); its rows now go to a topic")
            return Destination(stream, _topic(_last(arn)), guess="the name of the Lambda function")
        topic, guess = self._resource(described, "Output", stream)
        form = str((described.get("DestinationSchema") or {}).get("RecordFormatType", "JSON")).lower()
        return Destination(stream, topic, "csv" if form == "csv" else "json", guess=guess)

    def _resource(self, described: Mapping[str, Any], side: str, stream: str) -> tuple[str, str]:
        """The topic that stands for a Kinesis stream: its name."""
        for kind, words in (("KinesisStreams", "Kinesis stream"), ("KinesisFirehose", "Firehose stream")):
            found = described.get(f"{kind}{side}Description")
            if found:
                return _topic(_last(str(found["ResourceARN"]))), f"the name of the {words}"
        self.notes.append(f"{stream}: nothing is said of where it {'came from' if side == 'Input' else 'went'}")
        return _topic(stream), "the name of the stream"

    def _schema(self, schema: Mapping[str, Any], stream: str) -> tuple[Format, str, tuple[SourceColumn, ...]]:
        record = schema.get("RecordFormat") or {}
        form: Format = "csv" if str(record.get("RecordFormatType", "JSON")).upper() == "CSV" else "json"
        parameters = record.get("MappingParameters") or {}
        encoding = str(schema.get("RecordEncoding") or _ENCODING)
        if encoding.upper().replace("_", "-") not in ("UTF-8", "UTF8"):
            self.notes.append(f"{stream}: the records were {encoding}; here they have to be UTF-8")
        delimiter, root = ",", JsonPath(())
        if form == "csv":
            csv = parameters.get("CSVMappingParameters") or {}
            delimiter = str(csv.get("RecordColumnDelimiter") or ",")
            if str(csv.get("RecordRowDelimiter") or "\n") not in ("\n", "\r\n"):
                self.notes.append(f"{stream}: rows ended in {csv['RecordRowDelimiter']!r}; here a record is one row")
        else:
            row_path = str((parameters.get("JSONMappingParameters") or {}).get("RecordRowPath") or "$")
            root = self._path(row_path, stream)
        columns = tuple(self._column(one, form, root, stream) for one in schema.get("RecordColumns", []))
        return form, delimiter, columns

    def _column(self, described: Mapping[str, Any], form: Format, root: JsonPath, stream: str) -> SourceColumn:
        name = str(described["Name"])
        try:
            column_type = parse_type(str(described["SqlType"]))
        except ValueError as error:
            raise UsageError(f"{self.name}: {stream}: column {name}: {error}") from error
        if form == "csv":
            return SourceColumn(name, column_type)
        mapping = described.get("Mapping")
        found = member(name) if mapping is None else self._path(str(mapping), f"{stream}: column {name}")
        return SourceColumn(name, column_type, JsonPath((*root.steps, *found.steps)))

    def _path(self, text: str, where: str) -> JsonPath:
        try:
            return parse_path(text)
        except ValueError as error:
            raise UsageError(f"{self.name}: {where}: {error}") from error

    def _topics_apart(self, destinations: Sequence[Destination], sources: Mapping[str, Source]) -> list[Destination]:
        """A Kinesis stream and a Firehose stream may have had one name, two topics may not."""
        read = {source.topic for source in sources.values()}
        found = []
        for one in destinations:
            if one.topic in read:
                self.notes.append(f"{one.name}: {one.topic} is also read, so its rows go to {one.topic}-out")
                one = replace(one, topic=f"{one.topic}-out")
            found.append(one)
        return found


def _last(arn: str) -> str:
    """The name at the end of an ARN or key."""
    return re.split(r"[/:]", arn)[-1]


def _topic(name: str) -> str:
    """A name as Kafka takes it for a topic."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)[:249] or "topic"


def _s3(place: Mapping[str, Any]) -> str:
    return f"s3://{_last(str(place.get('BucketARN', '?')))}/{place.get('FileKey', '?')}"


def file_name(application: str) -> str:
    """The name of an application's file; without its ending it names the pipeline."""
    return (re.sub(r"[^A-Za-z0-9_]+", "_", application).strip("_").lower() or "application") + ".sql"
