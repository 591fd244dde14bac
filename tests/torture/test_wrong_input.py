"""Wrong input for every endpoint of the table: the right type of error, the same on both engines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Server
from tests.torture.rounds import rounds
from tests.torture.test_wrong_people import VALUES, WHO
from usherd.api import TABLE
from usherd.endpoints import Endpoint

Caller = dict[str, str]

ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**400, "", " ", "0", "1", "-1",
    "a" * 300, "a" * 70_000, "\0", "a\0b", "\ud800", "ä", "😀", "%00", "../..", "'", '"', "{}", "[]", "null", "true",
    "9" * 30, "unique()", "current", "recent", [], [[]], [None], ["\0"], ["\ud800"], [2**64], ["a"] * 1001, {}, {"a": 1},
    {"a": {"b": [{"c": "\0"}]}}, {"a": 2**70}, {"a": 1e308}, [[[[[[[["deep"]]]]]]]],
]  # fmt: skip

BODIES = [
    b"\xff\xfe", b'{"userId": "\xff"}', b'{"userId": "a", "userId": "b"}', b'{"name": 1e999}', b"[" * 5000, b"nul",
    b'{"a":' * 5000, b'{"name": "\\ud800"}', b'{"userId": 123456789012345678901234567890}', b"\0", b'"x"', b"[]",
    b'{"": "", "\\u0000": 1}', b'{"queries": {"0": "x"}}', b"a=b&a[]=c&a[x]=d&%00=%ff", b"{}" * 3,
]  # fmt: skip

values = st.sampled_from(ODD) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


class Pair:
    """A server on each engine with the same users, asked the same."""

    def __init__(self, servers: list[Server]) -> None:
        self.servers = servers
        self.http = httpx.Client(timeout=20)
        self.callers = [self.known(server) for server in servers]

    def known(self, server: Server) -> dict[str, Caller]:
        """What each kind of caller sends. A JWT without a session outlives what is done with it."""
        key = {"X-Appwrite-Project": "default", "X-Appwrite-Key": server.key}
        base = server.endpoint
        made = self.http.post(
            base + "/users", json={"userId": "mira", "email": "m@x.org"}, headers=key
        )
        assert made.status_code == 201
        token = self.http.post(
            base + "/users/mira/jwts", json={"duration": 3600}, headers=key
        ).json()["jwt"]
        guest = {"X-Appwrite-Project": "default"}
        return {"key": key, "guest": guest, "user": guest | {"X-Appwrite-JWT": token}}

    def ask(self, endpoint: Endpoint, path: str, **sent: Any) -> tuple[int, str]:
        """(status, type of the error), which are the same for both."""
        kind = next(kind for kind in ("user", "key", "guest") if kind in WHO[endpoint.scope])
        headers = sent.pop("headers", {})
        found = []
        for server, callers in zip(self.servers, self.callers, strict=True):
            answer = self.http.request(
                endpoint.method, server.endpoint + path, headers=callers[kind] | headers, **sent
            )
            self.http.cookies.clear()
            is_json = answer.headers.get("content-type", "").startswith("application/json")
            told = answer.json() if is_json and answer.content else {}
            found.append((answer.status_code, str(told.get("type", "")) if answer.is_error else ""))
        assert found[0] == found[1], found
        assert found[0][0] < 500 or found[0][1] in (
            "user_auth_method_unsupported",
            "general_phone_disabled",
        ), found
        return found[0]


@pytest.fixture(scope="module")
def pair(
    new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    servers = [
        Server(new_database(engine), tmp_path_factory.mktemp(engine)).start()
        for engine in ("sqlite", "postgres")
    ]
    yield Pair(servers)
    for server in servers:
        server.stop()
        told = server.log.read_text()
        assert "Traceback" not in told, told[told.find("Traceback") :][:3000]


def dangerous(endpoint: Endpoint) -> bool:
    """Whether it ends the account that asks, and everything after it would be refused."""
    return (endpoint.method, endpoint.path) in {
        ("DELETE", "/v1/account"),
        ("PATCH", "/v1/account/status"),
    }


ENDPOINTS = [pytest.param(e, id=f"{e.method} {e.path}") for e in TABLE if not dangerous(e)]


def filled(endpoint: Endpoint, names: dict[str, str]) -> str:
    path = endpoint.path.removeprefix("/v1").replace("{projectId}", "default")
    for argument in endpoint.arguments:
        if argument.in_path:
            value = names.get(argument.wire, "nobody")
            path = path.replace(
                f"{{{argument.wire}}}", quote(value.encode("utf-8", "replace"), safe="")
            )
    return path


def encode(value: Any) -> bytes:
    """JSON with whatever is wrong kept: unpaired surrogates, huge numbers, NaN."""
    return json.dumps(value).encode()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_value_of_a_wrong_shape(pair: Pair, endpoint: Endpoint) -> None:
    @settings(
        max_examples=rounds(12, 400), deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def shapes(data: st.DataObject) -> None:
        names, body = {}, {}
        wrong = data.draw(st.sampled_from([a.wire for a in endpoint.arguments] or ["nothing"]))
        for argument in endpoint.arguments:
            value = data.draw(values) if argument.wire == wrong else VALUES.get(argument.wire)
            if argument.in_path:
                names[argument.wire] = str(value) if value not in (None, "") else "nobody"
            elif value is not None or argument.wire == wrong:
                body[argument.wire] = value
        if len(str(names)) > 3000:
            return
        path = filled(endpoint, names)
        if endpoint.method == "GET":
            shown = {k: v if isinstance(v, str) else json.dumps(v) for k, v in body.items()}
            query = {
                k: v.encode("utf-8", "replace")[:20_000].decode("utf-8", "replace")
                for k, v in shown.items()
            }
            pair.ask(endpoint, path, params=query)
        else:
            pair.ask(
                endpoint, path, content=encode(body), headers={"Content-Type": "application/json"}
            )

    shapes()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_bodies_and_query_strings_that_nobody_should_send(pair: Pair, endpoint: Endpoint) -> None:
    path = filled(endpoint, {})
    if endpoint.method == "GET":
        for query in ("queries=x", "queries[]=%ff", "queries[0]=%00", "a[b][c]=d&a=1", "limit=99999999999999999999",
                      "queries[0]={\"method\":\"equal\",\"attribute\":\"\\ud800\",\"values\":[1e999]}",
                      "search=%ed%a0%80", "total=maybe", "&".join(f"queries[{n}]=x" for n in range(200))):  # fmt: skip
            status, _ = pair.ask(endpoint, f"{path}?{quote(query, safe='=&[]%')}")
            assert status
        return
    for body in BODIES:
        for kind in ("application/json", "application/x-www-form-urlencoded"):
            pair.ask(endpoint, path, content=body, headers={"Content-Type": kind})
