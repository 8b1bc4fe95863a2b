"""Calls of functions and what they give, from AWS's reference or by hand, never from our translation."""

from __future__ import annotations

from typing import Any, NamedTuple

from jobs.kinesis.column_types import parse_type
from jobs.kinesis.functions import SCALARS
from jobs.kinesis.tree import SUBSTRING_COMMA, SUBSTRING_SIMILAR
from jobs.kinesis.values import Value, number_literal, text_literal


class Case(NamedTuple):
    """A call; ``expected`` is the result as text, None is NULL."""

    function: str
    arguments: tuple[Any, ...]
    expected: str | None


class Sql(NamedTuple):
    """An argument that is Flink SQL."""

    sql: str
    type: str


def argument(value: Any) -> Value:
    """A text, a number, NULL or `Sql` as the compiler would hand it over."""
    if isinstance(value, Value):
        return value
    if isinstance(value, Sql):
        return Value(value.sql, parse_type(value.type))
    if value is None:
        return Value("CAST(NULL AS STRING)", None)
    if isinstance(value, str):
        return text_literal(value)
    number = number_literal(str(abs(value)))
    return number if value >= 0 else Value(f"(-{number.sql})", number.type)


def call(function: str, arguments: tuple[Any, ...] | list[Any]) -> Value:
    """The value of a call, as the compiler asks for it."""
    scalar = SCALARS[function]
    assert scalar.low <= len(arguments) <= scalar.high, (function, arguments)
    return scalar.build([argument(one) for one in arguments])


def moment(text: str) -> Sql:
    return Sql(f"TIMESTAMP '{text}'", "TIMESTAMP")


# examples of the reference, in its words
PUBLISHED = [
    # CHAR_TO_TIMESTAMP, with its templates
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd hh:mm:ss", "2009-09-16 03:15:24"), "2009-09-16 03:15:24.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", "2009-09-16 03:15:24"), "2009-09-16 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-hh-mm", "2009-09-16 03:15:24"), "2009-01-01 09:16:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("MM/dd/yy hh:mm:ss", "09/16/11 03:15:24"), "2011-09-16 03:15:24.000"),
    Case("CHAR_TO_TIMESTAMP", ("MM/dd/yy hh:mm:ss", "2009/09/16 03:15:24"), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyy", "09-16 03:15"), "0009-01-01 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy", "16 03:15"), "0016-01-01 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy", "2009-09-16 03:15:24"), "2009-01-01 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy hh", "2009-09-16 03:15:24"), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-hh", "2009-09-16 03:15:24"), "2009-01-01 09:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy hh", "2009 09 16 03:15:24"), "2009-01-01 09:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy/hh", "2009/09/16 03:15:24"), "2009-01-01 09:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-mm", "2009-09-16 03:15:24"), "2009-01-01 00:09:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-mm", "2011-02-08 07:23:19"), "2011-01-01 00:02:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("MMM dd, yyyy", "March 7, 2010"), "2010-03-07 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("MMM dd,", "March 7, 2010"), "1970-03-07 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("MMM dd,y", "March 7, 2010"), "2010-03-07 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("MMM dd,y", "March 7, 10"), "0010-03-07 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("MMM dd yyyy", "March 7, 2010"), None),
    Case("CHAR_TO_TIMESTAMP", ("M-d", "2-8"), "1970-02-08 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("M-d", "2-8-2011"), "1970-02-08 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("M-d", "2011-2-8"), None),
    Case("CHAR_TO_TIMESTAMP", ("MM-dd-yyyy", "06-23-2011 10:11:12"), "2011-06-23 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("dd-MM-yy hh:mm:ss", "23-06-11 10:11:12"), "2011-06-23 10:11:12.000"),
    Case("CHAR_TO_TIMESTAMP", ("MM-dd-yy ss:hh:mm", "06-23-11 12:10:11"), "2011-06-23 10:11:12.000"),
    Case("CHAR_TO_TIMESTAMP", ("yy-dd-MM ss:hh:mm", "06-23-11 12:10:11"), "2006-11-23 10:11:12.000"),
    # SUBSTRING
    Case("SUBSTRING", ("123456789", 3, 4), "3456"),
    Case("SUBSTRING", ("123456789", 17, 4), ""),
    Case("SUBSTRING", ("123456789", -1, 4), "12"),
    Case("SUBSTRING", ("123456789", 6, 0), ""),
    Case("SUBSTRING", ("123456789", 8, 4), "89"),
    Case("SUBSTRING", ("TECHNOLOGY", "L[A-Z]*"), "LOGY"),
    Case("SUBSTRING", ("TECHNOLOGY", "FOO"), None),
    Case("SUBSTRING", ("TECHNOLOGY", "O[A-Z]"), "OL"),
    Case(SUBSTRING_COMMA, ("123456789", 3, 4), "3456"),
    Case(SUBSTRING_COMMA, ("123456789", 7, 4), "789"),
    Case(SUBSTRING_COMMA, ("123456789", 10, 4), None),
    Case(SUBSTRING_SIMILAR, ("123456789", '23#"456#"78', "#"), "456"),
    Case(SUBSTRING_SIMILAR, ("TECHNOLOGY", 'TECH%"NOLO%"GY', "%"), "NOLO"),
    # POSITION, OVERLAY, INITCAP
    Case("POSITION", ("findme", "1234findmeXXX"), "5"),
    Case("POSITION", ("findme", "1234not-hereXXX"), "0"),
    Case("POSITION", ("1", "1234567"), "1"),
    Case("POSITION", ("7", "1234567"), "7"),
    Case("POSITION", ("", "1234567"), "1"),
    Case("OVERLAY", ("12345", "foo", 1), "foo45"),
    Case("OVERLAY", ("12345", "foo", 0), "foo345"),
    Case("OVERLAY", ("12345", "foo", -2), "foo12345"),
    Case("OVERLAY", ("12345", "foo", 4), "123foo"),
    Case("OVERLAY", ("12345", "foo", 17), "12345foo"),
    Case("OVERLAY", ("12345", "foo", 2, 0), "1foo2345"),
    Case("OVERLAY", ("12345", "foo", 2, 2), "1foo45"),
    Case("OVERLAY", ("12345", "foo", 2, 9), "1foo"),
    Case("INITCAP", ("Each FIRST lEtTeR is cAPITALIZED",), "Each First Letter Is Capitalized"),
    # REGEX_REPLACE
    Case("REGEX_REPLACE", ("TECHNOLOGY", "TECHNOLOGY", "INFORMATION TECHNOLOGY", 1, 0), "INFORMATION TECHNOLOGY"),
    Case("REGEX_REPLACE", ("ENERGY", "TECHNOLOGY", "INFORMATION TECHNOLOGY", 1, 0), "ENERGY"),
]

