"""What the steps of the demonstration are called, in their order."""

from __future__ import annotations

from jobs.demo.pipelines import AT_ONCE, DemoPipeline

UP, TOPICS, FEEDS, FIRST = "broker and cluster", "topics", "feeds", "first scores"
SETTLE, STOP, COUNT, DOWN = "last packs", "stop the pipelines", "count the topics", "take everything down"


def submit_title(pipeline: DemoPipeline) -> str:
    """Title of the step that submits a pipeline."""
    return f"submit {pipeline.name}"


def starting_titles() -> tuple[str, ...]:
    """The steps until there are scores."""
    return (UP, TOPICS, FEEDS, *(submit_title(pipeline) for pipeline in AT_ONCE), FIRST)


def ending_titles() -> tuple[str, ...]:
    """The steps from the end of the feeds on."""
    return (SETTLE, STOP, COUNT, DOWN)
