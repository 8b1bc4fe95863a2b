"""Write what broker and cluster read: configuration files and Flink's lib folder, all under the state folder.

Files are parsed, changed key by key and written, never pasted together as text. Flink's own installation is
left untouched: its lib folder is mirrored by links, with our connector jar beside them, and named by
FLINK_LIB_DIR.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ruamel.yaml import YAML

from jobs.errors import StackError
from jobs.settings import CONF_DIR, Settings

CONNECTOR_PATTERN = "flink-sql-connector-kafka-*.jar"
BROKER_PATTERN = "kafka_2.13-*.jar"
RESOLVE_JARS = "make jars"


def flink_home() -> Path:
    """Folder of the installed PyFlink, which is a whole Flink distribution (found without importing it)."""
    spec = importlib.util.find_spec("pyflink")
    if spec is None or not spec.submodule_search_locations:
        raise StackError("apache-flink is not installed in this interpreter; run `make setup`")
    return Path(next(iter(spec.submodule_search_locations)))


def broker_jars(settings: Settings) -> Path:
    """Folder of the broker's jars; an error that says how to get them when it is not filled."""
    folder = settings.jars_dir / "broker"
    if not any(folder.glob(BROKER_PATTERN)):
        raise StackError(f"no broker jars in {folder}; run `{RESOLVE_JARS}`")
    return folder


def connector_jar(settings: Settings) -> Path:
    """The Kafka connector for Flink; an error that says how to get it when it is missing."""
    found = sorted((settings.jars_dir / "flink").glob(CONNECTOR_PATTERN))
    if len(found) != 1:
        what = "no" if not found else f"{len(found)} different"
        raise StackError(
            f"{what} {CONNECTOR_PATTERN} in {settings.jars_dir / 'flink'}; run `{RESOLVE_JARS}`"
            + (f" after removing {settings.jars_dir}" if found else "")
        )
    return found[0]


def flink_configuration(settings: Settings) -> dict[str, Any]:
    """``flink-conf/config.yaml`` with the values of the settings filled in, as nested mappings.

    For a cluster elsewhere only what its client needs is filled in: folders and interpreter are that
    cluster's own.
    """
    yaml = YAML(typ="safe")
    config: dict[str, Any] = yaml.load((CONF_DIR / "config.yaml").read_text(encoding="utf-8"))
    address = urlsplit(settings.flink_url)
    values: dict[str, object] = {
        "rest.address": address.hostname,
        "rest.port": address.port or (443 if address.scheme == "https" else 80),
        "parallelism.default": settings.parallelism,
        "execution.checkpointing.interval": f"{settings.checkpoint_interval_ms}ms",
        "python.client.executable": sys.executable,
    }
    if settings.is_local:
        values |= _local_values(settings)
    for key, value in values.items():
        set_key(config, key, value)
    return config


def _local_values(settings: Settings) -> dict[str, object]:
    """What only the cluster that `up` starts is told."""
    state = settings.state_dir
    return {
        # only this machine is let in: whoever reaches these ports can run code
        "jobmanager.bind-host": "localhost",
        "jobmanager.rpc.address": "localhost",
        "taskmanager.bind-host": "localhost",
        "taskmanager.host": "localhost",
        "rest.bind-address": "localhost",
        "jobmanager.rpc.port": settings.jobmanager_port,
        "jobmanager.memory.process.size": f"{settings.jobmanager_memory_mb}m",
        "taskmanager.memory.process.size": f"{settings.taskmanager_memory_mb}m",
        "taskmanager.numberOfTaskSlots": settings.task_slots,
        "rest.bind-port": str(settings.flink_port),
        "io.tmp.dirs": str(state / "tmp"),
        "execution.checkpointing.dir": (state / "checkpoints").as_uri(),
        "execution.checkpointing.savepoint-dir": (state / "savepoints").as_uri(),
        "python.executable": sys.executable,
    }


def set_key(config: MutableMapping[str, Any], key: str, value: object) -> None:
    """Set a dotted key in nested mappings, replacing what is there."""
    *path, last = key.split(".")
    node = config
    for part in path:
        below = node.setdefault(part, {})
        if not isinstance(below, MutableMapping):
            raise StackError(f"flink-conf/config.yaml: {key}: {part!r} already holds the value {below!r}")
        node = below
    node[last] = value


def broker_properties(settings: Settings) -> dict[str, str]:
    """``flink-conf/broker.properties`` with the values of the settings filled in."""
    properties = parse_properties((CONF_DIR / "broker.properties").read_text(encoding="utf-8"))
    here, control = f"localhost:{settings.kafka_port}", f"localhost:{settings.controller_port}"
    return properties | {
        "listeners": f"PLAINTEXT://{here},CONTROLLER://{control}",
        "advertised.listeners": f"PLAINTEXT://{here}",
        "controller.quorum.bootstrap.servers": control,
        "log.dirs": str(settings.state_dir / "kafka"),
    }


def parse_properties(text: str) -> dict[str, str]:
    """Read ``key=value`` lines; comments and empty lines are skipped."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith(("#", "!")):
            continue
        key, separator, value = line.partition("=")
        if not separator:
            raise StackError(f"flink-conf/broker.properties:{number}: expected key=value, got {line!r}")
        found[key.strip()] = value.strip()
    return found


def render(settings: Settings) -> None:
    """Write all files of the stack; called before each start and submission."""
    state = settings.state_dir
    for name in ("run", "log", "tmp", "checkpoints", "savepoints", "flink-conf", "flink-lib"):
        (state / name).mkdir(parents=True, exist_ok=True)

    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.width = 1_000_000  # Flink's scripts read single lines
    text = io.StringIO()
    yaml.dump(flink_configuration(settings), text)
    _write(state / "flink-conf" / "config.yaml", text.getvalue())
    for source in CONF_DIR.glob("*log4j*.properties"):
        _write(state / "flink-conf" / source.name, source.read_text(encoding="utf-8"))

    lines = [f"{key}={value}" for key, value in sorted(broker_properties(settings).items())]
    _write(state / "broker.properties", "\n".join(lines) + "\n")

    home = flink_home()
    wanted = {jar.name: jar for jar in (home / "lib").glob("*.jar") if not jar.match(CONNECTOR_PATTERN)}
    wanted[connector_jar(settings).name] = connector_jar(settings)
    _mirror(state / "flink-lib", wanted)


def _write(path: Path, text: str) -> None:
    """Replace a file in one step, and only when it changes: a client may be reading it."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _mirror(folder: Path, wanted: Mapping[str, Path]) -> None:
    """Make a folder hold exactly these links."""
    for link in folder.iterdir():
        if wanted.get(link.name) is None or not link.is_symlink() or link.readlink() != wanted[link.name]:
            link.unlink(missing_ok=True)
    for name, target in wanted.items():
        with contextlib.suppress(FileExistsError):
            (folder / name).symlink_to(target)
