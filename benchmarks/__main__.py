"""``python -m benchmarks``: what `make bench` measures."""

from benchmarks.crossing import main

main()
