"""What is published of a text model: a vector for each article when it is published or updated, and new versions whole.

A new version is written as a whole before the row that says it is complete, so whoever reads in order never has to put
vectors of two versions together. Until then articles that come get a vector of the version in use, and of the new one
with the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jobs.item_vectors.text_model import LEAST_TEXTS, TextModel


@dataclass(frozen=True)
class Article:
    """An article as it is now.

    Attributes
    ----------
    item
        Its id.
    text
        Title and text.
    event_time
        When it was published or updated, as records have it.
    """

    item: int
    text: str
    event_time: str

    @classmethod
    def of(cls, record: dict[str, Any]) -> Article:
        """Of a record of media-articles."""
        return cls(int(record["item_id"]), f"{record['title']}\n{record['text']}", str(record["event_time"]))


class Publisher:
    """Articles in, rows of the table of vectors out.

    Parameters
    ----------
    dimensions
        Components of the vectors.
    every
        Articles after which the model is trained anew, updates included.
    version
        Of the last model that was published before; the first one here is the next.
    """

    def __init__(self, *, dimensions: int = 100, every: int = 1_000, version: int = 0) -> None:
        self._dimensions, self._every = dimensions, every
        self._articles: dict[int, Article] = {}
        self._since = 0
        self.version = version
        self.model: TextModel | None = None

    def add(self, article: Article) -> Iterator[dict[str, Any]]:
        """Rows that an article, new or updated, brings about.

        Yields
        ------
        dict
            ``{"item_id", "event_time", "version", "vector"}``; `item_id` and `vector` None say that the version is
            complete. Times never go back.
        """
        self._articles[article.item] = article
        self._since += 1
        if self.model is not None:
            yield self._row(article.item, article.event_time, self.model.vectors([article.text])[0].tolist())
            if self._since >= self._every:
                yield from self.train(article.event_time)
        elif len(self._articles) >= max(LEAST_TEXTS, min(self._every, 200)):
            yield from self.train(article.event_time)

    def train(self, event_time: str) -> Iterator[dict[str, Any]]:
        """Train on all articles as they are now, and publish the whole version at a time."""
        articles = list(self._articles.values())
        texts = [each.text for each in articles]
        self.version += 1
        self.model = TextModel(texts, dimensions=self._dimensions, version=self.version)
        self._since = 0
        for article, vector in zip(articles, self.model.vectors(texts).tolist(), strict=True):
            yield self._row(article.item, event_time, vector)
        yield self._row(None, event_time, None)

    def _row(self, item: int | None, event_time: str, vector: list[float] | None) -> dict[str, Any]:
        return {"item_id": item, "event_time": event_time, "version": self.version, "vector": vector}
