"""The report of the clickstream pipeline: how good its predictions were, who served when, and what late labels cost."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from jobs.errors import UsageError
from jobs.report.page import COLOURS, INK, QUIET, Page, Picture, Section, Table, Tile, dates, finish_axes, new_figure
from jobs.settings import PROJECT_ROOT, Settings
from jobs.sql.calls import read_calls
from jobs.sql.statements import read_script
from jobs.stack.kafka_read import reader

METRICS, DECISIONS, MINUTES = "clickstream-metrics", "clickstream-decisions", "clickstream-minutes"
FILE: Final = PROJECT_ROOT / "sql" / "clickstream.sql"
#: The campaign of rows over all campaigns, and the series of what was served.
ALL, SERVED = "all", "served"
#: What is told of the newest window of each campaign.
_TOLD: Final = ("n", "accuracy", "baseline_last_class", "baseline_prior", "f1", "log_loss", "roc_auc")
#: Classes of lags as the pipeline names them, the shortest first.
LAGS: Final = (
    "lag under 1 s", "lag 1 to 3 s", "lag 3 to 10 s", "lag 10 to 60 s", "lag 1 to 10 min", "lag over 10 min",
)  # fmt: skip

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Clickstream:
    """What the topics say.

    Attributes
    ----------
    metrics
        Windows of all series, in the order of their ends.
    decisions
        Of the gates, in the order of time, each with its evidence.
    minutes
        Impressions, clicks and their rate, by campaign and minute.
    models
        What the candidates are called, by their number; fewer than there are where nobody knows.
    """

    metrics: Sequence[Row]
    decisions: Sequence[Row]
    minutes: Sequence[Row]
    models: Sequence[str] = ()

    def model(self, number: int) -> str:
        """A candidate's name."""
        return f"{number}: {self.models[number]}" if number < len(self.models) else f"model {number}"

    def series(self, campaign: str, series: str) -> list[Row]:
        """The windows of one series."""
        return [row for row in self.metrics if (row["campaign"], row["series"]) == (campaign, series)]

    @property
    def campaigns(self) -> list[str]:
        """Their names, in order."""
        return sorted({row["campaign"] for row in self.metrics} - {ALL})


def read_topics(settings: Settings) -> Clickstream:
    """What the pipeline has written.

    Raises
    ------
    UsageError
        There is no such topic, or it has no metrics yet.
    StackError
        No broker answers.
    """

    def rows(topic: str) -> list[Row]:
        with reader(settings, topic) as records:
            return [json.loads(record.value) for record in records.all() if record.value]

    metrics = sorted(rows(METRICS), key=lambda row: row["window_end"])
    if not metrics:
        raise UsageError(
            f"{METRICS} has no records: a window of ten seconds must have passed since the first label came; "
            "`make demo-clickstream` runs everything"
        )
    decisions = [{**row, "evidence": json.loads(row["evidence"])} for row in rows(DECISIONS)]
    decisions.sort(key=lambda row: (row["event_time"], row["campaign"]))
    minutes = sorted(rows(MINUTES), key=lambda row: row["window_start"])
    return Clickstream(metrics, decisions, minutes, model_names(FILE))


def model_names(file: Path) -> list[str]:
    """The candidates of a pipeline's first call that has some, in a few words; empty where there is none."""
    script = read_script(file, {})
    for calls in read_calls(script).values():
        for call in calls:
            if "candidates" in call.arguments:
                return [_in_words(each) for each in json.loads(call.arguments["candidates"])]
    return []


def _in_words(candidate: Mapping[str, Any]) -> str:
    parameters = [f"{name} {value}" for name, value in candidate.items() if name != "algorithm"]
    return ", ".join([str(candidate["algorithm"]).replace("_", " "), *parameters]).replace("learning_rate", "rate")


def write_report(settings: Settings, folder: Path) -> list[Path]:
    """Read the topics, draw, and write; as `Page.write`.

    Raises
    ------
    UsageError
        As of `read_topics`; or the folder cannot be written to.
    """
    page = page_of(read_topics(settings))
    try:
        return page.write(folder)
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror or error}; name another --out") from error


# -------------------------------------------------------------------- the page


def page_of(found: Clickstream) -> Page:
    """The report of what the topics say, which must be something."""
    last = found.series(ALL, SERVED)[-1] if found.series(ALL, SERVED) else found.metrics[-1]
    changes = Counter(row["decision"] for row in found.decisions)
    baseline = max(last.get("baseline_last_class") or 0.0, last.get("baseline_prior") or 0.0)
    first, end = found.metrics[0]["window_end"], found.metrics[-1]["window_end"]
    tiles = [
        Tile("Accuracy", _number(last.get("accuracy")), f"better baseline {_number(baseline)}"),
        Tile("F1", _number(last.get("f1")), "of clicks"),
        Tile("Log loss", _number(last.get("log_loss")), "of probabilities; 0.693 knows nothing"),
        Tile("ROC-AUC", _number(last.get("roc_auc")), "0.5 knows nothing"),
        Tile("Took over", str(changes["promote"]), f"{changes['rollback']} came back"),
    ]
    sections = [
        Section(
            "How good the predictions were",
            [
                "Every point is measured on the last 1,000 outcomes, each with the probability that was given before "
                "its label was known, by the model that served then. A model that does not beat the grey lines has "
                "learned nothing."
            ],
            [_measure(found, *each) for each in MEASURES],
        ),
        *_contest(found),
        *_by_lag(found),
        *_rates(found),
        Section("The newest window of each campaign", [], [_newest(found)]),
    ]
    return Page(
        "Clickstream",
        f"Impressions predicted at once, labels learned when they came. {_span(first, end)} UTC, "
        f"{len(found.campaigns)} campaigns.",
        tiles,
        sections,
        f"From the topics {METRICS}, {DECISIONS} and {MINUTES}.",
    )


