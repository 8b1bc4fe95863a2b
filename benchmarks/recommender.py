"""``make bench-recommender``: rankings over recorded clicks, user vectors, and tests between equal variants.

Reads ``recsys/globo`` of the recorded data (CUTBANK_DATA), for both protocols of ``cutbank validate``. Seeds are fixed;
all rankings are asked the same questions in the same run. Costs are processor time, which a machine that does other
work disturbs less than the clock.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.recommender_on_cluster import differences, on_cluster
from benchmarks.results import machine, show, write
from jobs.settings import load_settings
from jobs.validation import period_of, read_clicks, report
from models.experiments import Totals, compare, compare_as_if_independent
from models.user_vectors import ItemVectors, UserVectorPool

PAGE = Path(__file__).parents[1] / "docs" / "recommender.md"
#: Questions of each protocol.
MOST = 10_000
USERS, ITEMS, DIMENSIONS = 320_000, 46_000, 100
READS = 3_000_000
SPLITS = 2000


def ranked(file: Path, protocol: str) -> dict[str, Any]:
    """One protocol over the recorded clicks."""
    clicks = read_clicks(file)
    spoken: set[str] = set()

    def tell(message: str) -> None:
        name = message.partition(" of ")[0]
        if name not in spoken:
            spoken.add(name)
            print(f"{protocol}: {name}", file=sys.stderr)

    return report(clicks, period_of(clicks, 7, 7), protocol, most=MOST, tell=tell)


def rankings(file: Path) -> dict[str, Any]:
    """Both protocols, each in a process of its own."""
    with ProcessPoolExecutor(2) as both:
        running = {protocol: both.submit(ranked, file, protocol) for protocol in ("prequential", "split")}
        return {protocol: each.result() for protocol, each in running.items()}


def user_vectors() -> dict[str, Any]:
    """Reads of as many users as the whole recorded set has: bytes of the process, and reads a second."""
    random = np.random.default_rng(0)
    vectors = ItemVectors(1, np.arange(ITEMS), random.normal(size=(ITEMS, DIMENSIONS)).astype(np.float32))
    small = UserVectorPool(vectors)
    small.process(np.array([small.open()], np.int32), np.zeros(1, np.int64), np.zeros((1, 1)))
    before = psutil.Process().memory_info().rss
    pool = UserVectorPool(vectors)
    slots = np.array([pool.open() for _ in range(USERS)], np.int32)
    rates = []
    batch = 10_000
    for _ in range(READS // batch):
        # half of the reads are on the first tenth of the items
        items = np.floor(ITEMS * random.random((batch, 1)) ** 3.32)
        users = slots[random.integers(0, USERS, batch)]
        begin = time.process_time()
        pool.process(users, np.zeros(batch, np.int64), items)
        rates.append(batch / (time.process_time() - begin))
    grown = psutil.Process().memory_info().rss - before
    return {
        "users": USERS,
        "reads": READS,
        "dimensions": DIMENSIONS,
        "megabytes_by_its_own_account": round(pool.nbytes / 1e6, 1),
        "megabytes_of_the_process": round(grown / 1e6, 1),
        "megabytes_of_the_item_vectors": round(vectors.nbytes / 1e6, 1),
        "reads_per_cpu_second": {
            "min": round(min(rates)), "median": round(float(np.median(rates))), "max": round(max(rates)),
        },
    }  # fmt: skip


def equal_variants() -> dict[str, Any]:
    """False alarms at 5 % over splits of users whose impressions are alike (design effect 1.75, generated)."""
    random = np.random.default_rng(7)
    impressions = random.geometric(1 / 20, 5000).astype(float)
    clicks = random.binomial(impressions.astype(int), random.beta(2.0, 48.0, 5000)).astype(float)
    whole = Totals.of(clicks, impressions)
    by_user = naive = 0
    for _ in range(SPLITS):
        side = random.random(5000) < 0.5
        one, other = Totals.of(clicks[side], impressions[side]), Totals.of(clicks[~side], impressions[~side])
        by_user += compare(one, other).p_value < 0.05
        naive += compare_as_if_independent(one, other).p_value < 0.05
    return {
        "splits": SPLITS,
        "users": 5000,
        "design_effect": round(whole.variance / (whole.ratio * (1 - whole.ratio) / whole.denominator), 2),
        "false_alarms_by_user": by_user / SPLITS,
        "false_alarms_naive": naive / SPLITS,
    }


def ranking_text(found: dict[str, Any]) -> str:
    """One protocol as text."""
    days = found["period"]
    lines = [
        f"{found['protocol']}: {found['asked']:,} questions of {found['users']:,} users, {found['clicks']:,} clicks "
        f"learned, test {days['test'][:10]} to {days['end'][:10]}",
        "",
        f"{'':20s}{'nDCG@10 (se)':>17s}{'HR@10':>8s}{'MRR@10':>8s}{'MAP@10 all':>12s}{'min':>8s}{'items':>7s}"
        f"{'unreachable':>13s}{'CPU s':>7s}",
    ]
    for name, row in found["models"].items():
        lines.append(
            f"{name:20s}{row['ndcg@10']:9.4f} ({row['se_ndcg@10']:.4f}){row['hr@10']:8.3f}{row['mrr@10']:8.3f}"
            f"{row['map@10_all']:12.4f}{row['map@10_min']:8.4f}{row['items_shown']:7,}{row['unreachable']:13.1%}"
            f"{row['cpu_seconds']:7.0f}"
        )
    lines += ["", f"{'blend less':20s}{'nDCG@10 (se)':>17s}{'of it':>8s}{'in se':>8s}"]
    for name, each in found["models"]["blend"]["versus"].items():
        base = found["models"][name]["ndcg@10"]
        lines.append(
            f"{name:20s}{each['difference']:+9.4f} ({each['se']:.4f}){each['difference'] / base:+8.1%}"
            f"{each['difference'] / each['se']:+8.1f}"
        )
    return "\n".join(lines)


def cluster_text(found: dict[str, Any]) -> str:
    """The figures of the lists that came out of Kafka, beside those of plain Python."""
    cluster, offline = found["on_cluster"], found["rankings"]["prequential"]["models"]
    lines = [
        f"{cluster['records']:,} records into Kafka, {cluster['asked']:,} questions to each of "
        f"{len(cluster['models'])} rankings, {cluster['seconds']:,.0f} s",
        "",
        f"{'nDCG@10':20s}{'on the cluster (se)':>22s}{'plain Python':>15s}",
    ]
    for name, row in cluster["models"].items():
        lines.append(f"{name:20s}{row['ndcg@10']:13.4f} ({row['se_ndcg@10']:.4f}){offline[name]['ndcg@10']:15.4f}")
    return "\n".join(lines)


def other_text(found: dict[str, Any]) -> str:
    """User vectors and equal variants as text."""
    users, splits, rate = found["user_vectors"], found["equal_variants"], found["user_vectors"]["reads_per_cpu_second"]
    return "\n".join(
        [
            f"user vectors: {users['users']:,} users, {users['reads']:,} reads, {users['dimensions']} components",
            f"  state, by its own account            {users['megabytes_by_its_own_account']:>10,.1f} MB",
            f"  growth of the process                {users['megabytes_of_the_process']:>10,.1f} MB",
            f"  vectors of {ITEMS:,} items besides     {users['megabytes_of_the_item_vectors']:>10,.1f} MB",
            f"  reads a CPU second, min/median/max   {rate['min']:,} / {rate['median']:,} / {rate['max']:,}",
            "",
            f"equal variants: {splits['splits']:,} splits of {splits['users']:,} users, design effect "
            f"{splits['design_effect']}, generated; nominal 5 %",
            f"  false alarms, users as the unit      {splits['false_alarms_by_user']:>10.1%}",
            f"  false alarms, impressions as it      {splits['false_alarms_naive']:>10.1%}",
        ]
    )


def texts(found: dict[str, Any]) -> dict[str, str]:
    """What the page shows, by the name of its block."""
    told = found["machine"]
    line = f"{told['cores']} cores, shared, load {told['load_before'][0]} before and {found['load_after']} after\n"
    return {
        "prequential": line + ranking_text(found["rankings"]["prequential"]),
        "split": ranking_text(found["rankings"]["split"]),
        "on-cluster": cluster_text(found),
        "recommender": other_text(found),
    }


def main() -> None:
    """Measure, print, and write it down."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    file = load_settings().data / "recsys" / "globo" / "clicks_users10pct.parquet"
    if not file.is_file():
        raise SystemExit(f"{file} is not there: set CUTBANK_DATA to the folder of the recorded data")
    found: dict[str, Any] = {"machine": machine()}
    found |= {"user_vectors": user_vectors(), "equal_variants": equal_variants(), "rankings": rankings(file)}
    found["on_cluster"] = on_cluster(file, MOST)
    wrong = differences(found["rankings"]["prequential"], found["on_cluster"])
    if wrong:
        raise SystemExit("the cluster's lists are not those of plain Python: " + "; ".join(wrong))
    found["load_after"] = machine()["load_before"][0]
    print("\n\n".join(texts(found).values()))
    print(f"\nwritten to {write('recommender', found)}")
    for name, text in texts(found).items():
        show(name, text, PAGE)


if __name__ == "__main__":
    main()
