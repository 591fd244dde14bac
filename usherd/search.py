"""What a search term means: folding, the text that is searched, and the conditions in SQL.

`docs/search.md` tells it from the outside. Both engines index the grams, runs of four characters,
of a folded text in which two spaces stand before every word, so that `"  me"` marks how one begins.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

GAP = "  "
OPERATORS = re.compile(r'[*()<>~"]+')
EDGES = "@+-"
DIGITS_ONLY = re.compile(r"[0-9+().\s-]+")
ADDRESS = re.compile(r"[^@]+@[^@]+\.[^@]+")
"""A whole e-mail address: found where a word begins with it, so `a@b.c` does not find `aa@b.c`."""
NUMBER = re.compile(r"[0-9]{5}")
NOT_WORD = re.compile(r"\W+|_+")
JOINTS = re.compile(r"[+-]+")
GRAM = 4
"""Characters of a gram. Of three, each digit or two of an address is shared by a percent of all."""

GRAMS = 32
"""A longer needle is narrowed down by its first grams, and then compared as a whole."""

CHOSEN = 3
"""So many grams are looked for even when fewer seem enough,"""
COMMON = 0.02
"""but none that a larger share of the texts has."""

LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h",
     "ŧ": "t", "ŋ": "n"}
)  # fmt: skip
"""Letters that Unicode does not take apart, and that a reader without them types so."""


FIRST_MARK = "\u0300"
"""No character before this one is an accent."""


def fold(text: str) -> str:
    """The text without case and accents; folding twice changes nothing more."""
    if text.isascii():
        return text.lower()
    bare = _unmarked(text.casefold())
    if bare.isascii():
        return bare.lower()
    return _unmarked(bare.casefold().translate(LETTERS))


def _unmarked(text: str) -> str:
    """The text taken apart, without the accents."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join([c for c in apart if c < FIRST_MARK or not unicodedata.combining(c)])


def document(*parts: str | None) -> str:
    """The text to search for a record with these parts.

    Each word of a part, folded; for a word with punctuation, such as an e-mail address, also how
    its pieces begin.
    """
    words: list[str] = []
    marks: dict[str, None] = {}
    for part in parts:
        if not part:
            continue
        folded = fold(part)
        if folded.isalnum():
            words.append(folded)
            continue
        for word in _words(folded):
            words.append(word)
            if not word.isalnum():
                for piece in (*NOT_WORD.split(word), *JOINTS.split(word)):
                    if piece:
                        marks[piece[:2]] = None
    return GAP + GAP.join((*words, *marks)) if words else ""


def _words(folded: str) -> list[str]:
    """The words without the operators and signs around them."""
    words = OPERATORS.sub(" ", folded).split()
    return [bare for word in words if (bare := word.strip(EDGES))]


