"""Errors of the client side, and the exit code each one means.

    CutbankError                1   something failed while running
    ├── StackError              1   the local broker or cluster did not do what was asked
    ├── SubmitError             1   Flink refused or lost a job
    └── UsageError              2   nothing was submitted: the request itself is wrong
        ├── SettingsError       2   profile, environment or flag
        └── SqlError            2   a pipeline file, with line and column

A message names the thing, the value and what was expected, and says what to do. A bad *record* is never an error:
it goes to the rejects topic.
"""

from __future__ import annotations


class CutbankError(Exception):
    """Something failed while running."""

    exit_code = 1


class StackError(CutbankError):
    """The local broker or cluster did not start, stop or answer as asked."""


class SubmitError(CutbankError):
    """Flink refused a job, lost it, or it failed right after the start."""


class UsageError(CutbankError):
    """The request is wrong; nothing was submitted."""

    exit_code = 2


class SettingsError(UsageError):
    """A profile file, an environment variable or a flag is unknown, missing or out of range."""


class SqlError(UsageError):
    """A pipeline file is wrong at a known place.

    Attributes
    ----------
    file, line, column, message
        Where, 1-based, and what. ``str()`` is ``file:line:column: message``.
    """

    def __init__(self, message: str, *, file: str, line: int, column: int) -> None:
        super().__init__(f"{file}:{line}:{column}: {message}")
        self.message, self.file, self.line, self.column = message, file, line, column
