"""``python -m benchmarks.market``: what `make bench-market` measures."""

from benchmarks.market.collector import main

main()
