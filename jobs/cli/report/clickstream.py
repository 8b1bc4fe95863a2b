"""``cutbank report clickstream``: how good the predictions of the clickstream pipeline were."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.output import AsJson, console, print_json
from jobs.report.clickstream import write_report
from jobs.settings import load_settings


def clickstream(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where to write; by default reports/clickstream in the state folder."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a page with the curves of the clickstream pipeline: metrics, champions, and what late labels cost.

    It reads the topics as they are now, while the pipeline runs or after, and writes index.html with all figures in it,
    and each figure as SVG and PNG.

    Example: cutbank report clickstream --out report
    """
    settings = load_settings()
    written = write_report(settings, out or settings.state_dir / "reports" / "clickstream")
    if as_json:
        print_json({"page": str(written[0]), "files": [str(path) for path in written]})
        return
    console().print(f"{written[0]} and {len(written) - 1} figures beside it", markup=False, soft_wrap=True)
