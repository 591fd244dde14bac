"""An OpenID provider that can be told to lie: each of its answers is in the hands of a test."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import threading
import time
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.oauth import query_of

CLIENT = "app"


def _by_hand(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """A token that no library would make: signed with a public key as if it were a secret."""

    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    signed = ".".join(part(json.dumps(half).encode()) for half in (header, claims))
    return f"{signed}.{part(hmac.digest(secret, signed.encode(), 'sha256'))}"


class LyingProvider:
    """Honest at first: it checks client, code and PKCE verifier as a strict provider does."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
        self.signing_key: Any = self.key
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "k1"}
        self.shared = b""
        self.secret: str | None = "hush"
        """None takes any."""
        self.document: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.token: dict[str, Any] = {}
        self.token_status = 200
        self.userinfo: dict[str, Any] = {}
        self.raw: dict[str, tuple[int, bytes]] = {}
        """(status, body) by path, instead of what would be answered."""
        self.delay: dict[str, float] = {}
        self.asked: list[str] = []
        self.sent: list[dict[str, str]] = []
        self.codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider._answer(self, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                provider._answer(self, dict(parse_qsl(body)))

            def log_message(self, *_args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def approve(self, authorize: str, **more: str) -> str:
        """What a yes at the authorization page sends the browser to."""
        asked = query_of(authorize)
        code = secrets.token_hex(16)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"]} | more
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def _answer(self, request: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        path = urlsplit(request.path).path
        self.asked.append(path)
        time.sleep(self.delay.get(path, 0))
        if path in self.raw:
            status, body = self.raw[path]
        else:
            status, answer = self._honest(path, form, request)
            body = json.dumps(answer).encode()
        try:
            request.send_response(status)
            if 300 <= status < 400:
                request.send_header("Location", self.issuer + "/userinfo")
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # they did not wait

    def _honest(
        self, path: str, form: dict[str, str], request: BaseHTTPRequestHandler
    ) -> tuple[int, dict[str, Any]]:
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "jwks_uri": f"{self.issuer}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            } | self.document
        if path == "/keys":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        if path == "/userinfo":
            return 200, self.userinfo
        self.sent.append(form)
        return self._exchange(form)

    def _exchange(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        proven = self.secret in (None, form.get("client_secret"))
        if form.get("client_id") != CLIENT or not proven:
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        if asked is None or asked.get("code_challenge", proof) != proof:
            return 400, {"error": "invalid_grant"}
        if asked["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "somebody", "iat": now,
                  "exp": now + 300, "nonce": asked.get("nonce")} | self.claims  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(self.header, claims, self.signing_key, algorithms=["RS256", "none"])
        if self.shared:
            token = _by_hand({"alg": "HS256", "kid": "k1"}, claims, self.shared)
        return self.token_status, {
            "access_token": "at", "token_type": "Bearer", "expires_in": 3600, "id_token": token,
        } | self.token  # fmt: skip

    def rotate(self) -> None:
        """Sign with a new key from now on, and publish it."""
        self.key = self.signing_key = RSAKey.generate_key(2048, {"kid": "k2", "use": "sig"})
        self.header = {"alg": "RS256", "kid": "k2"}

    def shared_secret(self) -> None:
        """Sign with the published key as if it were a shared secret."""
        self.shared = self.key.as_pem(private=False)
