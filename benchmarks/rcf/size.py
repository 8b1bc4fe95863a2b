"""Measurements of size: snapshots, live memory, and the first call of a process."""

from __future__ import annotations

from typing import Any

from benchmarks.rcf import fresh
from benchmarks.rcf.contenders import Ours, Parameters, Spent, krcf_forest, timed
from benchmarks.rcf.java_peer import JavaPeer
from benchmarks.rcf.points import normal_points
from benchmarks.rcf.rows import Row, aligned, number, spread
from models.random_cut_forest import RandomCutForest

#: Records in the forest whose state is written.
LEARNED = 30_000
WARM_UP = 5


def snapshots(parameters: Parameters, dimensions: int, rounds: int) -> tuple[list[Row], list[dict[str, Any]]]:
    """Size of a full forest as bytes, ms to write and to read it; and the same of the peers."""
    points = normal_points(LEARNED, dimensions, seed=40 + dimensions)
    contender = Ours(parameters, points, 1024)
    contender.run(0, LEARNED)
    forest = contender.forest
    data = forest.dump()
    RandomCutForest.load(data)  # what the first call loads stays out
    peer = krcf_forest(parameters, dimensions)
    for point in points:
        peer.update(point)
    packed = peer.to_msgpack()
    works = {
        "write": forest.dump,
        "read": lambda: RandomCutForest.load(data),
        "krcf write": peer.to_msgpack,
        "krcf read": lambda: type(peer).from_msgpack(packed),
    }
    spent: dict[str, list[Spent]] = {name: [] for name in works}
    with JavaPeer(parameters, points) as java:
        java.run(0, LEARNED)
        answers = {}
        for trees in ("with", "without"):
            java.ask("state", 2 * WARM_UP, trees)
            answers[trees] = java.ask("state", rounds, trees)
        heap = java.ask("heap")
    for _ in range(rounds):
        for name, work in works.items():
            spent[name].append(timed(work))
    times = {name: [1e3 * one.seconds for one in its] for name, its in spent.items()}
    by_cpu = {name: [1e3 * one.cpu_seconds for one in its] for name, its in spent.items()}
    kib = {1: 400, 8: 850}[dimensions]
    title = f"snapshot of a full forest, d = {dimensions}"
    rows = [
        Row(f"{title}: size", "KiB", [len(data) / 1024], kib, kib / 2, less_is_better=True),
        Row(f"{title}: write", "ms", times["write"], 20, 10, by_cpu=by_cpu["write"], less_is_better=True),
        Row(f"{title}: read", "ms", times["read"], 20, 10, by_cpu=by_cpu["read"], less_is_better=True),
    ]
    peers = [
        {
            "peer": f"Java, {trees} trees", "dimensions": dimensions, "KiB": answer["bytes"] / 1024,
            "write_ms": answer["write_ms"], "read_ms": answer["read_ms"], "live_KiB": heap["bytes"] / 1024,
        }
        for trees, answer in answers.items()
    ]  # fmt: skip
    peers.append(
        {
            "peer": "krcf (Rust), msgpack", "dimensions": dimensions, "KiB": len(packed) / 1024,
            "write_ms": times["krcf write"], "read_ms": times["krcf read"], "live_KiB": None,
        }
    )  # fmt: skip
    return rows, peers


def memory(dimensions: int) -> tuple[list[Row], dict[str, Any]]:
    """What a live forest holds; its growth after the warm-up is the figure that has a bar: none."""
    answer, _ = fresh.ask("memory", dimensions)
    first, last = answer["resident_bytes"][0], answer["resident_bytes"][-1]
    return [
        Row(
            f"live forest, d = {dimensions}: growth from {answer['records'][0]:,} to {answer['records'][-1]:,} records",
            "KiB", [(last - first) / 1024], 4, 0, less_is_better=True,
        )
    ], {"dimensions": dimensions, **answer}  # fmt: skip


def first_call(dimensions: int, rounds: int) -> tuple[list[Row], list[dict[str, Any]]]:
    """From the start of a process, kernels compiled before, to the end of its first call, and of the process."""
    answers = []
    for _ in range(rounds):
        answer, whole = fresh.ask("first-call", dimensions)
        answers.append({**answer, "process_s": whole})
    row = Row(
        f"first call of a fresh process, d = {dimensions}", "s", [answer["process_s"] for answer in answers], 3, 1.5,
        less_is_better=True,
    )  # fmt: skip
    return [row], answers


def tables(snapshot_peers: list[dict[str, Any]], memories: list[dict[str, Any]]) -> list[str]:
    """The peers' snapshots, and what live forests hold, as text; what was not measured is left out."""
    written: list[tuple[str, ...]] = [("snapshots of the peers", "KiB", "write ms", "read ms", "live KiB")]
    for peer in snapshot_peers:
        live = peer["live_KiB"]
        written.append(
            (
                f"{peer['peer']}, d = {peer['dimensions']}", number(peer["KiB"]), spread(peer["write_ms"]),
                spread(peer["read_ms"]), "-" if live is None else number(live),
            )
        )  # fmt: skip
    held: list[tuple[str, ...]] = [
        ("live memory of a forest of ours, KiB", "by its own account", *(f"after {n:,}" for n in fresh.LOOKS))
    ]
    for one in memories:
        kib = [one["stated_bytes"][0], *one["resident_bytes"]]
        held.append((f"d = {one['dimensions']}", *(number(value / 1024) for value in kib)))
    return [aligned(lines) for lines in (written, held) if len(lines) > 1]
