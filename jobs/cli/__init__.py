"""The ``cutbank`` command.

Each command is a module of this package: a function of the command's name, or ``app`` (a `typer.Typer`) where
it has sub-commands. A module is imported when its command is called, so `cutbank --help` needs neither
PyFlink nor numba.

Exit codes: 0 done, 1 failed while running, 2 wrong use, settings or SQL, 130 interrupted by Ctrl-C. An error
is one line on standard error; ``CUTBANK_DEBUG=1`` shows where it came from.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated, Any, NamedTuple

import typer
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

from jobs.errors import CutbankError, UsageError

__all__ = ["app", "main"]


class Entry(NamedTuple):
    """A command as the overview shows it; the module ``jobs.cli.<name>`` is the command itself."""

    name: str
    panel: str
    help: str


COMMANDS = (
    Entry("demo", "Pipelines", "Start everything, show scores and anomalies live, stop everything."),
    Entry("run", "Pipelines", "Submit a pipeline, a file of Flink SQL."),
    Entry("stop", "Pipelines", "Stop a pipeline with a savepoint."),
    Entry("explain", "Pipelines", "Show what a pipeline expands to, and its plan; runs nothing."),
    Entry("kinesis", "Pipelines", "Run and translate Kinesis Data Analytics SQL."),
    Entry("functions", "Pipelines", "The table functions: arguments, ranges, defaults, output."),
    Entry("evaluate", "Models", "Run a learner over a recorded file, beside the baselines; no cluster."),
    Entry("validate", "Models", "Rankings over recorded clicks: what their lists would have been worth."),
    Entry("report", "Pipelines", "Draw what a pipeline has written, as a page with curves."),
    Entry("vectors", "Models", "Vectors of articles from their texts, published in versions."),
    Entry("recommend", "Models", "Show the newest list that was made for a user."),
    Entry("feed", "Data", "Put data into Kafka: sound, this machine's metrics, clicks, exchanges, recorded files."),
    Entry("topics", "Data", "List topics with their number of records, or create one."),
    Entry("tail", "Data", "Show the committed records of a topic."),
    Entry("up", "Local stack", "Start the Kafka broker and the Flink cluster of this machine."),
    Entry("down", "Local stack", "Stop what `cutbank up` started."),
    Entry("status", "Local stack", "What runs, on which ports, and which jobs."),
    Entry("doctor", "Local stack", "What is missing or does not fit, and the command that repairs it."),
)


class CommandGroup(TyperGroup):
    """Knows every command by name and one line; imports the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for entry in COMMANDS:
            self.add_command(
                TyperCommand(entry.name, help=escape(entry.help), rich_help_panel=entry.panel, callback=None)
            )

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The real command in place of its line in the overview."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else load_command(name), rest


def load_command(name: str) -> Any:
    """Import a command's module and make the command of it."""
    module = importlib.import_module(f"jobs.cli.{name}")
    group = getattr(module, "app", None)
    if group is None:
        group = typer.Typer(add_completion=False)
        group.command(name)(getattr(module, name))
    group._add_completion = False
    command = typer.main.get_command(group)
    command.name = name
    _plain_text(command)
    return command


def _plain_text(command: Any) -> None:
    """Docstrings are text: lines of a paragraph flow together, square brackets stand for themselves."""
    if command.help:
        paragraphs = command.help.split("\n\n")
        command.help = escape("\n\n".join(_flow(paragraph) for paragraph in paragraphs))
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = escape(parameter.help)
    for inner in getattr(command, "commands", {}).values():
        _plain_text(inner)


def _flow(paragraph: str) -> str:
    """One line of a paragraph; an indented one keeps its lines."""
    if paragraph.startswith((" ", "\b")):
        return paragraph
    return " ".join(paragraph.split())


app = typer.Typer(cls=CommandGroup, no_args_is_help=True, add_completion=False)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cutbank {metadata.version('cutbank')}")
        raise typer.Exit


@app.callback()
def root(
    profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Profile in flink-conf/profiles, or path of a .toml file."),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--setting", "-S", metavar="KEY=VALUE", help="Set one setting, as CUTBANK_KEY does."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Online machine learning and anomaly detection as Flink SQL, in Python.

    Example: cutbank up && cutbank run sql/loudness.sql

    COMMAND --help shows a command's options with an example.
    """
    # Through the environment, so that it also holds for the processes a command starts (feeds, workers).
    if profile is not None:
        os.environ["CUTBANK_PROFILE"] = profile
    for text in setting or []:
        key, separator, value = text.partition("=")
        if not separator or not key.isidentifier():
            raise UsageError(f"--setting: expected KEY=VALUE, got {text!r}")
        os.environ[f"CUTBANK_{key.upper()}"] = value


def execute(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; errors are printed, not raised."""
    debug = os.environ.get("CUTBANK_DEBUG", "") not in ("", "0")
    try:
        outcome = typer.main.get_command(app).main(args=arguments, prog_name="cutbank", standalone_mode=False)
        sys.stdout.flush()
    except CutbankError as error:
        if debug:
            raise
        return _complain(str(error), error.exit_code)
    except BrokenPipeError:
        # the reader has seen enough (`cutbank tail x | head`); nothing more can be said on standard output
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        if hasattr(error, "format_message"):  # the command line itself was wrong
            return _wrong_use(error)
        if debug:
            raise
        return _complain(f"internal error: {type(error).__name__}: {error} (CUTBANK_DEBUG=1 shows where)", 1)
    return outcome if isinstance(outcome, int) else 0


def main() -> None:
    """Entry point of the ``cutbank`` command."""
    sys.exit(execute())


def _wrong_use(error: Any) -> int:
    """Say what is wrong with the command line, and where its help is."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.format_message(), err=True)
        return 2
    message = str(error.format_message()).rstrip(".")
    path = "cutbank" if context is None else context.command_path
    return _complain(f"{message}; see `{path} --help`", 2)


def _complain(message: str, code: int) -> int:
    text = " ".join(message.split("\n")) if code == 2 else message
    if sys.stderr.isatty():
        typer.secho("cutbank: ", fg="red", bold=True, nl=False, err=True)
        typer.echo(text, err=True)
    else:
        typer.echo(f"cutbank: {text}", err=True)
    return code