# by hand: what the reference says in words, SimpleDateFormat's documentation, and the ends of ranges
BY_HAND = [
    # numbers out of range and days that do not exist give no time
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", "2009-02-30"), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", "2009-02-29"), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", "2008-02-29"), "2008-02-29 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", "1900-02-29"), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", "2000-02-29"), "2000-02-29 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yy-MM-dd", "00-02-29"), "2000-02-29 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("MM-dd", "02-29"), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", "2009-04-31"), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", "2009-12-31"), "2009-12-31 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", "2009-00-10"), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", "2009-13-10"), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", "2009-1-32"), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", "2009-010-007"), "2009-10-07 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("dd MMM yyyy", "29 feb 2100"), None),
    Case("CHAR_TO_TIMESTAMP", ("dd MMM yyyy", "31 June 2010"), None),
    Case("CHAR_TO_TIMESTAMP", ("dd MMM yyyy", "30 SEP 2010"), "2010-09-30 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("HH:mm", "24:00"), None),
    Case("CHAR_TO_TIMESTAMP", ("HH:mm", "23:60"), None),
    Case("CHAR_TO_TIMESTAMP", ("HH:mm:ss", "23:59:60"), None),
    Case("CHAR_TO_TIMESTAMP", ("HH:mm", "23:59"), "1970-01-01 23:59:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("kk:mm", "24:30"), "1970-01-01 00:30:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("hh:mm", "13:30"), None),
    Case("CHAR_TO_TIMESTAMP", ("hh:mm", "0:30"), None),
    Case("CHAR_TO_TIMESTAMP", ("hh:mm a", "12:30 am"), "1970-01-01 00:30:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("hh:mm a", "12:30 PM"), "1970-01-01 12:30:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("K a", "11 PM"), "1970-01-01 23:00:00.000"),
    # digits without anything between them go by the widths of the pattern
    Case("CHAR_TO_TIMESTAMP", ("yyyyMMddHHmmss", "20090916031524"), "2009-09-16 03:15:24.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyyMMdd", "20090230"), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyyMMdd", "20090229"), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyyMMdd", "20080229"), "2008-02-29 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyMMdd", "991231"), "1999-12-31 00:00:00.000"),
    # milliseconds, zones, texts
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd HH:mm:ss.SSS", "2009-09-16 03:15:24.123"), "2009-09-16 03:15:24.123"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd HH:mm:ss.SSS", "1969-12-31 23:59:58.500"), "1969-12-31 23:59:58.500"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd HH:mm:ss.S", "2009-09-16 03:15:24.5"), "2009-09-16 03:15:24.005"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd HH:mm:ss.SSS", "2009-09-16 03:15:24.123456"), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2009-09-16T03:15:24.1Z"), "2009-09-16 03:15:24.001"),
    Case(
        "CHAR_TO_TIMESTAMP",
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2009-09-16T03:15:24.123+02:00"),
        "2009-09-16 01:15:24.123",
    ),
    Case("CHAR_TO_TIMESTAMP", ("dd/MMM/yyyy:HH:mm:ss Z", "24/May/2004:22:01:02 -0700"), "2004-05-25 05:01:02.000"),
    Case("CHAR_TO_TIMESTAMP", ("dd/MMM/yyyy:HH:mm:ss z", "24/May/2004:22:01:02 PDT"), "2004-05-25 05:01:02.000"),
    Case("CHAR_TO_TIMESTAMP", ("dd/MMM/yyyy:HH:mm:ss z", "24/May/2004:22:01:02 GMT+02:00"), "2004-05-24 20:01:02.000"),
    Case("CHAR_TO_TIMESTAMP", ("dd/MMM/yyyy:HH:mm:ss z", "24/May/2004:22:01:02 NOWHERE"), None),
    Case(
        "CHAR_TO_TIMESTAMP", ("EEE MMM dd HH:mm:ss zzz yyyy", "Wed Sep 16 03:15:24 UTC 2009"), "2009-09-16 03:15:24.000"
    ),
    Case("CHAR_TO_TIMESTAMP", ("EEEE, dd MMMM yyyy", "Wednesday, 16 September 2009"), "2009-09-16 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy.MM.dd 'at' HH 'o''clock'", "2009.09.16 at 15 o'clock"), "2009-09-16 15:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", "  2009- 9-16"), "2009-09-16 00:00:00.000"),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", ""), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", "yesterday"), None),
    Case("CHAR_TO_TIMESTAMP", ("yyyy-MM-dd", None), None),
    Case("CHAR_TO_DATE", ("dd.MM.yyyy", "16.09.2009"), "2009-09-16"),
    Case("CHAR_TO_DATE", ("dd.MM.yyyy", "31.09.2009"), None),
    Case("CHAR_TO_TIME", ("HH:mm:ss", "03:15:24"), "03:15:24.0"),
    # the letters that java.time reads otherwise
    Case(
        "TIMESTAMP_TO_CHAR", ("yyyy-MM-dd''HH:mm:ss.SSS", moment("2009-09-16 15:15:24.007")), "2009-09-16'15:15:24.007"
    ),
    Case(
        "TIMESTAMP_TO_CHAR", ("yyyy-MM-dd'T'HH:mm:ss.SSS", moment("2009-09-16 15:15:24.007")), "2009-09-16T15:15:24.007"
    ),
    Case("TIMESTAMP_TO_CHAR", ("u", moment("2009-09-16 15:15:24")), "3"),
    Case("TIMESTAMP_TO_CHAR", ("u", moment("2009-09-20 15:15:24")), "7"),
    Case("TIMESTAMP_TO_CHAR", ("u", moment("2009-09-21 15:15:24")), "1"),
    Case("TIMESTAMP_TO_CHAR", ("H", moment("2009-09-16 05:15:24")), "5"),
    Case("TIMESTAMP_TO_CHAR", ("hh 'o''clock' a, z", moment("2009-09-16 15:15:24")), "03 o'clock PM, UTC"),
    Case(
        "TIMESTAMP_TO_CHAR",
        ("yyyyy.MMMMM.dd EEE EEEE", moment("2009-09-16 15:15:24")),
        "02009.September.16 Wed Wednesday",
    ),
    Case("TIMESTAMP_TO_CHAR", ("d/M/yy KK kk D", moment("2009-09-06 00:15:24")), "6/9/09 00 24 249"),
    Case("TIMESTAMP_TO_CHAR", ("S SS SSSS", moment("2009-09-16 15:15:24.007")), "7 07 0007"),
    Case("TIMESTAMP_TO_CHAR", ("SS", moment("2009-09-16 15:15:24.123")), "123"),
    Case("TIMESTAMP_TO_CHAR", ("F", moment("2009-09-15 15:15:24")), "3"),
    Case("TIMESTAMP_TO_CHAR", ("F", moment("2009-09-14 15:15:24")), "2"),
    Case("TIMESTAMP_TO_CHAR", ("[yyyy]{Z}#X", moment("2009-09-16 15:15:24")), "[2009]{+0000}#Z"),
    Case("TIMESTAMP_TO_CHAR", ("ddd G", moment("2009-09-06 15:15:24")), "006 AD"),
    # the reference: a NULL is written as the text null
    Case("TIMESTAMP_TO_CHAR", ("yyyy", Sql("CAST(NULL AS TIMESTAMP(3))", "TIMESTAMP")), "null"),
    Case("DATE_TO_CHAR", ("EEE, d MMM yyyy", Sql("DATE '2009-09-16'", "DATE")), "Wed, 16 Sep 2009"),
    Case("TIME_TO_CHAR", ("hh:mm a", Sql("TIME '15:15:24'", "TIME")), "03:15 PM"),
    Case("UNIX_TIMESTAMP", (moment("2009-09-16 03:15:24.123"),), "1253070924123"),
    Case("UNIX_TIMESTAMP", (moment("1969-12-31 23:59:58.500"),), "-1500"),
    Case("TO_TIMESTAMP", (1253070924123,), "2009-09-16 03:15:24.123"),
    Case("TO_TIMESTAMP", (-1500,), "1969-12-31 23:59:58.500"),
    # texts
    Case("SUBSTRING", ("123456789", 4), "456789"),
    Case("SUBSTRING", ("123456789", -4), "123456789"),
    Case("SUBSTRING", ("123456789", Sql("CAST(-1 AS INT)", "INTEGER"), 4), "12"),
    Case(SUBSTRING_COMMA, ("123456789", Sql("CAST(10 AS INT)", "INTEGER"), 4), None),
    Case(SUBSTRING_SIMILAR, ("path/to/file.txt", '%/#"_%#".txt', "#"), "to/file"),
    Case("POSITION", ("a", "banana", 3), "4"),
    Case("OVERLAY", ("12345", "foo", Sql("CAST(17 AS INT)", "INTEGER")), "12345foo"),
    Case("INITCAP", ("  o'neil mcDONALD-smith  x1y",), "  O'neil Mcdonald-smith  X1y"),
    Case("TRIM", ("BOTH", " ", "  ab c "), "ab c"),
    Case("TRIM", ("LEADING", "x", "xxaxx"), "axx"),
    Case("TRIM", ("TRAILING", "x", "xxaxx"), "xxa"),
    Case("CHAR_LENGTH", ("abc ",), "4"),
    Case("CHARACTER_LENGTH", ("",), "0"),
    Case("LENGTH", ("abc",), "3"),
    Case("CONCAT", ("a", "b"), "ab"),
    Case("REPLACE", ("banana", "an", "-"), "b--a"),
    Case("LTRIM", ("  a ",), "a "),
    Case("RTRIM", (" a  ",), " a"),
    Case("REGEX_REPLACE", ("a1b22", "[0-9]+", "#"), "a#b#"),
    Case("LOWER", ("AbC",), "abc"),
    Case("UPPER", ("AbC",), "ABC"),
    Case("REGEX_REPLACE", ("a1b22c333", "[0-9]+", "#", 1, 0), "a#b#c#"),
    Case("REGEX_REPLACE", ("a1b22c333", "[0-9]+", "#", 1, 1), "a#b22c333"),
    Case("REGEX_REPLACE", ("a1b22c333", "[0-9]+", "#", 1, 2), "a1b#c333"),
    Case("REGEX_REPLACE", ("a1b22c333", "[0-9]+", "#", 3, 0), "a1b#c#"),
    Case("REGEX_REPLACE", ("a1b22c333", "[0-9]+", "#", 3, 2), "a1b22c#"),
    Case("REGEX_REPLACE", ("a1b22c333", "[0-9]+", "#", 1, 4), "a1b22c333"),
    Case("REGEX_REPLACE", ("a1", "[0-9]+", "#", 3, 0), "a1"),
    Case("REGEX_REPLACE", ("john smith", "([a-z]+) ([a-z]+)", "$2, $1 <$0>", 1, 1), "smith, john <john smith>"),
    Case("REGEX_REPLACE", ("5 USD", "USD", "\\$", 1, 0), "5 $"),
    Case("REGEX_REPLACE", ("x-", "-(y)?", "[$1]", 1, 1), "x[]"),
    Case("REGEX_REPLACE", (None, "a", "b", 1, 0), None),
    Case("REGEX_REPLACE", (None, "a", "b", 1, 1), None),
]

# unit, value and result of EXTRACT; the first five are those of the reference
INTERVAL = Value("CAST(183845678 AS BIGINT)", None, unit="SECOND")  # '2 3:4:5.678' DAY TO SECOND
EXTRACTS = [
    ("DAY", INTERVAL, "2"),
    ("HOUR", INTERVAL, "3"),
    ("MINUTE", INTERVAL, "4"),
    ("SECOND", INTERVAL, "5.678"),
    ("MINUTE", argument(moment("2016-09-23 04:29:26.234")), "29"),
    ("SECOND", argument(moment("2016-09-23 04:29:26.234")), "26.234"),
    ("YEAR", argument(Sql("DATE '2016-09-23'", "DATE")), "2016"),
    ("SECOND", argument(Sql("TIME '04:29:26'", "TIME")), "26.000"),
    ("SECOND", argument(Sql("DATE '2016-09-23'", "DATE")), "0.000"),
    ("HOUR", argument(Sql("DATE '2016-09-23'", "DATE")), "0"),
]
