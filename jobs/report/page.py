"""The frame of a report: one HTML page that needs no file beside it, and its figures as SVG and PNG files too.

Everything that is given as text is shown as text. The same content gives the same bytes, whenever it is drawn.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import matplotlib
import matplotlib.dates
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: matplotlib does not say what its dates take and give
dates: Final[Any] = matplotlib.dates

#: Colours of series, in order: told apart by those who do not see red and green alike (Okabe and Ito, "Color universal
#: design", 2008, without the yellow that is lost on white).
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
#: Of what a series is put beside: baselines, limits.
QUIET: Final = "#8a919c"
INK: Final = "#1f2733"

_STYLE: Final[dict[Any, Any]] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#c9ced6",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "font.size": 9,
    "grid.color": "#e6e9ee",
    "grid.linewidth": 0.8,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "text.color": INK,
    "xtick.color": "#5b6472",
    "ytick.color": "#5b6472",
    # letters stay letters, so that they can be searched and copied; ids do not change from run to run
    "svg.fonttype": "none",
    "svg.hashsalt": "cutbank",
}
_PNG_DPI: Final = 144
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")


def new_figure(
    rows: int = 1, columns: int = 1, *, height: float = 3.0, width: float = 10.0, **more: Any
) -> tuple[Figure, list[Axes]]:
    """An empty figure in the manner of all reports.

    Parameters
    ----------
    rows, columns
        How many pairs of axes.
    height, width
        Of the whole, in inches; a page shows 10 as its full width.
    more
        As for `matplotlib.figure.Figure.subplots`: ``sharex`` and the like.

    Returns
    -------
    tuple
        The figure, and its axes row by row.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **more)
    return figure, [each for row in np.asarray(axes) for each in row]


def finish_axes(axes: Axes, title: str, *, times: bool = False, legend: bool = True) -> None:
    """Title and legend in the manner of all reports.

    Parameters
    ----------
    axes, title
        What was drawn, and what it is.
    times
        Whether the horizontal axis has dates of matplotlib: they are shown in UTC, as short as their range allows.
    legend
        Whether to show the labels of what was drawn, where it covers least.
    """
    with matplotlib.rc_context(_STYLE):
        axes.set_title(title)
        axes.margins(x=0.01)
        if times:
            locator = dates.AutoDateLocator(tz=UTC, minticks=3, maxticks=8)
            axes.xaxis.set_major_locator(locator)
            axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=UTC))
        if legend:
            axes.legend(loc="best")


@dataclass(frozen=True)
class Picture:
    """A figure that was drawn.

    Attributes
    ----------
    name
        Of its files, ``NAME.svg`` and ``NAME.png``: lower case letters, digits and ``-``.
    caption
        What it shows, in a sentence or two; it is read out where the figure is not seen.
    svg, png
        The files.
    """

    name: str
    caption: str
    svg: str
    png: bytes

    @classmethod
    def of(cls, name: str, caption: str, figure: Figure) -> Picture:
        """Draw a figure.

        Raises
        ------
        ValueError
            The name cannot be that of a file.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"a picture's name is of lower case letters, digits and -, got {name!r}")
        svg, png = io.StringIO(), io.BytesIO()
        with matplotlib.rc_context(_STYLE):
            figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
            figure.savefig(png, format="png", dpi=_PNG_DPI, metadata={"Software": None})
        return cls(name, caption, svg.getvalue(), png.getvalue())

    def embedded(self) -> str:
        """The SVG as a part of a page: without its head, and with ids that no other picture has."""
        drawn = self.svg[self.svg.index("<svg") :]
        drawn = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{self.name}-", drawn)
        # its size is the page's matter; the view box keeps its shape
        opening, rest = drawn.split(">", 1)
        opening = re.sub(r'\s(?:width|height)="[^"]*"', "", opening)
        label = html.escape(self.caption, quote=True)
        return f'{opening} role="img" aria-label="{label}">{rest}'


@dataclass(frozen=True)
class Table:
    """A table: cells are texts, the first column's on the left and all others' on the right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True)
class Tile:
    """A number to see at once: what it is, its text, and what it is to be compared with."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page: a title, paragraphs, and pictures and tables in their order."""

    title: str
    text: Sequence[str] = ()
    parts: Sequence[Picture | Table] = ()


