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
def test_every_term_becomes_grams_of_four_characters_or_the_beginning_of_one(
    term: str, parts: list[str]
) -> None:
    parsed = search.parse(term)
    if parsed is None:
        return
    for needles in parsed.alternatives:
        assert all(len(gram) in (3, 4) for gram in search.grams(needles))
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


def test_what_all_alternatives_hold_is_looked_for_once() -> None:
    spaced, joined = search.parse("+49 151 12345678"), search.parse("4915112345678")
    assert spaced is not None
    assert joined is not None
    assert spaced.indexed == (("12345678",),)
    assert joined.indexed == joined.alternatives
    either = search.inside(["mira", "felix"])
    assert either is not None
    assert either.indexed == either.alternatives


@given(st.text(alphabet="0123 +-", min_size=3, max_size=14), st.text(alphabet="0123 +-a@."))
def test_nothing_is_lost_by_what_the_index_is_asked(term: str, text: str) -> None:
    asked, document = search.parse(term), search.document(text)
    if asked is not None and any(
        all(needle in document for needle in needles) for needles in asked.alternatives
    ):
        assert any(all(needle in document for needle in needles) for needles in asked.indexed)


@given(st.text() | st.text(alphabet="abcé0@. -+_<(*"), st.integers(0, 30))
def test_however_a_part_begins_its_document_tells_it(text: str, length: int) -> None:
    beginning = search.beginning([search.fold(text)[:length]])
    found = search.document(text)
    assert beginning is None or all(needle in found for needle in beginning.alternatives[0])


def test_a_beginning_is_looked_for_where_words_begin() -> None:
    assert search.beginning(["mira tan x"]) == search.Search((("  mira", "tan"),))
    assert search.beginning(["mi", "m"]) is None
    assert search.beginning(["("]) is None


@given(st.text(), st.integers(0, 30))
def test_the_trigrams_of_a_coded_text_are_its_grams(text: str, start: int) -> None:
    """SQLite's tokenizer knows trigrams alone."""
    coded = search.coded(text)
    assert len(coded) == len(text)
    four, three = text[start : start + 4], text[start : start + 3]
    if len(four) == 4:
        assert search.phrase(four).strip('"') in coded
    if len(three) == 3:
        assert any(part.strip('"()') in coded for part in search.phrase(three).split(" OR "))


def test_neighbours_have_a_code_of_their_own() -> None:
    pairs = [chr(one) + chr(other) for one in range(32, 127) for other in range(32, 127)]
    assert len({search.coded(pair)[0] for pair in pairs}) == len(pairs)


def test_only_the_grams_that_tell_most_are_looked_for() -> None:
    """One of 75 texts that is looked into in vain weighs as much as a gram more."""
    digits = search.parse("15102175619")
    assert digits is not None
    shares = {"1510": 0.34, "1021": 0.08, "2175": 0.01, "7561": 0.008, "5619": 0.009}
    assert digits.every_gram() == list(shares)
    assert digits.match() == f"({' AND '.join(map(search.phrase, shares))})"
    chosen = ["7561", "5619", "2175"]
    assert digits.match(shares) == f"({' AND '.join(map(search.phrase, chosen))})"
    assert digits.tsquery(shares) == "('7561' & '5619' & '2175')"
    assert digits.most(shares) == 0.008
    assert digits.match(dict.fromkeys(shares, 0.5)).count("AND") == 4


def test_each_word_counts_for_itself_when_grams_are_chosen() -> None:
    words = search.parse("mira tanaka")
    assert words is not None
    shares = {"mira": 0.016, "tana": 0.04, "naka": 0.026}
    assert words.match(shares) == f"({search.phrase('mira')} AND {search.phrase('naka')})"
    either = search.parse("+49 151 0217")
    assert either is not None
    assert either.most(dict.fromkeys(either.every_gram(), 0.5)) == 0.5


def test_three_characters_are_the_beginning_of_a_gram() -> None:
    three = search.parse("ess")
    assert three is not None
    assert three.every_gram() == ["ess"]
    assert three.tsquery() == "('ess':*)"
    assert three.match().count(" OR ") == 94
