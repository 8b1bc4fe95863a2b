"""Reading single values out of frames: prices, sizes, times, ids, currencies; every doubt is a `Refused`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from feeds.exchanges.market import Record, Reject

MAX_PRICE = 1e9
"""Above it a price is taken for an error (the range of the design's integrity check)."""

MAX_SIZE = 1e15
"""Above it a size is taken for an error: meme coins trade in 1e12 units."""

MAX_FRAME_BYTES = 8 * 1024 * 1024
"""Above it a frame is not read: the deepest order book that a venue sends is far below."""

EARLIEST_NS = 1_230_768_000_000_000_000
LATEST_NS = 4_102_444_800_000_000_000
"""2009 to 2100: no exchange of coins has times outside."""

REASONS = frozenset(
    {
        "empty",
        "too_large",
        "not_utf8",
        "not_json",
        "not_an_object",
        "missing_field",
        "wrong_type",
        "not_finite",
        "out_of_range",
        "time_out_of_range",
        "other_dialect",
    }
)
"""Why a frame is rejected: the words of `docs/guide/records.md` where they fit, and `out_of_range` for a price
or size that cannot be, `other_dialect` for an older protocol of the venue."""


class Refused(Exception):
    """This frame, or this part of it, is a `Reject`; never leaves `guarded`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reject = Reject(reason, detail)


def guarded(read: Callable[[Any], tuple[Record, ...]], frame: object) -> tuple[Record, ...]:
    """Decode a frame and read it; whatever is wrong with it becomes one `Reject`.

    Parameters
    ----------
    read
        Turns the decoded JSON value into records; raises `Refused`, or trips over a value of the wrong type.
    frame
        Bytes or text as received; a value that is decoded already is taken as it is.

    Returns
    -------
    tuple
        Never empty.
    """
    try:
        records = read(decode(frame))
    except Refused as refused:
        return (refused.reject,)
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError) as error:
        return (Reject("wrong_type", f"a value is not what its place asks for ({type(error).__name__}: {error})"),)
    return records or (Reject("missing_field", "the frame holds no record"),)


def decode(frame: object) -> Any:
    """The JSON value of a frame."""
    if not isinstance(frame, bytes | bytearray | memoryview | str):
        return frame
    if not frame:
        raise Refused("empty", "the frame has no bytes")
    if len(frame) > MAX_FRAME_BYTES:
        raise Refused("too_large", f"the frame has {len(frame)} bytes, at most {MAX_FRAME_BYTES} are read")
    try:
        return orjson.loads(frame)
    except ValueError as error:  # orjson's own error is one
        if not isinstance(frame, str):
            try:
                bytes(frame).decode()
            except UnicodeDecodeError as found:
                raise Refused("not_utf8", f"byte {found.start} of the frame is no UTF-8") from None
        raise Refused("not_json", str(error)) from None


def obj(value: object, name: str) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        reason = "not_an_object" if name == "frame" else "wrong_type"
        raise Refused(reason, f"{name}: expected an object, got {show(value)}")
    return value


def items(record: Mapping[str, Any], name: str) -> list[Any]:
    """A JSON array in a field."""
    value = need(record, name)
    if not isinstance(value, list):
        raise Refused("wrong_type", f"{name}: expected an array, got {show(value)}")
    return value


def need(record: Mapping[str, Any], name: str) -> Any:
    """A field that must be there and not null."""
    value = record.get(name)
    if value is None:
        raise Refused("missing_field", f"{name} is missing")
    return value


def text(record: Mapping[str, Any], name: str) -> str:
    """A text that is not empty."""
    value = need(record, name)
    if not isinstance(value, str) or not value or len(value) > 100:
        raise Refused("wrong_type", f"{name}: expected a text of 1 to 100 characters, got {show(value)}")
    return value


def number(value: object, name: str) -> float:
    """A finite number, written as a JSON number or as a text; venues switch between the two."""
    if type(value) is str:
        # Python's own reading is wider than any venue's writing: underscores, spaces, other scripts' digits
        if "_" in value or not value.isascii() or value != value.strip():
            raise Refused("wrong_type", f"{name}: expected a number, got {show(value)}")
        try:
            found = float(value)
        except ValueError:
            raise Refused("wrong_type", f"{name}: expected a number, got {show(value)}") from None
    elif type(value) is float or type(value) is int:
        found = float(value)
    elif value is None:
        raise Refused("missing_field", f"{name} is missing")
    else:
        raise Refused("wrong_type", f"{name}: expected a number, got {show(value)}")
    if not math.isfinite(found):
        raise Refused("not_finite", f"{name} is {found}")
    return found


def price(value: object, name: str) -> float:
    """A price: above 0, at most `MAX_PRICE`."""
    found = number(value, name)
    if not 0.0 < found <= MAX_PRICE:
        raise Refused("out_of_range", f"{name}: expected a price above 0 and up to {MAX_PRICE:g}, got {found:g}")
    return found


def size(value: object, name: str) -> float:
    """The size of a quote: 0 to `MAX_SIZE`."""
    found = number(value, name)
    if not 0.0 <= found <= MAX_SIZE:
        raise Refused("out_of_range", f"{name}: expected a size from 0 to {MAX_SIZE:g}, got {found:g}")
    return found


def traded(value: object, name: str) -> float:
    """The size of a trade: above 0, at most `MAX_SIZE`."""
    found = size(value, name)
    if found == 0.0:
        raise Refused("out_of_range", f"{name}: a trade of size 0")
    return found


def whole(value: object, name: str) -> int:
    """A number that counts, 0 or more, in at most 18 digits; as a JSON number or as a text."""
    if type(value) is int:
        found = value
    elif type(value) is str and value.isascii() and value.isdigit() and len(value) <= 18:
        found = int(value)
    elif value is None:
        raise Refused("missing_field", f"{name} is missing")
    else:
        raise Refused("wrong_type", f"{name}: expected a whole number, got {show(value)}")
    if not 0 <= found < 10**18:
        raise Refused("out_of_range", f"{name}: expected a number of at most 18 digits, got {show(value)}")
    return found


def epoch_ns(value: object, name: str) -> int:
    """Nanoseconds since 1970 of a count of seconds, ms, us or ns: the unit is told by the magnitude, which is
    without doubt between 2009 and 2100."""
    if type(value) is int:
        found = value
    elif type(value) is str and value.isascii() and value.isdigit() and len(value) <= 19:
        found = int(value)
    elif value is None:
        raise Refused("missing_field", f"{name} is missing")
    else:
        raise Refused("wrong_type", f"{name}: expected a time as a whole number, got {show(value)}")
    for unit in (1_000_000, 1_000, 1_000_000_000, 1):  # milliseconds are the most frequent
        if EARLIEST_NS <= found * unit < LATEST_NS:
            return found * unit
    raise Refused("time_out_of_range", f"{name}: {show(value)} is no time between 2009 and 2100 in s, ms, us or ns")


def iso_ns(value: object, name: str) -> int:
    """Nanoseconds since 1970 of an ISO 8601 time that names its zone; digits below a microsecond are dropped."""
    if value is None:
        raise Refused("missing_field", f"{name} is missing")
    if type(value) is not str:
        raise Refused("wrong_type", f"{name}: expected an ISO 8601 time, got {show(value)}")
    try:
        if len(value) > 19 and value[19] == "." and value[-1] == "Z":
            found = _whole_seconds_ns(value[:19]) + int(value[20:-1][:9].ljust(9, "0")) // 1000 * 1000
        else:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise ValueError
            found = round(moment.timestamp() * 1_000_000) * 1000
    except (ValueError, OverflowError):
        raise Refused("wrong_type", f"{name}: expected an ISO 8601 time with a zone, got {show(value)}") from None
    if not EARLIEST_NS <= found < LATEST_NS:
        raise Refused("time_out_of_range", f"{name}: {show(value)} is not between 2009 and 2100")
    return found


@lru_cache(maxsize=256)
def _whole_seconds_ns(value: str) -> int:
    return int(datetime.fromisoformat(value + "+00:00").timestamp()) * 1_000_000_000


def taker(value: object, name: str) -> str:
    """``buy`` or ``sell``, whatever the case."""
    side = value.lower() if isinstance(value, str) else None
    if side not in ("buy", "sell"):
        reason = "missing_field" if value is None else "wrong_type"
        raise Refused(reason, f"{name}: expected buy or sell, got {show(value)}")
    return side


def show(value: object) -> str:
    """A value for a message, cut where it is long."""
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


_JOINED = re.compile(
    # the shortest base, so the longest ending
    r"(.+?)(FDUSD|USDT|USDC|BUSD|TUSD|USDP|USD1|USDE|RLUSD|DAI|PAX|XUSD|BFUSD|AEUR|EURI"
    r"|USD|EUR|GBP|JPY|TRY|BRL|ARS|MXN|PLN|RON|UAH|ZAR|COP|IDR|RUB|NGN|AUD|CZK|BIDR|BKRW|IDRT|BVND|VAI"
    r"|BTC|ETH|BNB|XRP|TRX|DOGE|DOT|SOL)"
)


def split_symbol(symbol: str) -> tuple[str | None, str | None]:
    """Base and quote of a symbol written without a separator, by its longest known ending.

    ``BTCUSDT`` is BTC in USDT, not BTCU in SDT; a symbol with an unknown ending has neither.
    """
    found = _JOINED.fullmatch(symbol)
    return (found[1], found[2]) if found is not None else (None, None)


def split_pair(symbol: str, separator: str) -> tuple[str | None, str | None]:
    """Base and quote of a symbol with a separator; neither where it is not of that form."""
    base, found, quote = symbol.partition(separator)
    return (base, quote) if found and base and quote and separator not in quote else (None, None)
