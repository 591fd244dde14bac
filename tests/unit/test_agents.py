"""User agents: quick answers for SDKs, a process for browsers, and nobody waits for long."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from usherd import agents
from usherd.agents import CLI, UNKNOWN, Agent, Detector

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/17.4 Mobile/15E148 Safari/604.1"
)


@pytest.fixture(autouse=True)
def _forgetful() -> Iterator[None]:
    agents._remembered.clear()
    yield
    agents._remembered.clear()


@pytest.fixture
async def detector() -> AsyncIterator[Detector]:
    asked = Detector(patience_seconds=30)
    yield asked
    await asked.close()


@pytest.mark.parametrize(("user_agent", "agent"), [
    ("", UNKNOWN),
    ("nonsense", UNKNOWN),
    ("AppwriteCLI/5.0 (Linux x64)", CLI),
    ("Mozilla/5.0 AppwriteCLI", CLI),
    ("python-requests/2.31.0", Agent(
        client_type="library", client_name="python-requests", client_version="2.31.0")),
    ("node-fetch/1.0 (+https://example.org)", Agent(
        client_type="library", client_name="node-fetch", client_version="1.0")),
    ("AppwritePythonSDK/13.6.1 (Linux; 6.1; x86_64)", Agent(
        os_code="LIN", os_name="GNU/Linux", client_type="library",
        client_name="AppwritePythonSDK", client_version="13.6.1")),
])  # fmt: skip
def test_what_is_known_without_the_detector(user_agent: str, agent: Agent) -> None:
    assert agents.simple(user_agent) == agent
    assert agents.known(user_agent) == agent


@pytest.mark.parametrize("user_agent", [FIREFOX, IPHONE, "Opera/9.80 (Windows NT 6.1)"])
def test_browsers_need_the_detector(user_agent: str) -> None:
    assert agents.simple(user_agent) is None
    assert agents.known(user_agent) == UNKNOWN


async def test_the_detector_teaches_browsers(detector: Detector) -> None:
    await detector.learn([FIREFOX, IPHONE, "python-requests/2.31.0", FIREFOX])
    desktop, phone = agents.known(FIREFOX), agents.known(IPHONE)
    assert (desktop.os_code, desktop.os_name) == ("LIN", "GNU/Linux")
    assert (desktop.client_type, desktop.client_code) == ("browser", "FF")
    assert (desktop.client_name, desktop.client_version) == ("Firefox", "128.0")
    assert (desktop.client_engine, desktop.device_name) == ("Gecko", "desktop")
    assert (phone.os_code, phone.client_code, phone.device_name) == ("IOS", "MF", "smartphone")
    assert (phone.device_brand, phone.device_model) == ("Apple", "iPhone")
    assert set(agents._remembered) == {FIREFOX, IPHONE}


@pytest.mark.parametrize("user_agent", [
    "Mozilla/", "Mozilla/" + "( ;" * 330, "Mozilla/5.0 " + "Android " * 200, "Mozilla/\n\t\x7f\x80",
    "Mozilla/" + "x" * 5000,
])  # fmt: skip
async def test_the_detector_survives_what_anybody_sends(
    detector: Detector, user_agent: str
) -> None:
    await detector.learn([user_agent])
    assert isinstance(agents._remembered[user_agent], Agent)


async def test_a_detector_that_cannot_start_fails_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    broken = Detector()
    await broken.learn([FIREFOX])
    assert agents.known(FIREFOX) == UNKNOWN
    assert not agents._remembered
    await broken.close()


async def test_a_detector_that_died_is_started_anew(detector: Detector) -> None:
    await detector.learn([FIREFOX])
    assert detector._process is not None
    detector._process.kill()
    await detector._process.wait()
    await detector.learn([IPHONE])
    assert agents.known(IPHONE).os_code == "IOS"


async def test_a_detector_that_hangs_is_ended_and_not_asked_the_same_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asleep = tmp_path / "asleep"
    asleep.write_text("#!/bin/sh\nexec sleep 60\n")
    asleep.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(asleep))
    hanging = Detector(patience_seconds=5, limit_seconds=0.1)
    await hanging.learn([FIREFOX])
    assert agents._remembered == {FIREFOX: UNKNOWN}
    assert hanging._process is None


async def test_nobody_waits_longer_than_the_patience(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asleep = tmp_path / "asleep"
    asleep.write_text("#!/bin/sh\nexec sleep 60\n")
    asleep.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(asleep))
    hanging = Detector(patience_seconds=0.1)
    started = time.monotonic()
    await hanging.learn([FIREFOX])
    assert time.monotonic() - started < 3
    await hanging.close()


def test_memory_of_agents_is_bounded() -> None:
    for at in range(agents.REMEMBERED + 10):
        agents._remember(f"Mozilla/{at}", UNKNOWN)
    assert len(agents._remembered) == agents.REMEMBERED
    assert "Mozilla/0" not in agents._remembered
