"""Search terms: folding, needles, and the conditions they become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usherd import search


@pytest.mark.parametrize(("text", "folded"), [
    ("MIRA", "mira"), ("Míra", "mira"), ("Zoë", "zoe"), ("STRASSE", "strasse"),
    ("Straße", "strasse"), ("Ørsted", "orsted"), ("Łódź", "lodz"), ("İstanbul", "istanbul"),
    ("Iğdır", "igdir"), ("ﬁne", "fine"), ("Æsir", "aesir"), ("Дмитрий", "дмитрии"),
    ("ΣΊΣΥΦΟΣ", "σισυφοσ"), ("東京", "東京"), ("🎉", "🎉"), ("", ""),
])  # fmt: skip
def test_folding(text: str, folded: str) -> None:
    assert search.fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = search.fold(text)
    assert search.fold(once) == once


def found(term: str, *parts: str) -> bool:
    """Whether a record with these parts is found, by the definition and not by an index."""
    parsed = search.parse(term)
    text = search.document(*parts)
    return parsed is not None and any(
        all(needle in text for needle in needles) for needles in parsed.alternatives
    )


MESSI = ("u1", "lionel.messi@club.example", "Lionel Messi", "+491511111111", "label:staff")


@pytest.mark.parametrize("term", [
    "messi", "Lionel Messi", "mess", "essi", "me", "l", "lionel.messi@club.example",
    "lionel.messi", "club", "club.example", "ub.exa", "+491511111111", "491511111111",
    "0151", "+49 151", "u1", "label:staff", '"Lionel Messi"', "messi*", "-messi", "(lionel)",
    '"(Lionel) Messi"', "lionel messi club staff", "151 1111 111",
])  # fmt: skip
def test_what_finds_messi(term: str) -> None:
    assert found(term, *MESSI) is (term != "0151")


@pytest.mark.parametrize("term", [
    "messy", "lionel mira", "x", "ss", "club.example.org", "ionel.messi@club.example",
    '"Messi Lionel"', ">", "", " ", '""', "+++", "'; drop table users; --",
])  # fmt: skip
def test_what_does_not_find_messi(term: str) -> None:
    assert not found(term, *MESSI)


def test_an_address_finds_that_address_alone() -> None:
    assert found("mira@example.org", "mira@example.org")
    assert not found("mira@example.org", "amira@example.org")
    assert not found("mira@example.org", "other@example.org")


@given(st.text(max_size=60), st.lists(st.text(max_size=30), max_size=4))
def test_every_term_becomes_conditions_of_three_characters_or_more(
    term: str, parts: list[str]
) -> None:
    parsed = search.parse(term)
    if parsed is None:
        return
    for needles in parsed.alternatives:
        assert all(len(gram) == 3 for gram in search.grams(needles))
        assert search.grams(needles)
    assert parsed.match().count('"') % 2 == 0
    condition, params = parsed.recheck("users.search", "instr")
    assert condition.count(":needle") == len(params)
    assert isinstance(found(term, *parts), bool)


@given(st.text(alphabet="abcdéÖ0123@. -+_<(*", min_size=1, max_size=20))
def test_every_word_of_a_record_finds_it(part: str) -> None:
    for word in search.fold(part).split():
        if search.parse(word) is not None:
            assert found(word, part)


@pytest.mark.parametrize(("value", "word"), [
    ("essi", "Messi"), ("el.messi@", "lionel.messi@club.example"), ("(lionel) m", "Lionel (Lionel) Messi"),
    ("@club.ex", "lionel.messi@club.example"), ("-a-b-", "x-a-b-y"), ("+4915", "+491511111111"),
])  # fmt: skip
def test_what_a_part_holds_its_document_holds_as_well(value: str, word: str) -> None:
    inside = search.inside([search.fold(value)])
    assert value.lower() in word.lower()
    assert inside is None or any(
        all(needle in search.document(word) for needle in needles)
        for needles in inside.alternatives
    )


def test_too_short_a_value_tells_nothing() -> None:
    assert search.inside(["messi", "me"]) is None
    assert search.inside(["a b c"]) is None


@given(st.text(), st.integers(0, 30), st.integers(1, 30))
def test_whatever_a_part_holds_its_document_holds(text: str, start: int, length: int) -> None:
    inside = search.inside([search.fold(text)[start : start + length]])
    found = search.document(text)
    assert inside is None or all(needle in found for needle in inside.alternatives[0])


def test_only_the_trigrams_that_tell_most_are_looked_for() -> None:
    """One of 75 texts that is looked into in vain weighs as much as a trigram more."""
    digits = search.parse("15102175619")
    assert digits is not None
    shares = {"151": 0.34, "102": 0.08, "217": 0.01, "756": 0.008, "619": 0.009}
    assert digits.every_gram() == list(shares)
    assert digits.match() == '("151" AND "102" AND "217" AND "756" AND "619")'
    assert digits.match(shares) == '("756" AND "619" AND "217")'
    assert digits.tsquery(shares) == "('756' & '619' & '217')"
    assert digits.most(shares) == 0.008
    assert digits.match(dict.fromkeys(shares, 0.5)).count("AND") == 4


def test_each_word_counts_for_itself_when_trigrams_are_chosen() -> None:
    words = search.parse("mira tanaka")
    assert words is not None
    shares = {"mir": 0.016, "ira": 0.017, "tan": 0.04, "nak": 0.026, "aka": 0.03}
    assert words.match(shares) == '("mir" AND "ira" AND "nak")'
    either = search.parse("+49 151 0217")
    assert either is not None
    assert either.most(dict.fromkeys(either.every_gram(), 0.5)) == 0.5
