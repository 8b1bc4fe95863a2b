"""The few calls into Flink that its public Python API does not offer, each in one function.

They use the Java objects behind PyFlink's; `tests/jobs/test_flink_calls.py` holds them to what they promise.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Any

from pyflink.common import Types
from pyflink.datastream import DataStream, KeyedProcessFunction, ProcessFunction
from pyflink.datastream.data_stream import KeyedStream
from pyflink.java_gateway import get_gateway
from pyflink.table import Schema, StatementSet, StreamTableEnvironment, Table
from pyflink.util.java_utils import load_java_class

from jobs.expand import quote
from jobs.expand.crossing import Element
from jobs.sql.checks import InputColumn

_ELEMENT_TYPES = {
    Element.STRING: Types.STRING,
    Element.BIGINT: Types.LONG,
    Element.INT: Types.INT,
    Element.DOUBLE: Types.DOUBLE,
    Element.BOOLEAN: Types.BOOLEAN,
    Element.LONGS: lambda: Types.OBJECT_ARRAY(Types.LONG()),
    Element.FLOATS: lambda: Types.OBJECT_ARRAY(Types.FLOAT()),
}


class ThreadConnections(threading.local):
    """Idle connections to the JVM, each given again only to the Python thread that used it before.

    A connection is a thread of the JVM, and the planner keeps what it needs in that thread. Py4J hands idle
    connections to whoever comes; a garbage collection that runs in another thread while Java objects die is enough to
    exchange two, and planning then ends in a NullPointerException ("metadataHandlerProvider").
    """

    def __init__(self) -> None:
        self._idle: list[Any] = []

    def pop(self) -> Any:
        """The connection last given back by this thread; IndexError asks for a new one."""
        return self._idle.pop()

    def append(self, connection: Any) -> None:
        """Give a connection back."""
        self._idle.append(connection)

    def __len__(self) -> int:
        return len(self._idle)


def keep_java_threads() -> None:
    """Let every Python thread stay with its thread of the JVM; before the first table environment is made."""
    client = get_gateway()._gateway_client
    if not isinstance(client.deque, ThreadConnections):
        idle = ThreadConnections()
        while client.deque:
            idle.append(client.deque.popleft())
        client.deque = idle


def columns_of(table: Table) -> list[InputColumn]:
    """Name, SQL type and time attribute of each column."""
    checks = get_gateway().jvm.org.apache.flink.table.types.logical.utils.LogicalTypeChecks
    columns = []
    for column in table._j_table.getResolvedSchema().getColumns():
        logical = column.getDataType().getLogicalType()
        is_time = bool(checks.isRowtimeAttribute(logical))
        columns.append(InputColumn(column.getName(), _short(logical.asSerializableString()), is_time))
    return columns


def _short(sql_type: str) -> str:
    """Flink writes ``TIMESTAMP(3) WITH LOCAL TIME ZONE``; in files it is TIMESTAMP_LTZ(3)."""
    return re.sub(r"TIMESTAMP(\(\d+\)) WITH LOCAL TIME ZONE", r"TIMESTAMP_LTZ\1", sql_type)


def array_of(element: Element) -> Any:
    """Type of a crossing array: elements may be null."""
    return Types.OBJECT_ARRAY(_ELEMENT_TYPES[element]())


def key_by_bucket(tables: StreamTableEnvironment, packs: Table, elements: Sequence[Element], name: str) -> KeyedStream:
    """A table of ``(bucket, ROW(arrays..., end))`` as a stream of the rows, keyed by the bucket.

    PyFlink would key it by a Python function, one crossing more for each pack; Flink's own Java selector takes the
    first field. The types have to be said before anything asks the stream for them.
    """
    stream = tables.to_data_stream(packs)
    value = Types.ROW([*(array_of(element) for element in elements), Types.LONG()])
    key = Types.INT()
    transformation = stream._j_data_stream.getTransformation()
    transformation.setOutputType(Types.ROW([key, value]).get_java_type_info())
    transformation.setName(name)
    keyed = stream._j_data_stream.keyBy(get_gateway().jvm.KeyByKeySelector(), Types.ROW([key]).get_java_type_info())
    return KeyedStream(keyed, value, stream)


def host(keyed: KeyedStream, function: KeyedProcessFunction, output: Any, uid: str, name: str) -> DataStream:
    """Run a keyed function; `uid` finds its state again, `name` is what the dashboard shows."""
    return keyed.process(function, output_type=output).uid(uid).name(name)


def tap(stream: DataStream, function: ProcessFunction, uid: str, name: str) -> DataStream:
    """Run a process function over ``(status, partition, offset, timestamp, raw)``."""
    output = Types.ROW([Types.INT(), Types.PRIMITIVE_ARRAY(Types.BYTE())])
    return stream.process(function, output_type=output).uid(uid).name(name)


def refused_stream(tables: StreamTableEnvironment, refused: Table) -> DataStream:
    """The refused records as a stream that Python can read."""
    stream = tables.to_data_stream(refused)
    fields = [Types.INT(), Types.INT(), Types.LONG(), Types.LONG(), Types.PRIMITIVE_ARRAY(Types.BYTE())]
    stream._j_data_stream.getTransformation().setOutputType(Types.ROW(fields).get_java_type_info())
    return stream


def as_view(
    tables: StreamTableEnvironment,
    view: str,
    stream: DataStream,
    columns: Sequence[tuple[str, str]],
    time: str | None,
    *,
    time_from_ms: str | None = None,
) -> None:
    """A stream as a view with these columns.

    Watermarks come from the stream: without saying so every watermark would end here. With `time_from_ms` the time
    attribute is computed from that column, whose milliseconds need no conversion in Python.
    """
    builder = Schema.new_builder()
    for name, sql_type in columns:
        builder = builder.column(name, sql_type)
    if time_from_ms is not None and time is not None:
        builder = builder.column_by_expression(time, f"TO_TIMESTAMP_LTZ(`{time_from_ms}`, 3)")
    if time is not None:
        builder = builder.watermark(time, "SOURCE_WATERMARK()")
    tables.create_temporary_view(quote.name(view), tables.from_data_stream(stream, builder.build()))


def through_stream(
    tables: StreamTableEnvironment,
    table: Table,
    view: str,
    columns: Sequence[tuple[str, str]],
    time: str | None,
) -> None:
    """A table, computed once and read by its name: the planner cannot push anything through, or compute it twice."""
    stream = internal_stream(tables, table)
    stream._j_data_stream.getTransformation().setName(view)
    as_view(tables, view, stream, columns, time)


def with_time_of_all(
    tables: StreamTableEnvironment,
    table: Table,
    view: str,
    columns: Sequence[tuple[str, str]],
    time: str,
    *,
    never: str,
) -> None:
    """`through_stream`, in which every task has the watermark of all tasks in front of it.

    A task that reads only what its own neighbour sends goes by that neighbour's time. Beside it stands a broadcast of
    the rows for which `never` holds; there are none, but watermarks come along, and that a task is idle.
    """
    rows = internal_stream(tables, table)
    alone = f"{view}, of one task"
    as_view(tables, alone, rows, columns, time)
    none = internal_stream(tables, tables.sql_query(f"SELECT * FROM {quote.name(alone)} WHERE {never}"))
    none._j_data_stream.getTransformation().setName(f"{view}: time of all tasks")
    as_view(tables, view, rows.union(none.broadcast()), columns, time)


def internal_stream(tables: StreamTableEnvironment, table: Table) -> DataStream:
    """A table as a stream of Flink's own rows.

    The public way makes a `Row` of objects of every record, and the way back takes it apart again; nothing here looks
    into the rows, so they stay what they are.
    """
    rows = load_java_class("org.apache.flink.table.data.RowData")
    data_type = table._j_table.getResolvedSchema().toSourceRowDataType().bridgedTo(rows)
    return DataStream(tables._j_tenv.toDataStream(table._j_table, data_type))


def into_environment(tables: StreamTableEnvironment, statements: StatementSet) -> None:
    """INSERTs as operators of the stream environment, which has the settings of the tables then.

    Executing the statements plans and submits in one call; this way planning can be told from submitting.

    Raises
    ------
    TableException, Py4JJavaError
        Flink's planner refuses a statement; none of them is to be executed then.
    """
    statements.attach_as_datastream()
    environment = tables._j_tenv.execEnv()
    loader = get_gateway().jvm.Thread.currentThread().getContextClassLoader()
    environment.configure(tables.get_config()._j_table_config, loader)
