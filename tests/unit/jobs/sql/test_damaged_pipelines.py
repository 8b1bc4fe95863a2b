"""Whatever is done to a pipeline's text, reading it either works or tells an error at a place of the file."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import SqlError
from jobs.sql.calls import read_calls, rewritten
from jobs.sql.checks import InputColumn, check_call
from jobs.sql.flink_errors import flink_error
from jobs.sql.located import File
from jobs.sql.source import fill
from jobs.sql.statements import StatementKind, split
from jobs.sql.tables import read_table

PIPELINE = """\
SET 'pipeline.name' = '${name:-loudness}';
CREATE TABLE loudness (device STRING NOT NULL, `event time` TIMESTAMP_LTZ(3), volume DOUBLE,
    r ROW<a INT, b MAP<INT, INT>>, part INT METADATA FROM 'partition' VIRTUAL, twice AS volume * 2,
    PRIMARY KEY (device) NOT ENFORCED,
    WATERMARK FOR `event time` AS `event time` - INTERVAL '5' SECOND)
COMMENT 'it''s' PARTITIONED BY (device) WITH ('connector' = 'kafka', 'topic' = '${topic}') LIKE base (INCLUDING ALL);
CREATE TEMPORARY VIEW scored AS -- with a comment
SELECT * FROM RANDOM_CUT_FOREST(input => TABLE loudness /*+ OPTIONS('a'='b') */ PARTITION BY (device, part),
    on_time => DESCRIPTOR(`event time`), columns => DESCRIPTOR(volume, twice), trees => 50, seed => DEFAULT,
    batch => INTERVAL '0.2' SECOND, idle => INTERVAL '1' DAY, on_null => 'skip', uid => 'forest') AS s;
EXECUTE STATEMENT SET BEGIN
INSERT INTO alerts (a, b) SELECT x, COUNT(*) FROM TABLE(RANDOM_CUT_FOREST((SELECT * FROM TUMBLE(TABLE scored,
    DESCRIPTOR(`event time`), INTERVAL '1' MINUTE)) PARTITION BY device, DESCRIPTOR(`event time`))),
    LATERAL TABLE(f(x)) WHERE x IS DISTINCT FROM TRIM(BOTH ' ' FROM y) GROUP BY x;
INSERT INTO others SELECT * FROM RANDOM_CUT_FOREST(input => RANDOM_CUT_FOREST_WITH_EXPLANATION(TABLE scored,
    DESCRIPTOR(`event time`), DESCRIPTOR(volume), with_directionality => FALSE), on_time => DESCRIPTOR(t));
END;
"""
PARTS = re.findall(r"\s+|\w+|=>|.", PIPELINE, re.DOTALL)
STRANGE = [
    *("'", "`", "(", ")", ",", ";", "--", "/*", "*/", '"', "${", "}", "=>", ".", "é", "🎺", "\r\n", "-1", "1e999"),
    *("TABLE", "PARTITION", "BY", "AS", "SELECT", "FROM", "NULL", "RANDOM_CUT_FOREST", "RANDOM_CUT_FOREST("),
]

damage = st.lists(
    st.tuples(st.integers(0, len(PARTS) - 1), st.sampled_from(["drop", "double", "swap", *STRANGE])), max_size=3
)


def read(text: str) -> None:
    """All that is done with a file before and after Flink sees it."""
    script = split(fill(File("p.sql", text), {"topic": "it's"}))
    for statement in script.of_kind(StatementKind.CREATE_TABLE):
        table = read_table(statement)
        statement.located.replace(table.set_options({"topic": "x", "new": "y"}))
    views: dict[str, str] = {}
    for statement, calls in read_calls(script).items():
        for call in calls:
            call.input.query(views)
            views[call.name] = f"`{call.name}`"
            check_call(
                call,
                [InputColumn("device", "STRING"), InputColumn("event time", "TIMESTAMP_LTZ(3)", True),
                 InputColumn("volume", "DOUBLE"), InputColumn("twice", "DOUBLE"), InputColumn("part", "INT")],
            )  # fmt: skip
        text = rewritten(statement, calls, views).text
        raise flink_error(statement, f"At line 2, column {len(text)}: {text[:40]}", script=script)


@settings(max_examples=300, deadline=None)
@given(damage)
def test_damaged_pipeline_gives_one_line_at_a_place_of_the_file(changes: list[tuple[int, str]]) -> None:
    parts = list(PARTS)
    for at, change in changes:
        if change == "drop":
            parts[at] = ""
        elif change == "double":
            parts[at] *= 2
        elif change == "swap":
            other = (at * 7 + 3) % len(parts)
            parts[at], parts[other] = parts[other], parts[at]
        else:
            parts[at] = change
    text = "".join(parts)
    try:
        read(text)
    except SqlError as error:
        lines = text.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        assert "\n" not in error.message
