"""COSINE_SIMILARITY in SQL: how alike two users are by whom they follow.

CREATE TEMPORARY FUNCTION COSINE_SIMILARITY AS 'udfs.follows.cosine_similarity' LANGUAGE PYTHON;
SELECT a.user_id, b.user_id, COSINE_SIMILARITY(a.followed, b.followed) FROM ...
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyflink.table import DataTypes
from pyflink.table.udf import udf

from models.follows import cosine_of_sets


def similarity(one: Sequence[int | None] | None, other: Sequence[int | None] | None) -> float | None:
    """As `models.follows.cosine_of_sets`; NULL where one of the arrays is NULL, NULL elements count for nothing."""
    if one is None or other is None:
        return None
    return cosine_of_sets([user for user in one if user is not None], [user for user in other if user is not None])


#: ARRAY<BIGINT>, ARRAY<BIGINT> -> DOUBLE
cosine_similarity: Any = udf(
    similarity,
    input_types=[DataTypes.ARRAY(DataTypes.BIGINT()), DataTypes.ARRAY(DataTypes.BIGINT())],
    result_type=DataTypes.DOUBLE(),
)
