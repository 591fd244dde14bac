"""Mail and text messages: over real servers, when those fail, and in words of a project's own."""

from __future__ import annotations

import base64
import datetime
import hmac
import ipaddress
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.conftest import Api, Mailbox, Server, free_port, unique

GOOD = "correct horse battery"


def address() -> str:
    return f"{unique('m')}@example.org"


Start = Callable[..., Server]


@pytest.fixture
def start(engine: str, new_database: Callable[[str], str], tmp_path: Path) -> Iterator[Start]:
    """Starts a server of this test's own with these settings."""
    made: list[Server] = []

    def start(**env: str) -> Server:
        made.append(Server(new_database(engine), tmp_path, env).start())
        return made[-1]

    yield start
    for server in made:
        if server.process is not None and server.process.poll() is None:
            server.stop(kill=True)


def smtp(box: Mailbox | None = None, **more: str) -> dict[str, str]:
    """Settings for a mail server without encryption."""
    port = str(box.port) if box else more.pop("port")
    return {"USHERD_SMTP_HOST": "127.0.0.1", "USHERD_SMTP_PORT": port,
            "USHERD_SMTP_SECURITY": "none", **more}  # fmt: skip


def ask(server: Server, path: str, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(server.endpoint + path, json=body, timeout=30,
                      headers={"X-Appwrite-Project": "default"})  # fmt: skip


def mail_to(server: Server, email: str) -> None:
    """Let the server write a mail with a code."""
    answer = ask(server, "/account/tokens/email", {"userId": "unique()", "email": email})
    assert answer.status_code == 201, answer.text


def hurry(server: Server) -> None:
    """Everything in the outbox is due now; the courier looks every second."""
    server.run("update outbox set due_at = 0 where status = 'waiting'")


def wait_for(look: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + 20
    while not (found := look()):
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.05)
    return found


def status_of(server: Server, email: str) -> str:
    """What the outbox says of the newest message to somebody: status, tries and error."""
    for line in server.cli("outbox").stdout.splitlines():
        if email in line:
            return " ".join(line.split())
    return ""


def metric(server: Server, line: str) -> float:
    text = httpx.get(f"http://127.0.0.1:{server.port}/metrics").text
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


# -- servers as they are in the world --


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-made certificate for localhost, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))  # fmt: skip
    return file


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def knows(_server: Any, _session: Any, _envelope: Any, _how: str, given: Any) -> AuthResult:
    right = given == LoginPassword(b"usherd", b"open sesame")
    return AuthResult(success=right, handled=False)


def test_starttls_with_a_password(start: Start, certificate: Path) -> None:
    box = Mailbox(tls_context=tls(certificate), require_starttls=True, auth_required=True,
                  authenticator=knows)  # fmt: skip
    env = smtp(box, USHERD_SMTP_SECURITY="starttls", USHERD_SMTP_USERNAME="usherd",
               USHERD_SMTP_PASSWORD="open sesame", USHERD_MAIL_FROM="Shop <shop@example.org>",
               SSL_CERT_FILE=str(certificate))  # fmt: skip
    server = start(**env)
    email = address()
    mail_to(server, email)
    mail = box.wait(email)
    assert mail["From"] == "Shop <shop@example.org>"
    assert mail["To"] == email
    assert mail["Message-ID"].endswith("@example.org>")
    assert mail["Date"]
    assert wait_for(lambda: metric(server, 'usherd_messages_total{channel="mail",outcome="sent"}'),
                    "a sent mail") == 1  # fmt: skip
    assert "open sesame" not in server.log.read_text()
    box.controller.stop()


def test_tls_from_the_first_byte(start: Start, certificate: Path) -> None:
    box = Mailbox(ssl_context=tls(certificate), ready_timeout=15)
    server = start(**smtp(box, USHERD_SMTP_SECURITY="tls", SSL_CERT_FILE=str(certificate)))
    email = address()
    mail_to(server, email)
    assert box.wait(email)["To"] == email
    box.controller.stop()


def test_a_certificate_of_nobody_gets_no_mail(start: Start, certificate: Path) -> None:
    box = Mailbox(tls_context=tls(certificate))
    server = start(**smtp(box, USHERD_SMTP_SECURITY="starttls"))
    email = address()
    mail_to(server, email)
    found = wait_for(lambda: re.search(r"waiting 1 .*", status_of(server, email)), "a first try")
    wait_for(lambda: "certificate" in status_of(server, email).lower(), "the reason")
    assert found
    assert box.mails == {}
    box.controller.stop()


