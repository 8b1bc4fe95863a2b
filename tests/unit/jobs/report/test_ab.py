"""The report of an A/B test: readers, clicks and days counted from rows, the sample ratio first, figures of others."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from jobs.errors import UsageError
from jobs.report.ab import Exposures, exposures_of, report_of, variants_of
from jobs.report.ab_page import page_of

Rows = list[dict[str, Any]]


def topics(users: int, *, share: float = 0.5, lift: float = 1.0, seed: int = 1) -> tuple[Rows, Rows, Rows]:
    """Readers on three days; the treated ones click `lift` times as often."""
    dice = random.Random(seed)
    answers: Rows = []
    lists: Rows = []
    clicks: Rows = []
    for user in range(users):
        treated = dice.random() < share
        inclined = dice.betavariate(2, 20) * (lift if treated else 1.0)
        for number in range(1 + int(dice.expovariate(0.5))):
            request, day = f"r{user}-{number}", dice.choice(["2026-03-01", "2026-03-02", "2026-03-03"])
            items = dice.sample(range(100), 10)
            made = {"request_id": request, "user_id": user, "event_time": f"{day}T12:00:00.000Z", "items": items}
            lists.append({**made, "made_by": "answer"})
            answers.append({"request_id": request, "ranking": "blend" if treated else "popular"})
            clicks += [{"request_id": request, "item_id": item} for item in items if dice.random() < inclined]
    return answers, lists, clicks


def test_a_difference_is_found_and_equals_that_of_another_library() -> None:
    import pandas as pd
    import tea_tasting as tt

    answers, lists, clicks = topics(1_500, lift=1.5)
    report = report_of(exposures_of(answers, lists, clicks), "popular", "blend")

    who = {row["request_id"]: row["ranking"] for row in answers}
    frame = pd.DataFrame(lists).assign(shown=10, variant=lambda f: f.request_id.map(who))
    hits = pd.DataFrame(clicks).groupby("request_id").size()
    frame["clicks"] = frame.request_id.map(hits).fillna(0)
    users = frame.groupby(["user_id", "variant"], as_index=False)[["clicks", "shown"]].sum()
    users["left"] = (users.clicks == 0).astype(float)
    result = tt.Experiment(
        ctr=tt.RatioOfMeans("clicks", "shown", equal_var=False, use_t=False),
        left=tt.Mean("left", equal_var=False, use_t=False), srm=tt.SampleRatio(),
    ).analyze(users, control="popular")  # fmt: skip
    assert report.ctr.treatment - report.ctr.control == pytest.approx(result["ctr"].effect_size)
    assert report.ctr.p_value == pytest.approx(result["ctr"].pvalue, rel=1e-6)
    assert report.left.p_value == pytest.approx(result["left"].pvalue, rel=1e-6)
    assert report.users == users.variant.value_counts().to_dict()
    assert not report.ratio.mismatch and result["srm"].pvalue > 0.001
    assert report.looks[-1].always_valid.p_value < 0.001
    assert [look.day for look in report.looks] == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert report.looks[-1].compared == report.ctr
    days = report.as_object()["by_day"]
    assert len(days) == 6 and sum(row["users"] for row in days) > sum(report.users.values())
    page = page_of(report).html()
    assert "blend has the higher click-through rate" in page and "as intended" in page


def test_a_broken_split_comes_first() -> None:
    report = report_of(exposures_of(*topics(12_000, share=0.53)), "popular", "blend")
    assert report.ratio.mismatch
    assert "SAMPLE RATIO MISMATCH: do not read on." in page_of(report).html()
    shared = report_of(report.exposures, "popular", "blend", {"popular": 47, "blend": 53})
    assert not shared.ratio.mismatch


def test_equal_variants_show_no_difference() -> None:
    report = report_of(exposures_of(*topics(800, seed=3)), "popular", "blend")
    assert report.looks[-1].always_valid.p_value > 0.05
    assert "No difference is shown yet" in page_of(report).html()
    assert report.detectable == pytest.approx(2.8 * np.hypot(report.ctr.error, 0), rel=0.1)


def test_what_belongs_to_nobody_is_counted() -> None:
    answers = [{"request_id": of, "ranking": by} for of, by in (("a", "x"), ("b", "y"), ("b", "y"))]
    base = {"event_time": "2026-03-01T00:00:00.000Z", "items": [1, 2], "made_by": "answer"}
    lists = [
        {**base, "request_id": "a", "user_id": 1}, {**base, "request_id": "b", "user_id": 1},
        {**base, "request_id": "c", "user_id": 2, "made_by": "site"}, {**base, "request_id": "a", "user_id": 3},
    ]  # fmt: skip
    clicks = [{"request_id": of, "item_id": item} for of, item in (("a", 1), ("c", 2), ("gone", 1))]
    found = exposures_of(answers, lists, clicks)
    assert (found.jumped, found.unassigned, variants_of(found)) == (1, 1, ["x"])
    assert found.by_user["x"][3]["2026-03-01"].clicks == 1
    apart = exposures_of([*answers, {"request_id": "a", "ranking": "x", "variant": None}], lists, clicks)
    assert (apart.outside, apart.jumped, variants_of(apart)) == (2, 0, ["y"])
    with pytest.raises(UsageError, match="y has fewer than two readers with a list; variants with some: x"):
        report_of(found, "y", "x")
    with pytest.raises(UsageError, match="variants with some: none"):
        report_of(Exposures(), "y", "x")


def test_one_day_alone_is_not_drawn_on_an_axis_of_years() -> None:
    answers, lists, clicks = topics(300)
    rows = [{**row, "event_time": "2026-03-02T12:00:00.000Z"} for row in lists]
    page = page_of(report_of(exposures_of(answers, rows, clicks), "popular", "blend")).html()
    assert "2026-03-02" in page
    assert not any(f">{year}<" in page or f" {year} " in page for year in (2025, 2027, 2028))
