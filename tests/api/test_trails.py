"""What the activity log keeps: refused attempts, countries, and for how long."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from tests.api.test_mail import metric
from tests.conftest import Api, Mailbox, Person, Phones, Server, unique
from usherd import clock, db, janitor, projects, vault

GOOD = "correct horse battery"
DAY = 86_400_000


def sign_up(api: Api, email: str = "") -> Person:
    email = email or f"{unique('m')}@example.org"
    body = {"userId": "unique()", "email": email, "password": GOOD}
    assert api.call("POST", "/account", body, key=False).status == 201
    return api.sign_in(email, GOOD)


def events(person: Person) -> list[str]:
    """What the person's log says, oldest first, since the sign-in."""
    found = person.call("GET", "/account/logs").json["logs"]
    return [log["event"] for log in found][::-1][2:]


# -- refused attempts --


@pytest.fixture
def mira(api: Api) -> Person:
    return sign_up(api)


def test_wrong_passwords_of_somebody_who_is_signed_in(mira: Person) -> None:
    wrong = "wrong password"
    for path, body in [
        ("email", {"email": "x@example.org"}),
        ("phone", {"phone": "+4915112345678"}),
    ]:
        answer = mira.call("PATCH", f"/account/{path}", body | {"password": wrong})
        assert answer.type == "user_invalid_credentials"
    body = {"password": GOOD, "oldPassword": wrong}
    assert mira.call("PATCH", "/account/password", body).type == "user_invalid_credentials"
    assert events(mira) == ["user.update.failed"] * 3


def test_wrong_secrets_and_codes(api: Api, mira: Person, mailbox: Mailbox, phones: Phones) -> None:
    me = mira.call("GET", "/account").json
    number = f"+4915{int(unique('')[:8], 16):010d}"[:14]
    assert mira.call("PATCH", "/account/phone", {"phone": number, "password": GOOD}).status == 200
    proof = {"userId": me["$id"], "secret": "0" * 64}
    for path, body in [("/account/verification", proof), ("/account/verification/phone", proof),
                       ("/account/recovery", proof | {"password": GOOD})]:  # fmt: skip
        assert api.call("PUT", path, body, key=False).type == "user_invalid_token"
    assert (
        api.call("POST", "/account/sessions/token", proof, key=False).type == "user_invalid_token"
    )
    mira.call("POST", "/account/mfa/authenticators/totp")
    assert mira.call("PUT", "/account/mfa/authenticators/totp", {"otp": "0"}).status == 401
    answer = mira.call("PUT", "/account/mfa/challenge", {"challengeId": "x", "otp": "0"})
    assert answer.type == "user_invalid_token"
    assert events(mira) == [
        "user.update", "verification.update.failed", "verification.update.failed",
        "recovery.update.failed", "session.create.failed", "user.update", "user.update.failed",
        "challenges.update.failed",
    ]  # fmt: skip


def test_what_a_blocked_user_tries(api: Api, mira: Person) -> None:
    me = mira.call("GET", "/account").json
    token = api.call("POST", f"/users/{me['$id']}/tokens").json
    api.call("PATCH", f"/users/{me['$id']}/status", {"status": False})
    exchange = {"userId": me["$id"], "secret": token["secret"]}
    credentials = {"email": me["email"], "password": GOOD}
    recovery = {"email": me["email"], "url": "http://localhost/r"}
    for path, body in [("/account/sessions/token", exchange), ("/account/sessions/email", credentials),
                       ("/account/recovery", recovery)]:  # fmt: skip
        assert api.call("POST", path, body, key=False).type == "user_blocked"
    api.call("PATCH", f"/users/{me['$id']}/status", {"status": True})
    assert events(mira) == [
        "session.create.failed", "session.create.failed", "recovery.create.failed"
    ]  # fmt: skip
    assert api.call("POST", "/account/sessions/token", exchange, key=False).status == 201  # kept


