"""Settings: one frozen, typed object, made once from profile file, environment and flags, in that order.

Below the command line nobody reads the environment: what needs a port, a folder or an address takes a
`Settings`. What Flink itself reads stays in ``flink-conf/config.yaml``; what our code reads is in
``flink-conf/profiles/``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from jobs.errors import SettingsError

PROJECT_ROOT = Path(__file__).resolve().parents[1]
CONF_DIR = PROJECT_ROOT / "flink-conf"
PROFILES_DIR = CONF_DIR / "profiles"
ENV_PREFIX = "CUTBANK_"

# CUTBANK_* variables that are not fields of Settings, because they are read before there are settings, or by
# processes that have none (workers).
OTHER_VARIABLES = frozenset({"CUTBANK_PROFILE", "CUTBANK_DEBUG", "CUTBANK_KERNEL_CACHE", "CUTBANK_PROCESS"})

Port = Annotated[int, Field(ge=1024, le=65535)]
WebSocketUrl = Annotated[str, Field(pattern=r"^wss?://[^\s/]+(/\S*)?$")]
Megabytes = Annotated[int, Field(ge=256, le=1_048_576)]

_PATHS = ("state_dir", "jars_dir", "data")
VENUE_URLS = (
    *("binance_spot_url", "binance_usdm_url", "binance_coinm_url"),
    *("bybit_spot_url", "bybit_linear_url", "bybit_inverse_url"),
    *("coinbase_url", "kraken_url", "okx_url"),
)
_SASL_NEEDS = ("kafka_sasl_mechanism", "kafka_username", "kafka_password")


class Settings(BaseModel):
    """Where Cutbank runs: ports, folders, addresses and sizes.

    Relative folders in a profile count from the project's root, those from the environment or a flag from the
    current folder. Two stacks live side by side on one machine when their ports and their ``state_dir``
    differ.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    profile: str = Field("local", description="Name of the profile these settings came from.")
    state_dir: Path = Field(
        Path(".cutbank"),
        description="Everything the local stack writes: topics, checkpoints, logs, process records.",
    )
    jars_dir: Path = Field(Path("build/jars"), description="Jars resolved by Maven: broker/ and flink/ below it.")
    data: Path = Field(Path("../shared/data"), description="Folder of recorded data sets.")

    kafka_port: Port = Field(19092, description="Port of the local broker.")
    controller_port: Port = Field(19093, description="Port of the local broker's controller.")
    flink_port: Port = Field(8081, description="Port of the dashboard and REST interface.")
    jobmanager_port: Port = Field(6123, description="Port of the JobManager's remote procedure calls.")

    bootstrap_servers: str = Field(
        default_factory=lambda data: f"localhost:{data.get('kafka_port', 0)}",
        pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$",
        description="Kafka brokers, HOST:PORT[,HOST:PORT]; by default the local one.",
    )
    flink_url: str = Field(
        default_factory=lambda data: f"http://localhost:{data.get('flink_port', 0)}",
        pattern=r"^https?://[^\s/]+(/\S*)?$",
        description="Dashboard and REST address of the cluster; by default the local one.",
    )

    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to the brokers."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="Only with SASL_*."
    )
    kafka_username: str | None = Field(None, description="Only with SASL_*.")
    kafka_password: SecretStr | None = Field(None, description="Only with SASL_*; never printed.")

    parallelism: int = Field(1, ge=1, le=1024, description="Default parallelism of a job.")
    task_slots: int = Field(8, ge=1, le=1024, description="Slots of the local TaskManager; one job needs one a lane.")
    checkpoint_interval_ms: int = Field(
        1000,
        ge=100,
        le=3_600_000,
        description="Output becomes visible at checkpoints: this is added latency.",
    )
    kafka_heap_mb: Megabytes = Field(512, description="Heap of the local broker.")
    jobmanager_memory_mb: Megabytes = Field(1024, description="Whole memory of the JobManager process.")
    taskmanager_memory_mb: Megabytes = Field(
        2432, description="Memory of the TaskManager's JVM; RocksDB and the Python workers take theirs beside it."
    )

    binance_spot_url: WebSocketUrl = Field("wss://stream.binance.com:9443", description="Binance, spot.")
    binance_usdm_url: WebSocketUrl = Field("wss://fstream.binance.com", description="Binance, USD-M futures.")
    binance_coinm_url: WebSocketUrl = Field("wss://dstream.binance.com", description="Binance, COIN-M futures.")
    bybit_spot_url: WebSocketUrl = Field("wss://stream.bybit.com/v5/public/spot", description="Bybit, spot.")
    bybit_linear_url: WebSocketUrl = Field("wss://stream.bybit.com/v5/public/linear", description="Bybit, linear.")
    bybit_inverse_url: WebSocketUrl = Field("wss://stream.bybit.com/v5/public/inverse", description="Bybit, inverse.")
    coinbase_url: WebSocketUrl = Field("wss://advanced-trade-ws.coinbase.com", description="Coinbase Advanced Trade.")
    kraken_url: WebSocketUrl = Field("wss://ws.kraken.com/v2", description="Kraken, API v2.")
    okx_url: WebSocketUrl = Field("wss://ws.okx.com:8443/ws/v5/public", description="OKX, API v5.")

    @field_validator(*_PATHS)
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        value = value.expanduser()
        return Path(os.path.normpath(value if value.is_absolute() else PROJECT_ROOT / value))

    @field_validator("flink_url", *VENUE_URLS)
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        names = ("kafka_port", "controller_port", "flink_port", "jobmanager_port")
        seen: dict[int, str] = {}
        for name in names:
            other = seen.setdefault(getattr(self, name), name)
            if other != name:
                raise ValueError(f"{name} and {other} are both {getattr(self, name)}; give each its own port")
        if self.kafka_security_protocol.startswith("SASL"):
            missing = [name for name in _SASL_NEEDS if getattr(self, name) is None]
            if missing:
                raise ValueError(f"{self.kafka_security_protocol} also needs {', '.join(missing)}")
        return self

    @property
    def is_local(self) -> bool:
        """Whether broker and cluster are the ones `cutbank up` starts, rather than given addresses."""
        return not {"bootstrap_servers", "flink_url"} & self.model_fields_set

    def kafka_client(self) -> dict[str, Any]:
        """Arguments every kafka-python client of ours starts from (contains the password, if there is
        one)."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "security_protocol": self.kafka_security_protocol,
        }
        if self.kafka_security_protocol.startswith("SASL") and self.kafka_password is not None:
            options |= {
                "sasl_mechanism": self.kafka_sasl_mechanism,
                "sasl_plain_username": self.kafka_username,
                "sasl_plain_password": self.kafka_password.get_secret_value(),
            }
        return options


def load_settings(
    profile: str | None = None,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Make the settings from profile file, environment and flags; a later one wins.

    Parameters
    ----------
    profile
        Name of a file in ``flink-conf/profiles`` or path of a ``.toml`` file; without it ``CUTBANK_PROFILE``,
        else ``local``.
    overrides
        Values from flags, by field name; ``None`` means not given.
    environ
        The environment; ``CUTBANK_<FIELD>`` sets a field.

    Raises
    ------
    SettingsError
        Naming everything that is unknown, missing or wrong, each with the place it came from.
    """
    name = profile or environ.get("CUTBANK_PROFILE") or "local"
    path = _profile_path(name)
    problems: list[str] = []
    values: dict[str, object] = {}
    origin: dict[str, str] = {}

    def put(field: str, value: object, source: str) -> None:
        if field not in Settings.model_fields or field == "profile":
            problems.append(f"{source}: there is no setting {field!r}{_nearest(field)}")
        else:
            values[field] = value
            origin[field] = source

    for field, value in _read_profile(path).items():
        put(field, value, str(path))
    for variable, text in environ.items():
        if variable.startswith(ENV_PREFIX) and variable not in OTHER_VARIABLES:
            field = variable.removeprefix(ENV_PREFIX).lower()
            put(field, _from_here(field, text), variable)
    for field, value in (overrides or {}).items():
        if value is not None:
            put(field, _from_here(field, value), "flag")

    try:
        settings = Settings(profile=path.stem, **values)  # type: ignore[arg-type]
    except ValidationError as error:
        problems += [
            _describe(detail, origin)
            for detail in error.errors(include_url=False)
            if detail["type"] != "default_factory_not_called"  # only a consequence of another one
        ]
    if problems:
        raise SettingsError("; ".join(problems))
    return settings


