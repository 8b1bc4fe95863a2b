"""Settings: where values come from, what is refused, and that secrets stay secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from jobs.errors import SettingsError
from jobs.settings import OTHER_VARIABLES, PROFILES_DIR, PROJECT_ROOT, Settings, describe_fields, load_settings


def profile(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_local_profile_is_the_default() -> None:
    settings = load_settings(environ={})

    assert settings.profile == "local"
    assert (settings.kafka_port, settings.flink_port) == (19092, 8081)
    assert settings.bootstrap_servers == "localhost:19092" and settings.flink_url == "http://localhost:8081"
    assert settings.state_dir == PROJECT_ROOT / ".cutbank"
    assert settings.is_local


def test_later_places_win(tmp_path: Path) -> None:
    name = profile(tmp_path, "kafka_port = 2001\ncontroller_port = 2002\nflink_port = 2003\n")
    environ = {"CUTBANK_CONTROLLER_PORT": "3002", "CUTBANK_FLINK_PORT": "3003", "PATH": "/bin"}

    settings = load_settings(name, {"flink_port": 4003, "kafka_port": None}, environ)

    assert (settings.kafka_port, settings.controller_port, settings.flink_port) == (2001, 3002, 4003)
    assert settings.profile == "mine"
    # derived from the value that won
    assert settings.bootstrap_servers == "localhost:2001" and settings.flink_url == "http://localhost:4003"


def test_profile_from_the_environment(tmp_path: Path) -> None:
    name = profile(tmp_path, "parallelism = 7\n")

    assert load_settings(environ={"CUTBANK_PROFILE": name}).parallelism == 7
    assert load_settings("local", environ={"CUTBANK_PROFILE": name}).parallelism == 1


def test_everything_wrong_is_named_at_once_with_its_place(tmp_path: Path) -> None:
    name = profile(tmp_path, 'kafka_prot = 1\ntask_slots = 0\nbootstrap_servers = "nowhere"\n')
    environ = {"CUTBANK_FLINK_PORT": "many", "CUTBANK_COLOUR": "red"}

    with pytest.raises(SettingsError) as caught:
        load_settings(name, {"parallelism": -1, "speed": 3}, environ)

    message = str(caught.value)
    assert caught.value.exit_code == 2
    for part in (
        f"{name}: there is no setting 'kafka_prot' (did you mean 'kafka_port'?)",
        f"{name}: task_slots:",
        f"{name}: bootstrap_servers:",
        "got 'nowhere'",
        "CUTBANK_FLINK_PORT: flink_port:",
        "got 'many'",
        "CUTBANK_COLOUR: there is no setting 'colour'",
        "flag: parallelism:",
        "flag: there is no setting 'speed'",
    ):
        assert part in message
    assert "default factory" not in message, "a consequence of another mistake was reported as one"


@pytest.mark.parametrize("variable", sorted(OTHER_VARIABLES - {"CUTBANK_PROFILE"}))
def test_variables_read_elsewhere_are_allowed(variable: str) -> None:
    assert load_settings(environ={variable: "x"}) == load_settings(environ={})


def test_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"profile 'staging': no file .*known profiles: .*local"):
        load_settings("staging", environ={})


@pytest.mark.parametrize("text", ["kafka_port = ", "[[[", "\udcff"])
def test_a_broken_profile_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(SettingsError, match=r"broken\.toml: not a TOML file"):
        load_settings(str(path), environ={})


def test_two_things_on_one_port_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"flink_port and kafka_port are both 5000"):
        load_settings(environ={}, overrides={"kafka_port": 5000, "flink_port": 5000})


def test_folders_typed_by_hand_count_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = profile(tmp_path, 'state_dir = "in-profile"\n')

    settings = load_settings(name, {"jars_dir": "from-flag"}, {"CUTBANK_DATA": "../from-env"})

    assert settings.state_dir == PROJECT_ROOT / "in-profile"
    assert settings.jars_dir == tmp_path / "from-flag"
    assert settings.data == tmp_path.parent / "from-env"


def test_a_given_address_is_not_the_local_stack() -> None:
    settings = load_settings(environ={"CUTBANK_BOOTSTRAP_SERVERS": "a:1,b:2", "CUTBANK_FLINK_URL": "https://f/x/"})

    assert not settings.is_local
    assert settings.kafka_client()["bootstrap_servers"] == ["a:1", "b:2"]
    assert settings.flink_url == "https://f/x"


def test_secrets_never_print() -> None:
    secret = "kl33n-geheim"
    access = {"CUTBANK_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "CUTBANK_KAFKA_SASL_MECHANISM": "PLAIN"}
    account = {"CUTBANK_KAFKA_USERNAME": "u", "CUTBANK_KAFKA_PASSWORD": secret}

    settings = load_settings(environ=access | account)

    assert settings.kafka_client()["sasl_plain_password"] == secret
    for shown in (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())):
        assert secret not in shown
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={}, overrides={"kafka_password": [secret], "kafka_port": 5000, "flink_port": 5000})
    assert "kafka_password" in str(caught.value) and secret not in str(caught.value)


def test_sasl_names_everything_it_lacks() -> None:
    with pytest.raises(SettingsError, match="SASL_SSL also needs kafka_sasl_mechanism, kafka_username, kafka_password"):
        load_settings(environ={"CUTBANK_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"})


def test_settings_cannot_be_changed() -> None:
    settings = load_settings(environ={})
    with pytest.raises(ValidationError):
        settings.kafka_port = 1  # type: ignore[misc]


@pytest.mark.parametrize("path", sorted(PROFILES_DIR.glob("*.toml")), ids=lambda path: path.stem)
def test_every_profile_loads(path: Path) -> None:
    assert load_settings(path.stem, environ={}).profile == path.stem


def test_every_setting_is_described() -> None:
    assert [name for name, _, meaning in describe_fields() if not meaning] == []
    assert {name for name, _, _ in describe_fields()} == set(Settings.model_fields)
