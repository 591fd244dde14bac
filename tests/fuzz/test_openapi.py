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


def test_no_input_causes_a_500(project_with: Callable[..., Api], tmp_path: Path) -> None:
    api = project_with()
    for at in range(3):
        api.user(userId=f"user{at}", email=f"user{at}@example.org", password="correct horse")
    seconds = os.environ.get("USHERD_TEST_FUZZ_SECONDS", str(SECONDS))
    done = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis", "run", api.server.endpoint + "/openapi.json",
            "--url", api.server.endpoint.removesuffix("/v1"),
            "--header", f"X-Appwrite-Project: {api.project}", "--header", f"X-Appwrite-Key: {api.key}",
            "--checks", CHECKS, "--max-time", seconds, "--phases", "examples,coverage,fuzzing",
            "--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "20", "--continue-on-failure",
        ],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "generated" in done.stdout, done.stdout
