"""Official SDKs, unmodified, as somebody with a real mailbox and a phone: the `Account` class."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable

import pytest

from tests import parts
from tests.conformance.driving import DRIVERS, PYTHON, World, drive
from tests.conftest import Api, Mailbox, Phones


@pytest.fixture
def world(mailbox: Mailbox, phones: Phones) -> World:
    return World(mailbox, phones)


def numbers() -> str:
    """The beginning of phone numbers that no other test uses."""
    return f"+49151{secrets.randbelow(10**7):07d}"


@pytest.mark.parametrize("spec", PYTHON)
def test_python(project_with: Callable[..., Api], world: World, spec: str) -> None:
    api, folder = project_with(), str(parts.python_package(spec))
    command = [sys.executable, DRIVERS / "account_sdk.py"]
    told = drive(api, command, world, PYTHONPATH=folder, PHONE=numbers())
    assert told["notCalled"] == []
    user = api.call("GET", "/users", query={"search": told["email"]}).json["users"][0]
    assert (user["status"], user["emailVerification"]) == (False, True)
