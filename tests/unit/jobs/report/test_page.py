"""The frame of reports: well-formed, self-contained, and text stays text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from jobs.report.page import Page, Picture, Section, Table, Tile, new_figure

HOSTILE = "<script>alert(\"x\")</script> & 'quotes'"


def picture(name: str = "f1", caption: str = "F1 by minute") -> Picture:
    figure, (axes,) = new_figure()
    axes.plot([0, 1, 2], [0.1, 0.5, 0.4], label="campaign-1")
    axes.set_xlabel(HOSTILE)
    axes.legend()
    return Picture.of(name, caption, figure)


def page() -> Page:
    return Page(
        HOSTILE,
        HOSTILE,
        [Tile(HOSTILE, "0.81", HOSTILE)],
        [Section(HOSTILE, [HOSTILE], [picture(caption=HOSTILE), Table([HOSTILE, "n"], [[HOSTILE, "7"]], HOSTILE)])],
        HOSTILE,
    )


class _Reader(HTMLParser):
    """Counts elements, and refuses what is closed but not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.ids: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        given = dict(attrs)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.outside += [v for k in ("src", "href", "xlink:href") if (v := given.get(k)) and not v.startswith("#")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in ("meta", "br"):
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


def test_a_page_is_well_formed_whatever_its_texts_say() -> None:
    reader = _Reader()
    reader.feed(page().html())
    assert reader.open == []
    assert "script" not in reader.seen and reader.seen.count("svg") == 1 and reader.seen.count("table") == 1
    assert page().html().count("&lt;script&gt;") >= 9


def test_it_needs_nothing_from_elsewhere_and_no_id_stands_twice() -> None:
    shown = Page("t", "l", (), [Section("s", (), [picture("one"), picture("two")])]).html()
    reader = _Reader()
    reader.feed(shown)
    assert reader.outside == [], "it loads something"
    assert len(set(reader.ids)) == len(reader.ids) > 20
    known = set(reader.ids)
    used = re.findall(r'(?:url\(#|href="#)([^)"]+)', shown)
    assert used and set(used) <= known, "a reference leads nowhere"


def test_equal_content_gives_equal_bytes() -> None:
    assert (picture().svg, picture().png) == (picture().svg, picture().png)
    assert page().html() == page().html()


def test_files_are_written_and_are_what_they_are_called(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "report"
    written = page().write(folder)
    assert [path.name for path in written] == ["index.html", "f1.svg", "f1.png"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in written)
    assert written[0].read_text() == page().html()
    root = ElementTree.fromstring(written[1].read_text())
    assert root.tag.endswith("svg") and "campaign-1" in written[1].read_text(), "letters stay letters"
    assert written[2].read_bytes().startswith(b"\x89PNG")
    page().write(folder)  # again, over the old one


def test_names_of_pictures_are_names_of_files() -> None:
    for wrong in ("../x", "F1", "", "a b"):
        with pytest.raises(ValueError, match="name"):
            picture(wrong)
    with pytest.raises(ValueError, match="two pictures have one name: f1, f1"):
        Page("t", "l", (), [Section("s", (), [picture(), picture()])]).write(Path("never"))
