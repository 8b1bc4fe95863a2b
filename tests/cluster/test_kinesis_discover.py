"""`cutbank kinesis discover` on the real broker: from the records of a topic to a file the other commands read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from jobs.kinesis.sources import read_sources
from jobs.settings import Settings
from tests.cluster.test_stack_topics import environment


def test_a_topic_is_discovered_and_written(
    settings: Settings, new_topic: Callable[..., str], produce: Callable[..., None], tmp_path: Path
) -> None:
    topic, out = new_topic("discovered", partitions=2), tmp_path / "sources.toml"
    # only the last five records count: the first ones had another shape
    produce(topic, [{"old": True}] * 3, partition=0)
    produce(topic, [{"volume": 60 + i, "device": "café", "at": "2009-09-16 03:15:24"} for i in range(4)], partition=1)
    produce(topic, [None], key=b"gone", partition=1)
    produce(topic, [{"volume": 4000, "device": "loudspeaker", "at": "2009-09-16 03:15:25"}], partition=1)

    def cutbank(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "jobs.cli", "kinesis", "discover", *arguments],
            env=environment(settings),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    done = cutbank(topic, "--rows", "6", "--name", "SOURCE", "--out", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    source = read_sources(out).sources["SOURCE"]
    assert (source.topic, source.format) == (topic, "json")
    assert [(column.name, str(column.type)) for column in source.columns] == [
        ("volume", "SMALLINT"),
        ("device", "VARCHAR(16)"),
        ("COL_at", "TIMESTAMP"),  # AT is a reserved word
    ]

    again = cutbank(topic, "--out", str(out))
    assert again.returncode == 2 and "there already; --force writes over it" in again.stderr
    shown = json.loads(cutbank(topic, "--rows", "6", "--json").stdout)
    assert shown["columns"][0] == {"name": "volume", "type": "SMALLINT", "path": "$.volume"}
    assert (shown["read"], shown["odd"]) == (5, 0)
    missing = cutbank("no-such-topic")
    assert missing.returncode == 2 and "there is no topic 'no-such-topic'" in missing.stderr