def test_a_wrong_password_at_the_mail_server_is_tried_again(
    start: Start, certificate: Path
) -> None:
    box = Mailbox(tls_context=tls(certificate), auth_required=True, authenticator=knows)
    server = start(**smtp(box, USHERD_SMTP_SECURITY="starttls", USHERD_SMTP_USERNAME="usherd",
                          USHERD_SMTP_PASSWORD="wrong", SSL_CERT_FILE=str(certificate)))  # fmt: skip
    email = address()
    mail_to(server, email)
    wait_for(lambda: "SMTPAuthenticationError" in status_of(server, email), "the reason")
    assert "waiting" in status_of(server, email)
    box.controller.stop()


# -- when the mail server fails --


def test_what_a_server_refuses_for_now_is_sent_later(start: Start) -> None:
    box = Mailbox()
    box.refusals = ["451 Greylisted", "421 Busy"]
    server = start(**smtp(box))
    email = address()
    mail_to(server, email)
    retried = 'usherd_messages_total{channel="mail",outcome="retried"}'
    waiting = 'usherd_messages_waiting{channel="mail"}'
    wait_for(lambda: metric(server, retried) == 1, "a first try")
    wait_for(lambda: metric(server, waiting) == 1, "a waiting mail")
    assert "451" in status_of(server, email)
    hurry(server)
    wait_for(lambda: metric(server, retried) == 2, "a second try")
    hurry(server)
    assert box.wait(email)["To"] == email
    wait_for(lambda: "sent 3" in status_of(server, email), "the third try")
    wait_for(lambda: metric(server, waiting) == 0, "nothing waits")
    box.controller.stop()


def test_what_a_server_refuses_for_good_has_failed(start: Start) -> None:
    box = Mailbox()
    box.refusals = ["550 No such mailbox"]
    server = start(**smtp(box))
    email = address()
    mail_to(server, email)
    wait_for(lambda: "failed 1" in status_of(server, email), "the refusal")
    assert "No such mailbox" in status_of(server, email)
    failed = 'usherd_messages_total{channel="mail",outcome="failed"}'
    assert metric(server, failed) == 1
    gone = server.cli("outbox", "show", status_of(server, email).split()[0])
    assert "is not kept" in gone.stderr
    hurry(server)
    other = address()
    mail_to(server, other)
    box.wait(other)
    assert email not in box.mails
    box.controller.stop()


def test_after_a_week_of_tries_a_message_has_failed(start: Start) -> None:
    server = start(**smtp(port=str(free_port())))
    email = address()
    mail_to(server, email)
    wait_for(lambda: "SMTPConnectError" in status_of(server, email), "a first try")
    server.run("update outbox set tries = 7")
    hurry(server)
    wait_for(lambda: "failed 8" in status_of(server, email), "the end")


def test_kill_9_loses_no_mail(start: Start) -> None:
    port = free_port()
    server = start(**smtp(port=str(port)))
    email = address()
    mail_to(server, email)  # the mail server is down, and then we are
    server.stop(kill=True)
    box = Mailbox(port)
    server.start()
    hurry(server)
    assert re.search(r"\b\d{6}\b", box.text(email))
    box.controller.stop()


def test_a_request_that_fails_sends_nothing(api: Api, mailbox: Mailbox) -> None:
    email, body = address(), {"userId": "unique()", "password": GOOD}
    api.call("POST", "/account", body | {"email": email}, key=False)
    bad = {"email": email, "url": "https://evil.example/"}
    assert api.call("POST", "/account/recovery", bad, key=False).status == 400
    good = {"email": email, "url": "http://localhost/x"}
    assert api.call("POST", "/account/recovery", good, key=False).status == 201
    mailbox.wait(email)
    assert len(mailbox.mails[email]) == 1


# -- development mode --


def test_without_a_mail_server_the_log_shows_the_mail(start: Start) -> None:
    server = start()
    said = server.log.read_text()
    assert "USHERD_SMTP_HOST is not set: every mail is printed here" in said
    assert "USHERD_SMS_PROVIDER is not set" in said
    email = address()
    mail_to(server, email)
    ask(server, "/account/tokens/phone", {"userId": "unique()", "phone": "+4915112345678"})
    wait_for(lambda: "to +4915112345678" in server.log.read_text(), "the text message")
    wait_for(lambda: f"to {email}" in server.log.read_text(), "the mail")
    log = server.log.read_text()
    code = re.search(r"sign in with this code:\s+(\d{6})", log)
    assert code is not None
    shown = re.search(r"usherd outbox show (\w+)", log[: code.start()].rpartition("a mail")[2])
    assert shown is not None
    text = server.cli("outbox", "show", shown[1])
    assert code[1] in text.stdout
    assert "Your code for" in text.stdout
    html = server.cli("outbox", "show", shown[1], "--html").stdout
    assert html.startswith("<!doctype html>")
    listed = server.cli("outbox", "--limit", "1").stdout
    assert "kept" in listed
    assert len(listed.strip().splitlines()) == 2
    assert (
        server.cli("outbox", "show", "nothing").stderr == "usherd: There is no message nothing.\n"
    )


