"""What a search term means: folding, the text that is searched, and the conditions in SQL.

`docs/search.md` tells it from the outside. Both engines index the trigrams of a folded text in
which two spaces stand before every word, so that `"  m"` and `" me"` mark how words begin.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import msgspec

GAP = "  "
OPERATORS = re.compile(r'[*()<>~"]+')
EDGES = "@+-"
DIGITS_ONLY = re.compile(r"[0-9+().\s-]+")
ADDRESS = re.compile(r"[^@]+@[^@]+\.[^@]+")
"""A whole e-mail address: found where a word begins with it, so `a@b.c` does not find `aa@b.c`."""
NOT_WORD = re.compile(r"\W+|_+")
JOINTS = re.compile(r"[+-]+")
GRAMS = 32
"""A longer needle is narrowed down by its first trigrams, and then compared as a whole."""

LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h",
     "ŧ": "t", "ŋ": "n"}
)  # fmt: skip
"""Letters that Unicode does not take apart, and that a reader without them types so."""


def fold(text: str) -> str:
    """The text without case and accents; folding twice changes nothing more."""
    if text.isascii():
        return text.lower()
    bare = "".join(
        char for char in unicodedata.normalize("NFKD", text.casefold())
        if not unicodedata.combining(char)
    )  # fmt: skip
    folded = unicodedata.normalize("NFKD", bare.casefold().translate(LETTERS))
    return "".join(char for char in folded if not unicodedata.combining(char))


def document(*parts: str | None) -> str:
    """The text to search for a record with these parts.

    Each word of a part, folded; for a word with punctuation, such as an e-mail address, also how
    its pieces begin.
    """
    words: list[str] = []
    marks: dict[str, None] = {}
    for part in parts:
        for word in _words(fold(part or "")):
            words.append(word)
            if NOT_WORD.search(word):
                pieces = (*NOT_WORD.split(word), *JOINTS.split(word))
                marks |= {piece[:2]: None for piece in pieces if piece}
    return "".join(GAP + word for word in (*words, *marks))


def _words(folded: str) -> list[str]:
    """The words without the operators and signs around them."""
    stripped = (word.strip(EDGES) for word in OPERATORS.sub(" ", folded).split())
    return [word for word in stripped if word]


class Search(msgspec.Struct, frozen=True):
    """Any of the alternatives, in each of which every needle must be found."""

    alternatives: tuple[tuple[str, ...], ...]

    def match(self) -> str:
        """The trigrams as an FTS5 query."""
        return " OR ".join(
            "(" + " AND ".join('"' + gram.replace('"', '""') + '"' for gram in grams(needles)) + ")"
            for needles in self.alternatives
        )

    def tsquery(self) -> str:
        """The trigrams as a PostgreSQL tsquery."""
        return " | ".join(
            "(" + " & ".join(_lexeme(gram) for gram in grams(needles)) + ")"
            for needles in self.alternatives
        )

    def recheck(self, column: str, find: str) -> tuple[str, dict[str, Any]]:
        """(condition, parameters) that compares whole needles; `find` is the engine's function
        that returns the position of a text in another."""
        params: dict[str, Any] = {}
        either = []
        for needles in self.alternatives:
            every = []
            for needle in needles:
                name = f"needle{len(params)}"
                params[name] = needle
                every.append(f"{find}({column}, :{name}) > 0")
            either.append("(" + " and ".join(every) + ")")
        return "(" + " or ".join(either) + ")", params


def grams(needles: tuple[str, ...]) -> list[str]:
    """The distinct trigrams of the needles, as many as are worth asking for."""
    found: dict[str, None] = {}
    for needle in needles:
        for start in range(len(needle) - 2):
            found[needle[start : start + 3]] = None
    return list(found)[:GRAMS]


def _lexeme(gram: str) -> str:
    return "'" + gram.replace("\\", "\\\\").replace("'", "''") + "'"


def parse(term: str) -> Search | None:
    """What to look for; None when nothing but operators was asked, and nothing is found."""
    folded = fold(term).strip()
    if len(folded) > 2 and folded[0] == folded[-1] == '"':
        words = _words(folded[1:-1])
        return Search(((_needle(GAP.join(words)),),)) if words else None
    needles: dict[str, None] = {}
    for word in _words(folded):
        for part in [word] if "@" in word else JOINTS.split(word):
            needles[_needle(part)] = None
    if not needles:
        return None
    alternatives = [tuple(needles)]
    digits = re.sub(r"\D", "", folded) if DIGITS_ONLY.fullmatch(folded) else ""
    if len(digits) >= 3 and (digits,) not in alternatives:
        alternatives.insert(0, (digits,))
    return Search(tuple(alternatives))


def _needle(text: str) -> str:
    """One and two characters are how a word begins, and so is a whole address; anything else
    may stand anywhere in it."""
    return GAP + text if len(text) < 3 or ADDRESS.fullmatch(text) else text
