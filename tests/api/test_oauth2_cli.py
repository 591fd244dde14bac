"""`usherd provider`, and that its secrets outlive a change of the master secret."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import USHERD, Api, Server, environment
from tests.lying_provider import LyingProvider
from tests.oauth import Browser, told


@pytest.fixture
def liar() -> Iterator[LyingProvider]:
    provider = LyingProvider()
    yield provider
    provider.close()


@pytest.fixture
def own(engine: str, database_url: str, tmp_path: Path) -> Iterator[Server]:
    """A server whose master secret is of this test."""
    running = Server(database_url, tmp_path, {"USHERD_SECRET": secrets.token_hex(32)}).start()
    yield running
    running.stop()


def provider(server: Server, *words: str, stdin: str = "", **env: str) -> tuple[int, str]:
    done = subprocess.run(
        [USHERD, "provider", *words, "--project", "default", "--database", server.database],
        input=stdin, capture_output=True, text=True, env=environment(**server.env, **env), check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_provider_from_set_to_remove(own: Server, liar: LyingProvider) -> None:
    acme = [
        "set",
        "oidc-acme",
        "--client-id",
        "app",
        "--client-secret",
        "-",
        "--issuer",
        liar.issuer,
    ]
    assert provider(own, *acme, stdin="wrong\n")[0] == 0
    with httpx.Client(timeout=30) as http:
        api = Api(own, http, "default", own.key)
        browser = Browser(api)
        callback = liar.approve(browser.start().headers["location"])
        assert told(browser.finish(callback))["type"] == "user_oauth2_unauthorized"
        # What is left out stays; the secret may come from the environment.
        status, text = provider(
            own, "set", "oidc-acme", "--scope", "calendar", OAUTH2_CLIENT_SECRET="hush"
        )
        assert status == 0, text
        callback = liar.approve(browser.start().headers["location"])
        assert browser.finish(callback).endswith("/ok")

        status, text = provider(own, "list")
        assert all(word in text for word in ("oidc-acme", "app", liar.issuer, "calendar", "yes"))
        assert "hush" not in text
        status, text = provider(
            own, "check", "oidc-acme", USHERD_PUBLIC_URL="https://id.example.org"
        )
        assert status == 0, text
        assert (
            "https://id.example.org/v1/account/sessions/oauth2/callback/oidc-acme/default" in text
        )
        assert f"{liar.issuer}/authorize?" in text
        assert "openid email profile calendar" in text
        assert "hush" not in text

        fresh = {
            "USHERD_SECRET_PREVIOUS": own.env["USHERD_SECRET"],
            "USHERD_SECRET": secrets.token_hex(32),
        }
        own.env |= fresh
        done = own.cli("secret", "rotate")
        assert done.returncode == 0, done.stderr
        assert int(done.stdout.split()[0]) >= 3  # signing key, client secret, a session's token
        del own.env["USHERD_SECRET_PREVIOUS"]
        own.stop()
        own.start()
        identity = browser.person.call("GET", "/account/identities").json["identities"][0]
        assert identity["providerAccessToken"] == "at"
        browser.http.cookies.clear()
        assert browser.finish(liar.approve(browser.start().headers["location"])).endswith("/ok")

        assert provider(own, "remove", "oidc-acme")[0] == 0
        assert browser.start().status_code == 412
    status, text = provider(own, "remove", "oidc-acme")
    assert (status, "has no provider" in text) == (1, True)


@pytest.mark.parametrize(("words", "says"), [
    (["set", "myspace", "--client-id", "a"], "There is no provider myspace"),
    (["set", "google"], "client id is missing"),
    (["set", "google", "--client-id", "a", "--domain", "x.org"], "Google has no option --domain"),
    (["set", "github", "--client-id", "a", "--issuer", "https://x.org"], "does not speak OpenID Connect"),
    (["set", "oidc-acme", "--client-id", "a"], "needs --issuer"),
    (["set", "oidc-acme", "--client-id", "a", "--issuer", "http://x.org"], "must be an https URL"),
    (["set", "auth0", "--client-id", "a", "--domain", "x.org/@evil"], "cannot be used as --domain"),
    (["set", "apple", "--client-id", "a", "--team-id", "T"], "Apple needs --key-id"),
    (["set", "google", "--client-id", "a", "--scope", "a b"], "is no scope"),
    (["set", "google", "--client-id", "a", "--client-secret", "ü"], "not ASCII"),
    (["check", "google"], "has no provider google"),
])  # fmt: skip
def test_what_cannot_work_is_refused(words: list[str], says: str, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from usherd.cli import app

    database = f"sqlite:///{tmp_path}/u.db"
    runner = CliRunner(env={"USHERD_DATABASE": database})
    assert runner.invoke(app, ["project", "create", "default", "--name", "d"]).exit_code == 0
    done = runner.invoke(app, ["provider", *words, "--project", "default"])
    assert done.exit_code == 1
    assert says in str(done.exception)


def test_a_check_says_what_is_wrong(own: Server, liar: LyingProvider) -> None:
    liar.document["issuer"] = "https://evil.example"
    provider(own, "set", "oidc-acme", "--client-id", "app", "--issuer", liar.issuer, "--disabled")
    status, text = provider(own, "check", "oidc-acme", USHERD_PUBLIC_URL="http://id.example.org")
    assert status == 1
    for problem in (
        "switched off",
        "no client secret",
        "https only",
        "names the issuer 'https://evil.example'",
    ):
        assert problem in text
