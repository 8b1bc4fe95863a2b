"""Texts as features of a learner: a code of 32 bits each, made by MurmurHash3, and what a learner does with codes."""

from models.features.hashing import category_codes, murmurhash3

__all__ = ["category_codes", "murmurhash3"]