class Search(msgspec.Struct, frozen=True):
    """Any of the alternatives, in each of which every needle must be found."""

    alternatives: tuple[tuple[str, ...], ...]
    common: tuple[str, ...] = ()
    """Needles that all alternatives hold, if some are known: enough for the index."""

    @property
    def rare(self) -> bool:
        """Whether it looks like something that few share: an address, or a number."""
        return all(
            any(ADDRESS.search(needle) or NUMBER.search(needle) for needle in needles)
            for needles in self.alternatives
        )

    @property
    def indexed(self) -> tuple[tuple[str, ...], ...]:
        """The alternatives as the index is asked for them."""
        return (self.common,) if self.common else self.alternatives

    def match(self, shares: Mapping[str, float] | None = None) -> str:
        """The grams as an FTS5 query: all, or those that tell most when it is known which share
        of the texts has each."""
        return " OR ".join(
            "(" + " AND ".join(map(phrase, _most_telling(needles, shares))) + ")"
            for needles in self.indexed
        )

    def most(self, shares: Mapping[str, float]) -> float:
        """The share of texts that can match at most."""
        return max(min(shares[gram] for gram in grams(each)) for each in self.indexed)

    def every_gram(self) -> list[str]:
        """The grams of all alternatives."""
        return list(dict.fromkeys(gram for each in self.indexed for gram in grams(each)))

    def tsquery(self, shares: Mapping[str, float] | None = None) -> str:
        """The grams as a PostgreSQL tsquery, chosen likewise."""
        return " | ".join(
            "(" + " & ".join(map(_lexeme, _most_telling(needles, shares))) + ")"
            for needles in self.indexed
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
    """Grams that cover the needles, as many as are worth asking for.

    Every second one: those between would let through hardly less, and cost as much again. A needle
    of three characters is a short gram, of which only the beginning is known.
    """
    found: dict[str, None] = {}
    for needle in needles:
        telling = _telling(needle)
        last = max(0, len(telling) - GRAM)
        for start in (*range(0, last, 2), last):
            found[telling[start : start + GRAM]] = None
    return list(found)[:GRAMS]


PRINTABLE = bytes(range(32, 127))

OTHERS = 26
"""What is not printable ASCII counts as one of the capital letters, which folding leaves unused."""


def coded(text: str) -> str:
    """A text of which the trigrams are the grams of `text`, for SQLite's tokenizer of trigrams.

    Two neighbours become one character. Those beyond ASCII share codes: what is found too much is
    compared with the whole term. Change nothing here without a migration that indexes anew.
    """
    if text.isascii() and text.isprintable():
        one = text.encode()
    else:
        codes = map(ord, text)
        one = bytes([code if 32 <= code < 127 else 65 + code % OTHERS for code in codes])
    if not one:
        return ""
    pairs = bytearray(2 * len(one))
    pairs[0::2] = one
    pairs[1::2] = one[1:] + b" "  # so that the last three characters begin a gram
    return pairs.decode("utf-16-le")


def phrase(gram: str) -> str:
    """A gram as an FTS5 query; of a short one, whatever follows."""
    code = coded(gram)
    if len(gram) == GRAM:
        return f'"{code[:3]}"'
    last = ord(code[2]) & 0xFF
    each = (f'"{code[:2]}{chr(last | after << 8)}"' for after in PRINTABLE)
    return f"({' OR '.join(each)})"


def _most_telling(needles: tuple[str, ...], shares: Mapping[str, float] | None) -> list[str]:
    """The rarest grams, as many as are worth it.

    To intersect with one more costs as much for 75 texts that have it as it costs to look into one
    text in vain (measured on FTS5): rare ones are cheap, and common ones are not. Those of one
    needle come together, so that the second leaves more than its share. One alone is not relied
    on: its share is a guess, too low where only new users have it.
    """
    if shares is None:
        return grams(needles)
    chosen: list[str] = []
    left = 1.0
    seen: set[str] = set()
    owners = {gram: needle for needle in needles for gram in grams((needle,))}
    for gram in sorted(grams(needles), key=lambda gram: (shares[gram], gram)):
        enough = len(chosen) >= CHOSEN or shares[gram] > COMMON
        if chosen and enough and left * 75 < shares[gram]:
            break
        chosen.append(gram)
        left *= shares[gram] ** (0.5 if owners[gram] in seen else 1)
        seen.add(owners[gram])
    return chosen


def _telling(needle: str) -> str:
    """The part of a needle that few share: of an address, what stands before the domain."""
    local = needle.find("@") + 1
    return needle[:local] if local > len(GAP) + 2 else needle


def inside(values: Sequence[str]) -> Search | None:
    """What a searched text has to hold when one of its parts holds one of these folded values;
    None when the values are too short to tell."""
    alternatives = []
    for value in values:
        needles = tuple(word for word in _words(value) if len(word) > 2)
        if not needles:
            return None
        alternatives.append(needles)
    return Search(tuple(alternatives))


def beginning(values: Sequence[str]) -> Search | None:
    """What a searched text has to hold when one of its parts begins with one of these folded
    values; None when the values are too short to tell."""
    alternatives = []
    for value in values:
        first, *others = _words(value) or [""]
        if len(first) < 2:
            return None
        alternatives.append((GAP + first, *(word for word in others if len(word) > 2)))
    return Search(tuple(alternatives))


def _lexeme(gram: str) -> str:
    lexeme = "'" + gram.replace("\\", "\\\\").replace("'", "''") + "'"
    return lexeme if len(gram) == GRAM else lexeme + ":*"


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
    if len(digits) < 3 or (digits,) in alternatives:
        return Search(tuple(alternatives))
    # What holds 4915112345678 holds the longer words of +49 151 12345678.
    common = tuple(word for word in needles if len(word) >= GRAM and word in digits)
    return Search(((digits,), *alternatives), common)


def _needle(text: str) -> str:
    """One and two characters are how a word begins, and so is a whole address; anything else
    may stand anywhere in it."""
    return GAP + text if len(text) < 3 or ADDRESS.fullmatch(text) else text
