"""A disk that is full, fails or may only be read: clear errors, nothing lost, and a way back."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import Server
from tests.torture import invariants
from tests.torture.load import Load
from tests.torture.test_crash import log_entries


class SmallDisk:
    """A little memory as a disk, three times what the write-ahead log may take, so that only the
    ballast can fill it; without the right to mount one, a limit on the size of the files that a
    process writes, which fails in the same places."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)]
        self.mounted = os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0

    def fill(self, server: Server) -> None:
        """Leave no room."""
        if not self.mounted:
            limit(server, 400_000)
            return
        with (self.folder / "ballast").open("wb", buffering=0) as ballast:
            try:
                while ballast.write(bytes(4096)):
                    pass
            except OSError:
                pass

    def empty(self, server: Server) -> None:
        """Give the room back."""
        if not self.mounted:
            limit(server, resource.RLIM_INFINITY)
            return
        (self.folder / "ballast").unlink()

    def remount(self, how: str) -> None:
        if self.mounted:
            subprocess.run(["mount", "-o", f"remount,{how}", str(self.folder)], check=True)

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)


def limit(server: Server, size: int) -> None:
    """No file of the running server may grow beyond so many bytes."""
    assert server.process is not None
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    made = SmallDisk(tmp_path / "disk")
    yield made
    made.close()


@pytest.fixture
def server(disk: SmallDisk, tmp_path: Path) -> Iterator[Server]:
    """A server whose database is on the small disk."""
    own = Server(f"sqlite:///{disk.folder}/u.db", tmp_path).start()
    yield own
    if own.process is not None and own.process.poll() is None:
        own.stop()
    told = own.log.read_text()
    assert "Traceback" not in told, told[told.find("Traceback") :][:3000]


def ask(server: Server, method: str, path: str, body: object = None) -> httpx.Response:
    headers = {"X-Appwrite-Project": "default", "X-Appwrite-Key": server.key}
    return httpx.request(method, server.endpoint + path, json=body, headers=headers, timeout=30)


def refused(answer: httpx.Response) -> bool:
    """Whether the answer is the one that a disk deserves."""
    assert (answer.status_code, answer.json()["type"]) == (503, "database_unavailable"), answer.text
    return answer.headers["retry-after"] == "2"


def writes_again(server: Server) -> None:
    deadline = time.monotonic() + 30
    while (answer := ask(server, "POST", "/users", {"userId": "unique()"})).status_code != 201:
        assert refused(answer)
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("kind", ["full", "failing"])
def test_a_disk_that_takes_no_more_loses_nothing_and_recovers(
    server: Server, disk: SmallDisk, kind: str
) -> None:
    began = time.monotonic()
    load = Load(server)
    load.start()
    load.until(30)
    if kind == "full":
        disk.fill(server)
    else:
        limit(server, 0)
    deadline = time.monotonic() + 60
    while len(load.refused) < 20:
        assert time.monotonic() < deadline, "every write still fits"
        time.sleep(0.05)
    assert ask(server, "GET", "/users").status_code == 200
    assert all(refused(answer) for answer in load.refused)
    disk.empty(server) if kind == "full" else limit(server, resource.RLIM_INFINITY)
    writes_again(server)
    before = load.answered
    load.until(before + 30)
    load.join()
    load.check(log_entries(server.database))
    if kind == "full":  # a failing disk does not take the log either
        assert invariants.is_no_flood(server.log.read_text(), time.monotonic() - began)
    key = server.key
    server.stop(kill=True)
    assert invariants.broken(server.database) == []
    server.start()
    server.key = key
    load.check(log_entries(server.database))


def test_a_start_on_a_disk_that_may_only_be_read_ends_with_one_sentence(
    server: Server, disk: SmallDisk
) -> None:
    assert ask(server, "POST", "/users", {"userId": "u"}).status_code == 201
    key = server.key
    assert server.stop() == 0
    disk.remount("ro")
    if not disk.mounted:
        disk.folder.chmod(0o500)
        (disk.folder / "u.db").chmod(0o400)
    try:
        done = server.cli("serve", "--port", "0")
    finally:
        disk.remount("rw")
        (disk.folder / "u.db").chmod(0o600)
        disk.folder.chmod(0o700)
    assert done.returncode == 1
    assert done.stderr.startswith("usherd: The database file")
    assert len(done.stderr.strip().splitlines()) == 1
    server.start()
    server.key = key
    assert ask(server, "GET", "/users/u").status_code == 200
