"""Applications of Kinesis SQL, run on Flink: given records, expected rows.

A case is ``tests/sql/kinesis/NAME.sql``, an application, with ``NAME.rows`` beside it: records with the time they came,
and the rows that are expected in each destination. Expected rows are written by hand or come from the published tables
of the dialect's reference, which the case names. ``NAME.toml`` says what its streams are; without it ``default.toml``
does. A plain case only has to be planned: it has no ``.rows``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.kinesis.application import compile_text
from jobs.kinesis.source_tables import Destination, Reference, Source
from jobs.kinesis.sources import read_sources
from jobs.settings import PROJECT_ROOT
from jobs.sql.located import File
from jobs.sql.source import fill, read_source
from jobs.sql.statements import split
from tests.jobs.conftest import rows_in

CASES = PROJECT_ROOT / "tests" / "sql" / "kinesis"
RUN = sorted(file for file in CASES.glob("*.sql") if file.with_suffix(".rows").exists())
PLANNED = sorted(file for file in CASES.glob("*.sql") if not file.with_suffix(".rows").exists())


@dataclass
class Expected:
    """The rows of a destination, and whether their order counts."""

    ordered: bool
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Rows:
    """What a case gives and expects: records by stream with their times, rows by destination."""

    given: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    expected: dict[str, Expected] = field(default_factory=dict)


_HEAD = re.compile(r"(given|expected|expected in order) (\S+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_rows(file: Path) -> Rows:
    """The rows of a case: a head line for each stream, then a line a record or row."""
    found = Rows()
    add: Callable[[str], None] | None = None
    for line in file.read_text(encoding="utf-8").split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        head = _HEAD.fullmatch(line.strip())
        if head is not None and head[1] == "given":
            add = _giver(found.given.setdefault(head[2], []))
        elif head is not None:
            expected = found.expected[head[2]] = Expected(head[1].endswith("order"))
            add = _expecter(expected.rows)
        else:
            assert add is not None, f"{file}: the first line says what is given"
            add(line)
    return found


def _giver(records: list[tuple[int, str]]) -> Callable[[str], None]:
    def add(line: str) -> None:
        time, _, record = line.strip().partition(" ")
        moment = datetime.strptime(f"2026-01-01 {time}+0000", "%Y-%m-%d %H:%M:%S.%f%z")
        records.append(((moment - _EPOCH) // timedelta(milliseconds=1), record))

    return add


def _expecter(rows: list[dict[str, Any]]) -> Callable[[str], None]:
    return lambda line: rows.append(json.loads(line))


class Files:
    """Files in place of topics: a line a record, with the milliseconds at which it came."""

    def __init__(self, folder: Path, case: Path, given: Mapping[str, Sequence[tuple[int, str]]]) -> None:
        self.folder, self.case, self.given = folder, case, given

    def reading(self, source: Source) -> tuple[Sequence[str], str, Mapping[str, str]]:
        file = self.folder / f"{source.topic}.in"
        records = self.given.get(source.name, [])
        if source.format == "csv":
            lines = [f"{record}{source.delimiter}{ms}" for ms, record in records]
        else:
            lines = [json.dumps({"record": record, "ms": ms}) for ms, record in records]
        file.write_text("".join(f"{line}\n" for line in lines))
        return (
            ["`ms` BIGINT"],
            "TO_TIMESTAMP_LTZ(`ms`, 3)",
            {"connector": "filesystem", "path": file.as_uri(), "format": "json"},
        )

    def writing(self, destination: Destination) -> Mapping[str, str]:
        path = (self.folder / f"{destination.topic}.out").as_uri()
        return {"connector": "filesystem", "path": path, "sink.parallelism": "1"}

    def file_of(self, reference: Reference) -> Path:
        return self.case.parent / reference.file


def compiled(case: Path, folder: Path, rows: Rows) -> tuple[str, Mapping[str, str]]:
    """The pipeline of a case, its tables named after it, and the topic of each destination."""
    toml = case.with_suffix(".toml")
    sources = read_sources(toml if toml.exists() else CASES / "default.toml")
    text = read_source(case)
    folder.mkdir(parents=True, exist_ok=True)
    topics = {name: destination.topic for name, destination in sources.destinations.items()}
    topics.setdefault("error_stream", f"{case.stem.replace('_', '-')}-errors")
    place = Files(folder, case, rows.given)
    return compile_text(text, sources, case.stem, place, prefix=f"{case.stem}__").text, topics


#: Cases that run as one job: a job costs more than the rows of a case.
TOGETHER = 8


@pytest.fixture(scope="module")
def outputs(new_tables: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """``outputs(case)`` is the folder with what a case wrote; it and its neighbours have run then."""
    folders: dict[Path, Path] = {}

    def run(case: Path) -> Path:
        if case not in folders:
            first = RUN.index(case) // TOGETHER * TOGETHER
            folders.update(_run(new_tables(), RUN[first : first + TOGETHER], tmp_path_factory.mktemp("kinesis")))
        return folders[case]

    return run


def _run(tables: Any, cases: Sequence[Path], folder: Path) -> dict[Path, Path]:
    from jobs.expand.graph import build

    folders = {case: folder / case.stem for case in cases}
    texts = [compiled(case, own, read_rows(case.with_suffix(".rows")))[0] for case, own in folders.items()]
    script = split(fill(File("cases (compiled)", "\n".join(texts)), {}))
    build(tables, script, "cases", to="execute").statements.execute().wait()  # planning is most of the time
    return folders


@pytest.mark.parametrize("case", RUN, ids=lambda case: case.stem)
def test_application_gives_the_expected_rows(outputs: Callable[[Path], Path], case: Path, tmp_path: Path) -> None:
    rows = read_rows(case.with_suffix(".rows"))
    _, topics = compiled(case, tmp_path / "again", rows)
    folder = outputs(case)
    assert rows.expected, "a case expects something"
    for name, expected in rows.expected.items():
        problem = difference(rows_in(folder / f"{topics[name]}.out"), expected)
        assert problem is None, f"{name}: {problem}"


def difference(read: list[dict[str, Any]], expected: Expected) -> str | None:
    """What is other than expected; None where nothing is."""
    wanted = expected.rows
    if not expected.ordered:
        read, wanted = sorted(read, key=_key), sorted(wanted, key=_key)
    for place in range(max(len(read), len(wanted))):
        got = read[place] if place < len(read) else None
        want = wanted[place] if place < len(wanted) else None
        if got is None or want is None or not _same({**dict.fromkeys(want), **got}, {**dict.fromkeys(got), **want}):
            listed = "\n".join(json.dumps(row) for row in read)
            return f"row {place}: expected {want}, got {got}; all of {len(read)} rows:\n{listed}"
    return None


def _key(row: Mapping[str, Any]) -> str:
    """A row's place among others, whatever the last digits of its numbers are."""
    numbers = {key: float(f"{value:.4g}") for key, value in row.items() if isinstance(value, int | float)}
    kept = {**row, **numbers}
    return json.dumps({key: value for key, value in kept.items() if value is not None}, sort_keys=True)


def _same(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(got, dict):
        return got.keys() == wanted.keys() and all(_same(got[key], wanted[key]) for key in wanted)
    if isinstance(wanted, int | float) and isinstance(got, int | float) and not isinstance(wanted, bool):
        return math.isclose(got, wanted, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(wanted, str) and wanted.startswith("~"):  # any text that holds this
        return isinstance(got, str) and wanted[1:] in got
    return bool(got == wanted)


@pytest.mark.parametrize("first", range(0, len(PLANNED), TOGETHER))
def test_applications_are_planned(new_tables: Callable[[], Any], first: int, tmp_path: Path) -> None:
    from jobs.expand.graph import build

    texts = [compiled(case, tmp_path / case.stem, Rows())[0] for case in PLANNED[first : first + TOGETHER]]
    pipeline = build(new_tables(), split(fill(File("cases (compiled)", "\n".join(texts)), {})), "cases")
    assert "Optimized Execution Plan" in pipeline.plan
