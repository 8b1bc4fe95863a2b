"""USER_VECTOR: the mean of the vectors of the last distinct items a user has read, up to date behind every read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from udfs.functions.common_arguments import BATCH, BUCKETS, IDLE, INPUT, ON_NULL, ON_TIME, SEED, UID
from udfs.functions.declaration import AddedColumn, Argument, ArgumentType, TableFunction, refuse_imputing

if TYPE_CHECKING:
    from models.user_vectors import UserVectorPool

#: Columns that a table of vectors has, beside its time and the item.
VERSION, VECTOR = "version", "vector"


@dataclass(frozen=True, kw_only=True)
class VectorFunction(TableFunction):
    """A function with a second table, whose rows are the vectors of items and go to all models."""


VECTORS: Final = Argument(
    name="vectors",
    type=ArgumentType.TABLE,
    help="The vectors: the item's column, version BIGINT and vector ARRAY<FLOAT>; item NULL: a version is complete.",
)

ITEM: Final = Argument(
    name="item",
    type=ArgumentType.DESCRIPTOR,
    help="The item that was read, a whole number: DESCRIPTOR(item_id), or one for each table, the input's first.",
)

LAST: Final = Argument(
    name="last", type=ArgumentType.BIGINT, default=30, low=1, high=1000, help="Distinct items of a user that count."
)

ADDED: Final = (
    AddedColumn("user_vector", "ARRAY<FLOAT>", "The mean; NULL before a version is complete, zeros where it has none."),
    AddedColumn("items_read", "BIGINT", "Distinct items that are held, with a vector or without, `last` at most."),
    AddedColumn("vectors_version", "BIGINT", "Of the vectors in the mean; NULL before a version is complete."),
)


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> UserVectorPool:
    """Models of one bucket, before it knows any vector; the import is here because it loads the compiled kernel."""
    import numpy as np

    from models.user_vectors import ItemVectors, UserVectorPool

    return UserVectorPool(ItemVectors(0, np.empty(0, np.int64), np.empty((0, 1), np.float32)), arguments["last"])


def _present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    vectors = outputs["user_vector"].tolist()
    versions = outputs["vectors_version"].tolist() if "vectors_version" in outputs else [0] * len(vectors)
    return (
        [None if version < 0 else vector for vector, version in zip(vectors, versions, strict=True)],
        outputs["items_read"].tolist(),
        [None if version < 0 else version for version in versions],
    )


def _check(arguments: Mapping[str, Any]) -> None:
    refuse_imputing(arguments, "an item that is not there has no vector")


FUNCTION: Final = VectorFunction(
    name="USER_VECTOR",
    summary="The mean of the vectors of the last distinct items each key has read, behind every read.",
    description="""\
Partition the input by user. Each read puts its item in front of the user's last ones, where an item counts once, and
gives the mean of the vectors that these have. State is the ids alone, so an article's vector that comes late, or again
because the article was updated, counts from the user's next read on, and so does a new version of all vectors.

Vectors come as rows of a table of their own, at any time: `version`, the item, and `vector`, an ARRAY of FLOAT or
DOUBLE. Vectors of two versions mean different things and are never put together: those of a newer version wait until a
row of that version without an item says that it is complete; from then on it alone counts, and older rows are ignored.
Rows of the version in use hold at once. So a model that was trained anew reaches the running job without a restart.

Vectors go to every bucket before reads of equal time. Each bucket keeps all of them: 4 bytes a component and item, in
memory twice; with 46,000 items of 100 components take few `buckets`. A user takes 250 bytes with 30 items. A read costs
some microseconds. A vector of another length than its version's first, or with what is no number, is ignored and
counted (`vectors_unusable`), as are those of older versions (`vectors_outdated`).

A read whose item is NULL or no whole number changes nothing. There is no chance in it: `seed` changes nothing.

Source: the user model of the LIMIA system (mahiguch, "BigQuery を使った機械学習プロジェクトの分析とオフライン検証",
2019).""",
    arguments=(INPUT, VECTORS, replace(ON_TIME, single=False), ITEM, LAST, BATCH, IDLE, SEED, ON_NULL, BUCKETS, UID),
    added=ADDED,
    make_pool=_make_pool,
    present=_present,
    check=_check,
    reads=("item",),
    columns_high=2,
    example="""\
CREATE VIEW user_vectors AS
SELECT event_time, user_id, user_vector, items_read, vectors_version
FROM USER_VECTOR(
    input   => (SELECT event_time, user_id, item_id FROM clicks) PARTITION BY user_id,
    vectors => TABLE item_vectors,
    on_time => DESCRIPTOR(event_time),
    item    => DESCRIPTOR(item_id),
    last    => 30,
    buckets => 4);""",
)
