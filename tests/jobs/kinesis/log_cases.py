"""Lines and the records they give, from AWS's reference or by hand, never from our translation."""

from __future__ import annotations

from typing import Any, NamedTuple


class LogCase(NamedTuple):
    """A call of a log parser and the fields it gives, as texts; ``fails``: the row is dropped."""

    function: str
    arguments: tuple[Any, ...]
    expected: dict[str, str | None]
    fails: bool = False


def numbered(*values: str | None) -> dict[str, str | None]:
    return {f"COLUMN{place}": value for place, value in enumerate(values, 1)}


LAMB, LONG_LAMB = "Mary_had_a_little_lamb", "Mary____had_a_little_lamb"
LINE = '192.168.254.30 - John [24/May/2004:22:01:02 -0700] "GET /icons/apache_pb.gif HTTP/1.1" 304 0'
COMMON = numbered(
    "192.168.254.30", "-", "John", "[24/May/2004:22:01:02 -0700]", "GET /icons/apache_pb.gif HTTP/1.1", "304", "0"
)

# examples of the reference
PUBLISHED = [
    LogCase("FAST_REGEX_LOG_PARSE", (LAMB, "(.*)_+(._.*)"), numbered(None, None)),
    LogCase("FAST_REGEX_LOG_PARSE", (LONG_LAMB, "(.*)_+(.*)"), numbered("Mary", "had_a_little_lamb")),
    LogCase("FAST_REGEX_LOG_PARSE", (LONG_LAMB, "(.*)_+(<Alpha>.*)"), numbered("Mary", "had_a_little_lamb")),
    # "if the pattern had omitted the final asterisk, no results would be obtained"
    LogCase("FAST_REGEX_LOG_PARSE", (LAMB, "(.*)_(._.*)_."), numbered(None, None)),
    LogCase("REGEX_LOG_PARSE", ("HEALTHCARE", ".*([E].).*([R].*)"), numbered("EA", "RE")),
    LogCase("REGEX_LOG_PARSE", ("ENERGY", ".*([E].).*([R].*)"), numbered("EN", "RGY")),
    LogCase("REGEX_LOG_PARSE", ("TECHNOLOGY", ".*([E].).*([R].*)"), numbered(None, None)),
    LogCase("W3C_LOG_PARSE", (LINE, "COMMON"), COMMON),
    LogCase("W3C_LOG_PARSE", (LINE, '%h %l %u %t \\"%r\\" %>s %b'), COMMON),
    LogCase("W3C_LOG_PARSE", (LINE, '%h %l %u [%t] "%r" %>s %b'), COMMON | {"COLUMN4": "24/May/2004:22:01:02 -0700"}),
    LogCase("VARIABLE_COLUMN_LOG_PARSE", ("a,b", 2, ",", "\\", '"'), numbered("a", "b")),
    LogCase("VARIABLE_COLUMN_LOG_PARSE", ("a\\,b", 1, ",", "\\", '"'), numbered("a,b")),
    LogCase(
        "VARIABLE_COLUMN_LOG_PARSE",
        ("x,y,z,v", "COL_1 TYPE VARCHAR(16),\n COL_2 TYPE VARCHAR(16),\n COL_3 TYPE VARCHAR(16)", ","),
        {"COL_1": "x", "COL_2": "y", "COL_3": "z"},
    ),
]

