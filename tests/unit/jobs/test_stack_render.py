"""What broker and cluster are told to read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from jobs.errors import StackError
from jobs.settings import CONF_DIR, Settings, load_settings
from jobs.stack.components import flink_environment
from jobs.stack.render import (
    broker_properties,
    connector_jar,
    flink_configuration,
    flink_home,
    parse_properties,
    render,
    set_key,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    jars = tmp_path / "jars"
    for name in ("broker/kafka_2.13-4.2.0.jar", "flink/flink-sql-connector-kafka-5.0.0-2.2.jar"):
        (jars / name).parent.mkdir(parents=True)
        (jars / name).touch()
    ports = {"kafka_port": 21001, "controller_port": 21002, "flink_port": 21003, "jobmanager_port": 21004}
    more = {"state_dir": tmp_path / "a state", "jars_dir": jars, "task_slots": 3, "parallelism": 2}
    return load_settings(environ={}, overrides=ports | more)


def flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in config.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def test_flink_is_told_ports_folders_and_the_interpreter(settings: Settings) -> None:
    render(settings)

    written = flat(YAML(typ="safe").load(settings.state_dir / "flink-conf" / "config.yaml"))

    assert written["rest.port"] == 21003 and written["jobmanager.rpc.port"] == 21004
    assert written["taskmanager.numberOfTaskSlots"] == 3 and written["parallelism.default"] == 2
    assert written["python.executable"] == written["python.client.executable"] == sys.executable
    for key in ("execution.checkpointing.dir", "execution.checkpointing.savepoint-dir"):
        assert written[key].startswith((settings.state_dir).as_uri()), "a blank in the path must stay a valid address"
    for key, value in {
        "pipeline.object-reuse": True,
        "table.local-time-zone": "UTC",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.interval": "1000ms",
        "state.backend.type": "rocksdb",
        "rest.bind-address": "localhost",
    }.items():
        assert written[key] == value, key


def test_nothing_is_pasted_and_nothing_is_lost(settings: Settings) -> None:
    """The file in the repository holds nothing that a place changes: all of it is in the one that is written."""
    source = flat(YAML(typ="safe").load(CONF_DIR / "config.yaml"))
    written = flat(flink_configuration(settings))

    assert {key: written[key] for key in source} == source


def test_java_options_stay_on_one_line(settings: Settings) -> None:
    """Flink's scripts read a line at a time."""
    render(settings)
    lines = (settings.state_dir / "flink-conf" / "config.yaml").read_text().splitlines()
    (options,) = [line for line in lines if "--add-opens" in line]
    ours = options.partition(": ")[2].split()
    flinks = YAML(typ="safe").load(flink_home() / "conf" / "config.yaml")["env"]["java"]["opts"]["all"].split()
    assert sorted(ours) == sorted(flinks)


def test_a_cluster_elsewhere_keeps_its_own_folders() -> None:
    elsewhere = load_settings(environ={}, overrides={"flink_url": "http://flink:1234", "bootstrap_servers": "k:9092"})
    written = flat(flink_configuration(elsewhere))

    assert (written["rest.address"], written["rest.port"]) == ("flink", 1234)
    for key in ("execution.checkpointing.dir", "python.executable", "io.tmp.dirs", "jobmanager.rpc.port"):
        assert key not in written, key


def test_the_broker_listens_where_the_settings_say(settings: Settings) -> None:
    render(settings)
    written = parse_properties((settings.state_dir / "broker.properties").read_text())

    assert written == broker_properties(settings)
    assert written["listeners"] == "PLAINTEXT://localhost:21001,CONTROLLER://localhost:21002"
    assert written["advertised.listeners"] == "PLAINTEXT://localhost:21001"
    assert written["controller.quorum.bootstrap.servers"] == "localhost:21002"
    assert written["log.dirs"] == str(settings.state_dir / "kafka")
    assert written["auto.create.topics.enable"] == "false"


