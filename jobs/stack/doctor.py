"""What a machine needs to run Cutbank, checked one by one, each with the command that repairs it."""

from __future__ import annotations

import platform
import re
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata

import psutil

from jobs.errors import CutbankError
from jobs.settings import CONF_DIR, PROJECT_ROOT, Settings
from jobs.stack import components
from jobs.stack.java import INSTALL_JAVA, SUPPORTED, java_executable, java_version
from jobs.stack.processes import port_holder, read_record
from jobs.stack.stack import Stack

GB = 1_000_000_000
DISK_NEEDED, DISK_COMFORTABLE = 1 * GB, 5 * GB
WORKER_BYTES = 500_000_000  # a Python worker with numba and some models, measured
ROCKSDB_BYTES = 384 * 2**20  # as in flink-conf/config.yaml


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes
    ----------
    state
        ``ok``, ``note`` (worth knowing, nothing is prevented) or ``missing`` (something will not work).
    repair
        A command or a sentence; empty when there is nothing to do.
    """

    name: str
    state: str
    detail: str
    repair: str = ""


def examine(settings: Settings) -> list[Check]:
    """All checks, in the order in which one would repair them."""
    found: list[Check] = []
    for check in (
        _python,
        _java,
        _packages,
        _jars,
        _maven,
        _kernels,
        _processes,
        _ports,
        _disk,
        _memory,
        _data,
    ):
        try:
            found += check(settings)
        except CutbankError as error:
            found.append(Check(check.__name__.strip("_"), "missing", str(error)))
    return found


def _python(settings: Settings) -> Iterator[Check]:
    version = platform.python_version()
    right = sys.version_info[:2] == (3, 11)
    yield Check(
        "python",
        "ok" if right else "missing",
        f"{version} ({sys.executable})" + ("" if right else "; expected 3.11, which client and workers share"),
        "" if right else "make clean setup PYTHON=python3.11",
    )


def _java(settings: Settings) -> Iterator[Check]:
    try:
        executable = java_executable()
        major, version = java_version(executable)
    except CutbankError as error:
        yield Check("java", "missing", str(error), INSTALL_JAVA)
        return
    if major in SUPPORTED:
        yield Check("java", "ok", f"{version} ({executable})")
    else:
        yield Check("java", "missing", f"{version} ({executable}); expected Java 17", INSTALL_JAVA)


def _maven(settings: Settings) -> Iterator[Check]:
    found = shutil.which("mvn")
    complete = not list(missing_jars(settings))
    if found:
        yield Check("maven", "ok", found)
    elif complete:
        yield Check("maven", "note", "not installed; needed only to resolve the jars, which are here")
    else:
        yield Check(
            "maven",
            "missing",
            "not installed; it resolves the jars",
            "install Maven (Debian: apt-get install maven)",
        )


def _packages(settings: Settings) -> Iterator[Check]:
    """Installed versions against the pins: our own requirements must fit, what they bring along should."""
    pins = read_pins((PROJECT_ROOT / "constraints.txt").read_text(encoding="utf-8"))
    try:
        direct = {
            _normal(re.split(r"[<>=~! ;\[]", r)[0]) for r in metadata.requires("cutbank") or () if "extra" not in r
        }
    except metadata.PackageNotFoundError:
        yield Check("packages", "missing", "cutbank itself is not installed in this interpreter", "make setup")
        return
    absent: list[str] = []
    wrong: list[str] = []
    drifted: list[str] = []
    for name, pinned in sorted(pins.items()):
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            if name in direct:
                absent.append(name)
            continue
        if version != pinned:
            (wrong if name in direct else drifted).append(f"{name} {version} (pinned {pinned})")
    if absent:
        yield Check("packages", "missing", f"not installed: {', '.join(absent)}", "make setup")
    if wrong:
        yield Check("packages", "missing", f"versions differ: {', '.join(wrong)}", REINSTALL)
    if drifted:
        yield Check("packages", "note", f"versions differ: {', '.join(drifted)}", REINSTALL)
    if not (absent or wrong or drifted):
        yield Check("packages", "ok", f"{len(direct)} requirements as pinned in constraints.txt")


REINSTALL = f"{sys.executable} -m pip install -c constraints.txt -e '.[dev]'"


def read_pins(text: str) -> dict[str, str]:
    """Versions by normalised name from the lines ``name==version`` of a constraints file."""
    pins = {}
    for line in text.splitlines():
        name, separator, version = line.partition("#")[0].strip().partition("==")
        if separator:
            pins[_normal(name)] = version.strip()
    return pins


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _jars(settings: Settings) -> Iterator[Check]:
    absent = list(missing_jars(settings))
    if absent:
        yield Check("jars", "missing", f"not in {settings.jars_dir}: {', '.join(absent)}", "make jars")
    else:
        names = ", ".join(sorted(expected_jars().values()))
        yield Check("jars", "ok", names)


def expected_jars() -> dict[str, str]:
    """The jars `flink-conf/jars.xml` asks for by name, as ``folder -> file name``."""
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    pom = ElementTree.parse(CONF_DIR / "jars.xml").getroot()
    properties = {node.tag.partition("}")[2]: node.text or "" for node in pom.findall("m:properties/*", space)}

    def file_name(node: ElementTree.Element) -> str:
        artifact = node.findtext("m:artifactId", "", space)
        version = node.findtext("m:version", "", space)
        version = re.sub(r"\$\{([^}]+)\}", lambda match: properties[match[1]], version)
        return f"{artifact}-{version}.jar"

    broker = pom.findall("m:dependencies/m:dependency", space)
    flink = pom.findall(".//m:artifactItem", space)
    return {"broker": file_name(broker[0]), "flink": file_name(flink[0])}


def missing_jars(settings: Settings) -> Iterator[str]:
    """Of the expected jars, those that are not there."""
    for folder, name in expected_jars().items():
        if not (settings.jars_dir / folder / name).is_file():
            yield f"{folder}/{name}"


def _kernels(settings: Settings) -> Iterator[Check]:
    from models.kernel_cache import MODULES, cache_root, folder_of

    cold = [module for module in MODULES if not any(folder_of(module).glob("*.nbi"))]
    if cold:
        yield Check(
            "kernels",
            "missing",
            f"not compiled for this code and processor: {', '.join(cold)}",
            f"{sys.executable} -m models.kernel_cache",
        )
    else:
        yield Check("kernels", "ok", f"compiled in {cache_root()}")


def _processes(settings: Settings) -> Iterator[Check]:
    status = Stack(settings).status()
    if not settings.is_local:
        for what, answers, where in (
            ("kafka", status.kafka_answers, settings.bootstrap_servers),
            ("flink", status.flink is not None, settings.flink_url),
        ):
            repair = "" if answers else f"check the address in profile {settings.profile!r} and the network"
            yield Check(
                what,
                "ok" if answers else "missing",
                f"{where} {'answers' if answers else 'does not answer'}",
                repair,
            )
        return
    by_state: dict[str, list[str]] = {}
    for part in status.components:
        by_state.setdefault(part.state, []).append(part.name)
    if "dead" in by_state:
        logs = ", ".join(part.log for part in status.components if part.state == "dead")
        yield Check("stack", "missing", f"died: {', '.join(by_state['dead'])}; see {logs}", "cutbank up")
    elif len(by_state.get("running", ())) == len(components.NAMES) and not status.ready:
        yield Check("stack", "missing", "runs, but does not answer", "cutbank down && cutbank up")
    elif "running" in by_state:
        partly = f", stopped: {', '.join(by_state['stopped'])}" if "stopped" in by_state else ""
        yield Check("stack", "ok", f"running: {', '.join(by_state['running'])}{partly}")
    else:
        yield Check("stack", "ok", "not running; `cutbank up` starts it")


def _ports(settings: Settings) -> Iterator[Check]:
    if not settings.is_local:
        return
    run = settings.state_dir / "run"
    free, ours = [], []
    taken = False
    for name in components.NAMES:
        record = read_record(run, name)
        own = record.ports if record is not None and record.alive else {}
        for setting, port in components.ports_of(settings, name).items():
            if own.get(setting) == port:
                ours.append(str(port))
                continue
            holder = port_holder(port)
            if holder is None:
                free.append(str(port))
            else:
                taken = True
                detail = f"{port} ({setting}) is held by {holder}"
                yield Check("ports", "missing", detail, f"end it, or set CUTBANK_{setting.upper()} to a free port")
    if not taken:
        parts = [f"{', '.join(ports)} {what}" for ports, what in ((free, "free"), (ours, "ours")) if ports]
        yield Check("ports", "ok", "; ".join(parts))


def _disk(settings: Settings) -> Iterator[Check]:
    folder = next(p for p in (settings.state_dir, *settings.state_dir.parents) if p.exists())
    free = psutil.disk_usage(str(folder)).free
    detail = f"{free / GB:.1f} GB free for {settings.state_dir}"
    if free < DISK_NEEDED:
        yield Check("disk", "missing", f"{detail}; expected at least 1 GB", "free some, or set CUTBANK_STATE_DIR")
    elif free < DISK_COMFORTABLE:
        yield Check(
            "disk",
            "note",
            f"{detail}; topics and checkpoints may need 5 GB",
            "cutbank down && make clean-state",
        )
    else:
        yield Check("disk", "ok", detail)


def _memory(settings: Settings) -> Iterator[Check]:
    if not settings.is_local:
        return
    sizes = (settings.kafka_heap_mb * 1.4, settings.jobmanager_memory_mb, settings.taskmanager_memory_mb)
    wanted = sum(sizes) * 2**20 + ROCKSDB_BYTES + 2 * WORKER_BYTES
    records = [read_record(settings.state_dir / "run", name) for name in components.NAMES]
    running = any(record is not None and record.alive for record in records)
    available = psutil.virtual_memory().available
    detail = f"{available / GB:.1f} GB available; the stack takes up to {wanted / GB:.1f} GB"
    if running or available >= wanted:
        yield Check("memory", "ok", detail)
    else:
        yield Check("memory", "note", detail, "end other programs, or lower the *_memory_mb settings")


def _data(settings: Settings) -> Iterator[Check]:
    if settings.data.is_dir():
        yield Check("data", "ok", str(settings.data))
    else:
        yield Check(
            "data",
            "note",
            f"no folder {settings.data}; only evaluations on recorded data need it",
            "set CUTBANK_DATA to the folder of recorded data sets",
        )


def is_fit(checks: Iterable[Check]) -> bool:
    """Whether nothing is missing."""
    return all(check.state != "missing" for check in checks)
