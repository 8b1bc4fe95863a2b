"""The vector of a user: the mean of the vectors of the last items read."""

from models.user_vectors.item_vectors import ItemVectors
from models.user_vectors.pool import UserVectorPool

__all__ = ["ItemVectors", "UserVectorPool"]
