"""RANK_ITEMS: lists of items for users, asked for by rows and learned from clicks, in the order of event time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from models.errors import ParameterError
from udfs.functions.common_arguments import with_common
from udfs.functions.declaration import AddedColumn, Argument, ArgumentError, ArgumentType, TableFunction

if TYPE_CHECKING:
    from models.pool import ModelPool
    from models.recommend import RankingsPool

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _column(name: str, help_: str) -> Argument:
    return Argument(name=name, type=ArgumentType.DESCRIPTOR, single=True, help=help_)


READS: Final = (
    _column("user", "Whole number of a user, within 2**53 of zero."),
    _column("item", "Whole number of the item that was clicked; NULL: no click."),
    _column("wanted", "How many items are wanted, 1 to 1,000; 0 or NULL: none."),
    _column("ranking", "Which of the rankings answers: its number in `rankings`, from 0; NULL: the first."),
)


def _time(name: str, help_: str) -> Argument:
    return Argument(
        name=name, type=ArgumentType.STRING, default=None, default_help="NULL: no limit", nullable=True, help=help_
    )


OWN: Final = (
    Argument(
        name="rankings",
        type=ArgumentType.STRING,
        default="blend",
        help="Names with commas between, such as 'blend, popular-window:1h'; docs/recommender.md tells them all.",
    ),
    Argument(
        name="last", type=ArgumentType.BIGINT, default=30, low=1, high=1000, help="Distinct items of a user that count."
    ),
    Argument(
        name="exclude_read",
        type=ArgumentType.BOOLEAN,
        default=True,
        help="Whether these items are left out of the user's lists.",
    ),
    Argument(
        name="frequency_cap",
        type=ArgumentType.BIGINT,
        default=0,
        low=0,
        high=128,
        help="An item that was given to a user so many times within cap_interval is left out; 0: no cap.",
    ),
    Argument(
        name="cap_interval",
        type=ArgumentType.INTERVAL,
        default=86_400_000,
        low=1,
        high=365 * 86_400_000,
        help="How far the cap looks back, in event time.",
    ),
    _time("static_since", "popular-static counts clicks from this time on: '2026-03-01T00:00:00Z'."),
    _time("static_until", "And before this one."),
    Argument(
        name="max_items",
        type=ArgumentType.BIGINT,
        default=65_536,
        low=16,
        high=1 << 24,
        help="Items that are known at once; beyond, those not clicked for longest are forgotten.",
    ),
    Argument(
        name="max_users",
        type=ArgumentType.BIGINT,
        default=524_288,
        low=16,
        high=1 << 24,
        help="The same of users.",
    ),
)

ADDED: Final = (
    AddedColumn("ranked_items", "ARRAY<BIGINT>", "Best first; NULL where none were wanted, short where few are known."),
    AddedColumn("ranked_by", "STRING", "Name of the ranking that answered; NULL where none were wanted."),
    AddedColumn("fallback", "BOOLEAN", "Whether the list had to be filled up with what is popular within the hour."),
)


def _names(text: str) -> list[str]:
    """The rankings.

    Raises
    ------
    ArgumentError
        One is empty or there twice.
    """
    names = [name.strip() for name in text.split(",")]
    if "" in names or len(set(names)) != len(names):
        raise ArgumentError(
            f"rankings must be names with commas between, each once, such as 'blend, popular-window:1h', got '{text}'",
            "rankings",
        )
    return names


def _milliseconds(name: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment < _EPOCH:
        raise ArgumentError(
            f"{name} must be a time with its zone from 1970 on, such as '2026-03-01T00:00:00Z', got '{text}'", name
        )
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _static(arguments: Mapping[str, Any]) -> dict[str, int]:
    """The period of popular-static, as far as it is given."""
    given = {"since_ms": "static_since", "until_ms": "static_until"}
    return {own: _milliseconds(name, arguments[name]) for own, name in given.items() if arguments[name] is not None}


def _check(arguments: Mapping[str, Any]) -> None:
    """The rules over what cannot be said of one argument alone.

    Raises
    ------
    ArgumentError
        A ranking there is not, a time that is none, or values to fill in from nothing.
    """
    names = _names(arguments["rankings"])
    period = _static(arguments)
    if period and "popular-static" not in names:
        raise ArgumentError(
            "static_since and static_until are of popular-static, which is none of the rankings",
            *(name for name in ("static_since", "static_until") if arguments[name] is not None),
        )
    if arguments["on_null"] == "impute":
        raise ArgumentError(
            "on_null must be one of 'skip', 'error' here, got 'impute': NULL has a meaning of its own", "on_null"
        )
    from models.recommend.registry import check_name  # names what there is; loads the compiler

    for name in names:
        try:
            check_name(name)
        except ParameterError as error:
            raise ArgumentError(str(error), "rankings") from error


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> ModelPool:
    return pool_of(arguments)


def pool_of(arguments: Mapping[str, Any]) -> RankingsPool:
    """The pool of checked arguments; the import is here because it loads the compiled kernels."""
    from models.recommend import RankingsPool

    return RankingsPool(
        _names(arguments["rankings"]),
        {"popular-static": _static(arguments)},
        seed=arguments["seed"],
        last=arguments["last"],
        exclude_read=arguments["exclude_read"],
        frequency_cap=arguments["frequency_cap"],
        cap_ms=arguments["cap_interval"],
        items=arguments["max_items"],
        users=arguments["max_users"],
    )


def _fits(values: Any, arguments: Mapping[str, Any]) -> Any:
    from models.recommend.pool import rows_that_fit

    return rows_that_fit(values, len(_names(arguments["rankings"])))


def _present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    names, asked = _names(arguments["rankings"]), outputs["asked"].tolist()
    lists = zip(outputs["items"], asked, strict=True)
    return (
        [None if number < 0 else items.tolist() for items, number in lists],
        [None if number < 0 else names[number] for number in asked],
        [None if number < 0 else bool(each) for each, number in zip(outputs["fallback"], asked, strict=True)],
    )


FUNCTION: Final = TableFunction(
    name="RANK_ITEMS",
    summary="Ranks items for users, by rankings that learn click by click.",
    description="""\
