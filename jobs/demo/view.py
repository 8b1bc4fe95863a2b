"""How a demonstration with a board is shown: redrawn on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

LINES_EVERY_S: Final = 10.0

Board = TypeVar("Board")


class View(Generic[Board]):
    """Shows steps and boards; live on a terminal.

    Parameters
    ----------
    out, err
        Where the board goes, and where steps are told.
    live
        Whether to redraw.
    line, draw
        A board on one line, and as a terminal shows it.
    """

    def __init__(
        self,
        out: Console,
        err: Console,
        *,
        live: bool,
        line: Callable[[Board], str],
        draw: Callable[[Board], RenderableType],
    ) -> None:
        self._err, self._begun_s, self._last_s = err, time.monotonic(), 0.0
        self._live = Live(console=out, auto_refresh=False, transient=True) if live else None
        self._line, self._draw = line, draw
        self._step = ""

    def __enter__(self) -> View[Board]:
        if self._live is not None:
            self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.__exit__(None, None, None)

    def tell(self, step: str) -> None:
        """What is being done now."""
        self._step = step
        if self._live is None:
            self._err.print(f"{time.monotonic() - self._begun_s:6.1f} s  {step}", markup=False)
        else:
            self._live.update(Text(step, style="cyan"), refresh=True)

    def show(self, board: Board) -> None:
        """How things stand now."""
        if self._live is not None:
            self._live.update(Group(self._draw(board), Text(self._step, style="dim")), refresh=True)
        elif time.monotonic() - self._last_s >= LINES_EVERY_S:
            self._last_s = time.monotonic()
            self._err.print(f"{time.monotonic() - self._begun_s:6.1f} s  {self._line(board)}", markup=False)
