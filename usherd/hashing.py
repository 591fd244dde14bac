"""The hashing pool: a few threads of the lowest priority, and a queue that refuses in time.

argon2, bcrypt, scrypt and hashlib release the interpreter lock while they work, so that threads
are enough; niced to +19 they leave the loop thread's reads alone (58 sign-ins a second beside a
read p99 of 1.1 ms, where 16 threads of normal priority starved the reads).
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from usherd import errors, metrics, passwords

T = TypeVar("T")

NICE = 19


def _lower_priority() -> None:
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


class HashingPool:
    """Where all hashing happens. At most `queue` jobs wait or run; one more is refused."""

    def __init__(self, threads: int = 2, queue: int = 128) -> None:
        self._threads = ThreadPoolExecutor(threads, "usherd-hash", initializer=_lower_priority)
        self._queue = queue
        self._jobs = 0

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """`work(*args)` on a thread of the pool. Raises `GeneralOverloaded` when it is full."""
        if self._jobs >= self._queue:
            raise errors.GeneralOverloaded("Too many passwords are waiting; try again shortly.")
        self._jobs += 1
        metrics.hashing.set(self._jobs)
        job = asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        job.add_done_callback(self._done)
        return await asyncio.shield(job)

    def _done(self, job: asyncio.Future[Any]) -> None:
        self._jobs -= 1
        metrics.hashing.set(self._jobs)
        if not job.cancelled():
            job.exception()  # its waiter may be gone

    async def hash(self, password: str) -> tuple[str, dict[str, Any]]:
        """(digest, options) of the algorithm that is written."""
        return await self.run(passwords.make, password)

    async def verify(
        self, algorithm: str, password: str, digest: str, options: dict[str, Any]
    ) -> bool:
        """Whether the password is right."""
        return await self.run(passwords.verify, algorithm, password, digest, options)

    async def verify_any(
        self, password: str, entries: Sequence[tuple[str, str, dict[str, Any]]]
    ) -> bool:
        """Whether the password is behind any of the (algorithm, digest, options)."""
        return await self.run(_any, password, entries)

    async def pretend(self, password: str) -> None:
        """As much work as a verification, for a user who does not exist."""
        await self.run(_pretend, password)

    def close(self) -> None:
        """Finish what was accepted, and let the threads go."""
        self._threads.shutdown()


def _any(password: str, entries: Sequence[tuple[str, str, dict[str, Any]]]) -> bool:
    return any(passwords.verify(a, password, digest, options) for a, digest, options in entries)


def _pretend(password: str) -> bool:
    return passwords.verify_argon2(password, passwords.dummy())