def test_a_recovery_link_dies_with_the_address_it_was_sent_to(
    api: Api, mira: Person, mailbox: Mailbox
) -> None:
    email = mira.call("GET", "/account").json["email"]
    body = {"email": email, "url": "http://localhost/r"}
    assert api.call("POST", "/account/recovery", body, key=False).status == 201
    link = mailbox.link(email)
    new = {"email": f"{unique('m')}@example.org", "password": GOOD}
    assert mira.call("PATCH", "/account/email", new).status == 200
    proof = {
        "userId": link["userId"],
        "secret": link["secret"],
        "password": "another horse entirely",
    }
    refused = api.call("PUT", "/account/recovery", proof, key=False)
    assert (refused.status, refused.type) == (401, "user_invalid_token")
    assert mira.call("GET", "/account").json["emailVerification"] is False


# -- events --


def made_known(api: Api) -> float:
    """How often this server has published that there is a new user."""
    return metric(api.server, 'usherd_events_total{event="users.[userId].create"}')


def test_every_sign_up_is_an_event(api: Api, mira: Person) -> None:
    email, phone = f"{unique('m')}@example.org", f"+4915{int(unique('')[:8], 16):010d}"[:14]
    mira.call("POST", "/teams", {"teamId": (team := unique("t")), "name": "Crew"})
    ways: list[tuple[str, dict[str, Any]]] = [
        ("/account/sessions/anonymous", {}),
        ("/account/tokens/magic-url", {"userId": "unique()", "email": email}),
        ("/account/tokens/email", {"userId": "unique()", "email": "c" + email}),
        ("/account/tokens/phone", {"userId": "unique()", "phone": phone}),
    ]
    for path, body in ways:
        before = made_known(api)
        assert api.call("POST", path, body).status == 201
        assert made_known(api) == before + 1
        if body:  # now a known one
            assert api.call("POST", path, body).status == 201
            assert made_known(api) == before + 1
    before = made_known(api)
    body = {"email": "i" + email, "roles": [], "url": "http://localhost/join"}
    assert mira.call("POST", f"/teams/{team}/memberships", body).status == 201
    assert made_known(api) == before + 1


