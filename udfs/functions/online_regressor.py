"""ONLINE_REGRESSOR: predicts a number at once, and learns it when it comes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from udfs.functions.declaration import NUMERIC_TYPES, AddedColumn
from udfs.functions.label_arguments import LABEL_TIMEOUT, MAX_PENDING, algorithm, with_labels
from udfs.functions.labelled import LearnerFunction, check_waiting, feature_refusal

if TYPE_CHECKING:
    from models.pool import ModelPool

ADDED: Final = (
    AddedColumn("kind", "STRING", "'prediction' at once; 'outcome' when the label came, or can come no more."),
    AddedColumn("prediction", "DOUBLE", "As it was made before the label was known."),
    AddedColumn("label", "DOUBLE", "Of an outcome: what it was; NULL where it did not come, and of predictions."),
    AddedColumn("label_lag_ms", "BIGINT", "From input to label in event time; NULL where no label came."),
    AddedColumn("model_version", "BIGINT", "Rows the key's model had learned when it predicted."),
)


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> ModelPool:
    return FUNCTION.make_learner(columns - 1, 0, arguments)


def _present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    return outputs["kind"], outputs["prediction"], outputs["label"], outputs["lag_ms"], outputs["version"]


FUNCTION: Final = LearnerFunction(
    name="ONLINE_REGRESSOR",
    summary="Predicts a number for each row at once, and learns when the true one comes.",
    description="""\
As ONLINE_CLASSIFIER, for labels that are numbers: rows of kind 'prediction' at once, and of kind 'outcome' with the
prediction that was made then when the label came. What happens to labels that are early, late, doubled, revised or
missing is the same, and so are the metrics. A label that does not come in time gives an outcome with label NULL, and
nothing is learned. A label that is not finite counts as NULL.""",
    arguments=with_labels(LABEL_TIMEOUT, MAX_PENDING, algorithm("linear_regression")),
    added=ADDED,
    make_pool=_make_pool,
    present=_present,
    columns_high=1_000,
    refuses_type=feature_refusal,
    check=check_waiting,
    task="regression",
    is_label=math.isfinite,
    label_types=NUMERIC_TYPES,
    example="""\
CREATE VIEW expected_delays AS
SELECT * FROM ONLINE_REGRESSOR(
    input         => TABLE departures PARTITION BY origin,
    labels        => TABLE landings   PARTITION BY origin,
    on_time       => DESCRIPTOR(event_time),
    id            => DESCRIPTOR(flight),
    features      => DESCRIPTOR(carrier, distance),
    label         => DESCRIPTOR(delay_minutes),
    label_timeout => INTERVAL '1' DAY);""",
)
