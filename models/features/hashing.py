"""MurmurHash3 of texts: the code of a category.

A category is hashed as the text ``column=value``, so that equal values of two columns are two things, with seed 0.
The index ``abs(code) % buckets`` and the sign of the code as a signed number are those of scikit-learn's
``FeatureHasher`` for the same text. Source: A. Appleby, MurmurHash3_x86_32 (public domain); signs: K. Weinberger and
others, "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, inline, ready

_MASK = 0xFFFFFFFF
_C1, _C2 = 0xCC9E2D51, 0x1B873593
_SIGN = 1 << 31


@inline
def _turned(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (32 - bits))) & _MASK


@inline
def _stirred(block: int) -> int:
    return (_turned((block * _C1) & _MASK, 15) * _C2) & _MASK


@entry
def hash_texts(data: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64], seed: int, codes: Any) -> None:
    """Write the code of each text to ``codes``; text i is ``data[ends[i - 1]:ends[i]]``.

    Words are kept in 64 bits and cut to 32: a product of two of 32 bits keeps its low half there.
    """
    begin = 0
    for text in range(ends.size):
        end = ends[text]
        length = end - begin
        code = seed
        place = begin
        while end - place >= 4:
            block = np.int64(data[place]) | np.int64(data[place + 1]) << 8
            block |= np.int64(data[place + 2]) << 16 | np.int64(data[place + 3]) << 24
            code = (_turned(code ^ _stirred(block), 13) * 5 + 0xE6546B64) & _MASK
            place += 4
        block = np.int64(0)
        for rest in range(end - place):
            block |= np.int64(data[place + rest]) << (8 * rest)
        if end > place:
            code ^= _stirred(block)
        code ^= length
        code = ((code ^ (code >> 16)) * 0x85EBCA6B) & _MASK
        code = ((code ^ (code >> 13)) * 0xC2B2AE35) & _MASK
        codes[text] = code ^ (code >> 16)
        begin = end


@inline
def bucket_of(code: float, buckets: int) -> Any:
    """The bucket of a code."""
    number: Any = np.int64(code)
    if number >= _SIGN:
        number = 2 * _SIGN - number  # the absolute value of the signed number
    return number % buckets


@inline
def sign_of(code: float) -> float:
    """The sign of a code."""
    return -1.0 if code >= _SIGN else 1.0


def murmurhash3(texts: Sequence[str], seed: int = 0) -> npt.NDArray[np.uint32]:
    """MurmurHash3_x86_32 of the UTF-8 bytes of each text.

    Parameters
    ----------
    texts
        Texts; lone surrogates are hashed as the bytes that stand for them.
    seed
        0..2**32 - 1.

    Returns
    -------
    array of uint32, one a text. Cost: some 10 ns and 1 ns a byte a text.

    Examples
    --------
    >>> murmurhash3(["hello", "month=Feb"]).tolist()
    [613153351, 3505358862]
    """
    parts = [text.encode("utf-8", "surrogatepass") for text in texts]
    codes = np.zeros(len(parts), np.uint32)
    ends = np.cumsum(np.fromiter((len(part) for part in parts), np.int64, len(parts)))
    make_ready()
    hash_texts(np.frombuffer(bytearray(b"".join(parts)), np.uint8), ends, seed, codes)
    return codes


def category_codes(column: str, values: Sequence[Any]) -> npt.NDArray[np.float64]:
    """The codes of a categorical column, as learners take them.

    Parameters
    ----------
    column
        The column's name: equal values of two columns have different codes.
    values
        Texts; None is a value that is missing.

    Returns
    -------
    array of float64: whole numbers in 0..2**32 - 1, NaN where a value is missing. Each different text is hashed once.

    Examples
    --------
    >>> category_codes("month", ["Feb", None])
    array([3.50535886e+09,            nan])
    """
    distinct = list(dict.fromkeys(value for value in values if value is not None))
    codes = murmurhash3([f"{column}={value}" for value in distinct]).astype(np.float64).tolist()
    known = dict(zip(distinct, codes, strict=True))
    known[None] = np.nan
    return np.array([known[value] for value in values], np.float64)


def make_ready() -> None:
    """Load the kernel, or compile it."""
    ready(hash_texts, np.empty(0, np.uint8), np.empty(0, np.int64), 0, np.empty(0, np.uint32))


#: What the list of kernels calls.
compile_all = make_ready
