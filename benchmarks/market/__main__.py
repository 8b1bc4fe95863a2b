"""``python -m benchmarks.market``: what `make bench-market` measures, all of it or the named parts."""

import sys

from benchmarks.market import collector, job, original

PARTS = {"collector": collector.main, "job": job.main, "original": original.main}

names = sys.argv[1:] or list(PARTS)
unknown = [name for name in names if name not in PARTS]
if unknown:
    raise SystemExit(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
for name in names:
    PARTS[name]()
