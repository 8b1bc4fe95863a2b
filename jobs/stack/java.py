"""The Java machine: where it is, which version, and the memory arguments Flink works out for its
processes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from jobs.errors import StackError
from jobs.stack.render import flink_home

SUPPORTED = (
    17,
    21,
)  # Java releases Flink 2.3 and Kafka 4.2 both name as supported; 17 is the one tested here
INSTALL_JAVA = "install a Java 17 runtime (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME"
_RESULT = "BASH_JAVA_UTILS_EXEC_RESULT:"


def java_executable(environ: Mapping[str, str] = os.environ) -> str:
    """The ``java`` Flink's scripts would use: JAVA_HOME's, else the one on the path."""
    home = environ.get("JAVA_HOME", "")
    candidate = Path(home, "bin", "java") if home else None
    if candidate is not None and candidate.is_file():
        return str(candidate)
    found = shutil.which("java", path=environ.get("PATH"))
    if found is None:
        raise StackError(f"no java found; {INSTALL_JAVA}")
    return found


def java_version(executable: str) -> tuple[int, str]:
    """Major version and the whole version text, as ``(17, "17.0.15")``."""
    try:
        done = subprocess.run([executable, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackError(f"{executable} -version does not run: {error}") from error
    match = re.search(r'version "((?:1\.)?(\d+)[^"]*)"', done.stderr + done.stdout)
    if match is None:
        raise StackError(f"{executable} -version says nothing readable: {(done.stderr + done.stdout).strip()!r}")
    return int(match[2]), match[1]


def memory_arguments(role: str, conf_dir: Path, lib_dir: Path) -> tuple[list[str], list[str]]:
    """JVM arguments and ``-D`` arguments Flink derives from its memory configuration.

    Asked of Flink's own helper class, as its start scripts do, and kept beside the configuration, so that a
    second start with the same configuration saves a second.

    Parameters
    ----------
    role
        ``jobmanager`` or ``taskmanager``.
    """
    command = {"jobmanager": "GET_JM_RESOURCE_PARAMS", "taskmanager": "GET_TM_RESOURCE_PARAMS"}[role]
    dist = next(iter(sorted(lib_dir.glob("flink-dist*.jar"))), None)
    if dist is None:
        raise StackError(f"no flink-dist jar in {lib_dir}; run `make setup`")
    java = java_executable()
    config = (conf_dir / "config.yaml").read_bytes()
    digest = hashlib.sha256(b"\0".join([config, str(dist.resolve()).encode(), java.encode()])).hexdigest()
    kept = conf_dir / f"{role}-arguments.json"
    if kept.is_file():
        try:
            stored = json.loads(kept.read_text(encoding="utf-8"))
            if stored["digest"] == digest:
                return stored["jvm"], stored["dynamic"]
        except (ValueError, KeyError, TypeError):
            pass  # written by an older version: work it out again
    classpath = f"{flink_home() / 'bin' / 'bash-java-utils.jar'}{os.pathsep}{dist}"
    helper = "org.apache.flink.runtime.util.bash.BashJavaUtils"
    done = subprocess.run(
        [java, "-XX:TieredStopAtLevel=1", "-cp", classpath, helper, command, "--configDir", str(conf_dir)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = [line.removeprefix(_RESULT) for line in done.stdout.splitlines() if line.startswith(_RESULT)]
    if done.returncode != 0 or len(lines) != 2:
        reason = (done.stderr or done.stdout).strip().splitlines()
        raise StackError(
            f"Flink refuses the memory configuration of the {role}: {reason[-1] if reason else 'no answer'}; "
            f"see {role}_memory_mb in the settings and {conf_dir / 'config.yaml'}"
        )
    jvm, dynamic = shlex.split(lines[0]), shlex.split(lines[1])
    kept.write_text(json.dumps({"digest": digest, "jvm": jvm, "dynamic": dynamic}) + "\n", encoding="utf-8")
    return jvm, dynamic