#: Name, title, column, baselines beside it.
MEASURES: Final = (
    ("accuracy", "Accuracy", "accuracy", ("baseline_last_class", "baseline_prior")),
    ("f1", "F1 of clicks", "f1", ()),
    ("log-loss", "Log loss of the probabilities", "log_loss", ()),
)


def _measure(found: Clickstream, name: str, title: str, column: str, baselines: Sequence[str]) -> Picture:
    """A metric of what was served: each campaign, all together, and the baselines."""
    figure, (axes,) = new_figure(height=2.9)
    for campaign in found.campaigns:
        _line(axes, found.series(campaign, SERVED), column, color=COLOURS[4], linewidth=0.9, alpha=0.75)
    axes.plot([], [], color=COLOURS[4], linewidth=0.9, label="each campaign")
    rows = found.series(ALL, SERVED)
    for baseline, dashes in zip(baselines, ("--", ":"), strict=False):
        label = baseline.removeprefix("baseline_").replace("_", " ")
        _line(axes, rows, baseline, color=QUIET, linestyle=dashes, linewidth=1.2, label=f"baseline {label}")
    if column == "log_loss":
        axes.axhline(np.log(2.0), color=QUIET, linestyle="--", linewidth=1.2, label="knows nothing (0.693)")
    _line(axes, rows, column, color=COLOURS[0], linewidth=2.4, label="all campaigns")
    finish_axes(axes, title, times=True)
    return Picture.of(name, f"{title} of the last 1,000 outcomes, by event time.", figure)


def _contest(found: Clickstream) -> list[Section]:
    """Who served when, what each model would have been worth, and every decision with its evidence."""
    parts: list[Picture | Table] = []
    numbers = sorted({int(row["series"].split()[1]) for row in found.metrics if row["series"].startswith("model ")})
    if numbers:
        figure, (left, right) = new_figure(1, 2, height=3.2)
        for number in numbers:
            rows = found.series(ALL, f"model {number}")
            colour = COLOURS[number % len(COLOURS)]
            _line(left, rows, "log_loss", color=colour, label=found.model(number))
            _line(right, rows, "accuracy", color=colour)
        for axes, column in ((left, "log_loss"), (right, "accuracy")):
            _line(axes, found.series(ALL, SERVED), column, color=INK, linestyle=":", linewidth=2.0,
                  label="what was served" if axes is left else None)  # fmt: skip
        finish_axes(left, "Log loss by model", times=True)
        finish_axes(right, "Accuracy by model", times=True, legend=False)
        caption = "Every model learns every label; the dotted line is what the champions of the campaigns made of it."
        parts.append(Picture.of("models", caption, figure))
    parts.append(_champions(found))
    if found.decisions:
        parts.append(_decisions(found))
    text = (
        "All models learn side by side on the same labels, and each is judged by what it predicted when the impression "
        "came. One takes over only when an anytime-valid test says that it is better: the evidence must reach what was "
        "needed."
    )
    return [Section("Champion and challengers", [text], parts)]


def _champions(found: Clickstream) -> Picture:
    """A bar for each campaign, in the colours of who served."""
    campaigns = found.campaigns
    figure, (axes,) = new_figure(height=1.0 + 0.36 * max(1, len(campaigns)))
    first = _time(found.metrics[0]["window_end"])
    end = _time(found.metrics[-1]["window_end"])
    turns: dict[str, list[tuple[datetime, int, str]]] = defaultdict(list)
    for row in found.decisions:
        if row["decision"] in ("promote", "rollback"):
            turns[row["campaign"]].append((_time(row["event_time"]), int(row["champion"]), row["decision"]))
            first, end = min(first, _time(row["event_time"])), max(end, _time(row["event_time"]))
    served: set[int] = set()
    for place, campaign in enumerate(campaigns):
        begin, champion = first, 0
        for at, taken, decision in [*turns[campaign], (end, -1, "")]:
            _bar(axes, place, begin, at, champion)
            served.add(champion)
            if decision == "rollback":
                axes.plot([dates.date2num(at)], [place], marker="<", color=INK, markersize=6)
            begin, champion = at, taken
    axes.set_yticks(range(len(campaigns)), campaigns)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    names = [Patch(color=COLOURS[n % len(COLOURS)], label=found.model(n)) for n in sorted(served)]
    axes.legend(handles=names, loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=min(3, len(names)))
    finish_axes(axes, "Who served", times=True, legend=False)
    return Picture.of("champions", "Which model served each campaign when; an arrow is a rollback.", figure)


