"""Vectors from texts: words of two languages, nearness by what a text is about, versions that are never mixed."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest

from feeds.media_texts import CATEGORIES, title_and_text
from jobs.errors import UsageError
from jobs.item_vectors import Article, Publisher, TextModel, tokens_of
from jobs.item_vectors.text_model import LEAST_TEXTS
from tests.recorded_data import recorded_file


def made(n: int, seed: int = 1) -> list[tuple[str, str, str]]:
    """Category, language and text."""
    luck = random.Random(seed)
    found = []
    for number in range(n):
        category, language = CATEGORIES[number % len(CATEGORIES)], ("en", "ja")[number // len(CATEGORIES) % 2]
        found.append((category, language, title_and_text(category, language, 6, luck)[1]))
    return found


def test_words_of_two_languages() -> None:
    found = tokens_of("The Ministers' budget, and 3 well-known reforms!")
    assert found == ["ministers", "budget", "well-known", "reforms"]
    words = tokens_of("国会で大臣が予算について発表した。")
    assert words[:3] == ["国会", "大臣", "予算"] and "について" not in words and "た" not in words
    assert tokens_of("") == [] == tokens_of("。、")
    assert len(tokens_of("予算" * 20_000)) > 10_000  # longer than the tokenizer takes at once


def test_texts_are_near_those_about_the_same() -> None:
    texts = made(320)
    model = TextModel([text for _, _, text in texts], dimensions=30)
    vectors = model.vectors([text for _, _, text in texts])
    assert vectors.shape == (320, 30) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(320), abs=1e-5)
    near = vectors @ vectors.T
    np.fill_diagonal(near, -2.0)
    nearest = near.argmax(axis=1)
    same = [texts[i][:2] == texts[int(j)][:2] for i, j in enumerate(nearest)]
    assert np.mean(same) > 0.9
    assert not model.vectors(["nothing known herein"]).any()


def test_training_again_gives_the_same_model() -> None:
    texts = [text for _, _, text in made(64)]
    one, other = (TextModel(texts, dimensions=10).vectors(texts[:5]) for _ in range(2))
    assert one == pytest.approx(other, abs=1e-5)


@pytest.mark.parametrize("texts", [["one text"], ["alone"] * (LEAST_TEXTS - 1), [f"word{n}" for n in range(30)]])
def test_too_little_to_learn_from(texts: list[str]) -> None:
    with pytest.raises(UsageError):
        TextModel(texts)


def test_versions_are_whole() -> None:
    publisher = Publisher(dimensions=8, every=40, version=6)
    rows: list[dict[str, Any]] = []
    for number, (_, _, text) in enumerate(made(100)):
        rows += publisher.add(Article(number, text, f"2026-03-01T00:{number // 60:02d}:{number % 60:02d}.000Z"))
    rows += publisher.add(Article(3, "kitchen sofa curtain shelf", "2026-03-01T00:05:00.000Z"))  # updated
    assert [row["event_time"] for row in rows] == sorted(row["event_time"] for row in rows)
    complete: list[int] = []
    known: dict[int, set[int]] = {}
    for row in rows:
        assert row["version"] == (complete[-1] if complete else 6) + (row["version"] not in complete)
        if row["item_id"] is None:
            complete.append(row["version"])
            # whoever reads up to here knows every article that was there
            assert known[row["version"]] == set(range(40 * len(complete)))
        else:
            known.setdefault(row["version"], set()).add(row["item_id"])
            assert len(row["vector"]) == 8
    assert complete == [7, 8] and publisher.version == 8
    before = next(row["vector"] for row in reversed(rows[:-1]) if row["item_id"] == 3)
    assert rows[-1]["item_id"] == 3 and rows[-1]["vector"] != before
    assert json.loads(json.dumps(rows)) == rows


@pytest.mark.real_data
def test_paragraphs_are_near_those_of_their_article() -> None:
    """A nearest paragraph of the same article in 82 of 100 cases, with 100 components."""
    file = recorded_file("recsys", "jsquad", "articles.json")
    pairs = [(title, text) for title, texts in json.loads(file.read_text()).items() for text in texts]
    titles, texts = zip(*pairs, strict=True)
    vectors = TextModel(texts, dimensions=100).vectors(texts)
    near = vectors @ vectors.T
    np.fill_diagonal(near, -2.0)
    same = [titles[i] == titles[int(j)] for i, j in enumerate(near.argmax(axis=1))]
    assert np.mean(same) == pytest.approx(0.824, abs=0.05)
