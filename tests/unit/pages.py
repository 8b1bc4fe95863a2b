"""README and docs as texts that tests read: their blocks, prose and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jobs.settings import PROJECT_ROOT

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
