"""What is asked of the server: one function a scenario, each a source of ready-made requests."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from bench.load import request
from bench.people import FIRST, LAST, PASSWORD, PROJECT, Person

POOL = 2000
"""Requests that are made beforehand and sent over and over, in random order."""

PAGE = 25


class World(msgspec.Struct, frozen=True):
    """What requests are made of."""

    key: str
    people: Sequence[Person]

    @property
    def headers(self) -> dict[str, str]:
        """What an SDK with an API key sends."""
        return self.guest | {"x-appwrite-key": self.key}

    @property
    def guest(self) -> dict[str, str]:
        """What an SDK without one sends."""
        return {
            "user-agent": "usherd-bench/1",
            "x-appwrite-project": PROJECT,
            "x-appwrite-response-format": "1.7.0",
            "accept": "*/*",
        }


Source = Callable[[World], Iterator[bytes]]


class Scenario(msgspec.Struct, frozen=True):
    """One thing that clients do."""

    name: str
    says: str
    source: Source
    check: Callable[[Any], bool]
    """Whether the decoded answer to the first request is right."""
    connections: int = 32
    status: int = 200
    everybody_first: bool = False
    """Every user is asked for once before anything is measured."""
    settings: dict[str, str] = {}
    """Variables for a server of its own; none: it is measured on the one of all."""


def _pool(world: World, make: Callable[[random.Random, Person], bytes]) -> Iterator[bytes]:
    dice = random.Random(1)
    return itertools.cycle([make(dice, dice.choice(world.people)) for _ in range(POOL)])


def _json(**fields: Any) -> bytes:
    return msgspec.json.encode(fields)


def _queries(*queries: dict[str, Any]) -> str:
    """A query string, as SDKs write it."""
    texts = (quote(msgspec.json.encode(query)) for query in queries)
    return "&".join(f"queries[{at}]={text}" for at, text in enumerate(texts))


# -- reads --


def read(world: World) -> Iterator[bytes]:
    """One user by id: everybody once, in random order, and over again."""
    people = random.Random(1).sample(world.people, len(world.people))
    return itertools.cycle([request("GET", f"/v1/users/{who.id}", world.headers) for who in people])


def first_page(world: World) -> Iterator[bytes]:
    """The list as it comes."""
    return itertools.cycle([request("GET", "/v1/users", world.headers)])


def filtered(world: World) -> Iterator[bytes]:
    """Those whose name begins with some first name, newest first."""

    def make(dice: random.Random, _who: Person) -> bytes:
        queries = _queries(
            {"method": "startsWith", "attribute": "name", "values": [dice.choice(FIRST)]},
            {"method": "orderDesc", "attribute": "$createdAt"},
        )
        return request("GET", f"/v1/users?{queries}", world.headers)

    return _pool(world, make)


def deep_cursor(world: World) -> Iterator[bytes]:
    """The page after somebody in the second half of the list."""
    half = len(world.people) // 2

    def make(dice: random.Random, _who: Person) -> bytes:
        who = world.people[dice.randrange(half, len(world.people) - PAGE - 1)]
        query = _queries({"method": "cursorAfter", "values": [who.id]})
        return request("GET", f"/v1/users?{query}", world.headers)

    return _pool(world, make)


def search_rare(world: World) -> Iterator[bytes]:
    """A word that one user has: the part of the address before the `@`."""

    def make(_dice: random.Random, who: Person) -> bytes:
        word = who.email.partition("@")[0]
        return request("GET", f"/v1/users?search={quote(word)}", world.headers)

    return _pool(world, make)


def search_common(world: World) -> Iterator[bytes]:
    """A word that every user has: the domain of the address."""
    return itertools.cycle([request("GET", "/v1/users?search=example", world.headers)])


# -- writes --


def create(world: World) -> Iterator[bytes]:
    """New people without a password, never the same twice."""
    dice = random.Random(2)
    for number in itertools.count():
        name = f"{dice.choice(FIRST)} {dice.choice(LAST)}"
        body = _json(userId="unique()", email=f"new.{number}@example.net", name=name)
        yield request("POST", "/v1/users", world.headers, body)


def update(world: World) -> Iterator[bytes]:
    """A new name for somebody."""

    def make(dice: random.Random, who: Person) -> bytes:
        body = _json(name=f"{dice.choice(FIRST)} {dice.choice(LAST)} {dice.randrange(1000)}")
        return request("PATCH", f"/v1/users/{who.id}/name", world.headers, body)

    return _pool(world, make)


def sign_in(world: World) -> Iterator[bytes]:
    """Somebody signs in with the right password."""

    def make(_dice: random.Random, who: Person) -> bytes:
        body = _json(email=who.email, password=PASSWORD)
        return request("POST", "/v1/account/sessions/email", world.guest, body)

    return _pool(world, make)


def _is_page(answer: Any) -> bool:
    return len(answer["users"]) == PAGE and bool(answer["total"] > PAGE)


SCENARIOS = (
    Scenario("read", "GET a user by id", read, lambda a: len(a["$id"]) == 20,
             everybody_first=True),
    Scenario("read-anew", "... and nothing is kept", read, lambda a: len(a["$id"]) == 20,
             settings={"USHERD_USER_CACHE_MB": "0"}),
    Scenario("list", "GET the first page of 25", first_page, _is_page),
    Scenario("filter", "... whose name begins with, newest first", filtered, _is_page),
    Scenario("cursor", "... after a cursor deep in the list", deep_cursor, _is_page),
    Scenario("search-rare", "... search a word that one has", search_rare,
             lambda a: a["total"] == 1),
    Scenario("search-common", "... search a word that all have", search_common, _is_page),
    Scenario("create", "POST a user, durable", create, lambda a: len(a["targets"]) == 1,
             connections=64, status=201),
    Scenario("update", "PATCH a user's name, durable", update, lambda a: bool(a["name"]),
             connections=64),
    Scenario("sign-in", "POST e-mail and password, durable", sign_in,
             lambda a: a["provider"] == "email", connections=16, status=201),
)  # fmt: skip