BY_HAND = [
    # the reference prints a_little_lamb here, against its own algorithm: "_.*" has to be found and is in no field
    LogCase("FAST_REGEX_LOG_PARSE", (LAMB, "(.*)_(._.*)_.*"), numbered("Mary_had", "a_little")),
    LogCase("FAST_REGEX_LOG_PARSE", ("12 abc", "(<Digit>+) ([a-c]{2,})"), numbered("12", "abc")),
    LogCase("FAST_REGEX_LOG_PARSE", ("12 ab!", "(<Digit>+) ([a-c]{2,})"), numbered(None, None)),
    LogCase("FAST_REGEX_LOG_PARSE", ('key="v" x', '(@)=\\"(@)\\"" "(a|x)'), numbered("key", "v", "x")),
    LogCase("FAST_REGEX_LOG_PARSE", ("ab", "()(a)b(.*)"), numbered("", "a", "")),
    LogCase("FAST_REGEX_LOG_PARSE", ("a.b=c", '(@)"."(<Alpha>)\\=(@)'), numbered("a", "b", "c")),
    LogCase("FAST_REGEX_LOG_PARSER", ("one\ntwo", "(.*)\ntwo"), numbered("one")),
    LogCase("FAST_REGEX_LOG_PARSE", ("ERROR 7", "(WARN|ERROR) ([^ ])"), numbered("ERROR", "7")),
    LogCase("REGEX_LOG_PARSE", ("a1-b2", "([a-z])(\\d)-(?:[a-z])(\\d)?"), numbered("a", "1", "2")),
    LogCase("REGEX_LOG_PARSE", ("a1-b2!", "([a-z])(\\d)-(?:[a-z])(\\d)?"), numbered(None, None, None)),
    LogCase(
        "REGEX_LOG_PARSE", ("k=17", "(\\w+)=(\\d+)", 'name VARCHAR(8), "n" TYPE INTEGER'), {"NAME": "k", "n": "17"}
    ),
    LogCase(
        "FIXED_COLUMN_LOG_PARSE",
        (
            "0042 24/May/2004:22:01:02 some text",
            "id TYPE INTEGER START 0 FOR 4, \"at\" TYPE TIMESTAMP 'dd/MMM/yyyy:HH:mm:ss' START 5 FOR 20, rest START 26",
        ),
        {"ID": "42", "at": "2004-05-24 22:01:02.000", "REST": "some text"},
    ),
    LogCase(
        "FIXED_COLUMN_LOG_PARSE",
        ("12x", "a TYPE INTEGER NOT NULL START 0 FOR 3, b TYPE VARCHAR(4) START 2 FOR 4, c START 3"),
        {"A": None, "B": "x", "C": None},
        fails=True,
    ),
    LogCase("VARIABLE_COLUMN_LOG_PARSE", ("a--b", 3, "--"), numbered("a", "b", None)),
    LogCase("VARIABLE_COLUMN_LOG_PARSE", ("a,,c", 3, ","), numbered("a", "", "c")),
    LogCase("VARIABLE_COLUMN_LOG_PARSE", ('"a,b",c', 2, ",", "", '"'), numbered("a,b", "c")),
    LogCase("VARIABLE_COLUMN_LOG_PARSE", ("<a,b>,<c>,d", 4, ",", "", "<>"), numbered("a,b", "c", "d", None)),
    LogCase("VARIABLE_COLUMN_LOG_PARSE", ("a\\,b,c\\x,", 3, ",", "\\"), numbered("a,b", "c\\x", "")),
    LogCase("VARIABLE_COLUMN_LOG_PARSE", ("a\tb", 2, "\t"), numbered("a", "b")),
    LogCase(
        "VARIABLE_COLUMN_LOG_PARSE",
        ("7;2.5;16.09.2009;x", "a TYPE INT, b TYPE DOUBLE PRECISION, d TYPE DATE 'dd.MM.yyyy', e TYPE SMALLINT", ";"),
        {"A": "7", "B": "2.5", "D": "2009-09-16", "E": None},
        fails=True,
    ),
    LogCase(
        "SYS_LOG_PARSE",
        ("Oct 11 22:14:15 mymachine su: 'su root' failed",),
        numbered("1970-10-11 22:14:15.000", "mymachine su: 'su root' failed"),
    ),
    LogCase("SYS_LOG_PARSE", ("<34>Oct  1 22:14:15 host x",), numbered("1970-10-01 22:14:15.000", "host x")),
    LogCase("SYS_LOG_PARSE", ("Feb 29 22:14:15 host x",), numbered(None, "host x")),
    LogCase(
        "VARIABLE_COLUMN_LOG_PARSE", ("a,,", "x, n TYPE INTEGER, y TYPE DATE", ","), {"X": "a", "N": None, "Y": None}
    ),
    LogCase("SYS_LOG_PARSE", ("no log at all",), numbered(None, None)),
    LogCase(
        "W3C_LOG_PARSE",
        (f"www.example.com {LINE}", "COMMON WITH VHOST"),
        numbered("www.example.com", *COMMON.values()),
    ),
    LogCase(
        "W3C_LOG_PARSE",
        (f'{LINE} "http://a.example/\\"x\\"" "Mozilla/5.0 (X11)"', "ncsa extended"),
        numbered(*COMMON.values(), 'http://a.example/\\"x\\"', "Mozilla/5.0 (X11)"),
    ),
    LogCase(
        "W3C_LOG_PARSE",
        ("http://a.example/b ---> /index.html", "REFERER"),
        numbered("http://a.example/b", "/index.html"),
    ),
    LogCase("W3C_LOG_PARSE", ("Mozilla/5.0 (X11)", "AGENT"), numbered("Mozilla/5.0 (X11)")),
    LogCase("W3C_LOG_PARSE", ("200 - GET 12", "%!200,304s %b %m %{X-Time}o"), numbered("200", None, "GET", "12")),
    LogCase("W3C_LOG_PARSE", ("nothing like it", "COMMON"), numbered(*[None] * 7)),
]