def test_records_of_any_time_are_kept() -> None:
    """Event times of recorded data are years old or lie ahead: that may neither delete nor refuse a record."""
    properties = parse_properties((CONF_DIR / "broker.properties").read_text())
    assert properties["log.retention.ms"] == "-1"
    assert int(properties["log.message.timestamp.after.max.ms"]) == int(properties["log.roll.ms"]) == 2**63 - 1
    # an exactly-once sink's transaction, one hour by default, must be allowed
    assert int(properties["transaction.max.timeout.ms"]) >= 3_600_000
    assert int(properties["message.max.bytes"]) > 5_000_000 + 100_000


def test_flinks_lib_folder_is_mirrored_with_the_connector(settings: Settings) -> None:
    render(settings)
    folder = settings.state_dir / "flink-lib"
    own = {jar.name for jar in (flink_home() / "lib").glob("*.jar")}

    assert {link.name for link in folder.iterdir()} == own | {"flink-sql-connector-kafka-5.0.0-2.2.jar"}
    assert all(link.is_symlink() and link.exists() for link in folder.iterdir())

    # another version of the connector replaces the first; what somebody put there goes
    (settings.jars_dir / "flink" / "flink-sql-connector-kafka-5.0.0-2.2.jar").rename(
        settings.jars_dir / "flink" / "flink-sql-connector-kafka-6.0.0-2.3.jar"
    )
    (folder / "stray.jar").touch()
    render(settings)
    assert {link.name for link in folder.iterdir()} == own | {"flink-sql-connector-kafka-6.0.0-2.3.jar"}


def test_an_unchanged_file_is_not_written_again(settings: Settings) -> None:
    """A client may be reading it."""
    render(settings)
    path = settings.state_dir / "flink-conf" / "config.yaml"
    before = path.stat().st_mtime_ns, path.stat().st_ino
    render(settings)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
    assert [p for p in path.parent.iterdir() if p.suffix not in (".yaml", ".properties")] == []


def test_missing_jars_say_how_to_get_them(settings: Settings) -> None:
    connector_jar(settings).unlink()
    with pytest.raises(StackError, match="run `make jars`"):
        connector_jar(settings)


def test_two_connectors_are_not_chosen_between(settings: Settings) -> None:
    (settings.jars_dir / "flink" / "flink-sql-connector-kafka-4.0.0-2.0.jar").touch()
    with pytest.raises(StackError, match="2 different"):
        connector_jar(settings)


def test_a_dotted_key_replaces_and_does_not_double() -> None:
    config: dict[str, Any] = {"a": {"b": {"c": 1}}, "x": 2}
    set_key(config, "a.b.c", 3)
    set_key(config, "a.d", 4)
    assert config == {"a": {"b": {"c": 3}, "d": 4}, "x": 2}
    with pytest.raises(StackError, match="'x' already holds the value 2"):
        set_key(config, "x.y", 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a=b", {"a": "b"}), ("# a=b\n\n a = b = c \n!x", {"a": "b = c"}), ("a=", {"a": ""})],
)
def test_properties(text: str, expected: dict[str, str]) -> None:
    assert parse_properties(text) == expected


def test_a_line_that_is_no_property_is_refused() -> None:
    with pytest.raises(StackError, match=r"broker\.properties:2: expected key=value, got 'nonsense'"):
        parse_properties("a=b\nnonsense")


def test_a_pool_of_workers_of_this_process_stays_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyFlink leaves its address in the environment; a cluster that found it would run its workers there."""
    monkeypatch.setenv("PYTHON_LOOPBACK_SERVER_ADDRESS", "localhost:1")
    monkeypatch.setenv("SOMETHING_ELSE", "kept")
    environ = flink_environment(load_settings(environ={}))
    assert "PYTHON_LOOPBACK_SERVER_ADDRESS" not in environ and environ["SOMETHING_ELSE"] == "kept"
