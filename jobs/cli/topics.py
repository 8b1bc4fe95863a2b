"""``cutbank topics``: list and create topics."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from jobs.cli.output import AsJson, console, print_json
from jobs.errors import UsageError
from jobs.settings import load_settings
from jobs.stack import kafka_admin

app = typer.Typer(invoke_without_command=True)


@app.callback()
def topics(
    context: typer.Context,
    internal: Annotated[bool, typer.Option("--internal", help="Kafka's own topics too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List topics with their partitions and number of records.

    The number is that of offsets: what open and aborted transactions wrote, and their marks, is counted too.

    Example: cutbank topics
    """
    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    found = kafka_admin.list_topics(settings, internal=internal)
    if as_json:
        print_json({"topics": [asdict(topic) for topic in found]})
        return
    out = console()
    if not found:
        out.print(f"no topics at {settings.bootstrap_servers} yet; `cutbank topics create NAME` makes one")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("topic")
    table.add_column("partitions", justify="right")
    table.add_column("records", justify="right")
    for topic in found:
        table.add_row(topic.name, str(topic.partitions), f"{topic.records:,}")
    out.print(table)


@app.command()
def create(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Topics to create.")],
    partitions: Annotated[int, typer.Option(help="Partitions of each.", min=1, max=10_000)] = 2,
    as_json: AsJson = False,
) -> None:
    """Create topics; one that exists is left as it is.

    Example: cutbank topics create loudness loudness-alerts --partitions 2
    """
    for name in names:
        if not kafka_admin.is_topic_name(name):
            raise UsageError(f"topic {name!r}: expected 1 to 249 of the characters a-z A-Z 0-9 . _ -")
    created = kafka_admin.create_topics(load_settings(), dict.fromkeys(names, partitions))
    existing = [name for name in names if name not in created]
    if as_json:
        print_json({"created": created, "existing": existing, "partitions": partitions})
        return
    out = console()
    for name in created:
        out.print(f"created {name} with {partitions} partition{'s' if partitions != 1 else ''}", markup=False)
    for name in existing:
        out.print(f"{name} exists already", markup=False)
