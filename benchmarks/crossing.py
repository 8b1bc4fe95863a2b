"""What crossing to Python costs: records a second from Kafka to Kafka on a real cluster, four ways and a forest.

Each kind of job reads the same topic to its end, exactly once; rounds are interleaved, so a machine that slows down
slows all kinds alike. The rate is taken from the output topic, by the timestamps at which the second half of its
records were produced: the start of the job and the warming up of its JVM are not in it, as they are not in a stream
that runs for days. The rate over all records is reported beside it.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from kafka import TopicPartition
from kafka.consumer import KafkaConsumer

from benchmarks.own_stack import own_settings
from benchmarks.results import machine, show, write
from jobs.settings import Settings
from jobs.stack import Stack, kafka_admin

KINDS = {
    "sql": "SQL alone, no Python",
    "packed": "packs of 125 records, identity in Python",
    "packed_small": "the same, packs of 12 records",
    "packed_strict": "packs of 125 records, bad records told apart",
    "per_record": "Python function called for each record",
    "forest": "packs, a forest of 100 x 256 for each of 64 keys",
}
JOB = Path(__file__).with_name("crossing_job.py")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cutbank-bench-") as folder:
        stack = Stack(own_settings(Path(folder)))
        stack.up(print)
        try:
            report = measure(stack, options.records, options.rounds)
        finally:
            stack.down(print)
    print(table(report))
    print(f"written to {write('crossing', report)} and {show('crossing', table(report))}")


def measure(stack: Stack, records: int, rounds: int) -> dict[str, Any]:
    """Rates of all kinds, round by round."""
    if records % 100:
        raise SystemExit(f"--records must be full hundreds, got {records}")
    on = machine()
    fill(stack, "bench", records)
    rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
    whole: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number in range(rounds):
        for kind in KINDS:
            steady, overall = run(stack, kind, f"bench-{kind.replace('_', '-')}-{number}", records)
            rates[kind].append(steady)
            whole[kind].append(overall)
            print(f"round {number + 1}: {kind:14s} {steady:10,.0f} records/s, {overall:10,.0f} over all", flush=True)
    return {
        "machine": {**on, "load_after": [round(value, 1) for value in os.getloadavg()]},
        "records": records,
        "parallelism": 1,
        "records_per_second": rates,
        "records_per_second_over_all": whole,
    }


def run(stack: Stack, kind: str, topic: str, records: int) -> tuple[float, float]:
    """Run one job to its end; records a second over the second half of its output, and over all of it."""
    kafka_admin.create_topics(stack.settings, {topic: 2})
    finish(stack, kind, "--source", "bench", "--sink", topic)
    produced = timestamps(stack.settings, topic, records)
    if len(produced) != records:
        raise SystemExit(f"{kind}: {len(produced)} records came out of {records}")
    half = records // 2
    return 1000 * (records - half) / (produced[-1] - produced[half]), 1000 * records / (produced[-1] - produced[0])


def finish(stack: Stack, kind: str, *arguments: str) -> None:
    """Submit one job of `crossing_job` and wait for its end."""
    command = [str(stack.flink_executable), "run", "-d", "-py", str(JOB), "--kind", kind]
    command += ["--servers", stack.settings.bootstrap_servers, *arguments]
    done = subprocess.run(command, env=stack.flink_env(), capture_output=True, text=True, timeout=300, check=False)
    found = re.search(r"JobID ([0-9a-f]{32})", done.stdout)
    if found is None:
        raise SystemExit(f"{kind} was not taken:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    job = stack.rest.wait_for_end(found[1], timeout_s=1200)
    if job.state != "FINISHED":
        raise SystemExit(f"{kind} is {job.state}: {stack.rest.exceptions(job.id)[:1]}")


def timestamps(settings: Settings, topic: str, expected: int) -> list[int]:
    """When each record of a topic was produced, in ms, in order of time."""
    # check sums in pure Python take longer than all the rest of reading
    consumer = KafkaConsumer(**settings.kafka_client(), isolation_level="read_committed", check_crcs=False)
    places = [TopicPartition(topic, partition) for partition in (0, 1)]
    consumer.assign(places)
    consumer.seek_to_beginning()
    produced: list[int] = []
    last = time.monotonic()
    # a poll may come back empty although there is more; one more than expected would be told too
    while time.monotonic() < last + (3 if len(produced) >= expected else 30):
        for records in consumer.poll(timeout_ms=500, max_records=50_000).values():
            produced += [record.timestamp for record in records]
            last = time.monotonic()
    produced.sort()
    consumer.close()
    return produced


def fill(stack: Stack, topic: str, records: int) -> None:
    """Records of 64 devices, 8 a millisecond, up to 200 ms out of order; Flink writes them, the same each time.

    So a second of one device is a pack of 125 records.
    """
    kafka_admin.create_topics(stack.settings, {topic: 2})
    finish(stack, "fill", "--sink", topic, "--records", str(records))


def table(report: dict[str, Any]) -> str:
    """The figures as text."""
    on, rates = report["machine"], report["records_per_second"]
    lines = [
        f"{report['records']:,} records of 64 keys, parallelism 1, exactly once; {on['cores']} cores, "
        f"load {on['load_before'][0]} before and {on['load_after'][0]} after",
        "",
        f"{'records/s':52s} {'min / median / max':26s} over per record, by round",
    ]
    for kind, found in rates.items():
        each = " / ".join(f"{value:,.0f}" for value in _spread(found))
        ratios = [rate / one for rate, one in zip(found, rates["per_record"], strict=True)]
        lines.append(f"  {KINDS[kind]:50s} {each:26s} {' / '.join(f'{value:.2f}' for value in _spread(ratios))}")
    return "\n".join(lines)


def _spread(values: list[float]) -> tuple[float, float, float]:
    return min(values), statistics.median(values), max(values)


if __name__ == "__main__":
    main()