@dataclass(frozen=True)
class Page:
    """A report.

    Attributes
    ----------
    title
        Of the page.
    lead
        Below it, in larger letters: what is the matter, in a sentence or two.
    tiles
        The numbers that matter most.
    sections
        Everything else.
    foot
        At the end, in small letters: where it is from.
    """

    title: str
    lead: str
    tiles: Sequence[Tile] = ()
    sections: Sequence[Section] = ()
    foot: str = ""

    def html(self) -> str:
        """The page."""
        title = html.escape(self.title)
        body = [f"<h1>{title}</h1>", f'<p class="lead">{html.escape(self.lead)}</p>']
        if self.tiles:
            body.append(f'<div class="tiles">{"".join(map(_tile, self.tiles))}</div>')
        body += map(_section, self.sections)
        if self.foot:
            body.append(f"<footer>{html.escape(self.foot)}</footer>")
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{title}</title>\n<style>{_CSS}</style>\n</head>\n<body>\n<main>\n"
            + "\n".join(body)
            + "\n</main>\n</body>\n</html>\n"
        )

    def pictures(self) -> list[Picture]:
        """All pictures, in order."""
        return [part for section in self.sections for part in section.parts if isinstance(part, Picture)]

    def write(self, folder: Path) -> list[Path]:
        """Write ``index.html`` and the files of all pictures.

        Parameters
        ----------
        folder
            Made where it is missing; files of these names are replaced.

        Returns
        -------
        list
            What was written, the page first.

        Raises
        ------
        ValueError
            Two pictures have one name.
        OSError
            The folder cannot be written to.
        """
        pictures = self.pictures()
        names = [picture.name for picture in pictures]
        if len(set(names)) < len(names):
            raise ValueError(f"two pictures have one name: {', '.join(names)}")
        folder.mkdir(parents=True, exist_ok=True)
        files: list[tuple[str, bytes]] = [("index.html", self.html().encode())]
        for picture in pictures:
            files += [(f"{picture.name}.svg", picture.svg.encode()), (f"{picture.name}.png", picture.png)]
        for name, content in files:
            (folder / name).write_bytes(content)
        return [folder / name for name, _ in files]


def _tile(tile: Tile) -> str:
    note = f'<div class="note">{html.escape(tile.note)}</div>' if tile.note else ""
    return (
        f'<div class="tile"><div class="label">{html.escape(tile.label)}</div>'
        f'<div class="value">{html.escape(tile.value)}</div>{note}</div>'
    )


def _section(section: Section) -> str:
    paragraphs = "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in section.text)
    parts = "\n".join(_picture(part) if isinstance(part, Picture) else _table(part) for part in section.parts)
    return f"<section>\n<h2>{html.escape(section.title)}</h2>\n{paragraphs}\n{parts}\n</section>"


def _picture(picture: Picture) -> str:
    return f"<figure>{picture.embedded()}<figcaption>{html.escape(picture.caption)}</figcaption></figure>"


def _table(table: Table) -> str:
    head = _cells("th", table.header)
    rows = "\n".join(f"<tr>{_cells('td', row)}</tr>" for row in table.rows)
    caption = f"<caption>{html.escape(table.caption)}</caption>" if table.caption else ""
    return f'<div class="wide"><table>{caption}<thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>'


def _cells(tag: str, texts: Iterable[str]) -> str:
    return "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts)


_CSS: Final = """
:root { color-scheme: light; --ink: #1f2733; --soft: #5b6472; --line: #e1e5ea; --page: #f5f6f8; --accent: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); line-height: 1.5;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.01em; }
h2 { font-size: 19px; margin: 0 0 6px; }
p { margin: 0 0 10px; max-width: 76ch; }
.lead { font-size: 18px; color: var(--soft); margin-bottom: 24px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-bottom: 20px; }
.tile { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; }
.tile .label { font-size: 13px; color: var(--soft); }
.tile .value { font-size: 25px; font-weight: 650; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tile .note { font-size: 12.5px; color: var(--soft); }
section { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 20px 22px; margin: 0 0 20px; }
figure { margin: 14px 0 4px; }
figure svg { display: block; width: 100%; height: auto; }
figure svg text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
figcaption, caption { font-size: 13.5px; color: var(--soft); text-align: left; }
figcaption { margin-top: 6px; max-width: 90ch; }
caption { padding-bottom: 6px; }
.wide { overflow-x: auto; margin: 14px 0 4px; }
table { border-collapse: collapse; width: 100%; font-size: 14.5px; font-variant-numeric: tabular-nums; }
th { font-weight: 600; color: var(--soft); font-size: 13px; border-bottom: 2px solid var(--line); }
th, td { text-align: right; padding: 6px 10px; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td { border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: none; }
footer { font-size: 13px; color: var(--soft); }
@media print { body { background: #fff; } section, .tile { break-inside: avoid; } }
"""
