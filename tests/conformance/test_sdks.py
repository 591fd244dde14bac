"""Official SDKs, unmodified, against a live server: every method of their `Users` class."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import parts
from tests.conformance.driving import DRIVERS, NODE, PYTHON, drive
from tests.conftest import Api


def drive_all(api: Api, *command: str | Path, **env: str) -> None:
    """Make users, give one what no endpoint makes, and go on with it: every method is called."""
    first = drive(api, [*command, "create"], **env)
    add_records(api, first["userId"])
    second = drive(api, [*command, first["userId"]], **env)
    assert set(first["notCalled"]) & set(second["notCalled"]) == set()


def add_records(api: Api, user_id: str) -> None:
    """What no endpoint of the Users service makes: a membership, an identity, a second factor."""
    times = {"created_at": 1, "updated_at": 1}
    api.server.insert("teams", api.project, id="t1", name="Team", name_key="team", **times)
    api.server.insert(
        "memberships", api.project, id="m1", team_id="t1", user_id=user_id, roles='["owner"]',
        confirm=1, invited_at=1, joined_at=1, **times,
    )  # fmt: skip
    api.server.insert(
        "identities", api.project, id="i1", user_id=user_id, provider="github", provider_uid="7",
        provider_uid_key="7", search="  i1  github  7", **times,
    )  # fmt: skip
    api.server.insert(
        "authenticators", api.project, id="a1", user_id=user_id, type="totp", secret="sealed",
        verified=1, **times,
    )  # fmt: skip


@pytest.mark.parametrize("spec", [*PYTHON, "appwrite==6.1.0"])
def test_python(project_with: Callable[..., Api], spec: str) -> None:
    folder = str(parts.python_package(spec))
    drive_all(project_with(), sys.executable, DRIVERS / "users_sdk.py", PYTHONPATH=folder)


@pytest.mark.parametrize("spec", NODE)
def test_node(project_with: Callable[..., Api], spec: str) -> None:
    drive_all(project_with(), parts.node(), DRIVERS / "users_sdk.mjs", parts.node_package(spec))