def test_a_code_is_encrypted_in_the_database_and_gone_once_it_is_sent(start: Start) -> None:
    box = Mailbox()
    server = start(**smtp(box))
    email = address()
    mail_to(server, email)
    code = box.code(email)
    wait_for(lambda: "sent" in status_of(server, email), "the mail")

    async def sealed(tx: Any) -> Any:
        return await tx.all("select sealed from outbox")

    assert [row["sealed"] for row in server.write(sealed)] == [""]
    assert code not in server.log.read_text()
    box.controller.stop()


# -- what mails say --


@pytest.mark.parametrize(("locale", "subject", "words"), [
    ("en", "Your code for default", "Give it to nobody"), ("de", "Dein Code für default", "Gib ihn"),
    ("fr-CA", "Votre code pour default", "Ne le donnez"), ("es", "Tu código para default", "No se lo des"),
    ("tlh", "Your code for default", "Give it to nobody"),
])  # fmt: skip
def test_mails_speak_the_callers_language(
    api: Api, mailbox: Mailbox, locale: str, subject: str, words: str
) -> None:
    email = address()
    api.call("POST", "/account/tokens/email", {"userId": "unique()", "email": email}, key=False,
             headers={"X-Appwrite-Locale": locale})  # fmt: skip
    mail = mailbox.wait(email)
    assert mail["Subject"].lower() == subject.lower()
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        assert words in part.get_content()


def test_a_name_can_neither_add_headers_nor_markup(api: Api, mailbox: Mailbox) -> None:
    email = address()
    name = "<b>Mira</b>\r\nBcc: thief@example.org {{ 7 * 7 }}"
    api.call("POST", "/account", {"userId": "unique()", "email": email, "password": GOOD,
                                  "name": name}, key=False)  # fmt: skip
    body = {"email": email, "url": 'http://localhost/x?a=1&b="><script>'}
    sent = api.call("POST", "/account/recovery", body, key=False)
    assert sent.status in (201, 400)
    if sent.status == 400:
        body["url"] = "http://localhost/x?a=1&b=2"
        assert api.call("POST", "/account/recovery", body, key=False).status == 201
    mail = mailbox.wait(email)
    assert mail["Bcc"] is None
    html = mail.get_body(("html",))
    assert html is not None
    assert "<b>Mira" not in html.get_content()
    assert "&lt;b&gt;Mira&lt;/b&gt;" in html.get_content()
    assert "<script>" not in html.get_content()
    assert "{{ 7 * 7 }}" in html.get_content()
    assert "thief@example.org" not in mailbox.mails


# -- words of a project's own --


@pytest.fixture
def shop(project_with: Callable[..., Api]) -> Api:
    return project_with()


def template(api: Api, *args: str) -> Any:
    return api.server.cli("template", *args, "--project", api.project)


def test_a_projects_own_words(shop: Api, mailbox: Mailbox, tmp_path: Path) -> None:
    body = tmp_path / "code.html"
    body.write_text("<h1>{{ project }}</h1><p>Hi {{ user }}, it is <b>{{ code }}</b>. "
                    '<a href="https://shop.example/?a=1&amp;b=2">Shop</a></p>')  # fmt: skip
    options = ("--subject", "{{ code }} for\n{{ project }}", "--body", str(body))
    done = template(shop, "set", "otpSession", *options)
    assert done.returncode == 0, done.stderr
    done = template(shop, "set", "otpSession", "--locale", "de", "--subject", "Hallo", "--body",
                    str(body))  # fmt: skip
    assert done.returncode == 0, done.stderr
    listed = template(shop, "list").stdout
    assert "otpSession" in listed
    assert "Hallo" in listed

    def mail(locale: str) -> Any:
        email = address()
        shop.call("POST", "/account/tokens/email", {"userId": "unique()", "email": email},
                  key=False, headers={"X-Appwrite-Locale": locale})  # fmt: skip
        return mailbox.wait(email), mailbox.text(email)

    found, text = mail("en")
    code = re.search(r"\b\d{6}\b", text)
    assert code is not None
    assert found["Subject"] == f"{code[0]} for {shop.project}"
    assert f"it is {code[0]}. Shop https://shop.example/?a=1&b=2" in text
    assert mail("de")[0]["Subject"] == "Hallo"
    assert shop.project in mail("fr")[0]["Subject"]  # the English words are the project's own
    assert template(shop, "remove", "otpSession").returncode == 0
    assert mail("en")[0]["Subject"] == f"Your code for {shop.project}"
    assert template(shop, "remove", "otpSession").stderr.startswith("usherd: The project")


