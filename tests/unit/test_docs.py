"""What is written is true: commands, links, files, settings, options, metrics and SQL of README and docs exist."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from jobs.cli import COMMANDS, app, load_command
from jobs.errors import SqlError
from jobs.expand.graph import FLINK_DEFAULTS, OWN_SETTINGS
from jobs.expand.table_options import OWN_OPTIONS
from jobs.run_file import main as run_file
from jobs.settings import OTHER_VARIABLES, PROJECT_ROOT, Settings, describe_fields
from jobs.sql.calls import read_calls
from jobs.sql.located import File
from jobs.sql.source import fill, find_placeholders
from jobs.sql.statements import split
from udfs.record_tap import REASONS

README = PROJECT_ROOT / "README.md"
DOCS = sorted(
    path for path in [README, PROJECT_ROOT / "CHANGELOG.md", *(PROJECT_ROOT / "docs").rglob("*.md")] if path.is_file()
)
#: Folders whose files are made by running things; a page may name them although a fresh clone has none.
MADE = (".venv", "build", ".cutbank")
FOLDERS = {path.name for path in PROJECT_ROOT.iterdir() if path.is_dir()} - {*MADE, ".git"}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    language: str
    text: str
    line: int

    @property
    def id(self) -> str:
        return f"{self.page.relative_to(PROJECT_ROOT)}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """The fenced blocks of all pages in these languages."""
    return [block for page in DOCS for block in _blocks(page) if block.language in languages]


@cache
def _blocks(page: Path) -> tuple[Block, ...]:
    found, language, begun, lines = [], None, 0, []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = re.match(r"```(\w*)$", line)
        if fence is None:
            lines.append(line)
        elif language is None:
            language, begun, lines = fence[1], number, []
        else:
            found.append(Block(page, language, "\n".join(lines), begun))
            language = None
    assert language is None, f"{page}:{begun}: a fenced block is not closed"
    return tuple(found)


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def spans(page: Path) -> list[str]:
    """What stands between backquotes in a page's prose."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]


def table(page: Path, heading: str) -> dict[str, list[str]]:
    """Rows of all tables of a page whose first column has this heading, by the code of their first cell."""
    rows: dict[str, list[str]] = {}
    inside = False
    for line in prose(page).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif inside and not set(line) <= set("|-: "):
            rows[cells[0].strip("`")] = [cell.strip("`") for cell in cells[1:]]
        elif cells[0] == heading:
            inside = True
    assert rows, f"{page.name} has no table of {heading}"
    return rows


# ---------------------------------------------------------------- commands


def command_lines() -> Iterator[tuple[str, str]]:
    """Every command line of a block, with where it stands: continued lines joined, comments off."""
    indented = [
        Block(page, "bash", match[0], 0)
        for page in DOCS
        for match in re.finditer(r"(?:^    (?:\w+=\S+ )*(?:cutbank|make) .*\n)+", prose(page), re.MULTILINE)
    ]
    for block in [*blocks("bash", "sh", "console"), *indented]:
        for line in re.sub(r"\\\n", " ", block.text).splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield block.id, shlex.join(words)


def cutbank_lines() -> list[tuple[str, str]]:
    return [(place, line) for place, line in command_lines() if re.match(r"([A-Z_]+=\S+ )*cutbank ", line)]


def parse(arguments: list[str]) -> None:
    """Parse a line for `cutbank` as the command does; runs nothing. Raises what the command would say."""
    root: Any = typer.main.get_command(app)
    context = root.make_context("cutbank", list(arguments))
    rest = [*context._protected_args, *context.args]
    name, *rest = rest
    command = load_command(name)
    while True:
        inner = command.make_context(name, rest, parent=context)
        left = [*getattr(inner, "_protected_args", ()), *inner.args]
        if not left or not hasattr(command, "commands"):
            assert not left, f"nobody reads {left}"
            return
        context, (name, *rest) = inner, left
        command = command.commands[name]


@pytest.mark.parametrize(("place", "line"), cutbank_lines())
def test_a_command_line_is_one(place: str, line: str) -> None:
    words = [word for word in shlex.split(line) if word != "&"]
    while "=" in words[0]:
        variable = words.pop(0).partition("=")[0]
        assert variable.removeprefix("CUTBANK_").lower() in Settings.model_fields or variable in OTHER_VARIABLES
    parse(words[1:])


