"""A pipeline file as a Flink job graph.

`build` runs the statements of a file in order against a table environment, with sources and calls expanded, and
returns the statement set of its INSERTs; nothing is executed. Each generated statement is kept as a `Step`, so that
`cutbank explain` shows what really runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from py4j.protocol import Py4JJavaError
from pyflink.common import Types
from pyflink.table import StatementSet, StreamTableEnvironment, Table
from pyflink.util.exceptions import TableException

from jobs.errors import SqlError
from jobs.expand import flink, quote
from jobs.expand.call_sql import PACK_TIME, CallExpansion, expand_call
from jobs.expand.crossing import Element
from jobs.expand.ordered import ordered_query
from jobs.expand.plain_source import expand_plain_source
from jobs.expand.source import HIDDEN, SourceExpansion
from jobs.expand.strict_json import expand_json_source
from jobs.expand.table_options import is_strict_json, without_own_options
from jobs.expand.watermark import common_interval
from jobs.sql.call import Call
from jobs.sql.calls import read_calls, rewritten
from jobs.sql.checks import CheckedCall, check_call
from jobs.sql.flink_errors import flink_error, refused_insert
from jobs.sql.lineage import references, source_tables
from jobs.sql.located import File, LocatedText
from jobs.sql.statements import Script, Statement, StatementKind, split
from jobs.sql.tables import read_table
from udfs.bucket import SnapshotPolicy
from udfs.functions.declaration import TableFunction
from udfs.functions.registry import FUNCTIONS
from udfs.pack_host import HostPlan, PackHost
from udfs.record_tap import LATE, REJECTED, RecordTap

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


@dataclass(frozen=True)
class Step:
    """One statement or operator of the expanded pipeline."""

    title: str
    text: str


@dataclass
class Pipeline:
    """An expanded pipeline.

    Attributes
    ----------
    statements
        All its INSERTs; `execute` runs them as one job.
    steps
        What was made, in order.
    topics
        Kafka topics it reads and writes, with the options of their table.
    """

    statements: StatementSet
    steps: list[Step] = field(default_factory=list)
    topics: dict[str, Mapping[str, str]] = field(default_factory=dict)
    plan: str = ""


def build(
    tables: StreamTableEnvironment,
    script: Script,
    name: str,
    functions: Mapping[str, TableFunction] = FUNCTIONS,
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

    Raises
    ------
    SqlError
        Something in the file is wrong; nothing has been executed.
    """
    return _Builder(tables, script, name, functions).build()


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
    builder.pipeline.statements = statements
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
        self.tables, self.script, self.name = tables, script, name
        self.calls = read_calls(script, functions)
        self.all_calls = [call for calls in self.calls.values() for call in calls]
        self.pipeline = Pipeline(tables.create_statement_set())
        #: names of tables, views and results -> the view that has the hidden columns too
        self.ordered: dict[str, str] = {}
        self.inserts: list[tuple[Statement, LocatedText]] = []
        self.settings = {key: default for key, (default, _) in OWN_SETTINGS.items()}
        self.read = self._names_read()
        self.intervals = self._intervals()

    def build(self) -> Pipeline:
        config = self.tables.get_config()
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
        self._plan()
        return self.pipeline

    def _plan(self) -> None:
        """Plan all INSERTs together, so that what only the planner refuses is told before anything runs."""
        try:
            self.pipeline.plan = self.pipeline.statements.explain()
        except (TableException, Py4JJavaError) as error:
            blamed = refused_insert(self.script, str(error))
            text = next(text for statement, text in self.inserts if statement is blamed)
            raise self._refusal(blamed, text, str(error)) from error

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
            self.tables.get_config().set(key, value)
        self._step(f"SET {key}", statement.text)

    def _create_table(self, statement: Statement) -> None:
        table = read_table(statement)
        if table.options.get("connector") == "kafka" and "topic" in table.options:
            for topic in table.options["topic"].split(";"):
                self.pipeline.topics[topic.strip()] = table.options
        strict = is_strict_json(table) and table.name in self.read
        interval = self.intervals.get(table.name)
        if not strict and interval is None:
            self._run(statement, without_own_options(table), f"table {table.name}")
            return
        written = [s for s in self.script.of_kind(StatementKind.INSERT) if s.name == table.name]
        if written:
            raise written[0].error(
                f"{table.name} is read and written in one file: declare a second table of the same topic for writing"
            )
        keys = frozenset(key for call in self.all_calls for key in call.partition_by)
        self._source(
            expand_json_source(table, pipeline=self.name, interval_ms=interval, keys=keys)
            if strict
            else expand_plain_source(table, interval)
        )

    def _create_view(self, statement: Statement) -> None:
        views = self._expand_calls(statement)
        text = rewritten(statement, self.calls.get(statement, ()), views)
        self._run(statement, text, f"view {statement.name}")
        query = _query_of_view(statement, text)
        carried = ordered_query(query, self.ordered) if query is not None else None
        if carried is not None:
            view = f"{statement.name} (ordered)"
            self.tables.create_temporary_view(
                quote.name(view), self._query(statement, query or text, carried)
            )
            self.ordered[statement.name] = view

    def _insert(self, statement: Statement) -> None:
        views = self._expand_calls(statement)
        text = rewritten(statement, self.calls.get(statement, ()), views)
        self._step(f"insert into {statement.name}", text.text)
        self.inserts.append((statement, text))
        self._guard(statement, text, lambda: self.pipeline.statements.add_insert_sql(text.text))

    def _as_it_stands(self, statement: Statement) -> None:
        self._run(statement, statement.located, statement.kind.value.lower())

    # ---------------------------------------------------------------- sources

    def _source(self, source: SourceExpansion) -> None:
        statement = source.table.statement
        self._run(statement, source.physical, f"{source.name}: the physical table")
        self._step(f"{source.name}: each record once, with its status", source.rows)
        rows = self._query(statement, source.physical, source.rows)
        columns = [(column.name, column.sql_type) for column in flink.columns_of(rows)]
        columns = [(n, t.replace("*ROWTIME*", "").strip()) for n, t in columns]
        if source.time is not None and not source.is_json:
            # the rows' time attribute becomes an ordinary column, and one again behind the stream
            time = quote.name(source.time)
            sql_type = dict(columns)[source.time].removesuffix("NOT NULL").strip()
            names = [
                f"CAST({time} AS {sql_type}) AS {time}" if n == source.time else quote.name(n)
                for n, _ in columns
            ]
            rows = self.tables.sql_query(f"SELECT {', '.join(names)} FROM ({source.rows})")
        self._guard(
            statement,
            source.physical,
            lambda: flink.through_stream(self.tables, rows, source.stage("rows"), columns, source.time),
        )
        self._view(source.name, source.view())
        if source.is_kafka:
            self._view(source.stage("ordered"), source.view(ordered=True))
            self.ordered[source.name] = source.stage("ordered")
        if source.tap is not None:
            self._refused(source)

    def _refused(self, source: SourceExpansion) -> None:
        assert source.tap is not None
        statement = source.table.statement
        self._step(f"{source.name}: refused records, counted and written", source.refused)
        stream = flink.refused_stream(self.tables, self._query(statement, source.physical, source.refused))
        tapped = flink.tap(
            stream, RecordTap(source.tap), uid=f"{source.name}-refused", name=source.stage("refused")
        )
        view = source.stage("refused")
        flink.as_view(self.tables, view, tapped, [("f0", "INT"), ("f1", "BYTES")], None)
        for sql in source.sinks.statements:
            self._step(f"{source.name}: sink of refused records", sql)
            self.tables.execute_sql(sql)
        targets = [(REJECTED, "rejects", source.sinks.rejects_topic), (LATE, "late", source.sinks.late_topic)]
        for status, what, topic in targets:
            if topic is None:
                continue
            self.pipeline.topics[topic] = {**source.table.options, "cutbank.refused": what}
            insert = (
                f"INSERT INTO {quote.name(source.stage(what))} "
                f"SELECT `f1` FROM {quote.name(view)} WHERE `f0` = {status}"
            )
            self._step(f"{source.name}: {what}", insert)
            self.pipeline.statements.add_insert_sql(insert)
        if not source.sinks.statements:
            self._count_only(source, view)

    def _count_only(self, source: SourceExpansion, view: str) -> None:
        """A source without a place for refused records: they are counted, and the count is in the metrics."""
        sink = quote.name(source.stage("counted"))
        self.tables.execute_sql(f"CREATE TEMPORARY TABLE {sink} (`f0` INT) WITH ('connector' = 'blackhole')")
        insert = f"INSERT INTO {sink} SELECT `f0` FROM {quote.name(view)}"
        self._step(f"{source.name}: late rows are counted", insert)
        self.pipeline.statements.add_insert_sql(insert)

    # ---------------------------------------------------------------- calls

    def _expand_calls(self, statement: Statement) -> dict[str, str]:
        """Build the calls of a statement; the quoted name of the view of each one's result."""
        views: dict[str, str] = {}
        for call in self.calls.get(statement, ()):
            views[call.name] = quote.name(self._call(call, views))
        return views

    def _call(self, call: Call, views: Mapping[str, str]) -> str:
        query = call.input.query(views)
        carried = ordered_query(query, {**self.ordered, **self._inner(views)})
        table = self._query(call.statement, query)
        checked = check_call(call, flink.columns_of(table))
        another = len(self.all_calls) > 1
        expansion = expand_call(checked, carried or query.text, hidden=carried is not None, carry=another)
        self._step(f"{call.name}: the input, in buckets", expansion.input_query)
        self.tables.create_temporary_view(
            quote.name(expansion.input_view), self._query(call.statement, query, expansion.input_query)
        )
        self._step(f"{call.name}: packed", expansion.pack_query)
        packs = self._query(call.statement, query, expansion.pack_query)
        self._step(
            f"{call.name}: {call.function.name}",
            f"-- keyed by bucket; a Python process function, uid '{call.name}'\n"
            f"-- reads {', '.join(checked.column_names)}; {_shown_arguments(call)}",
        )
        self._guard(call.statement, query, lambda: self._host(checked, expansion, packs))
        self._step(f"{call.name}: unpacked", expansion.unpack_query)
        result = f"{call.name} (result)"
        everything = result if not expansion.carries_order else f"{call.name} (result, ordered)"
        unpacked = self._query(call.statement, query, expansion.unpack_query)
        self._guard(
            call.statement,
            query,
            lambda: flink.through_stream(
                self.tables, unpacked, everything, expansion.result_columns, expansion.time
            ),
        )
        if expansion.carries_order:
            shown = [column for column, _ in expansion.result_columns if column != HIDDEN]
            self._view(result, f"SELECT {quote.names(shown)} FROM {quote.name(everything)}")
            self.ordered[result] = everything
        return result

    def _inner(self, views: Mapping[str, str]) -> dict[str, str]:
        """Ordered views of the results of calls inside, by their unquoted names."""
        names = [view.strip("`") for view in views.values()]
        return {view: self.ordered[view] for view in names if view in self.ordered}

    def _host(self, checked: CheckedCall, expansion: CallExpansion, packs: Table) -> None:
        call = checked.call
        plan = HostPlan(
            name=call.name,
            function=call.function,
            arguments=dict(call.arguments),
            column_names=checked.column_names,
            key_names=call.partition_by,
            layout=expansion.layout,
            batch_ms=call.arguments["batch"],
            carries_order=expansion.carries_order,
            policy=SnapshotPolicy(
                int(self.settings["cutbank.snapshot.records"]), int(self.settings["cutbank.snapshot.bytes"])
            ),
            live_bytes=int(self.settings["cutbank.live.bytes"]),
        )
        elements = [*expansion.pack_elements]
        keyed = flink.key_by_bucket(
            self.tables, packs, elements, f"{call.name} (packs of {call.arguments['batch']} ms)"
        )
        out_elements = [*elements[: expansion.layout.width], *map(_element, expansion.added_types)]
        if expansion.carries_order:
            out_elements += elements[expansion.layout.width :]
        output = Types.ROW([*(flink.array_of(element) for element in out_elements), Types.LONG()])
        stream = flink.host(keyed, PackHost(plan), output, call.name, f"{call.function.name} ({call.name})")
        columns = [(f"f{i}", f"ARRAY<{element.value}>") for i, element in enumerate(out_elements)]
        flink.as_view(
            self.tables,
            expansion.packed_view,
            stream,
            [*columns, (f"f{len(columns)}", "BIGINT")],
            PACK_TIME,
            time_from_ms=f"f{len(columns)}",
        )

    # ---------------------------------------------------------------- what feeds what

    def _names_read(self) -> frozenset[str]:
        statements = self.script.of_kind(StatementKind.CREATE_VIEW, StatementKind.INSERT)
        return frozenset(name for statement in statements for name in references(statement))

    def _intervals(self) -> dict[str, int]:
        """For each table that feeds a call, directly or through views and other calls, the interval to round to."""
        batches: dict[str, list[int]] = {}
        for call in self.all_calls:
            for table in source_tables(self.script, call.input.names):
                batches.setdefault(table.name, []).append(call.arguments["batch"])
        every = common_interval(batch for found in batches.values() for batch in found)
        # one interval for all: tables meet in joins, where the coarser watermark decides
        return {table: every for table in batches if every is not None}

    # ---------------------------------------------------------------- running SQL

    def _step(self, title: str, text: str) -> None:
        self.pipeline.steps.append(Step(title, text))

    def _view(self, view: str, query: str) -> None:
        self._step(f"view {view}", query)
        self.tables.create_temporary_view(quote.name(view), self.tables.sql_query(query))

    def _run(self, statement: Statement, text: LocatedText, title: str) -> None:
        self._step(title, text.text)
        self._guard(statement, text, lambda: self.tables.execute_sql(text.text))

    def _query(self, statement: Statement, text: LocatedText, query: str | None = None) -> Table:
        """A query; what Flink refuses in it is told at its place in `text`."""
        result: Table = self._guard(statement, text, lambda: self.tables.sql_query(query or text.text))
        return result

    def _guard(self, statement: Statement, text: LocatedText, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except (TableException, Py4JJavaError) as error:
            raise self._refusal(statement, text, str(error)) from error

    def _refusal(self, statement: Statement, text: LocatedText, message: str) -> SqlError:
        aliases = {f"{call.name} (result)": call.function.name for call in self.all_calls}
        return flink_error(statement, message, text=text, script=self.script, aliases=aliases)


def _element(sql_type: str) -> Element:
    return Element(sql_type)


def _query_of_view(statement: Statement, text: LocatedText) -> LocatedText | None:
    """The query behind CREATE VIEW name [COMMENT ...] AS; None where the view names its columns."""
    at = statement.path_end
    while at < len(statement.tokens) and statement.tokens[at].upper != "AS":
        if statement.tokens[at].upper == "(":
            return None
        at += 1
    # what stands before the query is never rewritten, so its offset is the same in both texts
    return text.slice(statement.tokens[at].end, len(text)) if at < len(statement.tokens) else None


def _shown_arguments(call: Call) -> str:
    own = {name: value for name, value in call.arguments.items() if name not in ("on_time", "columns", "uid")}
    return ", ".join(f"{name} => {value}" for name, value in own.items())
