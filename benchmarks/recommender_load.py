"""What the recommender's counters carry, and what the vectors of many users cost, on a cluster of the benchmark's own.

The counters are `sql/recommender_rates.sql` as it is: lists and clicks wait in Kafka and are drained. The users are as
many as the whole recorded set of clicks has, through USER_VECTOR; the state is what Flink says of its last checkpoint.
Beside the clock stands the processor time of the TaskManager and its Python workers, which other work on the machine
disturbs less: two cores have two seconds of it a second.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from kafka import KafkaProducer

from benchmarks.own_stack import own_stack
from benchmarks.recommender import PAGE
from benchmarks.results import machine, show, write
from feeds.records import event_time
from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack, kafka_admin
from jobs.stack.processes import wait_until
from jobs.submit import submit

RATES = PROJECT_ROOT / "sql" / "recommender_rates.sql"
START_MS = 1_772_445_600_000
#: Items of a list, lists a second of event time, and every how many-th list is clicked, 15 seconds later: 20,000 lists
#: and clicks a second of event time. Windows end by it, so at that speed each ends as often as in a live stream.
LENGTH, LISTS_A_SECOND, CLICKED = 10, 15_000, 3
ITEMS, DIMENSIONS = 46_000, 100
WAIT_S = 3_600.0
#: Of the TaskManager: state in memory takes more than the usual one has.
MEMORY_MB = 8_192

_KAFKA = "'connector' = 'kafka', 'properties.bootstrap.servers' = '${bootstrap_servers}', 'format' = 'json'"
_TIME = "DATE_FORMAT(TO_TIMESTAMP_LTZ({ms}, 3), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''')"
#: The same item for the same list and place. As concentrated as the clicks of the whole Globo.com set: 8 % on the first
#: ten of 46,000 items, 68 % on the first hundredth, and what is left evenly by the logarithm of the rank.
_U = "(MOD({number} * 7919 + {place} * 104729, 99991) / 99991.0)"
_ITEM = (
    f"CAST(FLOOR(CASE WHEN {_U} < 0.68 THEN {{items}} / 100 * POWER({_U} / 0.68, 1.8)"
    f" ELSE {{items}} / 100 * POWER(100.0, ({_U} - 0.68) / 0.32) END) AS BIGINT)"
)

FILL_RATES = """
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '{lists}',
    'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '{last}');
CREATE TABLE lists (request_id STRING, event_time STRING, user_id BIGINT, items ARRAY<BIGINT>, made_by STRING)
WITH ({kafka}, 'topic' = 'media-lists');
CREATE TABLE clicks (event_time STRING, user_id BIGINT, item_id BIGINT, request_id STRING, `position` BIGINT)
WITH ({kafka}, 'topic' = 'media-clicks');
CREATE VIEW made AS SELECT n, CONCAT('r', CAST(n AS STRING)) AS request_id, MOD(n * 7907, 50021) AS user_id,
    {start} + n * 1000 / {rate} AS at_ms, 1 + MOD(n * 31, {length}) AS place FROM numbers;
INSERT INTO lists SELECT request_id, {list_time}, user_id, ARRAY[{items}], 'answer' FROM made;
INSERT INTO clicks SELECT {click_time}, user_id, {clicked}, request_id, place FROM made WHERE MOD(n, {every}) = 0;
"""

FILL_READS = """
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '{reads}',
    'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '{last}');
CREATE TABLE read_items (user_id BIGINT, item_id BIGINT, event_time STRING) WITH ({kafka}, 'topic' = 'read-items');
INSERT INTO read_items SELECT MOD(n * 7907, {users}), {item}, {time} FROM numbers;
"""

USERS_JOB = """
SET 'table.exec.source.idle-timeout' = '1 s';
CREATE TABLE read_items (user_id BIGINT NOT NULL, item_id BIGINT NOT NULL, event_time TIMESTAMP_LTZ(3) NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND
) WITH ({kafka}, 'topic' = 'read-items', {reading});
CREATE TABLE item_vectors (item_id BIGINT, version BIGINT, vector ARRAY<FLOAT>, event_time TIMESTAMP_LTZ(3) NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND
) WITH ({kafka}, 'topic' = 'item-vectors', {reading});
CREATE TABLE nowhere (user_id BIGINT, user_vector ARRAY<FLOAT>, items_read BIGINT, vectors_version BIGINT)
WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT user_id, user_vector, items_read, vectors_version
FROM USER_VECTOR(input => TABLE read_items PARTITION BY user_id, vectors => TABLE item_vectors,
    on_time => DESCRIPTOR(event_time), item => DESCRIPTOR(item_id), buckets => 2);
