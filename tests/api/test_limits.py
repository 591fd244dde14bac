"""Rate limits: numbers, headers, keys, and who is not counted."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.conftest import Api, unique

GOOD = "correct horse battery"


@pytest.fixture
def limited(project_with: Callable[..., Api]) -> Api:
    """A project that counts; near the end of an hour it waits for the next one."""
    if time.time() % 3600 > 3590:
        time.sleep(10)
    return project_with(rateLimits="true")


def attempt(api: Api, email: str, password: str = "wrong password", **more: object) -> object:
    body = {"email": email, "password": password}
    return api.call("POST", "/account/sessions/email", body, key=False, **more)


def test_ten_sign_ins_then_429_with_a_wait(limited: Api) -> None:
    email = f"{unique('m')}@example.org"
    for left in range(9, -1, -1):
        answer = attempt(limited, email)
        assert (answer.status, answer.type) == (401, "user_invalid_credentials")
        assert answer.headers["x-ratelimit-limit"] == "10"
        assert answer.headers["x-ratelimit-remaining"] == str(left)
    answer = attempt(limited, email.upper())  # another case is the same address
    assert (answer.status, answer.type) == (429, "general_rate_limit_exceeded")
    assert answer.headers["x-ratelimit-remaining"] == "0"
    wait = int(answer.headers["retry-after"])
    assert 0 < wait <= 3600
    assert abs(int(answer.headers["x-ratelimit-reset"]) - time.time() - wait) < 3
    assert "Wait" in answer.json["message"]
    assert attempt(limited, f"{unique('m')}@example.org").status == 401  # others are not refused


def test_keys_are_not_counted_but_told(limited: Api) -> None:
    body = {"userId": "unique()", "email": "x", "password": GOOD}
    for _ in range(12):
        body["email"] = f"{unique('m')}@example.org"
        answer = limited.call("POST", "/account", body)
        assert answer.status == 201
    assert answer.headers["x-ratelimit-remaining"] == "9"


def test_limits_are_off_where_the_project_wants_that(api: Api) -> None:
    email = f"{unique('m')}@example.org"
    for _ in range(12):
        answer = attempt(api, email)
        assert answer.status == 401
    assert "x-ratelimit-limit" not in answer.headers


def test_projects_are_counted_apart(limited: Api, project_with: Callable[..., Api]) -> None:
    email = f"{unique('m')}@example.org"
    for _ in range(11):
        last = attempt(limited, email)
    assert last.status == 429
    assert attempt(project_with(rateLimits="true"), email).status == 401


def test_counting_is_exact_under_concurrency(limited: Api) -> None:
    from concurrent.futures import ThreadPoolExecutor

    body = {"userId": "unique()", "password": GOOD}

    def one(_: int) -> int:
        email = f"{unique('m')}@example.org"
        return limited.call("POST", "/account", body | {"email": email}, key=False).status

    with ThreadPoolExecutor(15) as pool:
        found = sorted(pool.map(one, range(15)))
    assert found == [201] * 10 + [429] * 5