A row asks for a list, tells of a click, or does both; then it is answered first and learned afterwards, so that lists
over recorded clicks are honest: test, then train. Requests and clicks come from two topics, and meet in a view with
UNION ALL: they are taken in the order of event time, and a request is answered by all clicks before it.

Every ranking learns every click, and `ranking` says by its number which one answers: an A/B test of rankings is a CASE
over the variant. What each does is told in docs/recommender.md. What a user has read among the `last` distinct items is
left out, and so is what was given to the user `frequency_cap` times within `cap_interval`. A list that a ranking cannot
fill is filled up with what is popular within the hour; `fallback` counts them. Before any click lists are empty.

A row without a user, without a click and a wish, or with numbers out of their range changes nothing, gets NULL and
counts as skipped. The answer does not depend on packs, parallelism or failures. Ties are broken by `seed`.

`PARTITION BY` makes rankings of each key's own, for several sites in one stream. Without it there is one bucket, and
one core: `blend` takes some 100 microseconds a click and 50 a list, the popular ones a few. Memory is bounded by
`max_items` and `max_users`: with 46,000 items and 320,000 users some 100 MB for each ranking. A snapshot writes all of
it, so let the log grow long: SET 'cutbank.snapshot.records' = '100000'.

The answer comes behind the pack interval (`batch`), the interval of watermarks, the disorder they allow for, and
Python's bundles: `sql/recommender.sql` sets all of them short.""",
    arguments=with_common(*OWN, reads=READS),
    added=ADDED,
    make_pool=_make_pool,
    present=_present,
    check=_check,
    fits=_fits,
    reads=("user", "item", "wanted", "ranking"),
    columns_low=4,
    columns_high=4,
    example="""\
CREATE VIEW asked_and_clicked AS
SELECT event_time, request_id, user_id, CAST(NULL AS BIGINT) AS item_id, wanted FROM requests
UNION ALL
SELECT event_time, CAST(NULL AS STRING), user_id, item_id, 0 FROM clicks;

CREATE VIEW answers AS
SELECT event_time, request_id, user_id, ranked_items, ranked_by, fallback
FROM RANK_ITEMS(
    input    => (SELECT *, CASE WHEN MOD(user_id, 2) = 0 THEN 0 ELSE 1 END AS arm FROM asked_and_clicked),
    on_time  => DESCRIPTOR(event_time),
    user     => DESCRIPTOR(user_id),
    item     => DESCRIPTOR(item_id),
    wanted   => DESCRIPTOR(wanted),
    ranking  => DESCRIPTOR(arm),
    rankings => 'blend, popular-window:1h',
    batch    => INTERVAL '0.05' SECOND)
WHERE request_id IS NOT NULL;""",
)