"""
_READING = "'scan.startup.mode' = 'earliest-offset', 'json.timestamp-format.standard' = 'ISO-8601'"


def main() -> None:
    """Measure, print, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lists", type=int, default=3_000_000)
    parser.add_argument("--users", type=int, default=320_000)
    parser.add_argument("--reads-a-user", type=int, default=9)
    parser.add_argument("--parallelism", type=int, default=2)
    parser.add_argument("--only", choices=("counters", "users"), help="measure and print this part alone")
    options = parser.parse_args()
    found: dict[str, Any] = {"machine": machine()}
    more = {"parallelism": options.parallelism, "task_slots": 8, "taskmanager_memory_mb": MEMORY_MB}
    with own_stack(**more) as stack, tempfile.TemporaryDirectory() as folder:
        if options.only != "users":
            found["counters"] = counters(stack, Path(folder), options.lists)
        if options.only != "counters":
            found["users"] = users(stack, Path(folder), options.users, options.users * options.reads_a_user)
    found["load_after"] = machine()["load_before"][0]
    if options.only:
        print(json.dumps(found, indent=1))
        return
    print(text(found))
    print(f"written to {write('recommender_load', found)} and {show('recommender-load', text(found), PAGE)}")


def counters(stack: Stack, folder: Path, lists: int) -> dict[str, Any]:
    """Lists and clicks through all joins and rates."""
    kafka_admin.create_topics(stack.settings, {"media-lists": 2, "media-clicks": 2})
    item = _ITEM.replace("{items}", str(ITEMS))
    _run(stack, folder / "fill_rates.sql", FILL_RATES.format(
        kafka=_KAFKA, lists=lists, last=lists - 1, start=START_MS, rate=LISTS_A_SECOND, length=LENGTH, every=CLICKED,
        list_time=_TIME.format(ms="at_ms"), click_time=_TIME.format(ms="at_ms + 15000"),
        items=", ".join(item.format(number="n", place=place) for place in range(1, LENGTH + 1)),
        clicked=item.format(number="n", place="place"),
    ))  # fmt: skip
    clicks = (lists + CLICKED - 1) // CLICKED
    told = {"lists": lists, "clicks": clicks, "shown_items": lists * LENGTH}
    return {**told, **_counted(stack, lists, clicks, "rocksdb"), "in_memory": _counted(stack, lists, clicks, "hashmap")}


def _counted(stack: Stack, lists: int, clicks: int, state: str) -> dict[str, Any]:
    """The counters' job over what waits, with its state on disk or in memory."""
    # with a minute to join in, joins let go of what they keep within the run, as they do in a stream that goes on
    values = {"join_minutes": "1", "idle": "5", "state": state}
    job = submit(stack.settings, RATES, values, fresh=True).job_id
    try:
        rate, cpu, run_s = _drained(stack, job, lists + clicks, lambda: _of_sources(stack, job))
        megabytes = _state(stack, job)
    finally:
        _end(stack, job)
    shown = lists * LENGTH / (lists + clicks)
    return {
        "seconds": run_s, "events_per_second": rate, "events_per_cpu_second": cpu,
        "shown_items_per_second": round(rate * shown), "shown_items_per_cpu_second": round(cpu * shown),
        "state_megabytes": megabytes,
    }  # fmt: skip


