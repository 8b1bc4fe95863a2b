"""Whom to follow: cosine similarity of users over whom they follow, and what is recommended by it."""

from models.follows.similarity import Follows, cosine_of_sets

__all__ = ["Follows", "cosine_of_sets"]