# -- countries --


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A MaxMind-format file that knows two networks."""
    writer = MMDBWriter(6, "GeoLite2-Country", ipv4_compatible=True)
    writer.insert_network(IPSet(["198.51.100.0/24"]), {"country": {"iso_code": "NO"}})
    writer.insert_network(IPSet(["203.0.113.0/24"]), {"continent": {"code": "EU"}})
    writer.insert_network(IPSet(["2001:db8::/32"]), {"country": {"iso_code": "DE"}})
    file = tmp_path_factory.mktemp("geo") / "country.mmdb"
    writer.to_db_file(str(file))
    return file


@pytest.fixture
def abroad(
    engine: str, new_database: Callable[[str], str], tmp_path: Path, atlas: Path
) -> Iterator[Api]:
    env = {"USHERD_GEOIP": str(atlas), "USHERD_TRUSTED_PROXIES": "127.0.0.1"}
    server = Server(new_database(engine), tmp_path, env).start()
    with httpx.Client(timeout=30) as http:
        yield Api(server, http, "default", server.key)
    server.stop()


@pytest.mark.parametrize(("ip", "code", "name"), [
    ("198.51.100.7", "no", "Norway"), ("2001:db8::7", "de", "Germany"), ("203.0.113.7", "--", "Unknown"),
    ("192.0.2.1", "--", "Unknown"), ("", "--", "Unknown"),
])  # fmt: skip
def test_sessions_and_logs_tell_the_country(abroad: Api, ip: str, code: str, name: str) -> None:
    user = abroad.user(email="m@example.org", password=GOOD)
    made = abroad.call("POST", "/account/sessions/email", key=False,
                       body={"email": "m@example.org", "password": GOOD},
                       headers={"X-Forwarded-For": ip} if ip else {})  # fmt: skip
    assert (made.json["countryCode"], made.json["countryName"]) == (code, name)
    assert made.json["ip"] == (ip or "127.0.0.1")
    log = abroad.call("GET", f"/users/{user['$id']}/logs").json["logs"][0]
    assert (log["event"], log["countryCode"], log["countryName"]) == ("session.create", code, name)


def test_without_a_file_the_country_is_unknown(mira: Person) -> None:
    session = mira.call("GET", "/account/sessions/current").json
    assert (session["countryCode"], session["countryName"]) == ("--", "Unknown")


@pytest.mark.parametrize("content", [None, b"", b"no such format" * 100])
def test_a_file_that_cannot_be_used_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "country.mmdb"
    if content is not None:
        file.write_bytes(content)
    server = Server(f"sqlite:///{tmp_path}/u.db", tmp_path, {"USHERD_GEOIP": str(file)})
    done = server.cli("serve", "--port", "0")
    assert done.returncode != 0
    assert "USHERD_GEOIP" in done.stderr
    assert "Traceback" not in done.stderr


# -- for how long --


@pytest.fixture
async def database(database_url: str) -> Any:
    opened = await db.open(database_url)
    yield opened
    await opened.close()


async def make_project(database: db.Database, name: str, **settings: Any) -> None:
    async with database.write() as tx:
        await projects.create(tx, vault.Vault([secrets.token_hex(32)]), name, name)
        await projects.change(tx, name, settings)


async def make_log(database: db.Database, project: str, days: float) -> None:
    async with database.write() as tx:
        await tx.insert("logs", project_id=project, actor_type="guest", actor_id="", event="e",
                        resource="", created_at=clock.now() - int(days * DAY))  # fmt: skip


async def left(database: db.Database) -> dict[str, int]:
    async with database.read() as tx:
        rows = await tx.all("select project_id, count(*) as n from logs group by project_id")
    return {row["project_id"]: row["n"] for row in rows}


async def test_each_project_keeps_its_log_as_long_as_it_wants(database: db.Database) -> None:
    await make_project(database, "short", logDays=30)
    await make_project(database, "long", logDays=90)
    await make_project(database, "ever", logDays=0)
    for days in (100, 60, 29):
        for name in ("short", "long", "ever"):
            await make_log(database, name, days)
    assert await janitor.sweep_logs(database) == (3, 0)
    assert await left(database) == {"short": 1, "long": 2, "ever": 3}


async def test_a_round_looks_at_so_many_entries_and_the_next_one_goes_on(
    database: db.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "BATCH", 5)
    monkeypatch.setattr(janitor, "ENTRIES", 10)
    await make_project(database, "ever", logDays=0)
    await make_project(database, "short", logDays=30)
    for _ in range(12):
        await make_log(database, "ever", 50)
    for _ in range(4):
        await make_log(database, "short", 40)
    gone, place = await janitor.sweep_logs(database)
    assert gone == 0
    assert place > 0
    assert await janitor.sweep_logs(database, place) == (4, 0)
    assert await left(database) == {"ever": 12}


async def test_what_has_expired_is_swept_with_its_devices(database: db.Database) -> None:
    await make_project(database, "p")
    now = clock.now()
    async with database.write() as tx:
        await tx.insert("users", project_id="p", id="u", created_at=now, updated_at=now,
                        targets='[{"left":1}]')  # fmt: skip
        for name, expire_at in (("old", now - 1000), ("new", now + 100_000)):
            await tx.insert("sessions", project_id="p", id=name, user_id="u", digest=name,
                            provider="email", expire_at=expire_at, created_at=now, updated_at=now)  # fmt: skip
            await tx.insert("targets", project_id="p", id=name, user_id="u", session_id=name,
                            provider_type="push", identifier=name, identifier_key=name,
                            created_at=now, updated_at=now)  # fmt: skip
            await tx.insert("tokens", project_id="p", id=name, user_id="u", kind="email",
                            digest=name, expire_at=expire_at, created_at=now)  # fmt: skip
            await tx.insert("challenges", project_id="p", id=name, user_id="u", factor="totp",
                            expire_at=expire_at, created_at=now)  # fmt: skip
            await tx.run("insert into rate_limits values ('p', :name, :ends, 1)", name=name,
                         ends=expire_at)  # fmt: skip
    assert await janitor.sweep(database) == 4
    async with database.read() as tx:
        for table in ("sessions", "tokens", "challenges", "targets"):
            assert [row["id"] for row in await tx.all(f"select id from {table}")] == ["new"], table
        user = await tx.one("select targets from users where id = 'u'")
    assert user is not None
    assert '"new"' in user["targets"]
    assert "old" not in user["targets"]
