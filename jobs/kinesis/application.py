"""An application of Kinesis SQL as a pipeline of Flink SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jobs.errors import SqlError, UsageError
from jobs.expand import quote
from jobs.kinesis import tree
from jobs.kinesis.column_types import ColumnType
from jobs.kinesis.context import ERROR_COLUMNS, ERROR_STREAM, Context, Piece, Rows, Stream, interval_sql, simple_name
from jobs.kinesis.functions import SCALARS
from jobs.kinesis.outside import Kafka, Place, sink_ddl, written
from jobs.kinesis.parse_statements import parse
from jobs.kinesis.printing import Compiled, printed
from jobs.kinesis.projection import Target
from jobs.kinesis.queries import Queries
from jobs.kinesis.reading import reading_pieces, source_stream
from jobs.kinesis.scope import ROWTIME, Column, Order, folded_hint
from jobs.kinesis.source_tables import Destination, Sources
from jobs.kinesis.tokens import open_end
from jobs.kinesis.values import Value
from jobs.kinesis.walking import everything_in
from jobs.sql.located import LocatedText
from jobs.sql.source import read_source


def compile_file(path: Path, sources: Sources, values: Mapping[str, str] | None = None) -> Compiled:
    """The pipeline of an application in a file.

    Parameters
    ----------
    path
        The application; its name without suffix is the pipeline's.
    sources
        What stands for its streams and tables.
    values
        Of its placeholders ``${name}``.

    Raises
    ------
    SqlError
        Something in it is wrong or cannot be kept on Flink; the message says where and what.
    UsageError
        `sources` does not fit it.
    """
    return compile_text(read_source(path, values), sources, path.stem, Kafka(path.stem, sources.folder))


def compile_text(text: LocatedText, sources: Sources, name: str, place: Place, prefix: str = "") -> Compiled:
    """The same of a text, for any place; the names of its tables and views begin with `prefix`."""
    return _Application(text, sources, name, place, prefix).compiled()


@dataclass
class _Declared:
    """A stream that the application creates, and the pumps that write to it."""

    statement: tree.CreateStream
    pumps: list[tree.CreatePump]


class _Application:
    def __init__(self, text: LocatedText, sources: Sources, name: str, place: Place, prefix: str) -> None:
        self.text, self.sources, self.name = text, sources, name
        self.statements = parse(text)
        self.context = Context(text, sources.references, place, prefix=prefix)
        if (comment := open_end(text.text)) is not None:
            self.context.warnings.append(("this comment is never closed: all behind it is left out", comment))
        self.queries = Queries(self.context)
        self.streams = self._declared()

    def compiled(self) -> Compiled:
        context = self.context
        self._check_destinations()
        read = self._sources_read()
        views = {}
        for name in read:
            views[name] = context.new_name(simple_name(name))
            context.streams[name] = source_stream(self.sources.sources[name], views[name])
        for name in self.streams:
            views[name] = context.new_name(simple_name(name))
        for name in self._in_order():
            self._stream(self.streams[name], views[name])
        sinks = [piece for name in self._destinations() for piece in self._destination(name)]
        readings = [p for name in read for p in reading_pieces(context, self.sources.sources[name], views[name])]
        errors = self._errors()
        pieces = [*self._functions(), *readings, *context.tables, *context.pieces, *errors, *sinks]
        return printed(self.text, self.name, pieces, context.warnings)

    # ---------------------------------------------------------------- what there is

    def _declared(self) -> dict[str, _Declared]:
        streams: dict[str, _Declared] = {}
        pumps: dict[str, tree.CreatePump] = {}
        for statement in self.statements:
            if isinstance(statement, tree.CreateStream):
                if statement.name in streams and not statement.replace:
                    raise self.error(f"stream {statement.name} is created twice", statement)
                if statement.name in self.sources.sources:
                    raise self.error(f"{statement.name} is a source stream already, by sources.toml", statement)
                if statement.name in self.sources.references:
                    raise self.error(f"{statement.name} is a reference table already, by sources.toml", statement)
                streams[statement.name] = _Declared(statement, [])
            elif isinstance(statement, tree.CreatePump):
                if statement.name in pumps and not statement.replace:
                    raise self.error(f"pump {statement.name} is created twice", statement)
                pumps[statement.name] = statement
        for pump in pumps.values():
            if pump.target not in streams:
                raise self._no_target(pump, streams)
            streams[pump.target].pumps.append(pump)
        return streams

    def _no_target(self, pump: tree.CreatePump, streams: Iterable[str]) -> SqlError:
        if pump.target in self.sources.sources or pump.target in self.sources.references:
            return self.text.error(f"{pump.target} is read from outside: a pump cannot write to it", pump.target_start)
        hint = folded_hint(pump.target, list(streams))
        return self.text.error(f"there is no stream {pump.target}{hint}", pump.target_start)

    def error(self, message: str, node: tree.Node) -> SqlError:
        return self.text.error(message, node.start)

    def _reads(self, pump: tree.CreatePump) -> list[tree.StreamName]:
        return [node for node in everything_in(pump.query) if isinstance(node, tree.StreamName)]

    def _live(self) -> list[tree.CreatePump]:
        return [pump for declared in self.streams.values() for pump in declared.pumps]

    def _sources_read(self) -> list[str]:
        found: dict[str, None] = {}
        for pump in self._live():
            for node in self._reads(pump):
                if node.name in self.sources.sources:
                    found[node.name] = None
                elif node.name not in self.streams and node.name not in self.sources.references:
                    known = [*self.streams, *self.sources.sources, *self.sources.references]
                    hint = folded_hint(node.name, known)
                    if node.name == ERROR_STREAM.upper():
                        raise self.error("error_stream cannot be read: give it a topic under [destinations]", node)
                    raise self.error(f"there is no stream or reference table {node.name}{hint}", node)
        return list(found)

    def _check_destinations(self) -> None:
        for name in self.sources.destinations:
            if name.upper() == ERROR_STREAM.upper():
                continue
            if name not in self.streams:
                hint = folded_hint(name, list(self.streams))
                raise UsageError(f"sources.toml: destinations.{name}: the application creates no such stream{hint}")
            if not self.streams[name].pumps:
                raise self.error(
                    f"no pump writes to stream {name}, which goes to a topic", self.streams[name].statement
                )
        if not self._destinations():
            raise UsageError("sources.toml: no stream goes to a topic: name one under [destinations]")

    def _destinations(self) -> list[str]:
        return [name for name in self.sources.destinations if name.upper() != ERROR_STREAM.upper()]

    def _in_order(self) -> list[str]:
        """The streams that pumps write to, each behind those it is made of; the text may have them in any order."""
        done: list[str] = []
        open_: list[str] = []

        def visit(name: str, node: tree.Node) -> None:
            if name in done or name not in self.streams:
                return
            if name in open_:
                raise self.error(f"stream {name} is made of itself: {' -> '.join([*open_, name])}", node)
            declared = self.streams[name]
            if not declared.pumps:
                raise self.error(f"no pump writes to stream {name}: a row would never come", node)
            open_.append(name)
            for pump in declared.pumps:
                for read in self._reads(pump):
                    visit(read.name, read)
            open_.pop()
            done.append(name)

        for name, declared in self.streams.items():
            if declared.pumps:
                visit(name, declared.statement)
        return done

    # ---------------------------------------------------------------- what becomes of it

    def _stream(self, declared: _Declared, view: str) -> None:
        context, statement = self.context, declared.statement
        parts: list[Rows] = []
        for pump in declared.pumps:
            context.pump, context.pump_start = pump.name, pump.start
            parts.append(self.queries.rows(pump.query, self._target(pump, statement)))
        order = self._common_order(declared.pumps, parts)
        sql = "\nUNION ALL\n".join(part.sql for part in parts)
        title = None if len(parts) == 1 else f"{statement.name}: what {len(parts)} pumps write"
        context.pieces.append(Piece(f"CREATE VIEW {quote.name(view)} AS\n{sql}", declared.pumps[0].start, title))
        columns = tuple(
            Column(c.name, Value(quote.name(c.name), c.type.type), 1 if c.name == ROWTIME else None)
            for c in statement.columns
        )
        context.streams[statement.name] = Stream(statement.name, view, columns, order)

    def _target(self, pump: tree.CreatePump, stream: tree.CreateStream) -> Target:
        names = [column.name for column in stream.columns]
        if not pump.columns:
            return Target(stream.name, stream.columns, tuple(range(len(names))), pump.target_start)
        for name, start in pump.columns:
            if name not in names:
                raise self.text.error(f"stream {stream.name} has no column {name}{folded_hint(name, names)}", start)
        filled = tuple(names.index(name) for name, _ in pump.columns)
        return Target(stream.name, stream.columns, filled, pump.target_start)

    def _common_order(self, pumps: Sequence[tree.CreatePump], parts: Sequence[Rows]) -> Order | None:
        orders = [part.order for part in parts]
        first = next((order for order in orders if order is not None), None)
        if first is None:
            return None
        for order in orders:
            if order is None or replace(order, start=first.start) != first:
                raise self.text.error(
                    f"{len(pumps)} pumps write to {pumps[0].target}, and not all with the same ORDER BY: the order of "
                    "its rows would not be known",
                    first.start,
                )
        return first

    def _destination(self, name: str) -> list[Piece]:
        context, destination, stream = self.context, self.sources.destinations[name], self.context.streams[name]
        columns = [(c.name, c.type.type) for c in self.streams[name].statement.columns]
        table = context.new_name(f"{simple_name(name)}_topic")
        listed = ",\n  ".join(written(column, kind) for column, kind in columns)
        order = stream.order
        start = order.start if order is not None else None
        if order is None:
            source = quote.name(stream.view)
        elif order.floor_ms == 1:
            source = f"{quote.name(stream.view)}\nORDER BY {_keys(ROWTIME, order)}"
        else:
            window = f"TUMBLE(TABLE {quote.name(stream.view)}, DESCRIPTOR({quote.name(ROWTIME)})"
            source = f"TABLE({window}, {interval_sql(order.floor_ms)}))\nORDER BY {_keys('window_time', order)}"
        return [
            Piece(
                sink_ddl(context.place, destination, table, columns), None, f"{name} goes to topic {destination.topic}"
            ),
            Piece(f"INSERT INTO {quote.name(table)}\nSELECT {listed}\nFROM {source}", start),
        ]

    def _errors(self) -> list[Piece]:
        """The error stream: rows that failed, at the source or in a pump."""
        errors = self.context.errors
        if not errors:
            return []
        given = next((d for n, d in self.sources.destinations.items() if n.upper() == ERROR_STREAM.upper()), None)
        destination = given or Destination(ERROR_STREAM, f"{topic_name(self.name)}-errors")
        view, table = self.context.new_name(ERROR_STREAM), self.context.new_name(f"{ERROR_STREAM}_topic")
        columns = [(name, _error_type(kind)) for name, kind in ERROR_COLUMNS]
        listed = ",\n  ".join(written(name, kind) for name, kind in columns)
        return [
            Piece(f"CREATE VIEW {quote.name(view)} AS\n" + "\nUNION ALL\n".join(errors), None, "rows that failed"),
            Piece(sink_ddl(self.context.place, destination, table, columns), None),
            Piece(f"INSERT INTO {quote.name(table)}\nSELECT {listed}\nFROM {quote.name(view)}", None),
        ]

    def _functions(self) -> list[Piece]:
        """The Python functions that calls become."""
        found: dict[str, str] = {}
        for statement in self.statements:
            for node in everything_in(statement):
                function = SCALARS.get(node.function) if isinstance(node, tree.Call) else None
                if function is not None and function.python is not None:
                    found[function.python[0]] = function.python[1]
        return [
            Piece(f"CREATE TEMPORARY FUNCTION {quote.name(name)} AS {quote.text(path)} LANGUAGE PYTHON", None)
            for name, path in found.items()
        ]


def topic_name(name: str) -> str:
    """A name as topics are called: kebab case."""
    return "-".join(part for part in simple_name(name).lower().split("_") if part) or "application"


def _keys(time: str, order: Order) -> str:
    keys = [f"{quote.name(name)}{' DESC' if down else ''}" for name, down in order.keys]
    return ", ".join([quote.name(time), *keys])


def _error_type(kind: str) -> ColumnType:
    from jobs.kinesis.column_types import parse_type

    return parse_type(kind)
