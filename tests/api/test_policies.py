"""Policies: what a project asks of new passwords and addresses, where, and how it says so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Api, Mailbox, Person, Response, Server, unique
from usherd import policies

GOOD = "Correct horse battery 9"


def address(domain: str = "example.org") -> str:
    return f"{unique('m')}@{domain}"


def sign_up(api: Api, password: str, email: str = "") -> Response:
    body = {"userId": "unique()", "email": email or address(), "password": password}
    return api.call("POST", "/account", body, key=False)


def everywhere(api: Api, mailbox: Mailbox, password: str) -> dict[str, Response]:
    """Set the password in every way there is."""
    email = address()
    assert sign_up(api, GOOD, email).status == 201
    person = api.sign_in(email, GOOD)
    user_id = person.call("GET", "/account").json["$id"]
    body = {"email": email, "url": "http://localhost/r"}
    assert api.call("POST", "/account/recovery", body, key=False).status == 201
    link = mailbox.link(email)
    proof = {"userId": user_id, "secret": link["secret"], "password": password}
    nobody = api.person(api.call("POST", "/account/sessions/anonymous", key=False))
    first = {"email": address(), "password": password}
    server = {"userId": "unique()", "email": address(), "password": password}
    return {
        "sign-up": sign_up(api, password),
        "change": person.call("PATCH", "/account/password",
                              {"password": password, "oldPassword": GOOD}),
        "recovery": api.call("PUT", "/account/recovery", proof, key=False),
        "anonymous": nobody.call("PATCH", "/account/email", first),
        "server sign-up": api.call("POST", "/users", server),
        "server change": api.call("PATCH", f"/users/{user_id}/password", {"password": password}),
    }  # fmt: skip


@pytest.mark.parametrize(("settings", "poor", "type_", "rich"), [
    ({"passwordMinLength": 12}, "elevenchars", "password_too_short", "twelve chars"),
    ({"passwordMinLength": 12}, "elf Zeichen", "password_too_short", "zwölf Zeichn"),
    ({"passwordClasses": 3}, "only lower case", "password_too_simple", "Lower and Upper"),
    ({"passwordClasses": 4}, "Aa3456789", "password_too_simple", "Aa345678!"),
    ({"passwordStrength": 3}, "qwertyuiop", "password_too_weak", "lavender oxide tramway"),
])  # fmt: skip
def test_poor_passwords_are_refused_wherever_one_is_set(
    project_with: Callable[..., Api], mailbox: Mailbox, settings: dict[str, int], poor: str,
    type_: str, rich: str,
) -> None:  # fmt: skip
    api = project_with()
    before = everywhere(api, mailbox, poor)
    assert {way: answer.status for way, answer in before.items() if answer.status >= 300} == {}
    strict = project_with(**settings)
    for way, answer in everywhere(strict, mailbox, poor).items():
        assert (answer.status, answer.type) == (400, type_), way
    for way, answer in everywhere(strict, mailbox, rich).items():
        assert answer.status < 300, (way, answer.json)


def test_old_passwords_and_imports_are_let_be(project_with: Callable[..., Api]) -> None:
    api = project_with()
    email = address()
    assert sign_up(api, "elevenchars", email).status == 201
    done = api.server.cli("project", "set", api.project, "passwordMinLength=12")
    assert done.returncode == 0
    api.sign_in(email, "elevenchars")
    digest = hashlib.md5(b"short123").hexdigest()
    body = {"userId": "unique()", "email": address(), "password": digest}
    assert api.call("POST", "/users/md5", body).status == 201
    api.sign_in(body["email"], "short123")


# -- stolen passwords --


@pytest.fixture(scope="module")
def pwned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as it is published: hash, colon, count; sorted."""
    words = [f"stolen password {at}" for at in range(5000)]
    digests = sorted(hashlib.sha1(word.encode()).hexdigest().upper() for word in words)
    file = tmp_path_factory.mktemp("pwned") / "pwned.txt"
    file.write_text("".join(f"{digest}:{at}\r\n" for at, digest in enumerate(digests)))
    return file


