"""RANDOM_CUT_FOREST_WITH_EXPLANATION: the score of RANDOM_CUT_FOREST, and which columns it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from udfs.functions.common_arguments import with_common
from udfs.functions.declaration import AddedColumn, Argument, ArgumentType, TableFunction
from udfs.functions.random_cut_forest import (
    FOREST_ARGUMENTS,
    SCORE,
    check_forest,
    check_forest_size,
    make_forest_pool,
)

if TYPE_CHECKING:
    from models.pool import ModelPool

WITH_DIRECTIONALITY: Final = Argument(
    name="with_directionality",
    type=ArgumentType.BOOLEAN,
    default=True,
    help="Whether the explanation says also in which direction a column is unusual, and how surely.",
)

EXPLANATION: Final = AddedColumn(
    "anomaly_explanation",
    "STRING",
    "JSON object by column name: DIRECTION (HIGH or LOW), STRENGTH, ATTRIBUTION_SCORE; all are texts.",
)


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> ModelPool:
    return make_forest_pool(columns, arguments, explain=True)


def _present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    """Scores and explanations of a pack.

    One ``%`` template holds all that is the same in every row, so a row costs one formatting call of numbers.
    """
    score = outputs["score"]
    above, below = outputs["attribution"][..., 0], outputs["attribution"][..., 1]
    attribution = (above + below).tolist()
    names = [json.dumps(name, ensure_ascii=False).replace("%", "%%") for name in column_names]
    if not arguments["with_directionality"]:
        template = "{" + ",".join(f'{name}:{{"ATTRIBUTION_SCORE":"%.4f"}}' for name in names) + "}"
        return score.tolist(), [template % tuple(row) for row in attribution]
    template = (
        "{"
        + ",".join(f'{name}:{{"DIRECTION":"%s","STRENGTH":"%.4f","ATTRIBUTION_SCORE":"%.4f"}}' for name in names)
        + "}"
    )
    # one list of the d columns for each of the three fields, zipped to (direction, strength, attribution)
    # triples
    high = (above > below).tolist()
    strength = (abs(above - below) * score[:, None]).tolist()
    explanations = []
    for is_high, strong, attributed in zip(high, strength, attribution, strict=True):
        fields: list[str | float] = []
        for up, strength_of, share in zip(is_high, strong, attributed, strict=True):
            fields += ("HIGH" if up else "LOW", strength_of, share)
        explanations.append(template % tuple(fields))
    return score.tolist(), explanations


FUNCTION: Final = TableFunction(
    name="RANDOM_CUT_FOREST_WITH_EXPLANATION",
    summary="Scores how unusual each row is and names the columns that make it so.",
    description="""\
The forest and the score of RANDOM_CUT_FOREST, with the score divided among the columns. For each column:

- `ATTRIBUTION_SCORE`: its part of the score; the parts of a row sum to `anomaly_score`.
- `DIRECTION`: `HIGH` when the value lies above what the forest remembers, else `LOW`.
- `STRENGTH`: how surely it lies on that side: the difference of the two sides' parts times the score.

All are texts with four decimals. In warm-up they are `LOW`, `0.0000` and `0.0000`. The direction of an
ordinary row is noise: look at it only where the score is high. With `shingle_size` the parts of a column's
positions are summed. With `with_directionality => FALSE` only `ATTRIBUTION_SCORE` is given.

Kinesis Data Analytics publishes no formula for STRENGTH; this one is ours and agrees with its published
examples. It costs more time than RANDOM_CUT_FOREST, for every tree is asked where its part of the score
comes from.""",
    arguments=with_common(*FOREST_ARGUMENTS, WITH_DIRECTIONALITY),
    added=(SCORE, EXPLANATION),
    make_pool=_make_pool,
    present=_present,
    check=check_forest,
    check_columns=check_forest_size,
    example="""\
CREATE VIEW scored AS
SELECT * FROM RANDOM_CUT_FOREST_WITH_EXPLANATION(
    input   => TABLE host_metrics PARTITION BY host,
    on_time => DESCRIPTOR(event_time),
    columns => DESCRIPTOR(cpu_percent, memory_percent),
    idle    => INTERVAL '1' DAY);""",
)
