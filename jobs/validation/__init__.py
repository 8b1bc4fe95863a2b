"""Rankings over recorded clicks, without a cluster: what their lists would have been worth."""

from jobs.validation.clicks import Clicks, Named, read_clicks
from jobs.validation.period import Period, period_of
from jobs.validation.protocols import Lists, Questions, prequential, split
from jobs.validation.report import figures, report

__all__ = [
    "Clicks", "Lists", "Named", "Period", "Questions", "figures", "period_of", "prequential", "read_clicks", "report",
    "split",
]  # fmt: skip
