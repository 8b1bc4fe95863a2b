"""The child process of a disturbance: keeps one core or the disk busy, for a bounded time.

Run as a script, by itself: ``python burn.py cpu SECONDS`` or ``python burn.py disk SECONDS FOLDER
MAX_BYTES``. Standard library only, so that it starts at once. It ends when its time is over or when its
parent is gone, and leaves no file: the file it writes has no name any more when the first byte is written.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time

CHUNK_BYTES = 4 * 1024 * 1024
FILE_BYTES = 64 * 1024 * 1024
"""The file never gets larger: writing begins again at its start."""


def burn_cpu(seconds: float, parent: int) -> None:
    """Hash for `seconds`, or until `parent` is not the parent process any more."""
    end = time.monotonic() + seconds
    block = bytes(1024 * 1024)
    while time.monotonic() < end and os.getppid() == parent:
        hashlib.sha256(block).digest()


def burn_disk(seconds: float, parent: int, folder: str, max_bytes: int) -> int:
    """Write and fsync for `seconds`, `max_bytes` at most; how many bytes it were."""
    end = time.monotonic() + seconds
    chunk = os.urandom(CHUNK_BYTES)
    written = 0
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        while time.monotonic() < end and written + CHUNK_BYTES <= max_bytes and os.getppid() == parent:
            if file.tell() + CHUNK_BYTES > FILE_BYTES:
                file.seek(0)
            written += file.write(chunk)
            os.fsync(file.fileno())
    return written


if __name__ == "__main__":
    # the parent names itself: asked for here, it might be gone already and have been replaced
    kind, duration, parent_id, *rest = sys.argv[1:]
    os.nice(5)  # a burst is to be seen, not to starve what watches it
    if kind == "cpu":
        burn_cpu(float(duration), int(parent_id))
    else:
        burn_disk(float(duration), int(parent_id), rest[0], int(rest[1]))
