"""Finding Java, and the memory arguments Flink derives: against programs that stand for java."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.errors import StackError
from jobs.stack.java import java_executable, java_version, memory_arguments


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_java_home_comes_first(tmp_path: Path) -> None:
    home = program(tmp_path / "home" / "bin" / "java", "exit 0")
    path = program(tmp_path / "path" / "java", "exit 0")
    both = {"JAVA_HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "path")}

    assert java_executable(both) == str(home)
    assert java_executable({"PATH": both["PATH"]}) == str(path)
    assert java_executable({"JAVA_HOME": str(tmp_path / "gone"), "PATH": both["PATH"]}) == str(path)
    with pytest.raises(StackError, match="no java found; install a Java 17"):
        java_executable({"PATH": str(tmp_path)})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('openjdk version "17.0.15" 2025-04-15', (17, "17.0.15")),
        ('java version "1.8.0_402"', (8, "1.8.0_402")),
        ('openjdk version "21" 2023-09-19', (21, "21")),
    ],
)
def test_versions(tmp_path: Path, said: str, expected: tuple[int, str]) -> None:
    java = program(tmp_path / "java", f"echo '{said}' >&2")
    assert java_version(str(java)) == expected


def test_a_java_that_says_nothing_readable(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="says nothing readable: 'what'"):
        java_version(str(program(tmp_path / "java", "echo what")))
    with pytest.raises(StackError, match="does not run"):
        java_version(str(tmp_path / "nowhere"))


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Configuration and lib folder, and a java that writes down each call."""
    conf, lib = tmp_path / "conf", tmp_path / "lib"
    conf.mkdir()
    lib.mkdir()
    (conf / "config.yaml").write_text("a: 1\n")
    (lib / "flink-dist-2.3.0.jar").touch()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    program(
        tmp_path / "home" / "bin" / "java",
        f"""echo "$@" >> {tmp_path}/calls
echo 'INFO something else'
echo 'BASH_JAVA_UTILS_EXEC_RESULT:-Xmx1g -Xms1g'
echo 'BASH_JAVA_UTILS_EXEC_RESULT:-D a.b=1b -D "c=two words"'""",
    )
    return conf, lib


def test_arguments_are_asked_once_for_a_configuration(folders: tuple[Path, Path], tmp_path: Path) -> None:
    expected = (["-Xmx1g", "-Xms1g"], ["-D", "a.b=1b", "-D", "c=two words"])

    assert memory_arguments("taskmanager", *folders) == expected
    assert memory_arguments("taskmanager", *folders) == expected
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 1 and f"GET_TM_RESOURCE_PARAMS --configDir {folders[0]}" in calls[0]

    memory_arguments("jobmanager", *folders)
    (folders[0] / "config.yaml").write_text("a: 2\n")
    memory_arguments("taskmanager", *folders)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert ["GET_TM" in call for call in calls] == [True, False, True]


def test_a_broken_memory_of_it_is_worked_out_again(folders: tuple[Path, Path]) -> None:
    first = memory_arguments("taskmanager", *folders)
    (folders[0] / "taskmanager-arguments.json").write_text('{"digest": 1')
    assert memory_arguments("taskmanager", *folders) == first


def test_a_configuration_flink_refuses(folders: tuple[Path, Path], tmp_path: Path) -> None:
    program(tmp_path / "home" / "bin" / "java", "echo 'Sum of configured memory exceeds 5m' >&2; exit 1")
    with pytest.raises(
        StackError, match=r"taskmanager: Sum of configured memory exceeds 5m; see taskmanager_memory_mb"
    ):
        memory_arguments("taskmanager", *folders)


def test_no_flink(folders: tuple[Path, Path]) -> None:
    (folders[1] / "flink-dist-2.3.0.jar").unlink()
    with pytest.raises(StackError, match=r"no flink-dist jar .*`make setup`"):
        memory_arguments("taskmanager", *folders)
