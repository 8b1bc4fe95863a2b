"""Rankings over recorded clicks, without a cluster: what their lists would have been worth."""

from jobs.validation.clicks import Clicks, Named, read_clicks
from jobs.validation.period import Period, period_of
from jobs.validation.protocols import Lists, prequential, split
from jobs.validation.report import report

__all__ = ["Clicks", "Lists", "Named", "Period", "period_of", "prequential", "read_clicks", "report", "split"]
