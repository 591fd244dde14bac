"""The time: milliseconds since 1970 UTC inside, ISO 8601 outside."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from functools import lru_cache

_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")


def now() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


def iso(ms: int | None) -> str:
    """`2025-03-09T14:05:07.250+00:00`; the empty string for None."""
    if ms is None:
        return ""
    seconds, rest = divmod(ms, 1000)
    return f"{_second(seconds)}.{rest:03d}+00:00"


def parse(text: str) -> int:
    """Milliseconds for a date in ISO 8601; without an offset it is UTC. Raises ValueError."""
    if not _YEAR.match(text.strip()):
        raise ValueError("a date begins with a year of four digits, as in 2025-03-09T14:05:07Z")
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return round(moment.timestamp() * 1000)
    except OverflowError as error:
        raise ValueError("the date is out of range") from error
