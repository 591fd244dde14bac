"""The time: milliseconds since 1970 UTC inside, ISO 8601 outside."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = [f"T{minute // 60:02}:{minute % 60:02}:" for minute in range(1440)]
_SECOND = [f"{second:02}" for second in range(60)]
_REST = [f".{ms:03}+00:00" for ms in range(1000)]
"""The parts of a time as text: formatting numbers is what an answer would spend its time with."""

_MILLISECOND = timedelta(milliseconds=1)

FIRST = -62_135_596_800_000
LAST = 253_402_300_799_999
"""The years 1 to 9999: what a date can say in UTC."""


def now() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=4096)
def _day(days: int) -> str:
    return datetime.fromtimestamp(days * 86_400, UTC).strftime("%Y-%m-%d").rjust(10, "0")


def iso(ms: int | None) -> str:
    """`2025-03-09T14:05:07.250+00:00`; the empty string for None.

    What lies outside the years 1 to 9999 is shown as the nearest moment inside.
    """
    if ms is None:
        return ""
    if not FIRST <= ms <= LAST:
        ms = FIRST if ms < FIRST else LAST
    days, ms = divmod(ms, 86_400_000)
    minutes, ms = divmod(ms, 60_000)
    return f"{_day(days)}{_MINUTE[minutes]}{_SECOND[ms // 1000]}{_REST[ms % 1000]}"


def parse(text: str) -> int:
    """Milliseconds for a date in ISO 8601, without what is finer; without an offset it is UTC.

    Raises ValueError, also for an offset that leads out of the years 1 to 9999.
    """
    text = text.strip()
    if not _YEAR.match(text):
        raise ValueError("a date begins with a year of four digits, as in 2025-03-09T14:05:07Z")
    if text[10:11] not in ("", "T", " "):
        raise ValueError("a T or a space stands between date and time")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    ms = (moment - _EPOCH) // _MILLISECOND
    if not FIRST <= ms <= LAST:
        raise ValueError("the date is out of range")
    return ms
