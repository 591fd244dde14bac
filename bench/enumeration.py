"""`python -m bench.enumeration`: can a stopwatch tell whether an account exists?

Requests for people of four kinds are mixed, one at a time on one connection, and the times of each
kind are compared with those of people who are there, by the rank test of Mann and Whitney.
"""

from __future__ import annotations

import argparse
import http.client
import math
import random
import secrets
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from bench import people, servers
from bench.__main__ import FEWEST, fill
from bench.people import Person
from bench.scenarios import World

KINDS = ("existing", "passwordless", "blocked", "unknown")

Ask = Callable[[str], tuple[str, dict[str, Any]]]

ASKED: dict[str, Ask] = {
    "sign-in": lambda email: ("/v1/account/sessions/email",
                              {"email": email, "password": "wrong password"}),
    "recovery": lambda email: ("/v1/account/recovery",
                               {"email": email, "url": "http://localhost/recover"}),
    "magic-url": lambda email: ("/v1/account/tokens/magic-url",
                                {"userId": "unique()", "email": email,
                                 "url": "http://localhost/in"}),
}  # fmt: skip


def compare(some: Sequence[float], others: Sequence[float]) -> tuple[float, float]:
    """(p of the two-sided rank test, how often one of `some` takes longer than one of `others`).

    By the normal approximation with a correction for ties; 50 % means that nothing can be told.
    """
    ordered = sorted([(value, 0) for value in some] + [(value, 1) for value in others])
    ranks, ties, at, size = 0.0, 0.0, 0, len(ordered)
    while at < size:
        end = at
        while end < size and ordered[end][0] == ordered[at][0]:
            end += 1
        ranks += (at + 1 + end) / 2 * sum(1 for _, side in ordered[at:end] if side == 0)
        ties += (end - at) ** 3 - (end - at)
        at = end
    pairs = len(some) * len(others)
    above = ranks - len(some) * (len(some) + 1) / 2
    deviation = math.sqrt(pairs / 12 * (size + 1 - ties / (size * (size - 1))))
    return math.erfc(abs(above - pairs / 2) / deviation / math.sqrt(2)), above / pairs


class Caller:
    """One connection that asks and takes the time."""

    def __init__(self, server: servers.Server, world: World) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self._world = world

    def ask(self, method: str, path: str, body: Any, *, key: bool = False) -> tuple[int, float]:
        """(status, milliseconds)"""
        headers = self._world.headers if key else self._world.guest
        data = msgspec.json.encode(body)
        begin = time.perf_counter()
        self._http.request(method, path, data, headers | {"content-type": "application/json"})
        answer = self._http.getresponse()
        answer.read()
        return answer.status, (time.perf_counter() - begin) * 1000


def prepare(caller: Caller, everybody: Sequence[Person], count: int) -> dict[str, list[str]]:
    """So many addresses of each kind."""
    parts = [everybody[at * count : (at + 1) * count] for at in range(3)]
    for who in parts[1]:
        status, _ = caller.ask("PATCH", f"/v1/users/{who.id}/password", {"password": ""}, key=True)
        assert status == 200, status
    for who in parts[2]:
        status, _ = caller.ask("PATCH", f"/v1/users/{who.id}/status", {"status": False}, key=True)
        assert status == 200, status
    known = {kind: [who.email for who in part] for kind, part in zip(KINDS, parts, strict=False)}
    return known | {"unknown": [f"nobody.{secrets.token_hex(6)}@example.org" for _ in range(count)]}


def one(caller: Caller, name: str, addresses: dict[str, list[str]]) -> None:
    """Ask for everybody in random order, and print what the times tell."""
    asked = [(kind, email) for kind, emails in addresses.items() for email in emails]
    random.Random(4).shuffle(asked)
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    statuses: dict[str, set[int]] = {kind: set() for kind in KINDS}
    for kind, email in asked:
        status, took = caller.ask("POST", *ASKED[name](email))
        times[kind].append(took)
        statuses[kind].add(status)
    for kind in KINDS:
        told = ""
        if kind != "existing":
            p, longer = compare(times[kind], times["existing"])
            told = f"p {p:.3f}, longer than existing in {longer:.1%}"
        shown = ", ".join(map(str, sorted(statuses[kind])))
        print(f"  {name:10} {kind:13} {len(times[kind]):5} answers {shown:4} median "
              f"{statistics.median(times[kind]):7.2f} ms  {told}")  # fmt: skip


def measure(engine: str, count: int, names: Sequence[str]) -> None:
    """Measure one engine in a database that is gone afterwards."""
    everybody = people.invent(max(FEWEST, 3 * count))
    secret = secrets.token_hex(32)
    with servers.database(engine) as url:
        key, _ = fill(url, secret, everybody)
        server = servers.usherd(url, secret)
        try:
            server.spread_over_all_cores()
            caller = Caller(server, World(key, everybody))
            addresses = prepare(caller, everybody, count)
            print(f"{engine}, {count} of each kind:")
            for name in names:
                one(caller, name, addresses)
        finally:
            server.stop()


def main() -> None:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.enumeration", description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--count", type=int, default=300, help="requests of each kind")
    parser.add_argument("--only", nargs="+", choices=tuple(ASKED), default=tuple(ASKED))
    given = parser.parse_args()
    servers.pin_generator()
    for engine in ("sqlite", "postgres") if given.engine == "both" else (given.engine,):
        measure(engine, given.count, given.only)


if __name__ == "__main__":
    main()
