"""Prequential validation on the real parts: recorded clicks into Kafka, rankings on the cluster, lists out of Kafka."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np

from feeds import recorded_media
from feeds.pacing import Stop
from feeds.producer import Producer, ensure_topics
from feeds.records import event_time
from jobs.errors import StackError, UsageError
from jobs.settings import PROJECT_ROOT, Settings
from jobs.stack import kafka_admin
from jobs.stack.kafka_read import reader
from jobs.stack.rest import FlinkRest
from jobs.submit import submit
from jobs.validation import Clicks, Lists, Period, Questions, figures, prequential
from jobs.validation.report import K

PIPELINE: Final = PROJECT_ROOT / "sql" / "prequential.sql"
#: So long nothing may come while answers are awaited.
QUIET_S: Final = 1200.0


@dataclass(frozen=True)
class Answered:
    """What came back.

    Attributes
    ----------
    lists
        By ranking, in the order of the questions.
    fallbacks
        By ranking, how many lists were filled up.
    seconds
        From the first record's way into Kafka to the last answer, the job's start included.
    records
        That went in.
    """

    lists: dict[str, Lists]
    fallbacks: dict[str, int]
    seconds: float
    records: int


def ask_on_cluster(
    settings: Settings,
    questions: Questions,
    period: Period,
    rankings: Sequence[str],
    *,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Answered:
    """Ask rankings that run on the cluster of the settings; topics and job are of this run alone and go with it.

    Parameters
    ----------
    settings
        Of a stack that is up.
    questions
        Of the prequential protocol.
    period
        What popular-static counts.
    rankings
        Names, each once.
    seed
        Breaks ties.
    tell
        Called with what is being done.

    Raises
    ------
    StackError
        The job failed, or answers do not come any more.
    CutbankError
        The broker or the cluster refuses.
    """
    topic = f"prequential-{uuid.uuid4().hex[:8]}"
    answers = f"{topic}-answers"
    clicks = questions.clicks
    asked = np.zeros(len(clicks), np.bool_)
    asked[questions.asked] = True
    values = {"topic": topic, "rankings": ",".join(rankings), "seed": str(seed)}
    if "popular-static" in rankings:
        times = {"static_since": max(0, period.train_ms), "static_until": period.test_ms}
        values |= {name: f"'{event_time(at)}'" for name, at in times.items()}
    begun = time.monotonic()
    with contextlib.ExitStack() as last:
        ensure_topics(settings, {topic: 1, answers: 1})
        last.callback(_remove, settings, topic)
        tell("putting the clicks into Kafka")
        rows = recorded_media.questions(
            clicks.users.tolist(), clicks.items.tolist(), clicks.times_ms.tolist(), asked.tolist(),
            rankings=len(rankings), wanted=K, topic=topic,
        )  # fmt: skip
        with contextlib.closing(Stop()) as stop, Producer(settings, stop=stop) as producer:
            for row in rows:
                producer.send(row)
            producer.flush()
            sent = producer.acknowledged
        job = submit(settings, PIPELINE, values, fresh=True, name=topic, progress=tell).job_id
        rest = FlinkRest(settings.flink_url)
        last.callback(_cancel, rest, job)
        wanted = len(questions.asked) * len(rankings)
        found = _collected(settings, rest, job, answers, wanted, tell)
    return Answered(*_lists(found, questions, rankings), time.monotonic() - begun, sent)


def report_on_cluster(
    settings: Settings,
    clicks: Clicks,
    period: Period,
    rankings: Sequence[str],
    *,
    most: int,
    seed: int,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """As `jobs.validation.report` by the prequential protocol, with the lists of `ask_on_cluster`.

    What a ranking knew cannot be told from its lists: coverage and unreachable are missing.
    """
    questions = prequential(clicks, period, most, seed)
    if not questions.asked.size:
        raise UsageError("no user of the test clicks anything new: there is nothing to ask; choose other days")
    answered = ask_on_cluster(settings, questions, period, rankings, seed=seed, tell=tell)
    rows = figures(answered.lists)
    for name, row in rows.items():
        row["fallbacks"] = answered.fallbacks[name]
    return {
        "protocol": "prequential, on the cluster",
        "period": period.described(),
        "clicks": len(questions.clicks),
        "asked": int(questions.asked.size),
        "users": int(np.unique(questions.clicks.users[questions.asked]).size),
        "repeated": questions.repeated,
        "seconds": round(answered.seconds, 1),
        "records": answered.records,
        "models": rows,
    }


def _collected(
    settings: Settings, rest: FlinkRest, job: str, topic: str, wanted: int, tell: Callable[[str], None]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with reader(settings, topic) as records:
        position: dict[int, int] = {}
        newest = time.monotonic()
        while len(found) < wanted:
            first, end = records.bounds()
            start = {p: position.get(p, first[p]) for p in end}
            new = [json.loads(record.value or b"{}") for record in records.read(start, end)]
            position = end
            found += new
            if new:
                newest = time.monotonic()
                tell(f"{len(found):,} of {wanted:,} lists")
            state = rest.job(job).state
            if state in ("FAILED", "CANCELED", "FINISHED"):
                raise StackError(f"the job is {state.lower()}; see {rest.url}")
            if time.monotonic() - newest > QUIET_S:
                raise StackError(f"{len(found):,} of {wanted:,} lists, and no more for {QUIET_S:.0f} s; see {rest.url}")
            time.sleep(0.2)
    return found


def _lists(
    found: Sequence[dict[str, Any]], questions: Questions, rankings: Sequence[str]
) -> tuple[dict[str, Lists], dict[str, int]]:
    by_question = {(row["number"], row["ranking"]): row for row in found}
    if len(by_question) != len(found):
        raise StackError(f"{len(found) - len(by_question):,} questions were answered twice")
    clicks = questions.clicks
    lists: dict[str, Lists] = {}
    for name in rankings:
        lists[name] = each = Lists()
        for number in questions.asked.tolist():
            each.users.append(int(clicks.users[number]))
            each.lists.append(np.array(by_question[number, name]["items"], np.int64))
            each.relevant.append({int(clicks.items[number])})
    filled = {name: sum(row["fallback"] for row in found if row["ranking"] == name) for name in rankings}
    return lists, filled


def _cancel(rest: FlinkRest, job: str) -> None:
    with contextlib.suppress(StackError):
        if rest.job(job).is_live:
            rest.cancel(job)
            rest.wait_for_end(job)


def _remove(settings: Settings, topic: str) -> None:
    with contextlib.suppress(StackError):
        kafka_admin.delete_topics(settings, list(_topics(topic)))


def _topics(topic: str) -> Iterator[str]:
    return chain((topic,), (f"{topic}-{what}" for what in ("answers", "rejects", "late")))