def describe_fields() -> list[tuple[str, str, str]]:
    """Name, default and meaning of every setting, for the reference page."""
    rows = []
    for name, field in Settings.model_fields.items():
        derived = field.default_factory is not None
        rows.append((name, "derived" if derived else str(field.default), field.description or ""))
    return rows


def _profile_path(name: str) -> Path:
    path = Path(name) if name.endswith(".toml") else PROFILES_DIR / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in PROFILES_DIR.glob("*.toml"))) or "none"
        raise SettingsError(f"profile {name!r}: no file {path}; known profiles: {known}")
    return path


def _read_profile(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not a TOML file: {error}") from error


def _from_here(field: str, value: object) -> object:
    """A folder typed by hand counts from the current one, as in every other program."""
    if field in _PATHS and isinstance(value, str | Path) and str(value):
        return Path(value).expanduser().absolute()
    return value


def _nearest(field: str) -> str:
    close = get_close_matches(field, set(Settings.model_fields) - {"profile"}, n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _describe(detail: Any, origin: Mapping[str, str]) -> str:
    message = str(detail["msg"]).removeprefix("Value error, ")
    if not detail["loc"]:
        return message
    name = str(detail["loc"][0])
    secret = "password" in name
    got = "" if secret else f", got {detail['input']!r}"
    return f"{origin.get(name, name)}: {name}: {message[0].lower()}{message[1:]}{got}"