def test_the_parser_of_this_file_refuses_what_is_wrong() -> None:
    for line in ("run", "run f.sql --no-such-flag", "feed no-such-feed", "tail a b", "no-such-command", "status x"):
        with pytest.raises(Exception):  # noqa: B017 - typer has its own click, with errors of several classes
            parse(line.split())
    parse(["-S", "parallelism=2", "run", "f.sql", "--set", "a=b", "--fresh"])
    parse(["feed", "loudness", "--source", "room"])


def flags_of(command: Any) -> set[str]:
    """Every option of a command and of the commands inside it."""
    own = {name for parameter in command.params for name in getattr(parameter, "opts", [])}
    own |= {name for parameter in command.params for name in getattr(parameter, "secondary_opts", [])}
    return own.union(*(flags_of(inner) for inner in getattr(command, "commands", {}).values()))


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_commands_in_prose_exist_with_their_flags(page: Path) -> None:
    names = {entry.name for entry in COMMANDS}
    root = flags_of(typer.main.get_command(app))
    for span in spans(page):
        if not span.startswith("cutbank ") or span.startswith(("cutbank -", "cutbank/")):
            continue
        name, *rest = span.split()[1:]
        assert name in names, f"{page.name}: `{span}`"
        flags = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert flags <= flags_of(load_command(name)) | root, f"{page.name}: `{span}`"


def test_flags_in_prose_belong_to_something() -> None:
    """A flag alone between backquotes is one of ours, or of the program that is called by Flink, or Flink's own."""
    ours = flags_of(typer.main.get_command(app)).union(*(flags_of(load_command(entry.name)) for entry in COMMANDS))
    source = (PROJECT_ROOT / "jobs" / "run_file.py").read_text()
    ours |= set(re.findall(r'"(--[a-z-]+)"', source)) | {"--help"}
    for page in DOCS:
        for span in spans(page):
            if re.match(r"--[a-z]", span):
                assert span.split()[0].partition("=")[0] in ours, f"{page.name}: `{span}`"


def make_targets() -> dict[str, str]:
    """The targets of the Makefile that `make help` lists, with what it says of them."""
    text = (PROJECT_ROOT / "Makefile").read_text()
    return dict(re.findall(r"^([a-z-]+):.*?## +(.*)$", text, re.MULTILINE))


def test_make_commands_exist() -> None:
    makefile, targets = (PROJECT_ROOT / "Makefile").read_text(), make_targets()
    lines = [(place, line) for place, line in command_lines() if line.startswith("make ")]
    lines += [(page.name, span) for page in DOCS for span in spans(page) if re.match(r"make [a-z]", span)]
    lines += [
        (page.name, line) for page in DOCS for line in re.findall(r"\bmake [a-z-]+(?: [A-Z]+=\w+)+", page.read_text())
    ]
    assert len(lines) > 10
    for place, line in lines:
        for word in line.split()[1:]:
            name, equals, _ = word.partition("=")
            assert (name in targets) if not equals else (f"$({name})" in makefile), f"{place}: {line}"


def test_the_readme_lists_every_command_and_target() -> None:
    commands = {name.removeprefix("cutbank "): what for name, (what,) in table(README, "Command").items()}
    assert commands == {entry.name: entry.help for entry in COMMANDS}
    targets = {name.removeprefix("make "): what.rstrip(".") for name, (what,) in table(README, "Target").items()}
    assert targets == {name: what for name, what in make_targets().items() if name != "help"}


def test_flink_and_python_commands_name_files_there_are() -> None:
    """The lines for Flink and Python: their program, their options, and the flags of our program behind it."""
    seen = 0
    for place, line in command_lines():
        words = [word for word in shlex.split(line) if "=" not in word or word.startswith("-")]
        if words[:2] == ["flink", "run"]:
            program, file = words[words.index("-py") + 1], next(word for word in words if word.endswith(".sql"))
            assert (PROJECT_ROOT / program).is_file(), place
            assert set(re.findall(r"(?<!\S)--?[A-Za-z]+", line)) <= {"-d", "-py", "-pyfs", "-D", "--set"}, place
            assert file == "busy.sql", place
            seen += 1
        elif words[:3] == ["python", "-m", "zipfile"]:
            assert words[5:] == ["jobs", "udfs", "models"], place
            assert all((PROJECT_ROOT / folder).is_dir() for folder in words[5:]), place
            seen += 1
        elif words[:2] == ["python", "-m"]:
            assert (PROJECT_ROOT / (words[2].replace(".", "/") + ".py")).is_file(), place
            seen += 1
    assert seen >= 5