def _bar(axes: Axes, place: int, begin: datetime, end: datetime, champion: int) -> None:
    left = dates.date2num(begin)
    axes.barh(place, dates.date2num(end) - left, left=left, height=0.62, color=COLOURS[champion % len(COLOURS)])


def _decisions(found: Clickstream) -> Table:
    rows = []
    for row in found.decisions:
        evidence = row["evidence"]
        meant = found.model(int(evidence["candidate"]))
        rows.append(
            [
                _clock(row["event_time"]), row["campaign"], row["decision"], meant, f"{int(evidence['rows']):,}",
                f"{evidence['gain']:.4f}", f"{evidence['gain_at_least']:.4f}",
                f"{evidence['e_value']:,.0f} of {evidence['needed']:,.0f}",
            ]
        )  # fmt: skip
    header = ("Time", "Campaign", "Decision", "Model", "Labels", "Gain", "Gain at least", "Evidence")
    caption = "Every decision. Gain: how much lower the model's loss was in the mean; evidence: of how much was needed."
    return Table(header, rows, caption)


def _by_lag(found: Clickstream) -> list[Section]:
    """The same predictions, by how late their labels came."""
    lags = [lag for lag in LAGS if found.series(ALL, lag)]
    if not lags:
        return []
    figure, (left, right) = new_figure(1, 2, height=3.2)
    for number, lag in enumerate(lags):
        rows = found.series(ALL, lag)
        colour = COLOURS[number % len(COLOURS)]
        _line(left, rows, "accuracy", color=colour, label=lag.removeprefix("lag "))
        _line(right, rows, "log_loss", color=colour)
    finish_axes(left, "Accuracy by the lag of the label", times=True)
    finish_axes(right, "Log loss by the lag of the label", times=True, legend=False)
    header = ("Lag", "Outcomes measured", "Accuracy", "F1", "Log loss")
    newest = [found.series(ALL, lag)[-1] for lag in lags]
    rows_ = [
        [
            lag.removeprefix("lag "),
            f"{row['n']:,}",
            *(_number(row.get(name)) for name in ("accuracy", "f1", "log_loss")),
        ]
        for lag, row in zip(lags, newest, strict=True)
    ]
    text = (
        "Labels that come quickly are not those that come late, and metrics that look at quick ones only flatter. Each "
        "class of lags is measured by itself."
    )
    parts: list[Picture | Table] = [
        Picture.of("by-lag", "The last 1,000 outcomes of each class of lags, by event time.", figure),
        Table(header, rows_),
    ]
    return [Section("By the lag of the label", [text], parts)]


def _rates(found: Clickstream) -> list[Section]:
    """Clicks by impressions, where there is more than one minute to join by a line."""
    if len({row["window_start"] for row in found.minutes}) < 2:
        return []
    figure, (axes,) = new_figure(height=2.7)
    by_campaign: dict[str, list[Row]] = defaultdict(list)
    for row in found.minutes:
        by_campaign[row["campaign"]].append(row)
    for number, (campaign, rows) in enumerate(sorted(by_campaign.items())):
        times = [_time(row["window_start"]) for row in rows]
        values = [row.get("click_through_rate") for row in rows]
        axes.plot(dates.date2num(times), _floats(values), color=COLOURS[number % len(COLOURS)], marker="o",
                  markersize=4, label=campaign)  # fmt: skip
    finish_axes(axes, "Clicks by impressions, a minute", times=True)
    caption = "Clicks of a minute by the impressions of that minute; a click counts when it is known."
    return [Section("Click-through rate", [], [Picture.of("rate", caption, figure)])]


def _newest(found: Clickstream) -> Table:
    header = ("Campaign", "Serves", *(name.replace("_", " ").capitalize() for name in _TOLD))
    rows = []
    for campaign in [*found.campaigns, ALL]:
        for row in found.series(campaign, SERVED)[-1:]:
            serves = "" if campaign == ALL or row.get("champion") is None else found.model(int(row["champion"]))
            cells = [f"{row['n']:,}", *(_number(row.get(name)) for name in _TOLD[1:])]
            rows.append([campaign, serves, *cells])
    return Table(header, rows)


# -------------------------------------------------------------------- axes


def _line(axes: Axes, rows: Iterable[Row], column: str, **how: Any) -> None:
    """A column over the ends of its windows; a gap where it is not defined."""
    listed = list(rows)
    times = dates.date2num([_time(row["window_end"]) for row in listed])
    marker = "o" if len(listed) == 1 else None
    axes.plot(times, _floats(row.get(column) for row in listed), marker=marker, markersize=4, **how)


def _floats(values: Iterable[Any]) -> np.ndarray[Any, Any]:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _clock(text: str) -> str:
    return _time(text).strftime("%Y-%m-%d %H:%M:%S")


def _span(first: str, end: str) -> str:
    begin, until = _clock(first), _clock(end)
    return f"{begin} to {until.removeprefix(begin[:11])}"


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}"
