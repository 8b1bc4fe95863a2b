"""``python -m jobs.cli``, where the ``cutbank`` script is not on the path."""

from jobs.cli import main

main()
