"""A real browser, and a web server with the page of an app that uses the official web SDK."""

from __future__ import annotations

import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests import parts
from tests.conftest import ROOT, Api

PAGE = Path(__file__).parent / "page"
ARTEFACTS = ROOT / "tests" / "artefacts"
KINDS = {".html": "text/html", ".js": "text/javascript"}

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    # Names that exist nowhere else, so that pages and servers can have real hosts.
    "--host-resolver-rules=MAP *.example.test 127.0.0.1",
]  # fmt: skip


class Site:
    """The app's own web server: one page, in a folder for each version of the SDK."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                version, _, name = urlsplit(self.path).path[1:].partition("/")
                if name == "sdk.js":
                    sdk = parts.node_package(f"appwrite@{version}") / "node_modules" / "appwrite"
                    file = sdk / "dist" / "iife" / "sdk.js"
                else:
                    file = PAGE / (Path(name).name or "index.html")
                found = file.is_file()
                body = file.read_bytes() if found else b""
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", KINDS.get(file.suffix, "text/plain"))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_port
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def url(self, api: Api, sdk: str, *, own: str = "", server: str = "") -> str:
        """The app, for a project; `own` and `server` are the URLs by which the app and usherd are
        known, where they are not localhost."""
        own = own or f"http://localhost:{self.port}"
        server = server or f"http://localhost:{api.server.port}"
        query = {"endpoint": f"{server}/v1", "project": api.project}
        return f"{own}/{sdk}/?{urlencode(query)}"


class Proxy:
    """A web server that speaks TLS for another one, with a certificate that nobody has signed."""

    def __init__(self, behind: int, folder: Path) -> None:
        class Handler(BaseHTTPRequestHandler):
            def forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                given = dict(self.headers) | {"X-Forwarded-Proto": "https"}
                with httpx.Client(timeout=30) as http:
                    url = f"http://127.0.0.1:{behind}{self.path}"
                    answer = http.request(self.command, url, headers=given, content=body)
                self.send_response(answer.status_code)
                for name, value in answer.headers.multi_items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = forward  # noqa: N815

            def log_message(self, *_args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_port
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self_signed(folder))
        self.http.socket = tls.wrap_socket(self.http.socket, server_side=True)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def self_signed(folder: Path) -> Path:
    """A file with a key and its certificate, good for today."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = folder / "tls.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *form)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    running = Site()
    yield running
    running.http.shutdown()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium, of this machine."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=parts.chromium(), args=FLAGS)
        yield started
        await started.close()


@dataclass
class Visitor:
    """Somebody at a browser of their own, on the page of the app."""

    page: Page
    errors: list[str]

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    async def done(self, act: Any) -> None:
        """Wait until the page has shown what became of an act."""
        before = await self.page.evaluate("document.body.dataset.done || '0'")
        await act
        await self.page.wait_for_function(
            "before => (document.body.dataset.done || '0') !== before", arg=before
        )

    async def click(self, name: str) -> None:
        await self.done(self.page.locator(f"#{name}").click())

    async def submit(self, form: str, **fields: str) -> None:
        for name, value in fields.items():
            await self.page.locator(f"#{form} [name={name}]").fill(value)
        await self.done(self.page.locator(f"#{form} button").click())

    async def go(self, url: str) -> None:
        await self.page.goto(url)
        await self.page.wait_for_function("document.body.dataset.done")

    async def sees(self, place: str, text: str) -> None:
        await expect(self.page.locator(f"#{place}")).to_have_text(text)

    async def sees_part(self, place: str, text: str) -> None:
        await expect(self.page.locator(f"#{place}")).to_contain_text(text)


@pytest.fixture
def visitor(browser: Browser) -> Callable[[str], Any]:
    """Opens a page in a browser without any past."""

    async def arrive(url: str) -> Visitor:
        context = await browser.new_context(ignore_https_errors=True)
        context.set_default_timeout(30_000)
        page = await context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        someone = Visitor(page, errors)
        await someone.go(url)
        return someone

    return arrive
