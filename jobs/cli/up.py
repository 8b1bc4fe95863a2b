"""``cutbank up``: start the local stack."""

from __future__ import annotations

from jobs.cli.output import AsJson, console, print_json, progress
from jobs.cli.status import as_object, show
from jobs.settings import load_settings
from jobs.stack import Stack


def up(as_json: AsJson = False) -> None:
    """Start the Kafka broker and the Flink cluster of this machine, and wait until both answer.

    What already runs is left alone, so calling it again is harmless; a process that died is started again.
    Ports, folders and sizes are settings (flink-conf/profiles/local.toml, CUTBANK_KAFKA_PORT and so on).

    Example: cutbank up
    """
    settings = load_settings()
    with progress(quiet=as_json) as tell:
        status = Stack(settings).up(tell)
    if as_json:
        print_json(as_object(settings, status))
    else:
        show(settings, status, console())
