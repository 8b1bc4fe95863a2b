"""``cutbank report ab``: an A/B test of rankings, from the topics of the recommender."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.output import AsJson, console, print_json
from jobs.errors import UsageError
from jobs.report.ab import SCALE, read_exposures, report_of, variants_of
from jobs.report.ab_page import page_of
from jobs.settings import load_settings


def ab(
    control: Annotated[
        str | None, typer.Option(help="A ranking; by default the popular one of the two that have most readers.")
    ] = None,
    treatment: Annotated[str | None, typer.Option(help="The other one.")] = None,
    percent: Annotated[float, typer.Option(help="Of readers who were to get the treatment.")] = 50.0,
    scale: Annotated[float, typer.Option(help="Size of differences to be found soonest; fix it beforehand.")] = SCALE,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where to write; by default reports/ab in the state folder."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a page on an A/B test of rankings: sample ratio first, then rates, readers who left, day by day.

    It reads recommender-answers, media-lists and media-clicks as they are now. A list counts for the ranking that made
    it, a reader for the one ranking all lists were of.

    Example: cutbank report ab --control popular-window:1h --treatment blend
    """
    if not 0 < percent < 100:
        raise UsageError(f"--percent: expected a number between 0 and 100, got {percent:g}")
    if not scale > 0:
        raise UsageError(f"--scale: expected a number above 0, got {scale:g}")
    settings = load_settings()
    exposures = read_exposures(settings)
    names = variants_of(exposures)
    if control is None or treatment is None:
        if len(names) < 2:
            raise UsageError(f"two rankings must have made lists that were shown, there are: {', '.join(names) or '-'}")
        pair = sorted(names[:2], key=lambda name: not name.startswith("popular"))
        control = control or next(name for name in pair if name != treatment)
        treatment = treatment or next(name for name in pair if name != control)
    report = report_of(exposures, control, treatment, {control: 100 - percent, treatment: percent}, scale)
    folder = out or settings.state_dir / "reports" / "ab"
    try:
        written = page_of(report).write(folder)
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror or error}; name another --out") from error
    if as_json:
        print_json({**report.as_object(), "page": str(written[0]), "files": [str(path) for path in written]})
        return
    console().print(f"{written[0]} and {len(written) - 1} figures beside it", markup=False, soft_wrap=True)
