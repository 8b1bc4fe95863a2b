"""A broker and a cluster of a benchmark's own: free ports, a temporary folder, gone at the end."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.settings import Settings, load_settings
from jobs.stack import Stack

_PORTS = ("kafka_port", "controller_port", "flink_port", "jobmanager_port")


@contextmanager
def own_stack(**more: object) -> Iterator[Stack]:
    """Up inside, down behind; `more` are settings by name."""
    with tempfile.TemporaryDirectory(prefix="cutbank-bench-") as folder:
        stack = Stack(own_settings(Path(folder), **more))
        try:
            stack.up(print)
            yield stack
        finally:
            stack.down(print)


def own_settings(folder: Path, **more: object) -> Settings:
    """Settings with ports that nobody listens on now; `more` are settings by name."""
    sockets = [socket.socket() for _ in _PORTS]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        ports = [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
    return load_settings(environ={}, overrides={"state_dir": folder, **dict(zip(_PORTS, ports, strict=True)), **more})
