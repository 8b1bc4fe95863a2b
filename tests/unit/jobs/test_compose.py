"""docker-compose.yml: valid by the specification's schema, and the same stack as the local one.

No container engine is needed: what the file says is checked against the schema, against what the images ask for and
against the files it must agree with. `tests/cluster/test_stack.py` runs its Flink commands as they stand.
"""

from __future__ import annotations

import base64
import json
import re
from importlib import resources
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from jobs.settings import CONF_DIR, PROJECT_ROOT, load_settings
from jobs.stack.doctor import expected_jars
from jobs.stack.render import parse_properties

COMPOSE = PROJECT_ROOT / "docker-compose.yml"
DOCKERFILE = CONF_DIR / "docker" / "Dockerfile"
STATE = "/opt/cutbank/state"


def load(text: str) -> dict[str, Any]:
    """The file as compose reads it: anchors and merge keys resolved."""
    loaded: dict[str, Any] = YAML(typ="safe").load(text)
    return loaded


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return load(COMPOSE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"]
    return found


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The compose specification's own schema, as a development package carries it."""
    source = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    found: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return found


def dynamic(service: dict[str, Any]) -> dict[str, str]:
    """The -D options of a Flink command."""
    command = service["command"]
    return dict(command[i + 1].split("=", 1) for i, word in enumerate(command) if word == "-D")


def test_valid_by_the_schema(compose: dict[str, Any], schema: dict[str, Any]) -> None:
    jsonschema.validate(compose, schema)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("condition: service_healthy", "condition: healthy"),
        ("mem_limit: 5g", "memory_limit: 5g"),
        ('restart: "no"', "restart: {never: true}"),
        ("    ports:", "    port:"),
    ],
)
def test_the_schema_would_have_noticed(schema: dict[str, Any], right: str, wrong: str) -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    assert right in text
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(load(text.replace(right, wrong)), schema)


def test_every_image_is_pinned(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.search(r":\d+\.\d+", service["image"]), f"{name}: {service['image']}"
    for line in DOCKERFILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("FROM"):
            assert re.search(r":3\.\d+", line), line


def test_broker_of_the_same_version_as_the_local_one(services: dict[str, Any]) -> None:
    version = expected_jars()["broker"].removeprefix("kafka_2.13-").removesuffix(".jar")
    assert services["broker"]["image"] == f"apache/kafka:{version}"


def test_the_broker_is_configured_as_the_local_one(services: dict[str, Any]) -> None:
    """Setting one variable discards the image's own configuration: each of ours must be there."""
    environment = services["broker"]["environment"]
    given = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith("KAFKA_") and name != "KAFKA_HEAP_OPTS"
    }
    wanted = parse_properties((CONF_DIR / "broker.properties").read_text(encoding="utf-8"))
    own_network = {"listener.security.protocol.map"}
    assert {key: given.get(key) for key in wanted if key not in own_network} == {
        key: value for key, value in wanted.items() if key not in own_network
    }
    assert all(isinstance(value, str) for value in environment.values()), "compose would guess at the type"


def test_the_brokers_addresses_fit_together(services: dict[str, Any]) -> None:
    broker = services["broker"]
    environment = broker["environment"]

    def addresses(name: str) -> dict[str, tuple[str, str]]:
        found = {}
        for listener in environment[name].split(","):
            kind, _, address = listener.partition("://")
            host, _, port = address.rpartition(":")
            found[kind] = (host, port)
        return found

    listening, advertised = addresses("KAFKA_LISTENERS"), addresses("KAFKA_ADVERTISED_LISTENERS")
    kinds = dict(pair.split(":") for pair in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert set(kinds) == set(listening) and set(advertised) == set(listening) - {"CONTROLLER"}
    # inside: under the service's name, at the port it listens on, which is what the profile says
    assert advertised["PLAINTEXT"] == (broker["hostname"], listening["PLAINTEXT"][1]) == ("broker", "19092")
    # outside: at the port that is published
    host_ip, published, inside = broker["ports"][0].split(":")
    assert advertised["PLAINTEXT_HOST"] == ("localhost", published)
    assert (host_ip, inside) == ("127.0.0.1", listening["PLAINTEXT_HOST"][1])
    assert environment["KAFKA_CONTROLLER_QUORUM_VOTERS"] == (
        f"{environment['KAFKA_NODE_ID']}@broker:{listening['CONTROLLER'][1]}"
    )
    assert broker["healthcheck"]["test"][-1] == f"localhost:{inside}"
    assert len(base64.urlsafe_b64decode(environment["CLUSTER_ID"] + "==")) == 16


def test_the_profile_leads_to_the_services(services: dict[str, Any]) -> None:
    settings = load_settings("compose", environ={})

    assert not settings.is_local
    assert settings.bootstrap_servers == "broker:19092"
    assert settings.flink_url == "http://jobmanager:8081"
    assert str(settings.state_dir) == STATE
    assert services["jobmanager"]["ports"] == ["127.0.0.1:8081:8081"]
    assert {services["jobmanager"]["hostname"], services["broker"]["hostname"]} == {"jobmanager", "broker"}


def test_flink_commands(services: dict[str, Any]) -> None:
    for name in ("jobmanager", "taskmanager"):
        command = services[name]["command"]
        assert command[:3] == [f"{name}.sh", "start-foreground", "-D"], "the script expects an option right after"
        assert not any(" " in word for word in command)
        assert len(dynamic(services[name])) == command.count("-D"), f"{name}: an option is given twice"
        assert dynamic(services[name])["jobmanager.rpc.address"] == "jobmanager"
        assert dynamic(services[name])["metrics.reporter.prom.port"] in services[name]["expose"]
    for key in ("execution.checkpointing.dir", "execution.checkpointing.savepoint-dir"):
        assert dynamic(services["jobmanager"])[key].startswith(f"file://{STATE}/")


def test_all_of_flink_shares_one_image_and_one_state_folder(services: dict[str, Any]) -> None:
    ours = {name: service for name, service in services.items() if name != "broker"}
    assert {service["image"] for service in ours.values()} == {"cutbank:0.1.0"}
    assert all(f"state:{STATE}" in service["volumes"] for service in ours.values())
    assert all((PROJECT_ROOT / service["build"]["dockerfile"]).is_file() for service in ours.values())


def test_everything_named_exists(compose: dict[str, Any], services: dict[str, Any]) -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services, f"{name} waits for {needed}"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed], f"{name} waits for the health of {needed}"
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in compose["volumes"]
    commands = [word for service in services.values() for word in service.get("command", ()) if word.endswith(".sql")]
    assert commands and all((PROJECT_ROOT / file).is_file() for file in commands)


def test_nothing_is_open_to_the_network(services: dict[str, Any]) -> None:
    """Whoever reaches Flink's address can run code."""
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_the_image_fits_the_project() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    requires = re.search(r'requires-python = ">=(\d\.\d+),', (PROJECT_ROOT / "pyproject.toml").read_text())
    assert requires and f"FROM python:{requires[1]}-" in text and f"python{requires[1]}/site-packages" in text
    assert "openjdk-17-jre-headless" in text and "--constraint constraints.txt" in text
    copied = re.findall(r"(flink-conf/[\w/.-]+)", text.partition("FROM python")[2])
    assert copied and all((PROJECT_ROOT / path).is_file() for path in copied)
    # the last user is the unprivileged one, and it owns what the volume is laid over
    assert re.findall(r"^USER (\w+)$", text, re.M)[-1] == "flink" and "--uid 9999" in text
    assert re.search(r"chown -R flink .*\bstate\b", text)
    assert "CUTBANK_PROFILE=compose" in text
