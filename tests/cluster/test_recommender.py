"""Rankings through Kafka and Flink give the lists that they give in plain Python, question by question."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.cli.validating import ask_on_cluster
from jobs.settings import Settings
from jobs.validation import Period, figures, prequential, read_clicks
from jobs.validation.protocols import ask_before_each
from models.recommend import make_ranking
from tests.recorded_data import recorded_file

RANKINGS = ("blend", "covisit", "popular-static")


@pytest.mark.real_data
def test_recorded_clicks_through_kafka_and_flink(settings: Settings) -> None:
    clicks = read_clicks(recorded_file("recsys", "globo", "clicks_users10pct.parquet"))[100_000:106_000]
    times = clicks.times_ms
    assert (np.diff(times) == 0).any(), "no equal times, whose order is to be kept"
    period = Period(int(times[0]), int(times[5_000]), int(times[-1]) + 1)
    questions = prequential(clicks, period, 300, seed=3)

    answered = ask_on_cluster(settings, questions, period, RANKINGS, seed=4)

    for name, lists in answered.lists.items():
        own = {"since_ms": period.train_ms, "until_ms": period.test_ms} if name == "popular-static" else {}
        offline = ask_before_each(make_ranking(name, seed=4, **own), questions, 10, lambda _: None)
        assert [each.tolist() for each in lists.lists] == [each.tolist() for each in offline.lists], name
        assert figures({name: lists}) == figures({name: offline})
    assert answered.records == len(clicks) + 300 * (len(RANKINGS) - 1) + 1
