"""Lines of the log that say the same, and how often they came."""

from __future__ import annotations

import asyncio
import logging

import pytest

from usherd.repeats import DISTINCT, Repeats

GONE = "database: gone"


class Clock:
    """The time, which passes when it is told to."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    said = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return said


def test_a_line_comes_once_and_then_its_count(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    repeats = Repeats(logging.getLogger("usherd.test"), 5.0, clock)
    for _ in range(1000):
        repeats.tell(logging.ERROR, GONE)
    repeats.tell(logging.ERROR, "database: full")
    assert told(caplog) == [GONE, "database: full"]
    clock.time += 5
    repeats.tell(logging.ERROR, GONE)
    repeats.tell(logging.ERROR, GONE)
    assert told(caplog) == [f"{GONE} (999 times more in 5 s)"]
    repeats.sum_up(logging.ERROR, GONE)
    repeats.sum_up(logging.ERROR, "database: full")  # only once: there is nothing to add
    assert told(caplog) == [f"{GONE} (1 times more in 5 s)"]
    clock.time += 5
    repeats.sum_up(logging.ERROR, GONE)
    repeats.tell(logging.ERROR, GONE)
    assert told(caplog) == [GONE]


async def test_the_last_ones_are_told_without_another(caplog: pytest.LogCaptureFixture) -> None:
    repeats = Repeats(logging.getLogger("usherd.test"), 0.01, Clock())
    repeats.tell(logging.ERROR, GONE)
    repeats.tell(logging.ERROR, GONE)
    async with asyncio.timeout(10):
        while len(caplog.records) < 2:
            await asyncio.sleep(0.001)
    assert told(caplog) == [GONE, f"{GONE} (1 times more in 0.01 s)"]


def test_no_number_of_different_lines_fills_the_memory(caplog: pytest.LogCaptureFixture) -> None:
    repeats = Repeats(logging.getLogger("usherd.test"), 5.0, Clock())
    for at in range(3 * DISTINCT):
        repeats.tell(logging.ERROR, f"error {at}")
    assert len(told(caplog)) == 3 * DISTINCT
    assert len(repeats._told) <= DISTINCT