@pytest.mark.parametrize(("kind", "text", "reason"), [
    ("nothing", "{{ url }}", "is no kind of mail"), ("recovery", "no link", "has no {{ url }}"),
    ("otpSession", "{{ url }}", "has no {{ code }}"), ("recovery", "{{ url", "cannot be used"),
    ("recovery", "{% if %}", "cannot be used"), ("recovery", "{{ url.__class__.mro() }}", "cannot be used"),
    ("recovery", "{{ 1 / 0 }}{{ url }}", "cannot be used"),
])  # fmt: skip
def test_templates_that_cannot_work_are_refused(
    shop: Api, tmp_path: Path, kind: str, text: str, reason: str
) -> None:
    body = tmp_path / "body.html"
    body.write_text(text)
    done = template(shop, "set", kind, "--subject", "x", "--body", str(body))
    assert done.returncode == 1
    assert reason in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_template_in_an_unknown_language_or_for_no_project(shop: Api, tmp_path: Path) -> None:
    body = tmp_path / "body.html"
    body.write_text("{{ url }}")
    rest = ("--subject", "x", "--body", str(body))
    done = template(shop, "set", "recovery", "--locale", "tlh", *rest)
    assert "there are: en, de, fr, es" in done.stderr
    done = shop.server.cli("template", "set", "recovery", "--project", "nowhere", *rest)
    assert done.stderr == "usherd: There is no project nowhere.\n"
    done = template(shop, "set", "recovery", "--subject", "x", "--body", str(tmp_path / "no.html"))
    assert done.stderr.startswith("usherd: ")


# -- text messages --


class Provider:
    """A real web server that keeps requests, and answers the next ones as it is told."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                provider.requests.append((self.path, dict(self.headers.items()), body))
                self.send_response(provider.answers.pop(0) if provider.answers else 201)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def wait(self, count: int = 1) -> tuple[str, dict[str, str], bytes]:
        wait_for(lambda: len(self.requests) >= count, "a request to the provider")
        return self.requests[count - 1]


@pytest.fixture
def provider() -> Iterator[Provider]:
    receiver = Provider()
    yield receiver
    receiver.http.shutdown()


NUMBER = "+4915112345678"


def text_to(server: Server, number: str = NUMBER) -> None:
    answer = ask(server, "/account/tokens/phone", {"userId": "unique()", "phone": number})
    assert answer.status_code == 201, answer.text


def test_the_webhook_is_signed(start: Start, provider: Provider) -> None:
    server = start(USHERD_SMS_PROVIDER="webhook", USHERD_SMS_URL=provider.url + "/sms",
                   USHERD_SMS_PASSWORD="shared")  # fmt: skip
    text_to(server)
    path, headers, body = provider.wait()
    assert path == "/sms"
    mac = hmac.new(b"shared", body, "sha256").hexdigest()
    assert headers["X-Usherd-Signature"] == f"sha256={mac}"
    sent = json.loads(body)
    assert (sent["to"], sent["project"]) == (NUMBER, "default")
    assert re.search(r"\b\d{6}\b", sent["text"])


def test_twilio(start: Start, provider: Provider) -> None:
    server = start(USHERD_SMS_PROVIDER="twilio", USHERD_SMS_URL=provider.url, USHERD_SMS_USER="AC1",
                   USHERD_SMS_PASSWORD="token", USHERD_SMS_FROM="+15005550006")  # fmt: skip
    text_to(server)
    path, headers, body = provider.wait()
    assert path == "/2010-04-01/Accounts/AC1/Messages.json"
    basic = base64.b64encode(b"AC1:token").decode()
    assert headers["Authorization"] == f"Basic {basic}"
    form = dict(parse_qsl(body.decode()))
    assert (form["To"], form["From"]) == (NUMBER, "+15005550006")
    assert re.search(r"\b\d{6}\b", form["Body"])
    assert "token" not in server.log.read_text()


def test_a_provider_that_fails_is_asked_again_and_one_that_refuses_is_not(
    start: Start, provider: Provider
) -> None:
    provider.answers = [503, 201, 400]
    server = start(USHERD_SMS_PROVIDER="webhook", USHERD_SMS_URL=provider.url)
    text_to(server)
    wait_for(lambda: "503" in status_of(server, NUMBER), "the failure")
    hurry(server)
    provider.wait(2)
    wait_for(lambda: "sent 2" in status_of(server, NUMBER), "the second try")
    other = "+4915112345679"
    text_to(server, other)
    provider.wait(3)
    wait_for(lambda: "failed 1" in status_of(server, other), "the refusal")


def test_nothing_is_sent_to_a_mock_number(start: Start, provider: Provider) -> None:
    server = start(USHERD_SMS_PROVIDER="webhook", USHERD_SMS_URL=provider.url,
                   USHERD_MOCK_NUMBERS=f"{NUMBER}:123456")  # fmt: skip
    text_to(server)
    other = "+4915112345679"
    text_to(server, other)
    provider.wait()
    assert [json.loads(body)["to"] for _, _, body in provider.requests] == [other]
    assert status_of(server, NUMBER) == ""
