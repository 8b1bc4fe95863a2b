"""Speed on eight columns, and what a million keys take."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import numpy as np

from models.learners import learner

ROWS, KEYS, COLUMNS = 1_000_000, 1_000_000, 8
SPEED: dict[str, tuple[str, dict[str, Any]]] = {
    "LR, constant": ("logistic", {}),
    "LR, AdaGrad": ("logistic", {"optimizer": "adagrad"}),
    "LR, FTRL": ("logistic", {"optimizer": "ftrl"}),
    "LR, without scaler": ("logistic", {"scale": False}),
    "PA-I": ("passive_aggressive", {}),
    "ALMA, binned": ("alma", {"calibration": "binned"}),
    "linear regression": ("linear_regression", {}),
    "Gaussian NB": ("naive_bayes", {}),
    "Hoeffding tree": ("hoeffding_tree", {}),
}

_MILLION = """
import resource, sys
import numpy as np
from models.learners import learner
pool = learner("logistic", columns=8, **eval(sys.argv[1]))
held = [int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()]
slots = np.array([pool.open() for _ in range(1_000_000)], np.int32)
rows = np.random.default_rng(0).normal(size=(100_000, 9))
rows[:, -1] = rows[:, -1] > 0
for part in range(10):
    pool.process(slots[part::10], np.zeros(100_000, np.int64), rows)
del rows
held.append(int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize())
most = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(held[1] - held[0], 1024 * int(most.split()[1]), pool.nbytes)
"""


def speed(rounds: int) -> dict[str, dict[str, list[int]]]:
    """Rows a second, predicted and learned, one key, one core, in each round: by the clock and by processor time."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(ROWS, COLUMNS + 1))
    rows[:, -1] = rows[:, :-1] @ random.normal(size=COLUMNS) + rows[:, -1] > 0
    found: dict[str, dict[str, list[int]]] = {name: {"wall": [], "cpu": []} for name in SPEED}
    for _ in range(rounds):
        for name, (algorithm, parameters) in SPEED.items():
            pool = learner(algorithm, columns=COLUMNS, **parameters)
            slots, times = np.full(ROWS, pool.open(), np.int32), np.arange(ROWS)
            begun, worked = time.perf_counter(), time.thread_time()
            pool.process(slots, times, rows)
            found[name]["cpu"].append(round(ROWS / (time.thread_time() - worked)))
            found[name]["wall"].append(round(ROWS / (time.perf_counter() - begun)))
    return found


def million_keys() -> dict[str, dict[str, int]]:
    """Bytes that a process grows by with 1,000,000 keys that have all learned, and the most it ever held."""
    found = {}
    for name, parameters in {"LR, constant": "{}", "LR, FTRL": "{'optimizer': 'ftrl'}"}.items():
        done = subprocess.run([sys.executable, "-c", _MILLION, parameters], capture_output=True, text=True, check=True)
        grown, most, counted = (int(word) for word in done.stdout.split())
        found[name] = {"grown": grown, "process_at_most": most, "counted": counted}
    return found