def users(stack: Stack, folder: Path, how_many: int, reads: int) -> dict[str, Any]:
    """Reads of many users behind vectors of many items."""
    kafka_admin.create_topics(stack.settings, {"read-items": 2, "item-vectors": 1})
    _run(stack, folder / "fill_reads.sql", FILL_READS.format(
        kafka=_KAFKA, reads=reads, last=reads - 1, users=how_many, time=_TIME.format(ms=f"{START_MS} + n / 20"),
        item=_ITEM.format(items=ITEMS, number="n", place=3),
    ))  # fmt: skip
    _send_vectors(stack)
    file = folder / "user_vectors.sql"
    file.write_text(USERS_JOB.format(kafka=_KAFKA, reading=_READING))
    job = submit(stack.settings, file, {}, fresh=True).job_id
    try:
        # the pack of the last second stays away for want of a later read
        rate, cpu, run_s = _drained(stack, job, reads - 40_000, lambda: _metric(stack, job, "rows_scored"))
        state = _state(stack, job)
        known = {name: _metric(stack, job, name) for name in ("keys_live", "vector_bytes", "vectors_taken")}
        workers = [psutil.Process(worker).memory_info().rss for worker in stack.python_workers()]
    finally:
        _end(stack, job)
    return {
        "users": how_many, "reads": reads, "items": ITEMS, "dimensions": DIMENSIONS, "seconds": run_s,
        "reads_per_second": rate, "reads_per_cpu_second": cpu, "state_megabytes": state,
        "workers_megabytes": [round(each / 1e6) for each in workers],
        "models_megabytes": round(known["vector_bytes"] / 1e6), "keys_live": round(known["keys_live"]),
        "vectors_taken": round(known["vectors_taken"]),
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- the cluster


def _run(stack: Stack, file: Path, pipeline: str) -> None:
    """A bounded pipeline, to its end."""
    file.write_text(pipeline)
    job = submit(stack.settings, file, {}, fresh=True).job_id
    ended = stack.rest.wait_for_end(job, timeout_s=WAIT_S)
    if ended.state != "FINISHED":
        raise SystemExit(f"{file.name} is {ended.state}: {stack.rest.exceptions(job)[:1]}")
    print(f"{file.name}: {ended.duration_ms / 1000:.0f} s", file=sys.stderr)


def _send_vectors(stack: Stack) -> None:
    random = np.random.default_rng(0)
    producer = KafkaProducer(**stack.settings.kafka_client(), linger_ms=50, batch_size=1 << 18)
    at = event_time(START_MS - 1)
    for item in range(ITEMS):
        vector = np.round(random.normal(size=DIMENSIONS), 4).tolist()
        row = {"item_id": item, "version": 1, "vector": vector, "event_time": at}
        producer.send("item-vectors", json.dumps(row).encode())
    producer.send("item-vectors", json.dumps({"item_id": None, "version": 1, "event_time": at}).encode())
    producer.flush()
    producer.close()


def _drained(stack: Stack, job: str, records: int, done: Callable[[], float]) -> tuple[int, int, float]:
    """Records a second and a second of processor time behind the first quarter, and seconds of the whole run."""
    begun = time.monotonic()
    marks: list[tuple[float, float, float]] = []

    def mark() -> bool:
        marks.append((done(), time.monotonic(), _cpu_s(stack)))
        if not stack.rest.job(job).is_live:
            raise SystemExit(f"the job has ended: {stack.rest.exceptions(job)[:1]}")
        return marks[-1][0] >= records

    if not wait_until(mark, WAIT_S, every_s=1.0):
        raise SystemExit(f"{marks[-1][0]:,.0f} of {records:,} records within {WAIT_S:.0f} s")
    first = next(each for each in marks if each[0] >= records / 4)
    last = next(each for each in marks if each[0] >= records)
    if first is last:
        raise SystemExit(f"{records:,} records were read at once: take more of them")
    read, wall, cpu = (end - start for start, end in zip(first, last, strict=True))
    return round(read / wall), round(read / cpu), round(last[1] - begun, 1)


def _cpu_s(stack: Stack) -> float:
    """Processor time of the TaskManager and its workers so far."""
    (pid,) = [each.pid for each in stack.status().components if each.name == "taskmanager"]
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(sum(each.cpu_times()[:4]) for each in family if each.is_running())


def _metric(stack: Stack, job: str, name: str) -> float:
    """Sum of a metric of the model's operators."""
    return _sum(stack, job, lambda full: full.endswith(f".{name}"))


def _of_sources(stack: Stack, job: str) -> float:
    """What the sources have given."""
    return _sum(stack, job, lambda full: full.startswith("Source__") and full.endswith(".numRecordsOut"))


def _sum(stack: Stack, job: str, wanted: Callable[[str], bool]) -> float:
    total = 0.0
    for vertex in stack.rest.vertices(job):
        names = [name for name in stack.rest.metric_names(job, vertex.id) if wanted(name)]
        total += sum(stack.rest.metrics(job, vertex.id, names).values()) if names else 0.0
    return total


def _state(stack: Stack, job: str) -> float:
    """Megabytes of the whole state, as of a checkpoint that begins now."""
    done = stack.rest.checkpoints(job).completed
    if not wait_until(lambda: stack.rest.checkpoints(job).completed > done + 1, 300.0):
        raise SystemExit("no checkpoint is completed within 300 s")
    latest = stack.rest.checkpoints(job).latest
    return round((latest.state_bytes if latest else 0) / 1e6, 1)


def _end(stack: Stack, job: str) -> None:
    stack.rest.cancel(job)
    stack.rest.wait_for_end(job)


def text(found: Mapping[str, Any]) -> str:
    """Both parts as text."""
    told, counted, held = found["machine"], found["counters"], found["users"]
    columns = [counted, *([counted["in_memory"]] if "in_memory" in counted else [])]

    def row(what: str, key: str) -> str:
        return f"  {what:40s}" + "".join(f"{column[key]:>10,}" for column in columns)

    return "\n".join(
        [
            f"{told['cores']} cores, shared, load {told['load_before'][0]} before and {found['load_after']} after",
            "",
            f"counters: {counted['lists']:,} lists of {LENGTH} items, {counted['clicks']:,} clicks",
            "  state of joins and windows" + " " * 17 + "on disk" + " in memory" * (len(columns) - 1),
            row("lists and clicks a second", "events_per_second"),
            row("lists and clicks a CPU second", "events_per_cpu_second"),
            row("shown items a second", "shown_items_per_second"),
            row("shown items a CPU second", "shown_items_per_cpu_second"),
            row("MB of state, one minute to join in", "state_megabytes"),
            "",
            f"user vectors: {held['users']:,} users, {held['reads']:,} reads, {held['items']:,} items of "
            f"{held['dimensions']} components",
            f"  reads a second                          {held['reads_per_second']:>10,}",
            f"  reads a CPU second                      {held['reads_per_cpu_second']:>10,}",
            f"  state of the job, as checkpointed       {held['state_megabytes']:>10,.1f} MB",
            f"  models in the Python workers            {held['models_megabytes']:>10,} MB",
            f"  Python workers as a whole               {' + '.join(map(str, held['workers_megabytes'])):>10s} MB",
        ]
    )


if __name__ == "__main__":
    main()
