"""Official SDKs, unmodified, as somebody with a real mailbox and a phone: the `Account` class."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import parts
from tests.conformance.driving import DRIVERS, NODE, PYTHON, World, drive
from tests.conftest import Api, Mailbox, Phones
from tests.oauth import Provider, openid_provider


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with openid_provider() as url:
        yield url


@pytest.fixture
def world(project_with: Callable[..., Api], mailbox: Mailbox, phones: Phones, issuer: str) -> World:
    return World(mailbox, phones, Provider(issuer, project_with()))


def numbers() -> str:
    """The beginning of phone numbers that no other test uses."""
    return f"+49151{secrets.randbelow(10**7):07d}"


def live(world: World, *command: str | Path, **env: str) -> None:
    """Run a driver; it has called everything, and its user has proved an address and left."""
    assert world.provider is not None
    api = world.provider.api
    told = drive(api, [*command], world, PHONE=numbers(), **env)
    assert told["notCalled"] == []
    user = api.call("GET", "/users", query={"search": told["email"]}).json["users"][0]
    assert (user["status"], user["emailVerification"]) == (False, True)


@pytest.mark.parametrize("spec", PYTHON)
def test_python(world: World, spec: str) -> None:
    folder = str(parts.python_package(spec))
    live(world, sys.executable, DRIVERS / "account_sdk.py", PYTHONPATH=folder)


@pytest.mark.parametrize("spec", NODE)
def test_node(world: World, spec: str) -> None:
    live(world, parts.node(), DRIVERS / "account_sdk.mjs", parts.node_package(spec))
