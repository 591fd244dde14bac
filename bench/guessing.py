"""`python -m bench.guessing`: can a stopwatch tell how much of a guessed secret is right?

API keys, session secrets and JWTs that are wrong from the first character, in the second half, and
in the last eight only, take turns in random order on one connection.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import random
import secrets
import statistics
import time
from collections.abc import Callable

import msgspec

from bench import people, servers
from bench.__main__ import FEWEST, fill
from bench.enumeration import compare

KINDS = ("all wrong", "half right", "nearly right")


def guess(right: str, kind: str) -> str:
    """A secret of hexadecimal digits, wrong from some place on; no two are the same, as the server
    remembers the keys it was asked for."""
    kept = {"all wrong": 0, "half right": len(right) // 2, "nearly right": len(right) - 8}[kind]
    wrong = "0" if right[kept] != "0" else "1"
    return right[:kept] + wrong + secrets.token_hex(len(right))[: len(right) - kept - 1]


class Caller:
    """One connection that asks for the same user and takes the time."""

    def __init__(self, server: servers.Server) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

    def ask(self, headers: dict[str, str], path: str = "/v1/account", method: str = "GET") -> bytes:
        """The answer's body."""
        self._http.request(method, path, headers={"X-Appwrite-Project": "default"} | headers)
        return self._http.getresponse().read()

    def time(self, headers: dict[str, str]) -> float:
        """Milliseconds until a refusal is there."""
        begin = time.perf_counter()
        answer = self.ask(headers)
        took = (time.perf_counter() - begin) * 1000
        assert b'"code":401' in answer, answer
        return took


def guessers(caller: Caller, key: str, user_id: str) -> dict[str, Callable[[str], dict[str, str]]]:
    """For each kind of secret, the headers of a guess."""
    admin = {"X-Appwrite-Key": key}
    made = caller.ask(admin, f"/v1/users/{user_id}/sessions", "POST")
    session = msgspec.json.decode(base64.b64decode(msgspec.json.decode(made)["secret"]))
    token = msgspec.json.decode(caller.ask(admin, f"/v1/users/{user_id}/jwts", "POST"))["jwt"]
    head, _, signature = token.rpartition(".")
    digits = base64.urlsafe_b64decode(signature + "==").hex()

    def of_session(kind: str) -> dict[str, str]:
        said = msgspec.json.encode(session | {"secret": guess(session["secret"], kind)})
        return {"X-Appwrite-Session": base64.b64encode(said).decode()}

    def of_jwt(kind: str) -> dict[str, str]:
        raw = base64.urlsafe_b64encode(bytes.fromhex(guess(digits, kind))).decode().rstrip("=")
        return {"X-Appwrite-JWT": f"{head}.{raw}"}

    secret = key.removeprefix("standard_")
    return {
        "API key": lambda kind: {"X-Appwrite-Key": "standard_" + guess(secret, kind)},
        "session": of_session,
        "JWT": of_jwt,
    }


def measure(engine: str, count: int) -> None:
    """Measure one engine in a database that is gone afterwards."""
    everybody = people.invent(FEWEST)
    secret = secrets.token_hex(32)
    with servers.database(engine) as url:
        key, _ = fill(url, secret, everybody)
        server = servers.usherd(url, secret)
        try:
            caller = Caller(server)
            print(f"{engine}, {count} guesses of each kind:")
            for name, headers in guessers(caller, key, everybody[0].id).items():
                order = list(KINDS) * count
                random.Random(4).shuffle(order)
                times: dict[str, list[float]] = {kind: [] for kind in KINDS}
                for kind in order:
                    times[kind].append(caller.time(headers(kind)))
                for kind in KINDS:
                    p, longer = compare(times[kind], times["all wrong"])
                    told = "" if kind == "all wrong" else f"p {p:.3f}, longer in {longer:.1%}"
                    middle = statistics.median(times[kind])
                    print(f"  {name:8} {kind:13} median {middle:6.3f} ms  {told}")
        finally:
            server.stop()


def main() -> None:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.guessing", description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--count", type=int, default=2000, help="guesses of each kind")
    given = parser.parse_args()
    servers.pin_generator()
    for engine in ("sqlite", "postgres") if given.engine == "both" else (given.engine,):
        measure(engine, given.count)


if __name__ == "__main__":
    main()
