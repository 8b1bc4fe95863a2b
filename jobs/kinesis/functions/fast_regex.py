"""The expressions of FAST_REGEX_LOG_PARSE, as Java expressions that find the same.

Source: "FAST_REGEX_LOG_PARSER" of AWS's SQL reference. An expression is cut into pieces, one for each group and one for
each stretch between groups. What has a fixed length at the beginning of a piece goes to the end of the search before
it, since that is what ends it; the rest of the piece begins a search of its own. Each search takes as little as it can,
and none is tried again when a later one finds nothing; the last one has to reach the end of the text. A Java expression
of atomic groups with lazy quantifiers does just that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAMED = {
    "digit": "0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "ascii": r"\x00-\x7F",
    "alpha": "A-Za-z",
    "alnum": "A-Za-z0-9",
    "punct": r"\p{Punct}",
    "blank": r" \t",
    "space": r" \t\n\f\r\x0B",
    "cntrl": r"\x00-\x1F\x7F",
    "xdigit": "0-9a-fA-F",
    "print": r"A-Za-z0-9\p{Punct}",
    "graph": r"A-Za-z0-9\p{Punct}",
}
_QUANTIFIER = re.compile(r"[?*+]|\{(\d+)(,)?(\d+)?\}")


@dataclass(frozen=True)
class _Atom:
    """Something that matches, as Java; ``length`` is how many characters, None: that depends on the text."""

    java: str
    length: int | None


_Atoms = tuple[_Atom, ...]


@dataclass(frozen=True)
class _Piece:
    """The atoms of a group, or of a stretch between groups."""

    atoms: tuple[_Atom, ...]
    is_group: bool


def to_java(expression: str) -> tuple[str, tuple[tuple[int, ...], ...]]:
    """The Java expression of the same meaning and, for each field, the groups in it that make up the field together.

    Raises
    ------
    ValueError
        The expression is none, or uses what is not kept: groups in groups, repeated groups, ``&``, ``#``, ``<n-m>``.
    """
    searches = [""]
    fields: list[tuple[int, ...]] = []
    groups = 0
    growing = False  # whether the current search began outside a group and nothing has ended it yet
    for piece in _Reader(expression).pieces():
        leading, rest = _split(piece.atoms)
        if growing and not leading:
            searches[-1] = _as_much_as_it_can(searches[-1])
        found = []
        for atoms, begins in _stretches(leading, rest):
            if begins:
                searches.append("")
            java = "".join(atom.java for atom in atoms)
            if piece.is_group:
                groups += 1
                found.append(groups)
                java = f"({java})"
            searches[-1] += java
        growing = bool(rest) and not piece.is_group
        if piece.is_group:
            fields.append(tuple(found))
    searches[-1] += r"\z"
    return r"(?s)\A" + "".join(f"(?>{search})" for search in searches if search), tuple(fields)


def _as_much_as_it_can(search: str) -> str:
    """A search outside groups with nothing fixed behind it would always take nothing; the reference shows it taking
    all it can (its example B)."""
    return search[:-1] if search.endswith("?") and not search.endswith("\\?") else search


def _stretches(leading: _Atoms, rest: _Atoms) -> list[tuple[_Atoms, bool]]:
    """What goes to the search before, and what begins one of its own; an empty piece is nothing in the former."""
    found = [(leading, False)] if leading or not rest else []
    return [*found, (rest, True)] if rest else found


def _split(atoms: _Atoms) -> tuple[_Atoms, _Atoms]:
    """What has a fixed length at the beginning, and the rest."""
    for place, atom in enumerate(atoms):
        if atom.length is None:
            return atoms[:place], atoms[place:]
    return atoms, ()


class _Reader:
    """Reads an expression character by character."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def pieces(self) -> list[_Piece]:
        found: list[_Piece] = []
        while self._place < len(self._text):
            if self._text[self._place] == "(":
                found.append(_Piece(self._group(), is_group=True))
            else:
                found.append(_Piece(self._sequence("("), is_group=False))
        return found

    def _group(self) -> tuple[_Atom, ...]:
        start = self._place
        self._place += 1
        choices = [self._sequence("(|)")]
        while self._sees("|"):
            self._place += 1
            choices.append(self._sequence("(|)"))
        if self._sees("("):
            raise self._error("a group inside a group is not kept")
        if not self._sees(")"):
            self._place = start
            raise self._error("this group is not closed")
        self._place += 1
        if _QUANTIFIER.match(self._text, self._place):
            raise self._error("a repeated group is not kept; repeat what is in it")
        return choices[0] if len(choices) == 1 else (_choice(choices),)

    def _sequence(self, ends: str) -> tuple[_Atom, ...]:
        atoms: list[_Atom] = []
        while self._place < len(self._text) and self._text[self._place] not in ends:
            if self._sees(")"):
                raise self._error("there is no group to close")
            if self._sees("|"):
                raise self._error("a choice must stand in a group")
            atoms += self._quantified(self._atom())
        return tuple(atoms)

    def _quantified(self, atom: _Atom) -> list[_Atom]:
        """The atom as often as it is asked for: what has to come at least has a fixed length."""
        match = _QUANTIFIER.match(self._text, self._place)
        if match is None:
            return [atom]
        self._place = match.end()
        if match[1] is None:
            least, most = {"?": (0, "1"), "*": (0, ""), "+": (1, "")}[match[0]]
        else:
            least = int(match[1])
            most = match[1] if match[2] is None else match[3] or ""
        if most and int(most) < least:
            raise self._error(f"{match[0]} asks for at least {least} and at most {most}")
        found = []
        if least:
            repeated = atom.java if least == 1 else f"{atom.java}{{{least}}}"
            found.append(_Atom(repeated, None if atom.length is None else atom.length * least))
        if not most:
            found.append(_Atom(f"{atom.java}*?", None))
        elif int(most) > least:
            found.append(_Atom(f"{atom.java}{{0,{int(most) - least}}}?", None))
        return found

    def _atom(self) -> _Atom:
        char = self._text[self._place]
        if char in "&#":
            raise self._error(f"{char} is not kept; write \\{char} for the character")
        if char in "?*+{":
            raise self._error(f"there is nothing to repeat before {char}")
        if char == "[":
            return self._class()
        if char == '"':
            return self._string()
        if char == "<":
            return self._named()
        self._place += 1
        if char == ".":
            return _Atom(".", 1)
        if char == "@":
            return _Atom(".*?", None)
        return _Atom(re.escape(self._escaped() if char == "\\" else char), 1)

    def _escaped(self) -> str:
        if self._place == len(self._text):
            raise self._error("there is nothing behind the backslash")
        self._place += 1
        return self._text[self._place - 1]

    def _string(self) -> _Atom:
        end = self._text.find('"', self._place + 1)
        if end < 0:
            raise self._error("this quotation mark is not closed")
        text = self._text[self._place + 1 : end]
        self._place = end + 1
        return _Atom(f"(?:{re.escape(text)})", len(text))

    def _named(self) -> _Atom:
        end = self._text.find(">", self._place)
        name = self._text[self._place + 1 : end] if end > 0 else ""
        found = _NAMED.get(name.lower())
        if found is None:
            raise self._error(f"expected one of {', '.join(f'<{one.capitalize()}>' for one in _NAMED)}")
        self._place = end + 1
        return _Atom(f"[{found}]", 1)

    def _class(self) -> _Atom:
        start = self._place
        self._place += 1
        out = "["
        if self._sees("^"):
            out += "^"
            self._place += 1
        while not self._sees("]"):
            if self._place == len(self._text):
                self._place = start
                raise self._error("this class is not closed")
            char = self._text[self._place]
            self._place += 1
            if char == "-":
                out += "-"
            else:
                out += re.sub(r"([\[\]^\-&\\])", r"\\\1", self._escaped() if char == "\\" else char)
        self._place += 1
        if out in ("[", "[^"):
            raise self._error("this class is empty")
        return _Atom(out + "]", 1)

    def _sees(self, text: str) -> bool:
        return self._text.startswith(text, self._place)

    def _error(self, message: str) -> ValueError:
        return ValueError(f"{message}, at character {self._place + 1} of the expression {self._text!r}")


def _choice(choices: list[tuple[_Atom, ...]]) -> _Atom:
    """The shortest choice first, where their lengths are known: a search takes as little as it can."""
    lengths = [sum(atom.length or 0 for atom in choice) for choice in choices]
    fixed = all(atom.length is not None for choice in choices for atom in choice)
    texts = ["".join(atom.java for atom in choice) for choice in choices]
    if fixed:
        texts = [text for _, text in sorted(zip(lengths, texts, strict=True), key=lambda pair: pair[0])]
    length = lengths[0] if fixed and len(set(lengths)) == 1 else None
    return _Atom(f"(?:{'|'.join(texts)})", length)
