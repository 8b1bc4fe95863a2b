"""The feeds of the demonstration, each a `cutbank feed` of its own, and the topics they begin with."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jobs.demo.pipelines import PIPELINES, DemoPipeline, feed_arguments
from jobs.errors import StackError, UsageError
from jobs.settings import Settings
from jobs.stack import kafka_admin
from jobs.stack.processes import ProcessRecord, forget_record, read_record, spawn, stop

#: A feed writes what it has and flushes when it is asked to end.
GRACE_S = 10.0


@contextlib.contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """One demonstration at a time for a state folder.

    Raises
    ------
    UsageError
        Another one runs.
    """
    folder = settings.state_dir / "run"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another demo runs in {settings.state_dir}; end it first") from None
        yield


def record_name(pipeline: DemoPipeline) -> str:
    """Name of the process record of a pipeline's feed."""
    return f"feed-{pipeline.topic}"


def start_feed(settings: Settings, pipeline: DemoPipeline, seconds: float | None) -> ProcessRecord:
    """Start a pipeline's feed; it goes on in a session of its own until it ends or is stopped."""
    return start_command(settings, record_name(pipeline), feed_arguments(pipeline, seconds))


def start_command(settings: Settings, name: str, arguments: Sequence[str]) -> ProcessRecord:
    """Start ``cutbank feed ARGUMENTS --json`` under a name; what it tells goes to a log of that name."""
    output = settings.state_dir / "log" / f"{name}.out"
    output.unlink(missing_ok=True)
    return spawn(
        name,
        [sys.executable, "-m", "jobs.cli", "feed", *arguments, "--json"],
        environ=os.environ,
        folder=settings.state_dir / "run",
        output=output,
        log=output,
        ports={},
        identity=f"{name}-{uuid.uuid4().hex[:8]}",
    )


def stop_feed(settings: Settings, record: ProcessRecord) -> None:
    """End a feed in good order, with what it started; harmless when it has ended."""
    stop(record, grace_s=GRACE_S)
    forget_record(settings.state_dir / "run", record.name)


def stop_leftovers(settings: Settings, pipelines: Iterable[DemoPipeline] = PIPELINES) -> list[str]:
    """Stop the feeds of a demonstration that was killed; returns their names."""
    return stop_named(settings, map(record_name, pipelines))


def stop_named(settings: Settings, names: Iterable[str]) -> list[str]:
    """Stop those feeds of these names that run; returns their names."""
    stopped = []
    for name in names:
        record = read_record(settings.state_dir / "run", name)
        if record is not None:
            if record.alive:
                stopped.append(record.name)
            stop_feed(settings, record)
    return stopped


def summary_of(record: ProcessRecord) -> dict[str, Any]:
    """The JSON object a feed ended with.

    Raises
    ------
    StackError
        It ended without one; the message has its last line.
    """
    why = complaint(record)
    if why is not None:
        raise StackError(f"{record.name} ended: {why}")
    lines = Path(record.log).read_text(encoding="utf-8", errors="replace").splitlines()
    found: dict[str, Any] = json.loads([line for line in lines if line.strip()][-1])
    return found


def complaint(record: ProcessRecord) -> str | None:
    """Why a feed that has ended by itself did so: its last line, where that is not its summary."""
    try:
        lines = Path(record.log).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"it wrote nothing to {record.log}"
    lines = [line for line in lines if line.strip()]
    if lines and _is_summary(lines[-1]):
        return None
    return lines[-1] if lines else f"it ended without a word in {record.log}"


def _is_summary(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def begin_topics(settings: Settings, pipelines: Iterable[DemoPipeline], *, replace: bool) -> list[str]:
    """Empty topics for a demonstration: those of an earlier one are deleted, those it begins with created.

    Parameters
    ----------
    replace
        Delete also what no demonstration wrote.

    Returns
    -------
    The topics that were deleted.

    Raises
    ------
    UsageError
        A topic holds records that no demonstration wrote. Nothing was deleted.
    """
    pipelines = list(pipelines)
    names = [topic for pipeline in pipelines for topic in pipeline.topics]
    there = {topic.name: topic.records for topic in kafka_admin.list_topics(settings) if topic.name in names}
    ours = _noted(settings)
    ids = topic_ids(settings, there)
    foreign = [name for name, records in there.items() if records and _is_foreign(name, records, ids, ours)]
    if foreign and not replace:
        raise UsageError(
            f"topic {foreign[0]} holds {there[foreign[0]]:,} records that no demo wrote"
            + (f" (and so do {', '.join(foreign[1:])})" if foreign[1:] else "")
            + "; a demo begins with empty topics: `cutbank demo --replace` deletes them, and with another "
            "CUTBANK_STATE_DIR it has a broker of its own. Nothing was deleted"
        )
    deleted = kafka_admin.delete_topics(settings, there)
    kafka_admin.create_topics(settings, {topic: 1 for pipeline in pipelines for topic in pipeline.made})
    note_topics(settings, pipelines, finished=False)
    return deleted


def note_topics(settings: Settings, pipelines: Iterable[DemoPipeline], *, finished: bool) -> None:
    """Remember which topics a demonstration made, and at its end how much it left in them.

    A topic that was deleted and created again has another id, so it is not taken for ours; neither is one that has
    grown since.
    """
    names = [topic for pipeline in pipelines for topic in pipeline.topics]
    there = {topic.name: topic.records for topic in kafka_admin.list_topics(settings) if topic.name in names}
    noted = _noted(settings) | {
        name: {"id": topic_id, "records": there[name] if finished else None}
        for name, topic_id in topic_ids(settings, there).items()
    }
    path = _note_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".tmp")
    partial.write_text(json.dumps(noted, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def topic_ids(settings: Settings, names: Iterable[str]) -> dict[str, str]:
    """The ids of topics, which no two topics share even under one name."""
    wanted = list(names)
    if not wanted:
        return {}
    with kafka_admin.admin(settings) as client:
        return {topic["name"]: str(topic["topic_id"]) for topic in client.describe_topics(wanted)}


def _is_foreign(name: str, records: int, ids: dict[str, str], ours: dict[str, dict[str, object]]) -> bool:
    note = ours.get(name)
    if note is None or note.get("id") != ids.get(name):
        return True
    left = note.get("records")
    return isinstance(left, int) and records > left


def _noted(settings: Settings) -> dict[str, dict[str, object]]:
    try:
        noted = json.loads(_note_path(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _note_path(settings: Settings) -> Path:
    return settings.state_dir / "demo-topics.json"
