"""Measurements of speed: rounds in which all contenders take turns, so that a slow moment slows them alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.rcf.contenders import (
    Contender,
    Ours,
    OursApart,
    OursExplaining,
    OursKeyed,
    OursReadingParts,
    Parameters,
    Spent,
    krcf_peer,
    river_peer,
    rrcf_peer,
)
from benchmarks.rcf.java_peer import JavaPeer
from benchmarks.rcf.points import mixed_keys, normal_points
from benchmarks.rcf.rows import Row

#: Points of a round, by contender; what is slower takes fewer.
ROUND = 20_000
FEWER = {"krcf (Rust)": 2_000, "river, half-space trees": 400, "rrcf (Python)": 20}
#: Points learned before anything is timed: forests are full.
LEARNED = 40_000
#: Points that the Java process takes before that, with other forests; and where it explains, which takes longer.
WARM, WARM_EXPLAINING = 250_000, 60_000
FEWER_LEARNED = {"krcf (Rust)": 4_000, "river, half-space trees": 1_000, "rrcf (Python)": 300}
KEYS, ROWS_A_KEY = 64, 16
#: Points of a round where threads are compared: a second of work, for a tenth is over before both are awake.
ROUND_OF_THREADS = 100_000


@dataclass
class Rates:
    """Points a second of a contender by round: of the wall, and of processor time."""

    wall: list[float]
    cpu: list[float]


def take_turns(
    contenders: dict[str, Contender], rounds: int, learned: int, points_a_round: int, say: Callable[[str], None]
) -> dict[str, Rates]:
    """Let everybody learn, then take `points_a_round` points in turn, round after round."""
    places = {}
    for name, contender in contenders.items():
        places[name] = min(learned, FEWER_LEARNED.get(name, learned))
        contender.run(0, places[name])
    rates = {name: Rates([], []) for name in contenders}
    for turn in range(rounds):
        order = list(contenders)
        if turn % 2:  # nobody always follows the same one
            order.reverse()
        for name in order:
            count = min(points_a_round, FEWER.get(name, points_a_round))
            spent: Spent = contenders[name].run(places[name], places[name] + count)
            places[name] += count
            rates[name].wall.append(count / spent.seconds)
            rates[name].cpu.append(count / spent.cpu_seconds)
        say(f"  round {turn + 1}: " + ", ".join(f"{name} {rates[name].wall[-1]:,.0f}/s" for name in contenders))
    return rates


def against(figure: str, rates: dict[str, Rates], ours: str, at_least: float, aim: float, peer: str = "Java") -> Row:
    """A row of the table from the rates of two contenders."""
    mine, theirs = rates[ours], rates[peer]
    cpu = [a / b for a, b in zip(mine.cpu, theirs.cpu, strict=True)]
    return Row(figure, "points/s", mine.wall, at_least, aim, peer, theirs.wall, cpu)


def scoring(
    parameters: Parameters, dimensions: int, rounds: int, slow_peers: bool, say: Callable[[str], None]
) -> tuple[list[Row], dict[str, Rates]]:
    """Score and update, in batches and one point a call, beside all peers."""
    points = normal_points(LEARNED + rounds * ROUND, dimensions, seed=dimensions)
    with JavaPeer(parameters, points) as java:
        java.warm(WARM)
        contenders: dict[str, Contender] = {
            "Java": java,
            "ours, batches of 256": Ours(parameters, points, 256),
            "ours, one a call": Ours(parameters, points, 1),
            "krcf (Rust)": krcf_peer(parameters, points),
        }
        if slow_peers:
            contenders["river, half-space trees"] = river_peer(parameters, points)
            contenders["rrcf (Python)"] = rrcf_peer(parameters, points)
        rates = take_turns(contenders, rounds, LEARNED, ROUND, say)
    single = {1: 2.8, 8: 3.3}[dimensions]
    return [
        against(f"score + update, d = {dimensions}, batches of 256", rates, "ours, batches of 256", 7, 12),
        against(f"score + update, d = {dimensions}, one point a call", rates, "ours, one a call", single, 5),
    ], rates


def keyed(parameters: Parameters, dimensions: int, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """Many keys: one pool of ours against as many Java forests, rows in the same order."""
    call = KEYS * ROWS_A_KEY
    learned, timed = 40 * call, 8 * call  # 640 rows a key, then 128 a round
    keys = mixed_keys((learned + rounds * timed) // call, KEYS, ROWS_A_KEY, seed=3)
    points = normal_points(len(keys), dimensions, seed=10 + dimensions)
    with JavaPeer(parameters, points, keys) as java:
        java.warm(WARM)
        contenders: dict[str, Contender] = {"Java": java, "ours": OursKeyed(parameters, points, keys, call)}
        rates = take_turns(contenders, rounds, learned, timed, say)
    return [against(f"{KEYS} keys mixed, {ROWS_A_KEY} rows a key in a call, d = {dimensions}", rates, "ours", 4, 10)]


def attribution(parameters: Parameters, dimensions: int, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """Attribution of every point: by a forest that stays as it is, and before the point is learned."""
    learned, timed = 20_000, 5_000
    points = normal_points(learned + 10_000 + rounds * timed, dimensions, seed=20 + dimensions)
    rows = []
    with JavaPeer(parameters, points) as java:
        reading = OursReadingParts(parameters, points, 256)
        java.run(0, learned)
        reading.forest.process(reading.points[:learned])
        java.what = "explain"
        java.run(0, len(points))  # nothing is learned, so this is its warming up
        read: dict[str, Contender] = {"Java": java, "ours": reading}
        rates = take_turns(read, rounds, 10_000, timed, say)
        rows.append(against(f"attribution, nothing learned, d = {dimensions}", rates, "ours", 3, 6))
    with JavaPeer(parameters, points, what="explained") as java:
        java.warm(WARM_EXPLAINING)
        learning: dict[str, Contender] = {"Java": java, "ours": OursExplaining(parameters, points, 256)}
        rates = take_turns(learning, rounds, learned + 10_000, timed, say)
        rows.append(against(f"attribution + update, d = {dimensions}", rates, "ours", 3, 6))
    return rows


def threads(parameters: Parameters, dimensions: int, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """Two threads against one, batches of 1024.

    Beside them two forests that share nothing, each in a thread of its own: what the machine's second core is worth.
    """
    points = normal_points(LEARNED + rounds * ROUND_OF_THREADS, dimensions, seed=30 + dimensions)
    contenders: dict[str, Contender] = {
        "one": Ours(parameters, points, 1024),
        "two": Ours(parameters, points, 1024, threads=2),
        "apart": OursApart(parameters, points, 1024, forests=2),
    }
    rates = take_turns(contenders, rounds, LEARNED, ROUND_OF_THREADS, say)
    one, two, apart = (rates[name].wall for name in contenders)
    return [
        Row(f"two threads over one, d = {dimensions}", "points/s", two, 1.6, 1.8, "one thread", one),
        Row(f"two forests apart over one, d = {dimensions}", "points/s", apart, peer_name="one thread", peer=one),
    ]
