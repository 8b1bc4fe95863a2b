"""Running generated SQL: each piece is remembered as a step; what Flink refuses is told at its place in the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from py4j.protocol import Py4JJavaError
from pyflink.table import StatementSet, StreamTableEnvironment, Table
from pyflink.util.exceptions import TableException

from jobs.errors import SqlError
from jobs.expand import quote
from jobs.sql.flink_errors import flink_error
from jobs.sql.located import LocatedText
from jobs.sql.statements import Script, Statement


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
    name
        What it is called.
    statements
        All its INSERTs; `execute` runs them as one job.
    steps
        What was made, in order.
    topics
        Kafka topics it reads and writes, with the options of their table.
    plan
        Flink's own plan, as text.
    """

    name: str
    statements: StatementSet
    steps: list[Step] = field(default_factory=list)
    topics: dict[str, Mapping[str, str]] = field(default_factory=dict)
    plan: str = ""


class Runner:
    """Runs the SQL of one pipeline in a table environment.

    Parameters
    ----------
    tables
        The environment.
    name
        The pipeline's name.
    script
        The file; errors name places in it.
    aliases
        What views of ours are called in the file, for errors that name them.
    """

    def __init__(self, tables: StreamTableEnvironment, name: str, script: Script, aliases: Mapping[str, str]) -> None:
        self.tables, self.script, self.aliases = tables, script, aliases
        self.pipeline = Pipeline(name, tables.create_statement_set())
        #: names of tables, views and results -> the view that has the hidden columns too
        self.ordered: dict[str, str] = {}

    def step(self, title: str, text: str) -> None:
        """Remember what was made."""
        self.pipeline.steps.append(Step(title, text))

    def view(self, view: str, query: str) -> None:
        """Create a view of ours."""
        self.step(f"view {view}", query)
        self.tables.create_temporary_view(quote.name(view), self.tables.sql_query(query))

    def run(self, statement: Statement, text: LocatedText, title: str) -> None:
        """Run a statement of the file, as it became."""
        self.step(title, text.text)
        self.guard(statement, text, lambda: self.tables.execute_sql(text.text))

    def query(self, statement: Statement, text: LocatedText, query: str | None = None) -> Table:
        """A query; what Flink refuses in it is told at its place in `text`."""
        result: Table = self.guard(statement, text, lambda: self.tables.sql_query(query or text.text))
        return result

    def guard(self, statement: Statement, text: LocatedText, action: Callable[[], Any]) -> Any:
        """Do something in Flink.

        Raises
        ------
        SqlError
            Flink refused it.
        """
        try:
            return action()
        except (TableException, Py4JJavaError) as error:
            raise self.refusal(statement, text, str(error)) from error

    def refusal(self, statement: Statement, text: LocatedText, message: str) -> SqlError:
        """Flink's message as an error at a place of the file."""
        return flink_error(statement, message, text=text, script=self.script, aliases=self.aliases)
