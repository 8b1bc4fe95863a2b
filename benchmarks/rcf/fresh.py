"""What only a process of its own can tell: the first call of a worker, and the memory that forests hold.

    python -m benchmarks.rcf.fresh first-call DIMENSIONS
    python -m benchmarks.rcf.fresh memory DIMENSIONS

prints one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

FORESTS = 16
#: Records a forest has learned when its memory is looked at; all are beyond the warm-up of 256.
LOOKS = (1_000, 5_000, 20_000)


def ask(what: str, dimensions: int) -> tuple[dict[str, Any], float]:
    """Run this file in a process of its own; its answer, and the seconds from its start to its end."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.rcf.fresh", what, str(dimensions)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer, time.perf_counter() - start


def first_call(dimensions: int) -> dict[str, Any]:
    """Import, construct, and process 300 rows, of which 44 are scored."""
    start = time.perf_counter()
    import numpy as np

    from models.random_cut_forest import RandomCutForestPool

    imported = time.perf_counter()
    pool = RandomCutForestPool(dimensions)
    slot = pool.open()
    made = time.perf_counter()
    rows = np.random.default_rng(1).normal(size=(300, dimensions))
    pool.process(np.full(300, slot, np.int32), np.arange(300), rows)
    return {
        "import_s": imported - start,
        "construct_s": made - imported,
        "first_call_s": time.perf_counter() - made,
    }


def memory(dimensions: int) -> dict[str, Any]:
    """Bytes a forest by its own account, and what the process grew by, as the forests go on learning."""
    import numpy as np
    import psutil

    from models.random_cut_forest import RandomCutForestPool

    pool = RandomCutForestPool(dimensions)
    rows = np.random.default_rng(1).normal(size=(1000, dimensions))
    pool.process_slot(pool.open(), rows)  # what the first call brings along stays out of the figure
    process = psutil.Process()
    before = process.memory_info().rss
    slots = [pool.open() for _ in range(FORESTS)]
    learned, resident, stated = 0, [], []
    for look in LOOKS:
        while learned < look:
            for slot in slots:
                pool.process_slot(slot, rows + learned)
            learned += len(rows)
        resident.append((process.memory_info().rss - before) / FORESTS)
        stated.append(pool.nbytes / (FORESTS + 1))
    return {"records": list(LOOKS), "stated_bytes": stated, "resident_bytes": resident}


if __name__ == "__main__":
    answers = {"first-call": first_call, "memory": memory}
    print(json.dumps(answers[sys.argv[1]](int(sys.argv[2]))))
