"""Bytes: content types, encodings, headers, limits, CORS."""

from __future__ import annotations

import json
import socket
from typing import Any

import httpx
import pytest

from tests.conftest import Api, unique

JSON = "application/json; charset=UTF-8"


def test_204_has_a_content_type_that_is_not_json(api: Api) -> None:
    user = api.user()
    gone = api.call("DELETE", f"/users/{user['$id']}")
    assert gone.status == 204
    assert gone.headers["content-type"] == "text/html; charset=UTF-8"


def test_headers_of_every_answer(api: Api) -> None:
    for path in ("/users", "/nothing"):
        answer = api.call("GET", path)
        assert answer.headers["content-type"] == JSON
        assert answer.headers["server"] == "Appwrite"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-cache, no-store, must-revalidate"
    assert list(answer.json) == ["message", "code", "type", "version"]


def test_get_with_an_empty_content_type_or_a_body(api: Api) -> None:
    assert api.call("GET", "/users", headers={"Content-Type": ""}).status == 200
    assert api.call("GET", "/users", {}, headers={"Content-Type": "application/json"}).status == 200


def test_form_and_multipart_bodies(api: Api) -> None:
    name = unique()
    made = api.call(
        "POST", "/users", data={"userId": name, "name": "Ünï", "email": f"{name}@x.org"}
    )
    assert (made.status, made.json["name"]) == (201, "Ünï")
    path = f"/users/{name}"
    changed = api.call("PUT", path + "/labels", data={"labels[]": ["a", "b"]})
    assert changed.json["labels"] == ["a", "b"]
    changed = api.call("PUT", path + "/labels", data={"labels[0]": "c", "labels[1]": "d"})
    assert changed.json["labels"] == ["c", "d"]
    changed = api.call("PATCH", path + "/prefs", data={"prefs[theme]": "dark", "prefs[x][y]": "1"})
    assert changed.json == {"theme": "dark", "x": {"y": "1"}}
    changed = api.call("PATCH", path + "/mfa", data={"mfa": "true"})
    assert changed.json["mfa"] is True
    changed = api.call("PATCH", path + "/name", files={"name": (None, "Mül ti")})
    assert changed.json["name"] == "Mül ti"
    made = api.call("POST", path + "/tokens", data={"length": "8"})
    assert len(made.json["secret"]) == 8


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b"5", b'"x"', b"\xff\xfe", b'{"userId":"\xff"}', b"[" * 100_000,
    b'{"a":' * 50_000, b'{"userId":"\\ud800"}', b'{"userId":1e400}', b"{\"userId\":NaN}",
    b"\0", b'{"userId"}', b"--x\r\n",
])  # fmt: skip
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x",
                                  "multipart/form-data", "text/plain", ""])  # fmt: skip
def test_bodies_that_are_no_object_count_as_empty(api: Api, body: bytes, kind: str) -> None:
    answer = api.call("POST", "/users", content=body, headers={"Content-Type": kind})
    assert (answer.status, answer.type) == (400, "general_argument_invalid")
    assert '"userId"' in answer.json["message"]


def test_a_body_over_the_limit_is_413_before_it_is_read(api: Api) -> None:
    address = ("127.0.0.1", api.server.port)
    head = (
        f"POST /v1/users HTTP/1.1\r\nHost: x\r\nX-Appwrite-Project: {api.project}\r\n"
        f"X-Appwrite-Key: {api.key}\r\nContent-Type: application/json\r\n"
    )
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(f"{head}Content-Length: 99999999999999\r\n\r\n".encode())
        answer = b""
        while b"general_argument_invalid" not in answer and (some := connection.recv(4096)):
            answer += some
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"general_argument_invalid" in answer

    def chunks() -> Any:
        for _ in range(40):
            yield b"x" * 65_536

    chunked = api.call("POST", "/users", content=chunks())
    assert (chunked.status, chunked.type) == (413, "general_argument_invalid")


