"""Dates: what is read, what is refused, how they are shown."""

from __future__ import annotations

import time

import pytest

from usherd import clock

SECOND = 1_741_529_107_000  # 2025-03-09T14:05:07Z


@pytest.mark.parametrize(("ms", "shown"), [
    (None, ""),
    (0, "1970-01-01T00:00:00.000+00:00"),
    (-1, "1969-12-31T23:59:59.999+00:00"),
    (SECOND + 250, "2025-03-09T14:05:07.250+00:00"),
    (clock.FIRST, "0001-01-01T00:00:00.000+00:00"),
    (clock.LAST, "9999-12-31T23:59:59.999+00:00"),
    (clock.FIRST - 1, "0001-01-01T00:00:00.000+00:00"),
    (clock.LAST + 1, "9999-12-31T23:59:59.999+00:00"),
    (2**63 - 1, "9999-12-31T23:59:59.999+00:00"),
    (-(2**63), "0001-01-01T00:00:00.000+00:00"),
])  # fmt: skip
def test_iso(ms: int | None, shown: str) -> None:
    assert clock.iso(ms) == shown


@pytest.mark.parametrize(("text", "ms"), [
    ("2025-03-09T14:05:07.250+00:00", SECOND + 250),
    ("2025-03-09T14:05:07Z", SECOND),
    ("2025-03-09 14:05:07", SECOND),
    (" 2025-03-09T14:05:07 ", SECOND),
    ("2025-03-09T15:05:07+01:00", SECOND),
    ("2025-03-09T19:35:07+0530", SECOND),
    ("2025-03-09T14:05", SECOND - 7000),
    ("2025-03-09", 1_741_478_400_000),
    ("1970-01-01", 0),
    ("0001-01-01T00:00:00Z", clock.FIRST),
    ("9999-12-31T23:59:59.999Z", clock.LAST),
])  # fmt: skip
def test_parse(text: str, ms: int) -> None:
    assert clock.parse(text) == ms


@pytest.mark.parametrize(("text", "ms"), [
    ("2025-03-09T14:05:07.2509Z", SECOND + 250),
    ("2025-03-09T14:05:07.123456789Z", SECOND + 123),
    ("1969-12-31T23:59:59.9999Z", -1),
    ("9999-12-31T23:59:59.9999Z", clock.LAST),
])  # fmt: skip
def test_what_is_finer_than_a_millisecond_is_cut(text: str, ms: int) -> None:
    assert clock.parse(text) == ms


@pytest.mark.parametrize("text", [
    "", "x", "2025", "20250309", "25-03-09", "10000-01-01", "0000-01-01", "2025-02-30",
    "2025-13-01", "2025-03-09T24:00:01", "2025-03-09T14:05:60Z", "2025-03-09x14:05:07",
    "2025-03-09T14:05:07 or so", "2025-03-09\0", "\ud8002025-03-09", "٢٠٢٥-03-09",
    "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00",
])  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        clock.parse(text)


def test_whatever_parses_can_be_shown_and_read_again() -> None:
    for text in ("0001-01-01", "0999-12-31T23:59:59.5Z", "1000-01-01", "9999-12-31T23:59:59.9999Z"):
        ms = clock.parse(text)
        assert clock.parse(clock.iso(ms)) == ms


def test_now_is_in_milliseconds() -> None:
    assert abs(clock.now() - time.time() * 1000) < 5000
