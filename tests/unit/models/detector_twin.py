"""A second detector, written for reading: one record at a time, plain lists and dictionaries, every earlier score kept.

It shares with the first one the definition, the constants and the forests, and no line of code.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from models.anomaly_detector import pool, profile, state, verdict
from models.random_cut_forest import RandomCutForestPool


class Column:
    """What is known of one column."""

    def __init__(self) -> None:
        self.first = math.nan
        self.level = 0.0
        self.usual = 0.0
        self.spread = 0.0
        self.distances: list[float] = []
        self.day: dict[int, float] = defaultdict(float)
        self.week: dict[int, float] = defaultdict(float)


class Twin:
    """The same results as the detector, slowly."""

    def __init__(self, columns: int, seed: int) -> None:
        self.columns = [Column() for _ in range(columns)]
        self.forests = []
        for chosen in (seed, seed ^ pool._OTHER_SEED):
            forest = RandomCutForestPool(
                columns, pool.TREES, pool.SAMPLE_SIZE, pool.TIME_DECAY, seed=chosen,
                warm_up=verdict.JUDGED_FROM - profile.LEARNED_FROM,
            )  # fmt: skip
            forest.open()
            self.forests.append(forest)
        self.day_weights: dict[int, float] = defaultdict(float)
        self.week_weights: dict[int, float] = defaultdict(float)
        self.seen = 0
        self.last_time: int | None = None
        self.scores: list[tuple[int, float]] = []
        self.bar = (0, -math.inf)

    def expected(self, column: Column, time_ms: int) -> tuple[float, float]:
        """With and without the weekday."""
        if math.isnan(column.first):
            return math.nan, math.nan
        hours = time_ms % state.DAY_MS / 3_600_000
        middle = 2 * hours - 0.5  # slots are half an hour; their middles are the whole numbers
        earlier = math.floor(middle)
        # a mean of what the two slots know and of the level, each as heavy as it is trusted
        known = [(profile.DAY_DOUBT, column.level)]
        for slot, part in ((earlier, 1 - (middle - earlier)), (earlier + 1, middle - earlier)):
            known.append((part * self.day_weights[slot % 48], column.day[slot % 48]))
        daily = sum(weight * value for weight, value in known) / sum(weight for weight, _ in known)
        week_slot = (time_ms // state.DAY_MS) % 7, int(2 * hours)
        weight = self.week_weights[week_slot]
        return daily + weight / (weight + profile.WEEK_DOUBT) * column.week[week_slot], daily

    def process(self, time_ms: int, values: list[float]) -> dict[str, Any]:
        """One record."""
        standing: list[tuple[float, float, int, float, float]] = []
        for number, (column, value) in enumerate(zip(self.columns, values, strict=True)):
            expected, _ = self.expected(column, time_ms)
            if math.isnan(expected) and not math.isnan(value):
                expected = value
            taken = expected if math.isnan(value) else value
            distance = taken - expected
            if math.isnan(distance) or distance == 0.0:
                deviation = 0.0
            elif column.usual == 0.0:
                deviation = math.copysign(1e6, distance)
            else:
                deviation = min(max(distance / column.usual, -1e6), 1e6)
            standing.append((-abs(deviation), deviation, number, taken, expected))
        _, deviation, number, value, expected = min(standing, key=lambda entry: (entry[0], entry[2]))
        result = {
            "column": number, "value": value, "expected": expected, "deviation": deviation, "score": 0.0,
            "grade": 0.0, "by_time": False,
        }  # fmt: skip
        if all(map(math.isnan, values)):
            return result
        features = self.learn(time_ms, values)
        record, self.seen = self.seen, self.seen + 1
        if record < profile.LEARNED_FROM:
            return result
        of_value, of_distance = (
            float(forest.process_slot(0, [part])["score"][0])
            for forest, part in zip(self.forests, features, strict=True)
        )
        result["score"] = (of_value + of_distance) / 2
        result["by_time"] = of_distance > of_value
        result["grade"] = self.grade(record, result["score"])
        return result

    def learn(self, time_ms: int, values: list[float]) -> tuple[list[float], list[float]]:
        """Distances from the first and from the expected value, in spreads; then all is moved towards the record."""
        slot = time_ms % state.DAY_MS // 1_800_000
        week_slot = time_ms // state.DAY_MS % 7, slot
        visit = 0.0 if self.last_time is None else min(max((time_ms - self.last_time) / 1_800_000, 0.0), 1.0)
        from_first, from_expected = [], []
        for column, given in zip(self.columns, values, strict=True):
            expected, daily = self.expected(column, time_ms)
            if math.isnan(expected) and math.isnan(given):
                from_first.append(0.0)
                from_expected.append(0.0)
                continue
            if math.isnan(expected):
                column.first = column.level = expected = daily = given
            value = expected if math.isnan(given) else given
            if column.spread == 0.0:
                if self.seen < profile.LEARNED_FROM:
                    column.distances.append(abs(value - column.level))
                elif any(column.distances):
                    column.spread = sum(column.distances) / profile.LEARNED_FROM
                else:
                    column.spread = abs(value - column.first) / profile.FIRST_STEP
            unit = column.spread or math.inf
            from_first.append((value - column.first) / unit)
            from_expected.append((value - expected) / unit)
            distance = abs(value - expected)
            if column.usual > 0:
                distance = min(distance, profile.MOST_USUAL * column.usual)
            share = max(profile.USUAL_SHARE, 1 / (self.seen + 1))
            column.usual = (1 - share) * column.usual + share * distance
            if visit > 0:
                for kept, place, weights, memory, target in (
                    (column.week, week_slot, self.week_weights, profile.WEEK_MEMORY, value - daily),
                    (column.day, slot, self.day_weights, profile.DAY_MEMORY, value),
                ):
                    share = max(1 - 2 ** (-visit / memory), visit / (weights[place] + visit))
                    kept[place] = (1 - share) * kept[place] + share * target
            share = max(profile.LEVEL_SHARE, 1 / (self.seen + 1))
            column.level = (1 - share) * column.level + share * value
        self.day_weights[slot] += visit
        self.week_weights[week_slot] += visit
        self.last_time = time_ms
        return from_first, from_expected

    def grade(self, record: int, score: float) -> float:
        """From the list of all earlier scores; each weighs half after `MEMORY` records."""
        bin_of = math.floor(score * state.BINS_PER_UNIT)
        age = len(self.scores)
        higher = sum(
            0.5 ** ((age - 1 - place) / verdict.MEMORY)
            for place, (earlier, _) in enumerate(self.scores)
            if earlier >= bin_of
        )
        self.scores.append((bin_of, score))
        if record < verdict.JUDGED_FROM:
            return 0.0
        memory = sum(0.5 ** (old / verdict.MEMORY) for old in range(len(self.scores)))
        surprise = verdict.SCORE_WEIGHT * score - math.log(1 + higher)
        if memory < verdict.ENOUGH:
            surprise -= verdict.HESITATION * math.log(verdict.ENOUGH / memory)
        pause = max(verdict.SHORTEST, math.floor(verdict.SHARE * memory))
        if record - self.bar[0] <= pause and surprise <= self.bar[1] + verdict.STEP:
            return 0.0
        self.bar = (record, surprise)
        return 1 / (1 + math.exp(verdict.MIDDLE - surprise))