def test_too_many_fields_are_refused(api: Api) -> None:
    answer = api.call("POST", "/users", content=b"&".join([b"a=1"] * 6000),
                      headers={"Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    assert (answer.status, answer.type) == (400, "general_argument_invalid")


def test_path_parameters_win_over_the_body(api: Api) -> None:
    user, other = api.user(), api.user()
    api.call("PATCH", f"/users/{user['$id']}/name", {"userId": other["$id"], "name": "Mine"})
    assert api.call("GET", f"/users/{user['$id']}").json["name"] == "Mine"
    assert api.call("GET", f"/users/{other['$id']}").json["name"] == ""


@pytest.mark.parametrize("path", [
    "/users/%00", "/users/%ff", "/users/%2e%2e", "/users/a%2fb", "/users/" + "x" * 3000,
    "/users/ä", "/users/{userId}", "/users//x/", "/users/{}",
])  # fmt: skip
def test_odd_paths_never_fail(api: Api, path: str) -> None:
    url = httpx.URL(api.server.endpoint + path)
    answer = httpx.get(url, headers={"X-Appwrite-Project": api.project, "X-Appwrite-Key": api.key})
    assert answer.status_code in (400, 404), answer.text


# -- web pages --


def test_preflight_says_yes_to_the_sdks_headers(api: Api) -> None:
    answer = api.call("OPTIONS", "/users", headers={"Origin": "https://shop.example"}, key=False)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    for name in ("X-Appwrite-Project", "X-Appwrite-Session", "X-Fallback-Cookies", "X-SDK-Name"):
        assert name in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize(("origin", "allowed"), [
    ("http://localhost:5173", True), ("http://127.0.0.1:3000", True), ("https://evil.example", False),
    ("null", False), ("http://localhost.evil.example", False), ("file://", False),
])  # fmt: skip
def test_pages_of_other_hosts_may_not_change_anything(api: Api, origin: str, allowed: bool) -> None:
    body = {"userId": "u", "secret": "x"}
    answer = api.call(
        "POST", "/account/sessions/token", body, headers={"Origin": origin}, key=False
    )
    assert answer.type == ("user_invalid_token" if allowed else "general_unknown_origin")
    shown = answer.headers["access-control-allow-origin"]
    assert (shown == origin) is allowed
    assert (
        api.call("POST", "/users", {}, headers={"Origin": origin}).type
        == "general_argument_invalid"
    )


# -- around the API --


def test_health_version_readiness_and_ping(api: Api) -> None:
    base = f"http://127.0.0.1:{api.server.port}"
    assert httpx.get(base + "/healthz").status_code == 200
    assert httpx.head(base + "/healthz").status_code == 200
    assert httpx.get(base + "/readyz").status_code == 200
    assert httpx.get(base + "/v1/health/version").json()["version"] == "1.7.4"
    assert api.call("GET", "/ping", key=False).status == 200
    assert api.call("GET", "/ping", key=False, headers={"X-Appwrite-Project": "x"}).status == 404
    assert httpx.get(base + "/v1/.well-known/jwks.json?project=x").status_code == 404


def test_metrics_have_bounded_labels(api: Api) -> None:
    api.call("GET", f"/users/{unique()}")
    api.call("GET", f"/{unique('path')}")
    api.http.request("PURGE", api.server.endpoint + "/users")
    text = httpx.get(f"http://127.0.0.1:{api.server.port}/metrics").text
    assert 'route="/v1/users/{userId}",status="404"' in text
    assert 'method="other",route="none",status="404"' in text
    assert "path" not in text.split("# HELP usherd_request_seconds")[0].replace("path ", "")


def test_openapi_describes_every_endpoint(api: Api) -> None:
    from usherd.api import TABLE

    found = api.call("GET", "/openapi.json", key=False).json
    assert found["openapi"].startswith("3.1")
    described = {(m.upper(), p) for p, ms in found["paths"].items() for m in ms}
    assert described == {(e.method, e.path) for e in TABLE}
    assert json.dumps(found)


def test_forwarded_addresses_are_believed_only_from_a_trusted_proxy(api: Api) -> None:
    user = api.user()
    made = api.call("POST", f"/users/{user['$id']}/sessions",
                    headers={"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"})  # fmt: skip
    assert made.json["ip"] == "127.0.0.1"
    assert "strict-transport-security" not in made.headers


@pytest.mark.parametrize("sent", [
    b"nonsense\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: abc\r\n\r\n", b"GET /v1/users HTTP/9.9\r\n\r\n",
    b"POST /v1/users HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
])  # fmt: skip
def test_bytes_that_are_no_http_are_refused_in_json(api: Api, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", api.server.port), timeout=5) as connection:
        connection.sendall(sent)
        answer = b""
        while some := connection.recv(4096):
            answer += some
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["type"] == "general_argument_invalid"
