"""Records that are not what the loudness table says, with the reason of each; and some that only look so.

The table: ``device STRING NOT NULL`` (the key), ``event_time TIMESTAMP_LTZ(3) NOT NULL``, ``volume DOUBLE NOT NULL``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.cluster.replay import iso

#: When Kafka has received the records, and the event time of the good ones.
NOW_MS = 1_790_000_000_000
NOW = iso(NOW_MS)
DAY_MS = 86_400_000
#: Records of at most so many characters are read.
MAX_LENGTH = 1_048_576


@dataclass(frozen=True)
class Poison:
    """One kind of record.

    Parameters
    ----------
    name
        What is odd about it.
    value
        Its bytes; None is a tombstone.
    reason
        Why it is refused; None is a good record.
    reads
        What a good record is read as where JSON alone does not say it.
    """

    name: str
    value: bytes | None
    reason: str | None
    reads: tuple[str, float] | None = None

    @property
    def expected(self) -> tuple[str, float]:
        """Device and volume of a good record."""
        if self.reads is not None:
            return self.reads
        assert self.value is not None
        row = json.loads(self.value)
        return row["device"], float(row["volume"])


def text(**fields: Any) -> str:
    """A good record with these fields instead; a field of `...` is left out."""
    row = {"device": "d", "event_time": NOW, "volume": 10.5, **fields}
    return json.dumps({name: value for name, value in row.items() if value is not ...})


def raw(device: str = '"d"', time: str = f'"{NOW}"', volume: str = "10.5", more: str = "") -> bytes:
    """A record from the JSON texts of its fields."""
    return f'{{"device": {device}, "event_time": {time}, "volume": {volume}{more}}}'.encode()


def _bytes() -> Iterator[Poison]:
    good = text().encode()
    yield Poison("a byte that is no UTF-8", raw('"d\xff"').replace("ÿ".encode(), b"\xff"), "not_utf8")
    yield Poison("an overlong slash", raw('"dX"').replace(b"X", b"\xc0\xaf"), "not_utf8")
    yield Poison("a surrogate in UTF-8", raw('"dX"').replace(b"X", b"\xed\xa0\x80"), "not_utf8")
    yield Poison("beyond Unicode", raw('"dX"').replace(b"X", b"\xf4\x90\x80\x80"), "not_utf8")
    yield Poison("a character cut in two", raw('"dX"').replace(b"X", b"\xe2\x82"), "not_utf8")
    yield Poison("ISO-8859-1", raw('"Küche"').decode().encode("latin-1"), "not_utf8")
    yield Poison("UTF-16", text().encode("utf-16"), "not_utf8")
    yield Poison("UTF-16 without mark", text().encode("utf-16-le"), "not_json")
    yield Poison("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "not_utf8")
    yield Poison("a byte order mark", b"\xef\xbb\xbf" + good, "not_json")
    yield Poison("a NUL in front", b"\0" + good, "not_json")
    yield Poison("a NUL behind", good + b"\0", "not_json")
    yield Poison("a schema registry's header", b"\0\0\0\0\x07" + good, "not_json")
    yield Poison("tombstone", None, "tombstone")
    yield Poison("empty", b"", "empty")
    yield Poison("white space", b" \t\r\n ", "empty")
    yield Poison("one space", b" ", "empty")


def _syntax() -> Iterator[Poison]:
    good = text().encode()
    yield Poison("cut off", good[:-7], "not_json")
    yield Poison("cut off before the end", good[:-1], "not_json")
    yield Poison("garbage behind", good + b"x", "not_json")
    yield Poison("two objects", good + good, "not_json")
    yield Poison("two objects and a comma", good + b"," + good, "not_json")
    yield Poison("two objects on two lines", good + b"\n" + good, "not_json")
    yield Poison("an object and a null", good + b",null", "not_json")
    yield Poison("a comma behind", good + b",", "not_json")
    yield Poison("a bracket behind", good + b"]", "not_json")
    yield Poison("brackets and an object behind", good + b"],[" + good, "not_json")
    yield Poison("a bracket and garbage behind", good + b"] garbage", "not_json")
    yield Poison("a brace behind", good + b"}", "not_json")
    yield Poison("single quotes", good.replace(b'"', b"'"), "not_json")
    yield Poison("names without quotes", good.replace(b'"device"', b"device"), "not_json")
    yield Poison("a comma before the brace", good[:-1] + b",}", "not_json")
    yield Poison("a comment", good[:-1] + b"/* loud */}", "not_json")
    yield Poison("a comment behind", good + b"// loud", "not_json")
    yield Poison("no colon", good.replace(b'"device": ', b'"device" '), "not_json")
    yield Poison("a tab in a text", raw('"d\te"'), "not_json")
    yield Poison("a NUL in a text", raw('"d\0e"'), "not_json")
    yield Poison("an unknown escape", raw(r'"\x41"'), "not_json")
    yield Poison("a cut escape", raw(r'"\u00"'), "not_json")
    yield Poison("a leading zero", raw(volume="010.5"), "not_json")
    yield Poison("a leading plus", raw(volume="+10.5"), "not_json")
    yield Poison("a leading point", raw(volume=".5"), "not_json")
    yield Poison("a trailing point", raw(volume="10."), "not_json")
    yield Poison("hexadecimal", raw(volume="0x1F"), "not_json")
    yield Poison("a decimal comma", raw(volume="10,5"), "not_json")
    yield Poison("True of Python", raw(more=', "ok": True'), "not_json")
    yield Poison("undefined", raw(volume="undefined"), "not_json")
    yield Poison("text", b"device=d volume=10.5", "not_json")
    yield Poison("XML", b"<row><device>d</device></row>", "not_json")
    yield Poison("CSV", f"d,{NOW},10.5".encode(), "not_json")


def _shape() -> Iterator[Poison]:
    good = text().encode()
    yield Poison("an array of the record", b"[" + good + b"]", "not_an_object")
    yield Poison("an empty array", b"[]", "not_an_object")
    yield Poison("a number", b"42", "not_an_object")
    yield Poison("a text", b'"loud"', "not_an_object")
    yield Poison("null", b"null", "not_an_object")
    yield Poison("true", b"true", "not_an_object")
    yield Poison("an object as a text", json.dumps(text()).encode(), "not_an_object")
    yield Poison("an empty object", b"{}", "key_missing")
    yield Poison("inside an envelope", b'{"payload": ' + good + b"}", "key_missing")
    yield Poison("names in capitals", good.replace(b"device", b"DEVICE"), "key_missing")
    yield Poison("five megabytes", text(note="x" * 5_000_000).encode(), "too_large")
    yield Poison("five megabytes of nothing", b" " * 5_000_000, "empty")
    yield Poison("a number one digit too long", raw(volume="-1." + "5" * 998 + "e-10"), "too_large")
    yield Poison("a number of 10,000 digits nobody reads", raw(more=f', "n": {"7" * 10_000}'), "too_large")
    yield Poison("a field name one letter too long", raw(more=f', "{"n" * 50_001}": 1'), "too_large")
    yield Poison("one character too long", text(note="x" * (MAX_LENGTH + 1 - len(text(note="")))).encode(), "too_large")
    yield Poison("as long as may be", text(note="x" * (MAX_LENGTH - len(text(note="")))).encode(), None)
    yield Poison("objects 10,000 deep", raw(more=', "n": ' + '{"a":' * 10_000 + "1" + "}" * 10_000), "too_deep")
    yield Poison("arrays 10,000 deep", raw(more=', "n": ' + "[" * 10_000 + "]" * 10_000), "too_deep")
    yield Poison("arrays 10,000 deep and no end", b'{"device": ' + b"[" * 10_000, "too_deep")
    yield Poison("arrays 10,000 deep in place of the volume", raw(volume="[" * 10_000 + "]" * 10_000), "too_deep")
    yield Poison("arrays 10,000 deep at the top", b"[" * 10_000 + b"]" * 10_000, "too_deep")
    yield Poison("one level too deep", raw(more=', "n": ' + "[" * 999 + "]" * 999), "too_deep")
    yield Poison("as deep as may be", raw(more=', "n": ' + "[" * 998 + "]" * 998), None, ("d", 10.5))
    yield Poison("500 deep", raw(more=', "n": ' + '{"a":[' * 249 + "1" + "]}" * 249), None)


def _fields() -> Iterator[Poison]:
    yield Poison("no key", text(device=...).encode(), "key_missing")
    yield Poison("key null", text(device=None).encode(), "key_missing")
    yield Poison("key a number", text(device=7).encode(), "wrong_type")
    yield Poison("key a boolean", text(device=True).encode(), "wrong_type")
    yield Poison("key an array", text(device=["d"]).encode(), "wrong_type")
    yield Poison("key an object", text(device={"id": "d"}).encode(), "wrong_type")
    yield Poison("no volume", text(volume=...).encode(), "missing_field")
    yield Poison("volume null", text(volume=None).encode(), "missing_field")
    yield Poison("volume a word", text(volume="loud").encode(), "wrong_type")
    yield Poison("volume in quotes", text(volume="10.5").encode(), "wrong_type")
    yield Poison("volume a boolean", text(volume=True).encode(), "wrong_type")
    yield Poison("volume an array", text(volume=[10.5]).encode(), "wrong_type")
    yield Poison("volume an object", text(volume={"db": 10.5}).encode(), "wrong_type")
    yield Poison("volume an empty text", text(volume="").encode(), "wrong_type")
    yield Poison("NaN", raw(volume="NaN"), "not_finite")
    yield Poison("Infinity", raw(volume="Infinity"), "not_finite")
    yield Poison("minus Infinity", raw(volume="-Infinity"), "not_finite")
    yield Poison("NaN in a field nobody reads", raw(more=', "n": NaN'), "not_finite")
    yield Poison("the word NaN", raw(volume='"NaN"'), "not_finite")
    yield Poison("the word Infinity", raw(volume='"-Infinity"'), "not_finite")
    yield Poison("1e400", raw(volume="1e400"), "not_finite")
    yield Poison("minus 1e400", raw(volume="-1e400"), "not_finite")
    yield Poison("400 digits", raw(volume="1" + "0" * 400), "not_finite")
    yield Poison("1e999999999", raw(volume="1e999999999"), "not_finite")


def _times() -> Iterator[Poison]:
    def at(time: str) -> bytes:
        return text(event_time=time).encode()

    yield Poison("no time", text(event_time=...).encode(), "missing_field")
    yield Poison("time null", text(event_time=None).encode(), "missing_field")
    yield Poison("time a number", text(event_time=NOW_MS).encode(), "wrong_type")
    yield Poison("time a boolean", text(event_time=False).encode(), "wrong_type")
    yield Poison("time an array", text(event_time=[2026, 9, 21]).encode(), "wrong_type")
    yield Poison("time an empty text", at(""), "wrong_type")
    yield Poison("time a word", at("yesterday"), "wrong_type")
    yield Poison("time without zone", at(NOW[:-1]), "wrong_type")
    yield Poison("time with an offset", at(NOW[:-1] + "+02:00"), "wrong_type")
    yield Poison("time with a space", at(NOW.replace("T", " ")), "wrong_type")
    yield Poison("time without seconds", at(NOW[:16] + "Z"), "wrong_type")
    yield Poison("time in milliseconds as a text", at(str(NOW_MS)), "wrong_type")
    yield Poison("only a day", at(NOW[:10]), "wrong_type")
    yield Poison("time with a space and without zone", at(NOW[:19].replace("T", " ")), "wrong_type")
    yield Poison("only a day, in few digits", at("2026-9-1"), "wrong_type")
    yield Poison("a space before the time", at(" " + NOW), "wrong_type")
    yield Poison("time in ten digits of a second", at(NOW[:-1] + "0000000Z"), "wrong_type")
    yield Poison("time and garbage", at(NOW + " "), "wrong_type")
    yield Poison("time in small letters", at(NOW.lower()), "wrong_type")
    yield Poison("30th of February", at("2026-02-30T10:00:00.000Z"), "wrong_type")
    yield Poison("29th of February in a common year", at("2026-02-29T10:00:00.000Z"), "wrong_type")
    yield Poison("31st of June", at("2026-06-31T10:00:00.000Z"), "wrong_type")
    yield Poison("month 13", at("2026-13-01T10:00:00.000Z"), "wrong_type")
    yield Poison("day 0", at("2026-01-00T10:00:00.000Z"), "wrong_type")
    yield Poison("hour 24", at("2026-01-01T24:00:00.000Z"), "wrong_type")
    yield Poison("hour 25", at("2026-01-01T25:00:00.000Z"), "wrong_type")
    yield Poison("second 60", at("2016-12-31T23:59:60.000Z"), "wrong_type")
    yield Poison("year 0", at("0000-01-01T00:00:00.000Z"), "wrong_type")
    yield Poison("year 1", at("0001-01-01T00:00:00.000Z"), "time_out_of_range")
    yield Poison("the epoch", at("1970-01-01T00:00:00.000Z"), "time_out_of_range")
    yield Poison("just before 1990", at("1989-12-31T23:59:59.999Z"), "time_out_of_range")
    yield Poison("year 9999", at("9999-12-31T23:59:59.999Z"), "time_out_of_range")
    yield Poison("year 12026", at("+12026-01-01T00:00:00.000Z"), "wrong_type")
    yield Poison("two days ahead", at(iso(NOW_MS + 2 * DAY_MS)), "time_out_of_range")
    yield Poison("a millisecond too far ahead", at(iso(NOW_MS + DAY_MS + 1)), "time_out_of_range")


def _good() -> Iterator[Poison]:
    yield Poison("plain", text().encode(), None)
    yield Poison("compact", text().replace(" ", "").encode(), None)
    yield Poison("white space around", b" \r\n\t" + text().encode() + b"\n \t", None)
    yield Poison("white space inside", text().replace(" ", " \n\t").encode(), None)
    yield Poison("fields nobody reads", raw(more=', "a": {"b": [1, "x", null, true]}, "": {}'), None)
    yield Poison("a number nobody reads that is too large", raw(more=', "n": 1e400'), None)
    yield Poison("another order", f'{{"volume": 1.25, "event_time": "{NOW}", "device": "d"}}'.encode(), None)
    yield Poison("a field twice, the last counts", raw(more=', "volume": 11.5, "device": "e"'), None, ("e", 11.5))
    yield Poison(
        "the time twice, the last counts", raw('"d"', '"1970-01-01T00:00:00Z"', more=f', "event_time": "{NOW}"'), None
    )
    yield Poison("an empty key", text(device="").encode(), None)
    yield Poison("a key of a space", text(device=" ").encode(), None)
    yield Poison("the key null as a word", text(device="null").encode(), None)
    yield Poison("a key of quotes", text(device="\"'`\\/").encode(), None)
    yield Poison("escaped letters", raw(r'"\u0064\u00e9\ud83d\ude00\n\/"'), None)
    yield Poison("letters of four bytes", raw('"dé😀"'), None)
    yield Poison("an escaped NUL", raw(r'"a\u0000b"'), None)
    yield Poison("an escaped name", raw().replace(b'"device"', rb'"\u0064evice"'), None)
    yield Poison("half a surrogate pair", raw(r'"d\ud800"'), None, ("d?", 10.5))
    yield Poison("a very long key", text(device="k" * 10_000).encode(), None)
    yield Poison("a replacement character", raw('"d\ufffd"'), None)
    yield Poison("minus zero", raw(volume="-0.0"), None, ("d", 0.0))
    yield Poison("minus whole zero", raw(volume="-0"), None)
    yield Poison("zero", raw(volume="0"), None)
    yield Poison("a whole number", raw(volume="10"), None)
    yield Poison("an exponent", raw(volume="1.05e1"), None)
    yield Poison("a capital exponent", raw(volume="105E-1"), None)
    yield Poison("a tiny number", raw(volume="5e-324"), None)
    yield Poison("less than tiny", raw(volume="1e-400"), None)
    yield Poison("40 digits", raw(volume="10.123456789012345678901234567890123456789"), None)
    yield Poison("17 digits", raw(volume="0.10000000000000001"), None)
    yield Poison("25 whole digits", raw(volume="1234567890123456789012345"), None)
    yield Poison("a tiny number with a large exponent", raw(volume="1e-999999999"), None)
    yield Poison("a number as long as may be", raw(volume="-1." + "5" * 997 + "e-10"), None)
    yield Poison("a field name as long as may be", raw(more=f', "{"n" * 50_000}": 1'), None)
    yield Poison("time without a fraction", text(event_time=NOW[:19] + "Z").encode(), None)
    yield Poison("time in tenths", text(event_time=NOW[:21] + "Z").encode(), None)
    yield Poison("time in nanoseconds", text(event_time=NOW[:23] + "000000Z").encode(), None)


def all_poison() -> list[Poison]:
    """The whole corpus, each kind once."""
    kinds = [*_bytes(), *_syntax(), *_shape(), *_fields(), *_times(), *_good()]
    assert len({kind.name for kind in kinds}) == len(kinds)
    return kinds
