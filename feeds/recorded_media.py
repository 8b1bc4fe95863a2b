"""Recorded clicks of readers, in event time: as clicks, or as questions that are asked before each click is learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from feeds.records import Outgoing, event_time, to_json

CLICKS, QUESTIONS = "media-clicks", "prequential"


def clicks(
    users: Sequence[int], items: Sequence[int], times_ms: Sequence[int], *, topic: str = CLICKS, speed: float = 1.0
) -> Iterator[Outgoing]:
    """Clicks as the job of the recommender reads them.

    Parameters
    ----------
    users, items, times_ms
        Of the clicks, in the order of time; milliseconds since 1970.
    topic
        Where they go, with the user as key.
    speed
        Times the recording's own pace; 0: at once.
    """
    first = times_ms[0] if len(times_ms) else 0
    for user, item, at in zip(users, items, times_ms, strict=True):
        record = {"event_time": event_time(at), "user_id": user, "item_id": item, "request_id": None, "position": None}
        yield Outgoing(topic, str(user).encode(), to_json(record), (at - first) / 1000 / speed if speed else None)


def questions(
    users: Sequence[int],
    items: Sequence[int],
    times_ms: Sequence[int],
    asked: Sequence[bool],
    *,
    rankings: int,
    wanted: int = 10,
    topic: str = QUESTIONS,
    speed: float = 0.0,
) -> Iterator[Outgoing]:
    """Clicks of which some are questions first: every ranking is asked, then the click is learned.

    Parameters
    ----------
    users, items, times_ms
        Of the clicks, in the order of time.
    asked
        Whether each click is to be predicted before it is learned.
    rankings
        How many rankings are asked, by their numbers.
    wanted
        How long a list.
    topic
        Of one partition, so that rows of equal time keep their order.
    speed
        Times the recording's own pace; 0: at once.

    Yields
    ------
    Outgoing
        For a question a row for each ranking, the last of which carries the click; a row for any other click; at the
        end one that does nothing, an hour later, so that what came before it is answered.
    """
    first = times_ms[0] if len(times_ms) else 0
    at = first
    for number, (user, item, at, asks) in enumerate(zip(users, items, times_ms, asked, strict=True)):
        due = (at - first) / 1000 / speed if speed else None
        row = {"number": number, "event_time": event_time(at), "user_id": user}
        for ranking in range(rankings - 1) if asks else ():
            question = {**row, "item_id": None, "wanted": wanted, "ranking": ranking}
            yield Outgoing(topic, None, to_json(question), due)
        last = {"wanted": wanted, "ranking": rankings - 1} if asks else {"wanted": None, "ranking": None}
        yield Outgoing(topic, None, to_json({**row, "item_id": item, **last}), due)
    clock = {"number": -1, "event_time": event_time(at + 3_600_000), "user_id": 0, "item_id": None}
    yield Outgoing(topic, None, to_json({**clock, "wanted": None, "ranking": None}))
