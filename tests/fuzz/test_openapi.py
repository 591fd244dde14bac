"""Anything that the API description allows, and much that it does not: never a 500."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Api

SECONDS = 25
"""On each engine; `USHERD_TEST_FUZZ_SECONDS` makes it longer."""

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def run(api: Api, caller: str, seconds: str, folder: Path, *more: str) -> None:
    """Let schemathesis call everything that is described, as this caller."""
    done = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis", "run", api.server.endpoint + "/openapi.json",
            "--url", api.server.endpoint.removesuffix("/v1"),
            "--header", f"X-Appwrite-Project: {api.project}", "--header", caller,
            "--checks", CHECKS, "--max-time", seconds, "--phases", "examples,coverage,fuzzing",
            "--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "20", "--continue-on-failure",
            *more,
        ],
        capture_output=True, text=True, cwd=folder, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "generated" in done.stdout, done.stdout


def test_no_input_causes_a_500(project_with: Callable[..., Api], tmp_path: Path) -> None:
    api = project_with()
    for at in range(3):
        api.user(userId=f"user{at}", email=f"user{at}@example.org", password="correct horse")
    seconds = os.environ.get("USHERD_TEST_FUZZ_SECONDS", str(SECONDS))
    run(api, f"X-Appwrite-Key: {api.key}", seconds, tmp_path)


def test_no_input_of_a_user_causes_a_500(project_with: Callable[..., Api], tmp_path: Path) -> None:
    api = project_with()
    user = api.user(userId="mira", email="mira@example.org", password="correct horse")
    # Without a session of its own the JWT outlives the end of every session.
    token = api.call("POST", f"/users/{user['$id']}/jwts", {"duration": 3600}).json["jwt"]
    seconds = os.environ.get("USHERD_TEST_FUZZ_SECONDS", str(SECONDS // 2))
    only = ("--include-path-regex", "^/v1/(account|teams)", "--exclude-path", "/v1/account/status",
            "--exclude-operation-id", "delete_account")  # fmt: skip
    run(api, f"X-Appwrite-JWT: {token}", seconds, tmp_path, *only)
