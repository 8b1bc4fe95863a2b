"""``cutbank recommend``: what a user was recommended last, for a look."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.table import Table

from jobs.cli.output import AsJson, console, print_json
from jobs.errors import UsageError
from jobs.settings import load_settings
from jobs.stack.kafka_read import reader

ANSWERS, ARTICLES = "recommender-answers", "media-articles"


def recommend(
    user: Annotated[int, typer.Option(help="Whose list.", show_default=False)],
    answers: Annotated[str, typer.Option(help="Topic of the answers.")] = ANSWERS,
    articles: Annotated[str, typer.Option(help="Topic of the articles, for their titles.")] = ARTICLES,
    as_json: AsJson = False,
) -> None:
    """Show the newest list a job made for a user, with the titles of its articles where they are known.

    It reads what `cutbank run sql/recommender.sql` has answered; it asks for nothing itself.

    Example: cutbank recommend --user 4711
    """
    settings = load_settings()
    with reader(settings, answers) as records:
        answer = newest(user, (json.loads(record.value) for record in records.all() if record.value))
    if answer is None:
        raise UsageError(f"{answers} has no list of user {user}; one is made when the user asks, in media-requests")
    titles: dict[int, str] = {}
    try:
        with reader(settings, articles) as records:
            for record in records.all():
                row = json.loads(record.value or b"{}")
                if row.get("item_id") in answer["items"]:
                    titles[row["item_id"]] = row["title"]
    except UsageError:  # lists of recorded clicks have no articles
        titles = {}
    if as_json:
        print_json({**answer, "titles": [titles.get(item) for item in answer["items"]]})
        return
    table = Table(box=None, header_style="bold")
    for name in ("", "item", "title"):
        table.add_column(name, justify="left" if name == "title" else "right")
    for place, item in enumerate(answer["items"], 1):
        table.add_row(str(place), str(item), titles.get(item, ""))
    out = console()
    out.print(table)
    filled = ", filled up with what is popular" if answer.get("fallback") else ""
    out.print(f"by {answer['ranking']}{filled}, asked at {answer['event_time']} ({answer['request_id']})", markup=False)


def newest(user: int, answers: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """The answer with the latest event time of a user's; None where there is none."""
    mine = [answer for answer in answers if answer["user_id"] == user]
    return max(mine, key=lambda answer: str(answer["event_time"]), default=None)