def test_submitting_without_us_is_told_the_same_way_everywhere() -> None:
    """`tests/cluster/test_plain_flink_run.py` runs the README's lines; the other page must not differ from them."""
    told = [block.text for block in blocks("bash") if "flink run" in block.text]
    assert len(told) == 2
    assert told[0] == told[1]


# ---------------------------------------------------------------- links and files


def anchors(page: Path) -> set[str]:
    """The names that headings can be linked by."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", prose(page)):
        assert "://" not in target and not target.startswith("/"), f"{page.name}: {target}"
        file, _, anchor = target.partition("#")
        linked = (page.parent / file).resolve() if file else page
        assert linked.is_file(), f"{page.name}: {target}"
        assert linked.is_relative_to(PROJECT_ROOT), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(linked), f"{page.name}: {target}"


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_files_named_in_prose_exist(page: Path) -> None:
    for span in spans(page):
        path = span.split()[0]
        if re.fullmatch(r"[\w.-]+(/[\w.-]*)+", path) and path.split("/")[0] in FOLDERS:
            assert (PROJECT_ROOT / path).exists(), f"{page.name}: {span}"


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = {README}, [README]
    while waiting:
        page = waiting.pop()
        for target in re.findall(r"\]\(([^)#]+)", prose(page)):
            linked = (page.parent / target).resolve()
            if linked.suffix == ".md" and linked not in reached:
                reached.add(linked)
                waiting.append(linked)
    assert set(DOCS) <= reached


def test_decisions_are_numbered_and_listed() -> None:
    folder = PROJECT_ROOT / "docs" / "decisions"
    notes = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [name[:4] for name in notes] == [f"{i:04d}" for i in range(1, len(notes) + 1)]
    listed = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\)", (folder / "README.md").read_text(), re.MULTILINE)
    assert listed == [(name[:4], name) for name in notes]
    for name in notes:
        assert (folder / name).read_text().startswith(f"# {name[:4]} ")


# ---------------------------------------------------------------- SQL


def is_complete(text: str) -> bool:
    return "CREATE TABLE" in text and "INSERT INTO" in text


@pytest.mark.parametrize("block", blocks("sql"), ids=lambda block: block.id)
def test_sql_reads_cleanly(block: Block) -> None:
    text = block.text if "INSERT INTO" in block.text else f"{block.text}\nINSERT INTO nothing SELECT 1;"
    file = File(block.id, text)
    asked = {placeholder.name for placeholder in find_placeholders(file)[0]}
    script = split(fill(file, {"bootstrap_servers": "broker:9092"} if "bootstrap_servers" in asked else {}))
    calls = read_calls(script)
    assert bool(calls) == ("RANDOM_CUT_FOREST" in block.text)


def readme_pipeline() -> Block:
    (block,) = [block for block in _blocks(README) if block.language == "sql" and is_complete(block.text)]
    return block


def test_the_readme_pipeline_is_whole_and_short() -> None:
    text = readme_pipeline().text
    assert len(text.splitlines()) <= 20
    script = split(fill(File("busy.sql", text), {"bootstrap_servers": "broker:9092"}))
    ((call,),) = read_calls(script).values()
    assert (call.name, call.function.name) == ("busy", "RANDOM_CUT_FOREST")
    assert {statement.name for statement in script.statements} == {"host_metrics", "busy"}


def test_the_mistake_the_readme_shows_is_told_so(tmp_path: Path) -> None:
    (shown,) = [line for line in README.read_text().splitlines() if line.startswith("busy.sql:")]
    text = readme_pipeline().text
    assert text.count("sample_size => 128") == 1
    file = tmp_path / "busy.sql"
    file.write_text(text.replace("sample_size => 128", "sample_size => 4"))
    with pytest.raises(SqlError) as caught:
        read_calls(split(fill(File("busy.sql", file.read_text()), {"bootstrap_servers": "b:1"})))
    assert str(caught.value) == shown


def test_run_file_tells_mistakes_without_flink(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and one line, as the page on one's own cluster says."""
    file = tmp_path / "busy.sql"
    file.write_text(readme_pipeline().text)
    assert run_file([str(file)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


# ---------------------------------------------------------------- settings, options, metrics, reasons


def test_every_setting_is_documented() -> None:
    rows = table(PROJECT_ROOT / "docs" / "guide" / "settings.md", "Setting")
    assert {name: tuple(cells) for name, cells in rows.items()} == {
        name: (default, meaning) for name, default, meaning in describe_fields()
    }


def test_variables_are_documented() -> None:
    documented = set(table(PROJECT_ROOT / "docs" / "guide" / "settings.md", "Variable"))
    internal = {"CUTBANK_PROCESS"}  # marks the stack's own processes
    assert documented == OTHER_VARIABLES - internal
    for page in DOCS:
        for variable in re.findall(r"\bCUTBANK_[A-Z_]*[A-Z]\b", page.read_text()):
            assert variable in documented or variable.removeprefix("CUTBANK_").lower() in Settings.model_fields, page


@pytest.mark.parametrize("page", ["docs/guide/settings.md", "docs/decisions/0003-state-as-log-and-snapshots.md"])
def test_what_a_file_may_set_is_documented(page: str) -> None:
    rows = table(PROJECT_ROOT / page, "SET")
    assert {name: tuple(cells) for name, cells in rows.items()} == OWN_SETTINGS


def test_the_settings_of_flink_we_start_from_are_documented() -> None:
    rows = table(PROJECT_ROOT / "docs" / "guide" / "settings.md", "Flink's option")
    assert {name: cells[0] for name, cells in rows.items()} == FLINK_DEFAULTS


def test_every_table_option_is_documented() -> None:
    rows = table(PROJECT_ROOT / "docs" / "guide" / "records.md", "Option")
    assert set(rows) == set(OWN_OPTIONS)
    for name, (default, _) in rows.items():
        said = OWN_OPTIONS[name]
        assert f"default {default}" in said or f"{default} (default)" in said, name


def test_names_of_ours_in_prose_exist() -> None:
    known = {*OWN_SETTINGS, *OWN_OPTIONS, "cutbank.snapshot.*", "cutbank.*"}
    for page in DOCS:
        for name in re.findall(r"\bcutbank\.[a-z][a-z.*-]*[a-z*]", page.read_text()):
            assert name in known or name in ("cutbank.zip",), f"{page.name}: {name}"


def test_every_reason_is_documented() -> None:
    assert set(table(PROJECT_ROOT / "docs" / "guide" / "records.md", "Reason")) == set(REASONS)


def metrics_in(module: str) -> set[str]:
    """Names that a module gives to counters and gauges; `{...}` for what is filled in."""
    names = set()
    for node in ast.walk(ast.parse((PROJECT_ROOT / module).read_text())):
        is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and bool(node.args)
        if is_method and node.func.attr in ("counter", "gauge", "distribution", "meter"):
            names.add(ast.unparse(node.args[0]).lstrip("f").strip("'\""))
    assert names, module
    return names


def test_every_metric_is_documented() -> None:
    made = set().union(*(metrics_in(f"udfs/{path.name}") for path in _modules_with_metrics()))
    made = {"rejected_<reason>" if name.startswith("rejected_") else name for name in made}
    assert set(table(PROJECT_ROOT / "docs" / "guide" / "operating.md", "Metric")) == made


def _modules_with_metrics() -> list[Path]:
    found = [path for path in (PROJECT_ROOT / "udfs").glob("*.py") if "get_metrics_group()" in path.read_text()]
    assert len(found) >= 2
    return found


def test_every_dependency_is_documented() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[<>=!~\[ ]", requirement)[0] for requirement in requirements}

    documented = set(table(PROJECT_ROOT / "docs" / "decisions" / "0005-dependencies.md", "Package"))
    extras = {extra: names(requirements) for extra, requirements in project["optional-dependencies"].items()}
    needed = names(project["dependencies"]) | extras["mic"] | extras["bench"]
    assert needed <= documented <= needed | extras["dev"]


def test_the_changelog_has_this_version_and_what_becomes_of_state() -> None:
    version = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]["version"]
    _, *sections = re.split(r"^## ", (PROJECT_ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert sections[0].startswith(version)
    for section in sections:
        assert "**State**:" in section, section.splitlines()[0]
