"""Vectors of articles from their texts: tokens, a model that is trained on them, and what is published of it."""

from jobs.item_vectors.publishing import Article, Publisher
from jobs.item_vectors.text_model import TextModel
from jobs.item_vectors.tokens import tokens_of

__all__ = ["Article", "Publisher", "TextModel", "tokens_of"]
