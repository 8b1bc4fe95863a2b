"""Reading an application of Kinesis SQL: its streams and pumps."""

from __future__ import annotations

from jobs.kinesis import tree
from jobs.kinesis.parse_queries import QueryReader
from jobs.sql.located import LocatedText


def parse(text: LocatedText) -> tuple[tree.Statement, ...]:
    """The statements of an application, in the order of the text.

    Raises
    ------
    SqlError
        The text is not Kinesis SQL, or holds no pump; the message says what was expected where.
    """
    reader = _StatementReader(text)
    statements: list[tree.Statement] = []
    while not reader.is_done:
        if reader.accept(";"):
            continue
        statements.append(reader.statement())
        if not reader.is_done and not reader.sees(";"):
            if reader.sees("CREATE"):
                raise reader.error("a semicolon is missing before this CREATE")
            reader.expected("a semicolon behind the statement")
    if not any(isinstance(statement, tree.CreatePump) for statement in statements):
        raise text.error("there is no CREATE PUMP: nothing would run", len(text.text.rstrip()))
    return tuple(statements)


_REFUSED = {
    "SELECT": "a query by itself has nobody to show rows to: put it into CREATE PUMP ... AS INSERT INTO ...",
    "INSERT": "an INSERT stands in a pump: CREATE OR REPLACE PUMP name AS INSERT INTO ...",
    "DROP": "an application only creates: leave DROP out",
    "ALTER": "pumps run from the start: leave ALTER out",
    "SET": "there is nothing to SET: stream names have no schema here",
}
_REFUSED_CREATE = {
    "VIEW": "CREATE VIEW is not part of Kinesis Data Analytics: make it a stream and a pump",
    "FUNCTION": "functions of your own are not supported: write the expression where it is used",
    "TABLE": "CREATE TABLE is not part of Kinesis Data Analytics: a reference table is declared in sources.toml",
    "SCHEMA": "schemas are not supported: leave CREATE SCHEMA out",
    "FOREIGN": "foreign streams are not part of Kinesis Data Analytics: declare the stream in sources.toml",
}


class _StatementReader(QueryReader):
    def statement(self) -> tree.Statement:
        word = self.upper()
        if word in _REFUSED:
            raise self.error(_REFUSED[word])
        start = self.start
        if word != "CREATE":
            self.expected("CREATE STREAM or CREATE PUMP")
        self.take()
        replace = self.accept("OR")
        if replace:
            self.expect("REPLACE", "behind CREATE OR")
        if self.accept("STREAM"):
            return self._stream(start, replace)
        if self.accept("PUMP"):
            return self._pump(start, replace)
        if self.upper() in _REFUSED_CREATE:
            raise self.error(_REFUSED_CREATE[self.upper()])
        return self.expected("STREAM or PUMP behind CREATE")

    def _stream(self, start: int, replace: bool) -> tree.Statement:
        name = self._path("the name of the stream")
        self.expect("(", f"and the columns of stream {name}")
        columns: list[tree.ColumnDefinition] = []
        while True:
            columns.append(self._column(name))
            other = next((c for c in columns[:-1] if c.name == columns[-1].name), None)
            if other is not None:
                raise self.error(f"stream {name} has two columns {other.name}", columns[-1].start)
            if not self.accept(","):
                break
        if not self.sees(")"):
            self.expected("a comma or ) behind a column")
        self.take()
        self._description()
        return tree.CreateStream(start, self.end, name, tuple(columns), replace)

    def _column(self, stream: str) -> tree.ColumnDefinition:
        start = self.start
        name = self.name(f"the name of a column of stream {stream}")
        type_name = self.type()
        not_null = False
        while self.upper() in ("NOT", "NULL", "PRIMARY", "DEFAULT", "CONSTRAINT", "OPTIONS"):
            if self.accept("NOT", "NULL"):
                not_null = True
            elif not self.accept("NULL"):
                raise self.error(f"{self.upper()} is not supported: a column is a name, a type and perhaps NOT NULL")
        return tree.ColumnDefinition(start, name, type_name, not_null)

    def _pump(self, start: int, replace: bool) -> tree.Statement:
        name = self._path("the name of the pump")
        if self.upper() in ("STARTED", "STOPPED"):
            self.take()
        self._description()
        self.expect("AS", f"behind CREATE PUMP {name}")
        self.expect("INSERT", f"behind AS: pump {name} inserts into a stream")
        self.expect("INTO", "behind INSERT")
        target_start = self.start
        target = self._path("the name of the stream the pump writes to")
        columns: list[tuple[str, int]] = []
        if self.sees("(") and self.upper(1) not in ("SELECT", "("):
            self.take()
            while True:
                place = self.start
                columns.append((self.name(f"the name of a column of stream {target}"), place))
                if columns[-1][0] in [other for other, _ in columns[:-1]]:
                    raise self.error(f"column {columns[-1][0]} is given twice", place)
                if not self.accept(","):
                    break
            self.expect(")", "behind the columns of INSERT")
        if self.sees("VALUES"):
            raise self.error("a pump inserts what a SELECT STREAM gives: VALUES would be one row and the end")
        query = self.query()
        return tree.CreatePump(start, self.end, name, target, target_start, tuple(columns), query, replace)

    def _path(self, what: str) -> str:
        name = self.name(what)
        while self.accept("."):
            name = self.name(f"{what} behind the dot")
        return name

    def _description(self) -> None:
        if self.accept("DESCRIPTION"):
            self.string("a text behind DESCRIPTION")
