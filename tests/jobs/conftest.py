"""Flink inside the test process: one JVM for all tests of this folder, files for sources and sinks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jobs.settings import load_settings
from jobs.sql.located import File, LocatedText
from jobs.sql.source import fill
from jobs.sql.statements import Script, split
from jobs.stack.render import connector_jar

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder starts Flink."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.jobs)


@pytest.fixture(scope="session")
def new_tables() -> Callable[[], Any]:
    """``new_tables()`` is a table environment that knows nothing yet, in the JVM all tests share."""
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import StreamTableEnvironment

    from jobs.expand.flink import keep_java_threads

    keep_java_threads()
    options = {
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "pipeline.jars": connector_jar(load_settings(environ={})).as_uri(),
        "parallelism.default": "1",
    }

    def make() -> Any:
        configuration = Configuration()
        for key, value in options.items():
            configuration.set_string(key, value)
        return StreamTableEnvironment.create(StreamExecutionEnvironment.get_execution_environment(configuration))

    return make


@pytest.fixture
def tables(new_tables: Callable[[], Any]) -> Any:
    """A table environment of the test's own."""
    return new_tables()


@pytest.fixture
def script() -> Callable[..., Script]:
    """``script(text, name=value...)`` is the pipeline of a text."""
    return lambda text, **values: split(fill(File("test.sql", text), values))


def located(text: str) -> LocatedText:
    """A text that is a file of its own."""
    return LocatedText.whole(File("test.sql", text))


@pytest.fixture
def result_of(tables: Any, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """``result_of(query, columns)`` runs a query to its end through a file and gives its rows.

    Columns come back as JSON has them, so cast what JSON has no type for.
    """
    number = 0

    def run(query: str, columns: str) -> list[dict[str, Any]]:
        nonlocal number
        number += 1
        folder = tmp_path / f"result-{number}"
        tables.execute_sql(
            f"CREATE TEMPORARY TABLE `result-{number}` ({columns}) WITH "
            f"('connector' = 'filesystem', 'path' = '{folder.as_uri()}', 'format' = 'json')"
        )
        tables.execute_sql(f"INSERT INTO `result-{number}` {query}").wait()
        return rows_in(folder)

    return run


def rows_in(folder: Path) -> list[dict[str, Any]]:
    """All rows a file sink has written."""
    lines = [line for file in sorted(folder.rglob("part-*")) for line in file.read_text().splitlines()]
    return [json.loads(line) for line in lines]


def write_rows(file: Path, rows: Iterable[Any]) -> Path:
    """A file of JSON lines."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


class Node(NamedTuple):
    """An operator of a job graph."""

    name: str
    uid: str | None


def nodes_of(tables: Any, pipeline: Any) -> list[Node]:
    """The operators of a pipeline; it cannot be executed afterwards."""
    pipeline.statements.attach_as_datastream()
    graph = tables._j_tenv.execEnv().getStreamGraph(True)
    return [Node(node.getOperatorName(), node.getTransformationUID()) for node in graph.getStreamNodes().toArray()]
