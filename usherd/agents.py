"""User agents in the vocabulary of Matomo's device detector.

The detector needs 70 MB, two seconds to start and a tenth of a second for a browser it has not
seen, so it lives in a process of its own (`python -m usherd.agents`: a line in, a line out) that
starts with the first browser. What it said is remembered here.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import msgspec

from usherd.eager import as_task

LONGEST = 1024
"""A longer user agent is cut before it is looked at."""

REMEMBERED = 4096

LIBRARY = re.compile(r"([A-Za-z][\w.+-]{0,63})/([0-9][\w.+-]{0,31})")


class Agent(msgspec.Struct, frozen=True):
    """What a user agent says of system, program and device; what it does not say is empty."""

    os_code: str = ""
    os_name: str = ""
    os_version: str = ""
    client_type: str = ""
    client_code: str = ""
    client_name: str = ""
    client_version: str = ""
    client_engine: str = ""
    client_engine_version: str = ""
    device_name: str = ""
    device_brand: str = ""
    device_model: str = ""


UNKNOWN = Agent()
CLI = Agent(client_type="desktop", client_code="cli", client_name="Appwrite CLI")

_remembered: dict[str, Agent] = {}


def known(user_agent: str) -> Agent:
    """What is known of a user agent without asking the detector; `Detector.learn` adds to it."""
    agent = _remembered.get(user_agent)
    if agent is None:
        agent = simple(user_agent)
    return agent or UNKNOWN


def simple(user_agent: str) -> Agent | None:
    """The agent of SDKs and HTTP libraries, which say `Name/version`; None for browsers."""
    if "AppwriteCLI" in user_agent:
        return CLI
    if "Mozilla/" in user_agent or "Opera" in user_agent:
        return None
    named = LIBRARY.match(user_agent)
    if named is None:
        return UNKNOWN
    system = {"os_code": "LIN", "os_name": "GNU/Linux"} if "Linux" in user_agent else {}
    return Agent(client_type="library", client_name=named[1], client_version=named[2], **system)


def _remember(user_agent: str, agent: Agent) -> None:
    if len(_remembered) >= REMEMBERED:
        del _remembered[next(iter(_remembered))]
    _remembered[user_agent] = agent


class Detector:
    """Asks the detector's process; a detector that is slow or broken makes nobody wait for long."""

    def __init__(self, patience_seconds: float = 3.0, limit_seconds: float = 20.0) -> None:
        """A caller waits for `patience_seconds`, the process may think for `limit_seconds`."""
        self._patience = patience_seconds
        self._limit = limit_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def learn(self, user_agents: Iterable[str]) -> None:
        """Find out about agents not met before, as many as the patience allows."""
        new = {a for a in user_agents if a not in _remembered and simple(a) is None}
        if new:
            await as_task()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ask_all(new), self._patience)

    async def _ask_all(self, user_agents: set[str]) -> None:
        for user_agent in user_agents:
            await asyncio.shield(self._ask(user_agent))

    async def _ask(self, user_agent: str) -> None:
        async with self._turn:
            if user_agent in _remembered:
                return
            try:
                answer = await asyncio.wait_for(self._answer(user_agent), self._limit)
                _remember(user_agent, msgspec.json.decode(answer, type=Agent))
            except TimeoutError:  # before OSError, which it is a kind of
                _remember(user_agent, UNKNOWN)
                await self.close()
            except (OSError, ValueError):
                await self.close()  # it died or never lived; the next question starts another

    async def _answer(self, user_agent: str) -> bytes:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "usherd.agents",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
        if process.stdin is None or process.stdout is None:
            return b""
        process.stdin.write(msgspec.json.encode(user_agent[:LONGEST]) + b"\n")
        await process.stdin.drain()
        return await process.stdout.readline()

    async def close(self) -> None:
        """End the detector's process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def detect(user_agent: str) -> Agent:
    """What Matomo's detector says. Slow, large, and only for the detector's own process."""
    from device_detector import DeviceDetector

    try:
        details: dict[str, Any] = DeviceDetector(user_agent).parse().all_details
    except Exception:  # its tables meet every string that anybody sends
        return UNKNOWN
    system, client = details.get("os") or {}, details.get("client") or {}
    device = details.get("device") or {}
    engine = client.get("engine")
    return Agent(
        os_code=_word(system.get("short_name")),
        os_name=_word(system.get("name")),
        os_version=_word(system.get("version")),
        client_type=_word(client.get("type")),
        client_code=_word(client.get("short_name")),
        client_name=_word(client.get("name")),
        client_version=_word(client.get("version")),
        client_engine=_word(engine.get("default") if isinstance(engine, dict) else engine),
        client_engine_version=_word(client.get("engine_version")),
        device_name=_word(device.get("type")),
        device_brand=_word(device.get("brand")),
        device_model=_word(device.get("model")),
    )


def _word(value: Any) -> str:
    value = getattr(value, "value", value)
    return value if isinstance(value, str) else ""


def main() -> None:
    """Answer questions until the server closes the pipe."""
    import os

    os.nice(10)
    for line in sys.stdin.buffer:
        agent = detect(msgspec.json.decode(line, type=str))
        sys.stdout.buffer.write(msgspec.json.encode(agent) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
