"""DETECT_ANOMALIES: is a row an anomaly among the rows of its key, how surely, and what was expected instead."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from udfs.functions.common_arguments import with_common
from udfs.functions.declaration import AddedColumn, Argument, ArgumentType, TableFunction

if TYPE_CHECKING:
    from models.pool import ModelPool

SENSITIVITY: Final = Argument(
    name="sensitivity",
    type=ArgumentType.DOUBLE,
    default=0.5,
    low=0.0,
    high=1.0,
    reading=True,
    help="The dial: a row is an anomaly where its grade is at least 1 - sensitivity. More finds more, also false ones.",
)

ADDED: Final = (
    AddedColumn("anomaly_score", "DOUBLE", "As unusual as that: about 0.7 is ordinary; 0 for the first 100 rows."),
    AddedColumn("anomaly_grade", "DOUBLE", "0..1: as rare as that in this key's rows; 0 while the cool-down lasts."),
    AddedColumn("is_anomaly", "BOOLEAN", "The verdict: the grade is at least 1 - sensitivity."),
    AddedColumn(
        "expected_value", "DOUBLE", "What was expected of the column that stands out most, before the row was seen."
    ),
    AddedColumn(
        "anomaly_explanation",
        "STRING",
        "JSON: COLUMN, DIRECTION, VALUE, EXPECTED, DEVIATION, UNUSUAL; NULL where the grade is 0.",
    ),
)


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> ModelPool:
    """The import is here because it loads the compiled kernels."""
    from models.anomaly_detector import AnomalyDetectorPool

    return AnomalyDetectorPool(columns, seed=arguments["seed"], sensitivity=arguments["sensitivity"])


def _explanation(name: str, value: float, expected: float, deviation: float, by_time: bool) -> str:
    """Which column, to which side, how far, and whether the value itself is unusual or only at this time."""
    known = not math.isnan(value)
    return json.dumps(
        {
            "COLUMN": name,
            "DIRECTION": "HIGH" if deviation > 0 else "LOW",
            "VALUE": value if known else None,
            "EXPECTED": expected if not math.isnan(expected) else None,
            "DEVIATION": round(deviation, 2),
            "UNUSUAL": "FOR THE TIME" if by_time else "VALUE",
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    """Columns of a pack; only the few rows with a grade are explained."""
    grade = outputs["grade"]
    explanations: list[str | None] = [None] * len(grade)
    for row in grade.nonzero()[0].tolist():
        explanations[row] = _explanation(
            column_names[int(outputs["column"][row])],
            float(outputs["value"][row]),
            float(outputs["expected"][row]),
            float(outputs["deviation"][row]),
            bool(outputs["by_time"][row]),
        )
    expected = [None if math.isnan(value) else value for value in outputs["expected"].tolist()]
    return outputs["score"].tolist(), grade.tolist(), outputs["is_anomaly"].tolist(), expected, explanations


FUNCTION: Final = TableFunction(
    name="DETECT_ANOMALIES",
    summary="Says whether each row is an anomaly among the rows of its key, and what was expected instead.",
    description="""\
A verdict where RANDOM_CUT_FOREST gives a number. Nothing has to be tuned: one configuration serves all series,
and `sensitivity` is the only dial. For each key it keeps what is usual at a time of day and of week, and two
forests: one sees the values, one their distance from the usual.

- `anomaly_score`: the mean score of the two forests, on the scale of RANDOM_CUT_FOREST.
- `anomaly_grade`: how rare a score like this is in the key's rows, from 0 to 1. A disturbance is graded once, and
  again only if it gets clearly worse; the rows in between have grade 0. The pause is 8 % of the rows remembered
  (about 29,000 at most), and 60 rows at least.
- `is_anomaly`: the grade is at least `1 - sensitivity`. At 0.5 expect an alarm for every thousand or two of
  ordinary rows; at 0.1 only what is far outside.
- `expected_value`: the usual value for the time, of the column that stands out most.
- `anomaly_explanation`: that `COLUMN`, its `VALUE` and what was `EXPECTED`, the `DIRECTION` (`HIGH` or `LOW`), the
  `DEVIATION` in mean distances from the expected, and what is `UNUSUAL`: the `VALUE`, or only that it came
  `FOR THE TIME` it came at. NULL where the grade is 0.

Scores and grades are 0 for the first 100 rows of a key. Columns are weighed by their spread in the first 64 rows.
Times of day and week are UTC. Score, grade and saved models do not depend on `sensitivity`, so it can be changed
while the models stay. With `on_null => 'impute'` a missing value is taken to be as expected.

A key takes 7 MB of memory with one column, and up to 1 MB of state. The forests remember rows, not time:
of many rows a second, make one a minute first.

Source of the forests: Guha, Mishra, Roy, Schrijvers, "Robust Random Cut Forest Based Anomaly Detection on
Streams", ICML 2016.""",
    arguments=with_common(SENSITIVITY),
    added=ADDED,
    make_pool=_make_pool,
    present=_present,
    example="""\
CREATE VIEW judged AS
SELECT * FROM DETECT_ANOMALIES(
    input       => TABLE sales PARTITION BY shop,
    on_time     => DESCRIPTOR(event_time),
    columns     => DESCRIPTOR(orders),
    sensitivity => 0.3,
    batch       => INTERVAL '1' MINUTE);""",
)
