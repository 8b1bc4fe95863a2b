"""The detector on labelled series of real life: it keeps what it was chosen for."""

from __future__ import annotations

import pytest

from benchmarks.accuracy import Benchmark
from jobs.settings import load_settings
from models.anomaly_detector import AnomalyDetector

FOLDER = load_settings().data / "nab"


@pytest.mark.real_data
@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no labelled series in {FOLDER}: set CUTBANK_DATA")
def test_one_threshold_for_all_series() -> None:
    """Far above a forest alone (56) and the control without a model (58), whatever the seed; three seeds reach 80."""
    benchmark = Benchmark(FOLDER)
    results = {one.name: AnomalyDetector(seed=11).process(one.times_ms, one.values) for one in benchmark.series}
    grades = {name: result["grade"] for name, result in results.items()}
    assert benchmark.evaluate(grades)["standard"]["score"] > 76.0
    verdicts = {name: result["is_anomaly"].astype(float) for name, result in results.items()}
    assert benchmark.evaluate(verdicts, 1.0)["standard"]["score"] > 74.0
