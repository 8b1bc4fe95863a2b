"""What docs/kinesis_sources.md says of files, functions and names is what there is."""

from __future__ import annotations

from jobs.kinesis import sources
from jobs.kinesis.discovery import column_name
from jobs.kinesis.functions import log_parsers, texts, time_texts
from jobs.kinesis.sources import parse_sources
from jobs.settings import PROJECT_ROOT
from tests.unit.pages import blocks, table

PAGE = PROJECT_ROOT / "docs" / "kinesis_sources.md"


def test_the_file_it_shows_is_read() -> None:
    (block,) = [block for block in blocks("toml") if block.page == PAGE]
    found = parse_sources(block.text)
    assert list(found.sources) == ["SOURCE_SQL_STREAM_001", "TICKS"] and list(found.references) == ["Cities"]
    assert found.sources["SOURCE_SQL_STREAM_001"].unrolled is not None


def test_every_key_is_documented() -> None:
    keys = {*sources._SOURCE_KEYS, *sources._REFERENCE_KEYS, *sources._DESTINATION_KEYS, *sources._COLUMN_KEYS}
    assert set(table(PAGE, "Key")) == keys


def test_every_function_of_the_reference_is_documented() -> None:
    # what is accepted beyond the reference, and the parser's names for two forms of SUBSTRING
    besides = {"LENGTH", "CONCAT", "REPLACE", "LTRIM", "RTRIM", "SUBSTRING ,", "SUBSTRING SIMILAR"}
    ours = {*texts.SCALARS, *time_texts.SCALARS, *log_parsers.SCALARS} - besides
    assert set(table(PAGE, "Function")) == ours


def test_the_names_of_discovery_are_those_it_gives() -> None:
    text = " ".join(PAGE.read_text().split())
    for name in ("USER", "USER@DOMAIN", "@@"):
        assert f"`{name}` is `{column_name(name, 0)}`" in text
