"""ONLINE_CLASSIFIER: predicts a label of two classes at once, and learns it when it comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from udfs.functions.declaration import AddedColumn
from udfs.functions.label_arguments import (
    LABEL_TIMEOUT,
    MAX_PENDING,
    NEGATIVE_AFTER_TIMEOUT,
    algorithm,
    with_labels,
)
from udfs.functions.labelled import LearnerFunction, check_waiting, feature_refusal

if TYPE_CHECKING:
    from models.pool import ModelPool

ADDED: Final = (
    AddedColumn("kind", "STRING", "'prediction' at once; 'outcome' when the label came, or can come no more."),
    AddedColumn("probability", "DOUBLE", "Of label 1, as it was predicted before the label was known."),
    AddedColumn("predicted", "DOUBLE", "1 where the probability is at least 0.5, else 0."),
    AddedColumn("label", "DOUBLE", "Of an outcome: 0 or 1; NULL where it did not come, and of predictions."),
    AddedColumn("label_lag_ms", "BIGINT", "From input to label in event time; NULL where no label came."),
    AddedColumn("model_version", "BIGINT", "Rows the key's model had learned when it predicted."),
)


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> ModelPool:
    return FUNCTION.make_learner(columns - 1, 0, arguments)


def present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    """Probabilities with the class they say; NULL where nothing was predicted."""
    probabilities = outputs["prediction"]
    predicted = [None if p is None else float(p >= 0.5) for p in probabilities]
    return outputs["kind"], probabilities, predicted, outputs["label"], outputs["lag_ms"], outputs["version"]


FUNCTION: Final = LearnerFunction(
    name="ONLINE_CLASSIFIER",
    summary="Predicts a label of two classes for each row at once, and learns when the label comes.",
    description="""\
Each row of `input` gives a row of `kind` 'prediction' at once. Its label may come much later, as a row of `labels`
with the same `id`: then a row of kind 'outcome' comes out with the input's columns as they were, the probability that
was predicted **then**, and the label. The model learns at that moment, from the features as they were at the
prediction. So metrics over outcomes are honest: no prediction has seen its label, or any label that was not there yet.

The time attribute of an outcome is the time at which it came about: that of the label, or, where none came in time,
the start of the first pack that begins later than `label_timeout` after the input. The input's own time is that minus
`label_lag_ms`; take a copy of the column into the input where it is needed always.

Without `labels`, `label` is a column of the input, and both rows come out together: predicted first, then learned.

Of every prediction there is one outcome in the end, or it still waits:

| What happens | What comes out | Learned | Metric |
|---|---|---|---|
| the label comes in time | outcome with label and lag | the label | `labels_joined` |
| it does not | outcome, label NULL, or 0 with `negative_after_timeout` | nothing, or 0 | `labels_timed_out` |
| it comes after that | nothing more | nothing | `labels_late` |
| it comes again | nothing more | nothing | `labels_duplicate` |
| it comes again and is another one | nothing more: the first one stands | nothing | `labels_revised` |
| it comes before its input, in event time | it waits; then an outcome, the lag negative | the label | `labels_early` |
| its input never comes | nothing | nothing | `labels_unmatched` |
| it or its id is NULL, or it is neither 0 nor 1 | nothing | nothing | `labels_unusable` |
| the input's id is NULL | outcome at once, label NULL | nothing | `ids_null` |
| the input's id waits already, or was closed lately | outcome at once, label NULL | nothing | `ids_duplicate` |
| more than `max_pending` inputs of a key wait | outcome of the oldest, label NULL | nothing | `labels_given_up` |
| a feature is NULL (`on_null`) | prediction with probability NULL, no outcome | nothing | `rows_skipped` |

`predictions` counts them all, `pending` those that wait. An early label waits, and a closed id is remembered, for
`label_timeout`, and as many of each as `max_pending`.

A label is a BOOLEAN or a number, 0 or 1. Numeric features are used as they are, scaled by the model where the
algorithm says so; STRING and BOOLEAN features are categories. Rows are taken in the order of event time, inputs before
labels of equal time. With `on_null => 'impute'` the learner deals with what is missing. What waits is in Flink's state
with all columns of its input: select those that are needed.

Source of the idea of testing each row before it is learned: Gama, Sebastião, Rodrigues, "On evaluating stream learning
algorithms", Machine Learning 90, 2013; labels that come late: Grzenda, Gomes, Bifet, "Delayed labelling evaluation for
data streams", Data Mining and Knowledge Discovery 34, 2020.""",
    arguments=with_labels(LABEL_TIMEOUT, NEGATIVE_AFTER_TIMEOUT, MAX_PENDING, algorithm("logistic")),
    added=ADDED,
    make_pool=_make_pool,
    present=present,
    columns_high=1_000,
    refuses_type=feature_refusal,
    check=check_waiting,
    task="classification",
    is_label=lambda label: label in (0.0, 1.0),
    label_types=frozenset({"BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE"}),
    example="""\
CREATE VIEW predicted AS
SELECT * FROM ONLINE_CLASSIFIER(
    input         => TABLE impressions PARTITION BY campaign,
    labels        => TABLE clicks      PARTITION BY campaign,
    on_time       => DESCRIPTOR(event_time),
    id            => DESCRIPTOR(impression_id),
    features      => DESCRIPTOR(hour_of_day, device, price),
    label         => DESCRIPTOR(clicked),
    label_timeout => INTERVAL '2' HOUR, negative_after_timeout => TRUE,
    algorithm     => 'logistic', learning_rate => 0.05);""",
)
