"""A pipeline file as a Flink job graph.

`build` runs the statements of a file in order against a table environment, with sources and calls expanded, and
returns the statement set of its INSERTs; nothing is executed. Each generated statement is kept as a `Step`, so that
`cutbank explain` shows what really runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from py4j.protocol import Py4JJavaError
from pyflink.table import StatementSet, StreamTableEnvironment
from pyflink.util.exceptions import TableException

from jobs.expand import flink, quote
from jobs.expand.call_graph import HostOptions, build_call
from jobs.expand.ordered import ordered_query
from jobs.expand.plain_source import expand_plain_source
from jobs.expand.runner import Pipeline, Runner
from jobs.expand.source_graph import build_source
from jobs.expand.strict_json import expand_json_source
from jobs.expand.table_options import is_strict_json, without_own_options
from jobs.expand.watermark import common_interval
from jobs.sql.calls import read_calls, rewritten
from jobs.sql.flink_errors import refused_insert
from jobs.sql.lineage import feeding, read_as_of, references, source_tables
from jobs.sql.located import File, LocatedText
from jobs.sql.statements import Script, Statement, StatementKind, split
from jobs.sql.tables import read_table
from udfs.bucket import SnapshotPolicy
from udfs.functions.declaration import TableFunction
from udfs.functions.registry import FUNCTIONS

#: What a pipeline may SET for us rather than for Flink, with their defaults.
OWN_SETTINGS: Final = {
    "cutbank.snapshot.records": ("10000", "records a bucket logs before it snapshots its models"),
    "cutbank.snapshot.bytes": ("4000000", "bytes a bucket logs before it snapshots its models"),
    "cutbank.live.bytes": (
        "1500000000",
        "size of live models in a worker above which quiet ones leave memory",
    ),
}

#: Settings a pipeline starts from; SET in the file wins.
FLINK_DEFAULTS: Final = {
    "pipeline.object-reuse": "true",
    "table.local-time-zone": "UTC",
    "table.exec.source.idle-timeout": "30 s",
    # counted in packs: a bundle must take well under a second, because a checkpoint waits for it
    "python.fn-execution.bundle.size": "64",
}


def build(
    tables: StreamTableEnvironment,
    script: Script,
    name: str,
    functions: Mapping[str, TableFunction] = FUNCTIONS,
    *,
    to: Literal["show", "run", "execute"] = "show",
) -> Pipeline:
    """The job graph of a pipeline file.

    Parameters
    ----------
    tables
        The environment to build in.
    script
        The file's statements.
    name
        The pipeline's name.
    functions
        The table functions it may call, by SQL name.
    to
        What it is made for. To ``show``: Flink's plan is in the result. To ``run``: it has become operators of the
        environment, whose ``execute_async`` runs them. Both tell what only Flink's planner refuses. To ``execute`` its
        statements: they are planned then, and not before. Each plans once, which takes seconds in a new JVM.

    Raises
    ------
    SqlError
        Something in the file is wrong; nothing has been executed.
    """
    return _Builder(tables, script, name, functions).build(to)


def create_source(tables: StreamTableEnvironment, statements: StatementSet, ddl: str, pipeline: str) -> None:
    """Create a source table of a DataStream job the way a pipeline file's are: bad records to the rejects topic.

    Parameters
    ----------
    tables
        The environment.
    statements
        The job's statement set; the INSERT of refused records joins it.
    ddl
        One CREATE TABLE statement.
    pipeline
        The job's name, part of the transactional ids of the rejects.

    Raises
    ------
    SqlError
        The statement is wrong.
    """
    script = split(LocatedText.whole(File("<source>", f"{ddl};\nINSERT INTO nothing SELECT 1")))
    builder = _Builder(tables, script, pipeline, {})
    builder.runner.pipeline.statements = statements
    (statement,) = script.of_kind(StatementKind.CREATE_TABLE)
    builder.read = frozenset({statement.name})
    builder._create_table(statement)


class _Builder:
    def __init__(
        self,
        tables: StreamTableEnvironment,
        script: Script,
        name: str,
        functions: Mapping[str, TableFunction],
    ) -> None:
        self.script, self.name = script, name
        self.calls = read_calls(script, functions)
        self.all_calls = [call for calls in self.calls.values() for call in calls]
        aliases = {f"{call.name} (result)": call.function.name for call in self.all_calls}
        self.runner = Runner(tables, name, script, aliases)
        self.inserts: list[tuple[Statement, LocatedText]] = []
        #: topics of refused records, and the table whose they are
        self.refused: dict[str, str] = {}
        self.settings = {key: default for key, (default, _) in OWN_SETTINGS.items()}
        self.read = self._names_read()
        self.versioned = read_as_of(script)
        self.intervals = self._intervals()
        self.meets = self._meets()

    def build(self, to: str) -> Pipeline:
        config = self.runner.tables.get_config()
        for key, value in FLINK_DEFAULTS.items():
            config.set(key, value)
        config.set("pipeline.name", self.name)
        handlers: dict[StatementKind, Callable[[Statement], None]] = {
            StatementKind.SET: self._set,
            StatementKind.CREATE_TABLE: self._create_table,
            StatementKind.CREATE_VIEW: self._create_view,
            StatementKind.INSERT: self._insert,
        }
        for statement in self.script.statements:
            handlers.get(statement.kind, self._as_it_stands)(statement)
        if to != "execute":
            self._plan(to)
        return self.runner.pipeline

    def _plan(self, to: str) -> None:
        """Plan all INSERTs together, so that what only the planner refuses is told before anything runs."""
        pipeline = self.runner.pipeline
        try:
            if to == "run":
                flink.into_environment(self.runner.tables, pipeline.statements)
            else:
                pipeline.plan = pipeline.statements.explain()
        except (TableException, Py4JJavaError) as error:
            blamed = refused_insert(self.script, str(error))
            text = next(text for statement, text in self.inserts if statement is blamed)
            raise self.runner.refusal(blamed, text, str(error)) from error

    # ---------------------------------------------------------------- statements

    def _set(self, statement: Statement) -> None:
        key, value = statement.option or ("", "")
        if key.startswith("cutbank."):
            if key not in OWN_SETTINGS:
                raise statement.error(f"unknown setting {key}; there are {', '.join(OWN_SETTINGS)}")
            if not value.isdigit() or int(value) < 1:
                raise statement.error(f"{key} must be a whole number of at least 1, got '{value}'")
            self.settings[key] = value
        else:
            self.runner.tables.get_config().set(key, value)
        self.runner.step(f"SET {key}", statement.text)

    def _create_table(self, statement: Statement) -> None:
        table = read_table(statement)
        if table.options.get("connector") == "kafka" and "topic" in table.options:
            for topic in table.options["topic"].split(";"):
                self.runner.pipeline.topics[topic.strip()] = table.options
        # versions of a row are told apart by its key, which an expanded table has no more
        is_versioned = bool(table.primary_key) and table.name in self.versioned
        strict = is_strict_json(table) and table.name in self.read and not is_versioned
        interval = None if is_versioned else self.intervals.get(table.name)
        if not strict and interval is None:
            self.runner.run(statement, without_own_options(table), f"table {table.name}")
            return
        written = [s for s in self.script.of_kind(StatementKind.INSERT) if s.name == table.name]
        if written:
            raise written[0].error(
                f"{table.name} is read and written in one file: declare a second table of the same topic for writing"
            )
        tables = [table for call in self.all_calls for table in call.inputs.values()]
        keys = frozenset(word.name for each in tables for word in each.partition_by)
        source = (
            expand_json_source(table, pipeline=self.name, interval_ms=interval, keys=keys)
            if strict
            else expand_plain_source(table, interval, pipeline=self.name)
        )
        for topic in filter(None, (source.sinks.rejects_topic, source.sinks.late_topic)):
            other = self.refused.setdefault(topic, table.name)
            if other != table.name:
                raise statement.error(
                    f"{other} and {table.name} would both write refused records to {topic}, each record twice: give "
                    "one of them topics of its own with 'cutbank.rejects.topic' and 'cutbank.late.topic', or read "
                    "the topic once"
                )
        build_source(self.runner, source)

    def _create_view(self, statement: Statement) -> None:
        views = self._expand_calls(statement)
        text = rewritten(statement, self.calls.get(statement, ()), views)
        self.runner.run(statement, text, f"view {statement.name}")
        query = _query_of_view(statement, text)
        if query is not None and self._is_shared(statement):
            self.runner.tables.create_temporary_view(quote.name(statement.name), self.runner.query(statement, query))
        carried = ordered_query(query, self.runner.ordered) if query is not None else None
        if carried is not None:
            view = f"{statement.name} (ordered)"
            self.runner.tables.create_temporary_view(
                quote.name(view), self.runner.query(statement, query or text, carried)
            )
            self.runner.ordered[statement.name] = view

    def _is_shared(self, statement: Statement) -> bool:
        """Whether Flink has to be told that every mention of a view is the same.

        It puts the text of a view in place of each mention, and then computes equal parts once. With UNNEST they are
        never equal: each gets a correlation number of its own. As a table made once, the view has one number.
        """
        unnests = any(token.upper in ("UNNEST", "LATERAL") for token in statement.tokens)
        # such a table cannot be dropped as a view
        return unnests and not list(self.script.of_kind(StatementKind.DROP))

    def _insert(self, statement: Statement) -> None:
        views = self._expand_calls(statement)
        text = rewritten(statement, self.calls.get(statement, ()), views)
        self.runner.step(f"insert into {statement.name}", text.text)
        self.inserts.append((statement, text))
        self.runner.guard(statement, text, lambda: self.runner.pipeline.statements.add_insert_sql(text.text))

    def _as_it_stands(self, statement: Statement) -> None:
        self.runner.run(statement, statement.located, statement.kind.value.lower())

    def _expand_calls(self, statement: Statement) -> dict[str, str]:
        """Build the calls of a statement; the quoted name of the view of each one's result."""
        views: dict[str, str] = {}
        for call in self.calls.get(statement, ()):
            views[call.name] = quote.name(build_call(self.runner, call, views, self._host_options()))
        return views

    def _host_options(self) -> HostOptions:
        policy = SnapshotPolicy(
            int(self.settings["cutbank.snapshot.records"]), int(self.settings["cutbank.snapshot.bytes"])
        )
        live_bytes = int(self.settings["cutbank.live.bytes"])
        return HostOptions(policy, live_bytes, others=len(self.all_calls) > 1, meets=self.meets)

    # ---------------------------------------------------------------- what feeds what

    def _names_read(self) -> frozenset[str]:
        statements = self.script.of_kind(StatementKind.CREATE_VIEW, StatementKind.INSERT)
        return frozenset(name for statement in statements for name in references(statement))

    def _intervals(self) -> dict[str, int]:
        """For each table that feeds a call, directly or through views and other calls, the interval to round to."""
        batches: dict[str, list[int]] = {}
        for call in self.all_calls:
            names = frozenset().union(*(table.names for table in call.inputs.values()))
            for table in source_tables(self.script, names):
                batches.setdefault(table.name, []).append(call.arguments["batch"])
        every = common_interval(batch for found in batches.values() for batch in found)
        # one interval for all: tables meet in joins, where the coarser watermark decides
        return {table: every for table in batches if every is not None}

    def _meets(self) -> dict[str, Mapping[str, str]]:
        """The calls that read several tables or results, with the options of a table from Kafka behind them."""
        found: dict[str, Mapping[str, str]] = {}
        for call in self.all_calls:
            names = frozenset().union(*(table.names for table in call.inputs.values()))
            reads = feeding(self.script, names, ends=self.calls)
            if sum(s.kind is StatementKind.CREATE_TABLE or s in self.calls for s in reads) > 1:
                options = [read_table(statement).options for statement in source_tables(self.script, names)]
                found[call.name] = next((each for each in options if each.get("connector") == "kafka"), {})
        return found


def _query_of_view(statement: Statement, text: LocatedText) -> LocatedText | None:
    """The query behind CREATE VIEW name [COMMENT ...] AS; None where the view names its columns."""
    at = statement.path_end
    while at < len(statement.tokens) and statement.tokens[at].upper != "AS":
        if statement.tokens[at].upper == "(":
            return None
        at += 1
    # what stands before the query is never rewritten, so its offset is the same in both texts
    return text.slice(statement.tokens[at].end, len(text)) if at < len(statement.tokens) else None
