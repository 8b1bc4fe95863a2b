"""Windows that open with a row: of many keys, each with a window of its own."""

from models.stagger.pool import StaggerPool

__all__ = ["StaggerPool"]
