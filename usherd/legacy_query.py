"""The query syntax of SDKs before 1.5: `equal("name", ["a", "b"])`."""

from __future__ import annotations

from typing import Any

PAGING = ("limit", "offset", "cursorAfter", "cursorBefore", "select")
LONGEST_NUMBER = 32
WORDS = {"true": True, "false": False, "null": None}


def parse(text: str) -> dict[str, Any]:
    """The same object that the JSON syntax has. Raises ValueError with a sentence."""
    text = text.strip()
    method, opening, rest = text.partition("(")
    method = method.strip()
    if not opening or not rest.endswith(")") or not method.isalpha():
        raise ValueError('a method call looks like equal("name", ["Mira"]).')
    arguments = _Arguments(rest[:-1]).read()
    if method in PAGING:
        values = (
            arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else arguments
        )
        return {"method": method, "values": values}
    attribute, values = (arguments[0], arguments[1:]) if arguments else ("", [])
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    return {"method": method, "attribute": attribute, "values": values}


class _Arguments:
    """Reads what stands between the brackets of a call."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def read(self) -> list[Any]:
        """Every argument; an array becomes a list."""
        found = self._sequence("")
        if self.at < len(self.text):
            raise ValueError("something stands after the last argument.")
        return found

    def _sequence(self, end: str) -> list[Any]:
        found: list[Any] = []
        if self._peek() == end:
            return found
        while True:
            found.append(self._value(nested=bool(end)))
            if self._peek() != ",":
                return found
            self.at += 1

    def _peek(self) -> str:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at] if self.at < len(self.text) else ""

    def _value(self, *, nested: bool) -> Any:
        first = self._peek()
        if first in ("'", '"'):
            return self._string(first)
        if first == "[":
            if nested:
                raise ValueError("an array may not hold another.")
            self.at += 1
            found = self._sequence("]")
            if self._peek() != "]":
                raise ValueError("an array is not closed.")
            self.at += 1
            return found
        return self._bare()

    def _string(self, quote: str) -> str:
        self.at += 1
        out: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == quote:
                self.at += 1
                return "".join(out)
            if char == "\\" and self.at + 1 < len(self.text):
                self.at += 1
                char = self.text[self.at]
            out.append(char)
            self.at += 1
        raise ValueError("a string is not closed.")

    def _bare(self) -> Any:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in ",]":
            self.at += 1
        word = self.text[start : self.at].strip()
        if word in WORDS:
            return WORDS[word]
        for number in (int, float):
            try:
                return number(word if len(word) <= LONGEST_NUMBER else "")
            except ValueError:
                pass
        raise ValueError(f"{word[:32]!r} is neither a number nor a string in quotes.")
