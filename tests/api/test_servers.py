"""Servers as an operator sees them: first start, command line, stop, crash, rotation."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Server, unique


@pytest.fixture
def own(engine: str, new_database: Callable[[str], str], tmp_path: Path) -> Any:
    """A server of this test's own."""
    server = Server(new_database(engine), tmp_path)
    yield server
    if server.process is not None and server.process.poll() is None:
        server.stop(kill=True)


def request(server: Server, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"X-Appwrite-Project": "default", "X-Appwrite-Key": server.key}
    return httpx.request(method, server.endpoint + path, json=body, headers=headers, timeout=30)


def test_the_first_start_prints_what_to_paste_and_the_second_nothing_secret(own: Server) -> None:
    own.start()
    text = own.log.read_text()
    assert own.key.startswith("standard_")
    assert f'client.set_endpoint("{own.endpoint}")' in text
    assert 'client.set_project("default")' in text
    assert request(own, "GET", "/users").json() == {"total": 0, "users": []}
    secret = own.key
    assert own.stop() == 0
    own.start()
    assert "standard_" not in own.log.read_text()
    own.key = secret
    assert request(own, "GET", "/users").status_code == 200


def test_sigterm_finishes_what_was_accepted(own: Server) -> None:
    own.start()
    answers: list[int] = []

    def create(at: int) -> None:
        body = {"userId": f"u{at}", "password": "correct horse"}
        try:
            answers.append(request(own, "POST", "/users", body).status_code)
        except httpx.TransportError:
            answers.append(0)  # it came too late to be accepted

    threads = [threading.Thread(target=create, args=(at,)) for at in range(20)]
    for thread in threads:
        thread.start()
    time.sleep(0.15)
    assert own.process is not None
    own.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert own.process.wait(timeout=30) == 0
    assert set(answers) <= {0, 201}
    key = own.key
    own.start()
    own.key = key
    total = request(own, "GET", "/users").json()["total"]
    assert total >= answers.count(201)


def test_kill_9_loses_no_answered_write(own: Server) -> None:
    own.start()
    key = own.key
    answered: list[str] = []
    for _ in range(3):
        stop, before = threading.Event(), len(answered)

        def write(stopped: threading.Event = stop) -> None:
            with httpx.Client(timeout=10) as http:
                headers = {"X-Appwrite-Project": "default", "X-Appwrite-Key": key}
                while not stopped.is_set():
                    name = unique("k")
                    body = {"userId": name, "email": f"{name}@x.org"}
                    try:
                        made = http.post(own.endpoint + "/users", json=body, headers=headers)
                    except httpx.TransportError:
                        return
                    if made.status_code == 201:
                        answered.append(name)

        writers = [threading.Thread(target=write) for _ in range(8)]
        for writer in writers:
            writer.start()
        deadline = time.monotonic() + 30
        while len(answered) - before <= 50 and time.monotonic() < deadline:
            time.sleep(0.05)
        own.stop(kill=True)
        stop.set()
        for writer in writers:
            writer.join()
        own.start()
        own.key = key
    assert len(answered) > 50
    for name in answered:
        found = request(own, "GET", f"/users/{name}")
        assert found.status_code == 200, name
        assert [t["identifier"] for t in found.json()["targets"]] == [f"{name}@x.org"]


def test_settings_reach_a_running_server_within_two_seconds(own: Server) -> None:
    own.start()
    assert own.cli("project", "set", "default", "emailPassword=false").returncode == 0
    time.sleep(1.5)
    answer = httpx.post(own.endpoint + "/account/sessions/email", headers={"X-Appwrite-Project": "default"},
                        json={"email": "a@x.org", "password": "correct horse"})  # fmt: skip
    assert answer.json()["type"] == "user_auth_method_unsupported"


