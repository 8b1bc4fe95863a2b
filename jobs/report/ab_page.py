"""The page of an A/B test: the sample ratio first, then what was measured, day by day, and what may be concluded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import numpy as np

from jobs.report.ab import Report
from jobs.report.page import COLOURS, QUIET, Page, Picture, Section, Table, Tile, dates, finish_axes, new_figure
from models.experiments import SRM_LEVEL, Comparison

_FOOT: Final = (
    "Readers are the unit: the intervals are by the delta method over their sums. The dashed interval is that of the "
    "confidence sequence, which may be looked at every day; the other one holds for one look at a time fixed before."
)

#: With so few days each has its mark on the axis.
_MARKED_DAYS: Final = 8


def page_of(report: Report) -> Page:
    """The page."""
    told = report.exposures
    ratio = report.ratio
    mismatch = (
        f"The readers are not shared out as intended (p = {ratio.p_value:.2g}, below {SRM_LEVEL:g}). Find out why, and "
        "believe nothing below."
        if ratio.mismatch
        else f"Readers are shared out as intended (p = {ratio.p_value:.2g}; below {SRM_LEVEL:g} it would be broken)."
    )
    return Page(
        f"A/B test: {report.treatment} against {report.control}",
        "SAMPLE RATIO MISMATCH: do not read on." if ratio.mismatch else _verdict(report),
        [
            Tile("Readers", f"{sum(report.users.values()):,}", "both variants"),
            Tile("Sample ratio", "broken" if ratio.mismatch else "as intended", f"p = {ratio.p_value:.2g}"),
            Tile("Click-through rate", f"{report.ctr.treatment:.2%}", f"control {report.ctr.control:.2%}"),
            Tile("Left without a click", f"{report.left.treatment:.1%}", f"control {report.left.control:.1%}"),
        ],
        [
            Section("Sample ratio", [mismatch], [_users(report)]),
            Section(
                "Both metrics",
                [
                    f"As many readers show a difference of {report.detectable:.2%} of the rate four times in five: "
                    "smaller ones are more likely missed than found."
                ],
                [_metrics(report)],
            ),
            Section("Day by day", [], [_days(report), _by_day(report)]),
            Section(
                "What is not in it",
                [
                    f"{told.unassigned:,} lists that no ranking made in time belong to no variant; {told.jumped:,} "
                    f"readers were shown lists of both and are left out; {told.stray_clicks:,} clicks were on what no "
                    f"known list had; {told.outside:,} readers had no variant assigned."
                ],
            ),
        ],
        _FOOT,
    )


def _verdict(report: Report) -> str:
    if not report.looks:
        return "Not enough readers on any day."
    valid, ctr = report.looks[-1].always_valid, report.ctr
    if valid.p_value < 0.05:
        better = report.treatment if ctr.difference > 0 else report.control
        return (
            f"{better} has the higher click-through rate: the difference is {ctr.difference:+.2%}, between "
            f"{valid.low:+.2%} and {valid.high:+.2%}, whenever one looks."
        )
    return (
        f"No difference is shown yet: {ctr.difference:+.2%}, between {valid.low:+.2%} and {valid.high:+.2%} whenever "
        "one looks."
    )


def _users(report: Report) -> Table:
    return Table(
        ("Variant", "Readers", "Lists", "Shown items", "Clicks"),
        [[name, f"{report.users[name]:,}", *_sums(report, name)] for name in (report.control, report.treatment)],
    )


def _sums(report: Report, name: str) -> list[str]:
    seen = [each for days in report.exposures.by_user[name].values() for each in days.values()]
    return [f"{sum(getattr(each, what) for each in seen):,}" for what in ("lists", "items", "clicks")]


def _metrics(report: Report) -> Table:
    def row(name: str, compared: Comparison) -> list[str]:
        numbers = (compared.control, compared.treatment, compared.difference, compared.low, compared.high)
        return [name, *(f"{number:.2%}" for number in numbers), f"{compared.p_value:.3f}"]

    header = ("Metric", report.control, report.treatment, "Difference", "Low", "High", "p, one look")
    return Table(header, [row("Clicks by shown item", report.ctr), row("Left without a click", report.left)])


def _days(report: Report) -> Picture:
    figure, (axes,) = new_figure(height=3.0)
    days = dates.date2num([datetime.fromisoformat(look.day).replace(tzinfo=UTC) for look in report.looks])
    if report.looks:
        value = np.array([look.compared.difference for look in report.looks])
        low = np.array([look.compared.low for look in report.looks])
        high = np.array([look.compared.high for look in report.looks])
        axes.errorbar(days, value, yerr=[value - low, high - value], color=COLOURS[0], marker="o", label="one look")
        for bound, label in (("low", "whenever one looks"), ("high", None)):
            edge = [getattr(look.always_valid, bound) for look in report.looks]
            axes.plot(days, edge, color=COLOURS[1], linestyle="--", marker="_", label=label)
    axes.axhline(0.0, color=QUIET, linewidth=1)
    finish_axes(axes, "Difference of the click-through rate, all days so far", times=bool(report.looks))
    if report.looks:
        axes.set_xlim(days[0] - 0.5, days[-1] + 0.5)  # a day alone would lie on an axis of years
        if len(days) <= _MARKED_DAYS:
            axes.set_xticks(days, labels=[look.day for look in report.looks])
    return Picture.of("difference", "Treatment less control after each day, with both intervals.", figure)


def _by_day(report: Report) -> Table:
    rows = []
    for day in report.exposures.days:
        for name in (report.control, report.treatment):
            one = report.exposures.totals(name, "ctr", only=day)
            rate = f"{one.ratio:.2%}" if one.denominator else "-"
            rows.append([day, name, f"{one.users:,}", f"{int(one.denominator):,}", f"{int(one.numerator):,}", rate])
    return Table(("Day", "Variant", "Readers", "Shown items", "Clicks", "Rate"), rows)
