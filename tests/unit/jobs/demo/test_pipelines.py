"""What the demonstration shows: files that are there, a burst that fits in its time, feeds that parse."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.demo.pipelines import (
    AT_ONCE,
    BURST_EARLIEST_S,
    BURST_SECONDS,
    HOST_METRICS,
    KINESIS,
    LOUDNESS,
    DemoPipeline,
    burst_after_s,
    feed_arguments,
)
from jobs.settings import load_settings
from jobs.sql.statements import StatementKind, read_script
from jobs.sql.tables import read_table


@pytest.mark.parametrize("pipeline", AT_ONCE, ids=lambda p: p.name)
def test_the_files_are_there_and_name_the_topics(pipeline: DemoPipeline) -> None:
    text = pipeline.file.read_text()
    assert pipeline.file.stem == pipeline.name
    for topic in (pipeline.topic, pipeline.of("scores"), pipeline.of("alerts"), pipeline.of("minutes")):
        assert f"'topic' = '{topic}'" in text
    assert "${batch:-1}" in text
    assert f"PARTITION BY {pipeline.source}" in text


def test_the_application_is_compiled_as_it_stands_and_keeps_to_topics_of_its_own(tmp_path: Path) -> None:
    file = KINESIS.prepared(load_settings(environ={}, overrides={"state_dir": tmp_path}))
    assert file.stem == KINESIS.name
    tables = [read_table(one) for one in read_script(file, {}).of_kind(StatementKind.CREATE_TABLE)]
    assert {table.options["topic"] for table in tables} == {KINESIS.topic, KINESIS.of("scores"), KINESIS.of("rejects")}
    assert [table.options.get("cutbank.late.topic") for table in tables].count(KINESIS.of("late")) == 1
    shared = {KINESIS.topic, KINESIS.of("truth")}
    assert shared < set(LOUDNESS.topics) and not (set(KINESIS.topics) - shared) & set(LOUDNESS.topics)


@pytest.mark.parametrize(
    ("seconds", "after"),
    [(None, 40.0), (90.0, 40.0), (49.0, 40.0), (45.0, 36.0), (41.0, 32.0), (40.9, None), (15.0, None)],
)
def test_the_burst_comes_when_the_forest_is_warm_and_ends_before_the_feed(
    seconds: float | None, after: float | None
) -> None:
    assert burst_after_s(seconds) == after
    if after is not None:
        assert after >= BURST_EARLIEST_S
        assert seconds is None or after + BURST_SECONDS < seconds


def test_feed_arguments() -> None:
    assert feed_arguments(LOUDNESS, None) == ["loudness", "--source", "room"]
    assert feed_arguments(LOUDNESS, 75.0) == ["loudness", "--source", "room", "--seconds", "75"]
    assert feed_arguments(HOST_METRICS, 75.0) == ["host-metrics", "--seconds", "75", "--disturb", "40,4"]
    assert feed_arguments(HOST_METRICS, 20.0) == ["host-metrics", "--seconds", "20"]