@pytest.mark.parametrize("command", [
    "project create shop --name Again", "project create !bad --name X", "project set nowhere userLimit=1",
    "project set shop colour=red", "project set shop userLimit=many", "project set shop userLimit",
    "project set shop sessionLimit=0", "project set shop mockNumbers=123",
    "key create --project nowhere --name k --scope all", "key create --project shop --name k --scope fly",
    "key create --project shop --name k --scope all --expire soon", "key list --project nowhere",
    "key delete nokey --project shop", "project show nowhere",
])  # fmt: skip
def test_the_command_line_refuses_in_one_sentence(own: Server, command: str) -> None:
    made = own.cli("project", "create", "shop", "--name", "Shop")
    assert made.returncode == 0, made.stderr
    done = own.cli(*command.split())
    assert done.returncode != 0
    assert done.stderr.startswith("usherd: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_every_setting_can_be_set_and_shown(own: Server) -> None:
    from usherd.settings import PROJECT

    assert own.cli("project", "create", "shop", "--name", "Shop").returncode == 0
    values = {"userLimit": "5", "sessionDuration": "60", "sessionLimit": "3", "passwordHistory": "2",
              "mockNumbers": "+4915112345678:123456", "passwordMinLength": "10",
              "passwordClasses": "3", "passwordStrength": "2", "logDays": "30",
              "emailAllowDomains": "example.org,*.example.org",
              "emailDenyDomains": "example.net",
              "rateLimitCounts": "create_recovery=5,create=20"}  # fmt: skip
    pairs = [f"{s.name}={values.get(s.name, 'true')}" for s in PROJECT]
    assert own.cli("project", "set", "shop", *pairs).returncode == 0
    shown = own.cli("project", "show", "shop").stdout
    for setting in PROJECT:
        assert setting.name in shown
    assert "+4915112345678" in shown
    listed = own.cli("project", "list").stdout
    assert "Shop" in listed


def test_a_project_default_comes_from_the_environment(own: Server) -> None:
    own.env = {"USHERD_SESSION_DURATION": "60"}
    own.start()
    made = request(own, "POST", "/users", {"userId": "u"})
    assert made.status_code == 201
    session = request(own, "POST", "/users/u/sessions").json()
    assert (
        session["expire"][:15] == session["$createdAt"][:15]
        or session["expire"] > session["$createdAt"]
    )
    assert session["expire"][:4] == session["$createdAt"][:4]


@pytest.mark.parametrize(("env", "word"), [
    ({"USHERD_PORT": "many"}, "USHERD_PORT"), ({"USHERD_COLOUR": "red"}, "USHERD_COLOUR"),
    ({"USHERD_SECRET": "short"}, "USHERD_SECRET"), ({"USHERD_SESSION_LIMIT": "0"}, "SESSION_LIMIT"),
])  # fmt: skip
def test_bad_settings_stop_the_start_in_one_sentence(
    own: Server, env: dict[str, str], word: str
) -> None:
    own.env = env
    done = own.cli("serve", "--port", "0")
    assert done.returncode != 0
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_rotation_keeps_what_is_encrypted_readable(tmp_path: Path) -> None:
    server = Server(f"sqlite:///{tmp_path}/u.db", tmp_path, env={"USHERD_SECRET": ""}).start()
    try:
        file = tmp_path / "u.db.secret"
        assert file.stat().st_mode & 0o777 == 0o600
        before = file.read_text()
        request(server, "POST", "/users", {"userId": "u"})
        codes = request(server, "PATCH", "/users/u/mfa/recovery-codes").json()
        done = server.cli("secret", "rotate")
        assert done.returncode == 0, done.stderr
        assert file.read_text() != before
        assert len(file.read_text().split()) == 1
        assert request(server, "GET", "/users/u/mfa/recovery-codes").json() == codes
        assert request(server, "POST", "/users/u/jwts", {}).status_code == 201
        again = request(server, "PUT", "/users/u/mfa/recovery-codes").json()
        assert again != codes
    finally:
        server.stop()


def test_another_secret_is_told_and_opens_nothing(own: Server) -> None:
    own.start()
    request(own, "POST", "/users", {"userId": "u"})
    codes = request(own, "PATCH", "/users/u/mfa/recovery-codes").json()
    key = own.key
    own.stop()
    done = own.cli("secret", "rotate")
    assert done.returncode == 0
    new = "n" * 40
    env = {"USHERD_SECRET": new, "USHERD_SECRET_PREVIOUS": own_secret()}
    own.env = env
    assert own.cli("secret", "rotate").returncode == 0
    own.env = {"USHERD_SECRET": new}
    own.start()
    own.key = key
    assert request(own, "GET", "/users/u/mfa/recovery-codes").json() == codes
    own.stop()
    own.env = {"USHERD_SECRET": "x" * 40}
    done = own.cli("secret", "rotate")
    assert done.returncode != 0
    assert "another secret" in done.stderr


def own_secret() -> str:
    from tests.conftest import SECRET

    return SECRET


def test_postgres_without_a_secret_says_how_to_make_one(postgres_url: str, tmp_path: Path) -> None:
    server = Server(postgres_url, tmp_path, env={"USHERD_SECRET": ""})
    done = server.cli("serve", "--port", "0")
    assert done.returncode != 0
    assert "secrets.token_hex" in done.stderr


def test_several_workers_share_a_postgres_database(
    new_database: Callable[[str], str], tmp_path: Path
) -> None:
    server = Server(new_database("postgres"), tmp_path, args=("--workers", "2")).start()
    try:
        for at in range(20):
            assert request(server, "POST", "/users", {"userId": f"u{at}"}).status_code == 201
            assert request(server, "GET", f"/users/u{at}").status_code == 200
        assert json.loads(request(server, "GET", "/users").content)["total"] == 20
    finally:
        server.stop()
    done = Server(f"sqlite:///{tmp_path}/x.db", tmp_path).cli("serve", "--workers", "2")
    assert "PostgreSQL" in done.stderr