def test_every_line_of_the_file_is_found_and_nothing_else(pwned: Path, tmp_path: Path) -> None:
    lines = pwned.read_text().split()
    for at in range(0, 5000, 7):
        assert policies.is_pwned(f"stolen password {at}", str(pwned))
        assert not policies.is_pwned(f"own password {at}", str(pwned))
    for file in (lines[:1], lines[-1:], [line[:12] for line in lines]):
        prefixes = tmp_path / "some.txt"
        prefixes.write_text("\n".join(file))
        found = [
            at for at in range(5000) if policies.is_pwned(f"stolen password {at}", str(prefixes))
        ]
        assert len(found) == len(file)
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    for file in (empty, tmp_path / "none.txt", ""):
        assert not policies.is_pwned("stolen password 1", str(file))


def test_stolen_passwords_are_refused_on_both_faces(
    engine: str, new_database: Callable[[str], str], tmp_path: Path, pwned: Path, mailbox: Mailbox
) -> None:
    import httpx

    env = {"USHERD_PWNED_FILE": str(pwned), "USHERD_PASSWORD_PWNED": "true",
           "USHERD_SMTP_HOST": "127.0.0.1", "USHERD_SMTP_PORT": str(mailbox.port),
           "USHERD_SMTP_SECURITY": "none"}  # fmt: skip
    server = Server(new_database(engine), tmp_path, env).start()
    try:
        with httpx.Client(timeout=30) as http:
            api = Api(server, http, "default", server.key)
            for way, answer in everywhere(api, mailbox, "stolen password 42").items():
                assert (answer.status, answer.type) == (400, "password_pwned"), way
            assert sign_up(api, "stolen password 5000").status == 201
    finally:
        server.stop()


# -- addresses --


def ways_in(api: Api, email: str) -> dict[str, Response]:
    """Come with the address in every way in which people choose one themselves."""
    token = {"userId": "unique()", "email": email}
    nobody = api.person(api.call("POST", "/account/sessions/anonymous", key=False))
    return {
        "sign-up": sign_up(api, GOOD, "a." + email),
        "link": api.call("POST", "/account/tokens/magic-url", token | {"email": "b." + email},
                         key=False),
        "code": api.call("POST", "/account/tokens/email", token | {"email": "c." + email},
                         key=False),
        "change": nobody.call("PATCH", "/account/email",
                              {"email": "d." + email, "password": GOOD}),
    }  # fmt: skip


@pytest.mark.parametrize(("settings", "refused", "type_", "fine"), [
    ({"emailAllowDomains": "example.org,*.example.net"}, ["example.com", "example.net",
      "sub.example.org", "example.org.evil.com"], "email_domain_not_allowed",
     ["example.org", "a.b.example.net", "EXAMPLE.org"]),
    ({"emailDenyDomains": "example.org,*.example.net"}, ["example.org", "Example.ORG",
      "x.example.net"], "email_domain_denied", ["example.com", "example.net"]),
    ({"emailRefuseDisposable": "true"}, ["mailinator.com", "sub.mailinator.com"],
     "email_disposable", ["example.org"]),
])  # fmt: skip
def test_domains_that_people_may_not_come_with(
    project_with: Callable[..., Api], settings: dict[str, str], refused: list[str], type_: str,
    fine: list[str],
) -> None:  # fmt: skip
    api = project_with(**settings)
    for domain in refused:
        for way, answer in ways_in(api, address(domain)).items():
            assert (answer.status, answer.type) == (400, type_), (way, domain)
    for domain in fine:
        for way, answer in ways_in(api, address(domain)).items():
            assert answer.status < 300, (way, domain, answer.json)
    made = api.call("POST", "/users", {"userId": "unique()", "email": address(refused[0])})
    assert made.status == 201  # the administrator knows better
    path = f"/users/{made.json['$id']}/email"
    assert api.call("PATCH", path, {"email": address(refused[0])}).status == 200


def test_who_is_known_comes_in_whatever_the_domain(project_with: Callable[..., Api]) -> None:
    api = project_with(emailAllowDomains="example.org")
    email = address("example.com")
    api.user(email=email, password=GOOD)
    person: Person = api.sign_in(email, GOOD)
    assert person.call("GET", "/account").json["email"] == email
    token = {"userId": "unique()", "email": email}
    assert api.call("POST", "/account/tokens/email", token, key=False).status == 201


@pytest.mark.parametrize("value", ["example", "*", "exa mple.org", "*.org,-.x", "a@example.org"])
def test_domains_that_are_none_are_refused(api: Api, value: str) -> None:
    done = api.server.cli("project", "set", "default", f"emailDenyDomains={value}")
    assert done.returncode == 1
    assert "domains such as" in done.stderr
