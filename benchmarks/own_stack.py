"""Settings of a stack that a benchmark has to itself: free ports, and a folder of its own."""

from __future__ import annotations

import socket
from pathlib import Path

from jobs.settings import Settings, load_settings


def own_settings(folder: Path, **more: object) -> Settings:
    """Settings with ports that nobody listens on now; `more` are settings by name."""
    ports = []
    sockets = [socket.socket() for _ in range(4)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
        ports.append(one.getsockname()[1])
    for one in sockets:
        one.close()
    names = ("kafka_port", "controller_port", "flink_port", "jobmanager_port")
    return load_settings(environ={}, overrides={"state_dir": folder, **dict(zip(names, ports, strict=True)), **more})
