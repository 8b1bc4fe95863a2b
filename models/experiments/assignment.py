"""Which variant a user gets: a bucket of a hundred by hash or by the id's last digits, and an allocation of buckets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from models.errors import ParameterError

BUCKETS: Final = 100


def hashed_bucket(experiment: str, user: int | str) -> int:
    """Bucket 0..99 of a user by a hash of the experiment's name and the user's id.

    The same user, experiment and bucket for ever; another experiment shuffles users anew, so that two of them do not
    share their groups. Numbers and their texts are the same user. Source of the hash: BLAKE2b, RFC 7693.

    Examples
    --------
    >>> hashed_bucket("ranking-2026", 4711) == hashed_bucket("ranking-2026", "4711")
    True
    """
    # the length keeps ("a", "b1") and ("ab", "1") apart
    text = f"{len(experiment)}:{experiment}{user}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") % BUCKETS


def last_two_digits(user: int | str) -> int | None:
    """Bucket 0..99 by the last two digits of the user's id, None for an id that does not end in a digit.

    The original system's way. Every experiment has the same groups then, so what one has done to its users is seen in
    the next: prefer `hashed_bucket`.

    Examples
    --------
    >>> last_two_digits(4711), last_two_digits("user-7"), last_two_digits("guest")
    (11, 7, None)
    """
    text = str(user)
    digits = text[len(text.rstrip("0123456789")) :] if text.isascii() else ""
    return int(digits[-2:]) if digits else None


class Assignment:
    """An experiment: its name, how users are told apart, and how many of a hundred get each variant.

    Parameters
    ----------
    experiment
        Its name, the salt of the hash.
    allocation
        Variant to percentage, whole numbers of 0 to 100, 100 together at most. Buckets are given out in this order;
        users of the buckets left over take no part. Making the last variant larger moves nobody else; changing an
        earlier one moves users between variants, and figures of before and after must not be put together.
    by
        ``hash``, or ``digits`` as the original had it.

    Attributes
    ----------
    unassigned : int
        Users asked about who take no part, or whose id has no bucket, counted each time.

    Examples
    --------
    >>> test = Assignment("ranking-2026", {"control": 50, "blend": 50}, by="digits")
    >>> test.variant(1049), test.variant(1050), test.variant("guest"), test.unassigned
    ('control', 'blend', None, 1)
    """

    def __init__(self, experiment: str, allocation: Mapping[str, int], by: str = "hash") -> None:
        if not experiment:
            raise ParameterError("experiment must be a name, got an empty text: it is the salt of the hash")
        if by not in ("hash", "digits"):
            raise ParameterError(f"by must be 'hash' or 'digits', got {by!r}")
        if len(allocation) < 1:
            raise ParameterError("allocation must name a variant at least, got none")
        for variant, percent in allocation.items():
            if isinstance(percent, bool) or not isinstance(percent, int) or not 0 <= percent <= BUCKETS:
                raise ParameterError(f"allocation of {variant} must be a whole number in 0..100, got {percent!r}")
        total = sum(allocation.values())
        if total > BUCKETS:
            raise ParameterError(f"allocation must be 100 at most together, got {total}: take some from a variant")
        self.experiment, self.by = experiment, by
        self.allocation = dict(allocation)
        self.unassigned = 0
        self._variants: list[str] = [name for name, percent in allocation.items() for _ in range(percent)]

    def variant(self, user: int | str) -> str | None:
        """The variant of a user, None where the user takes no part."""
        bucket = hashed_bucket(self.experiment, user) if self.by == "hash" else last_two_digits(user)
        if bucket is None or bucket >= len(self._variants):
            self.unassigned += 1
            return None
        return self._variants[bucket]
