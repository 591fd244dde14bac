"""Speaking OAuth2 and OpenID Connect to a provider: where to send a browser, and who came back.

Authlib knows the protocol's requests; `Web` carries them. Discovery documents and keys are
remembered for an hour, keys are fetched anew when a token was signed with an unknown one.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from usherd import clock, errors, params
from usherd.oauth import id_tokens, providers
from usherd.oauth.profiles import Answers, Profile
from usherd.oauth.providers import Provider
from usherd.oauth.web import Unreachable, Web, is_safe

log = logging.getLogger("usherd.oauth")

REMEMBERED_SECONDS = 3600.0
REFETCH_SECONDS = 10.0
"""Keys younger than this are not fetched again, whatever a token says."""

LONGEST_UID = 255
LONGEST_NAME = 128

FORM = "application/x-www-form-urlencoded"
NOT_US = frozenset({"invalid_client", "unauthorized_client", "access_denied"})
"""What a token endpoint says when it refuses us rather than the request."""


class Registration(msgspec.Struct, frozen=True):
    """What a project has agreed with a provider. The secret is in clear here."""

    id: str
    client_id: str
    client_secret: str
    options: Mapping[str, str] = {}
    scopes: Sequence[str] = ()
    """Beside those that the provider needs for a profile."""
    trust_email: bool = False
    """The operator vouches for the provider's addresses."""
    enabled: bool = True

    @property
    def provider(self) -> Provider:
        """The kind of provider. Raises `ProjectProviderUnsupported`."""
        found = providers.of(self.id)
        if found is None:
            raise errors.ProjectProviderUnsupported
        return found

    def fill(self, template: str) -> str:
        """The template with the options in it."""
        values = {**self.provider.options, **self.options, "client_id": self.client_id}
        return re.sub(r"{(\w+)}", lambda found: values.get(found[1], ""), template)

    @property
    def issuer(self) -> str:
        """Its OpenID issuer; empty for a provider that has none."""
        return self.options.get("issuer") or self.fill(self.provider.issuer)

    def signed_secret(self) -> str:
        """A client secret that is a JWT of five minutes, signed with the private key.

        Raises `UserOauth2ProviderError`.
        """
        now = clock.now() // 1000
        claims = {
            "iss": self.fill("{team_id}"),
            "iat": now,
            "exp": now + 300,
            "aud": self.provider.issuer,
            "sub": self.client_id,
        }
        try:
            key = ECKey.import_key(self.client_secret)
            return jwt.encode({"alg": "ES256", "kid": self.fill("{key_id}")}, claims, key)
        except (JoseError, ValueError) as error:
            raise errors.UserOauth2ProviderError(
                "The client secret of this provider is no private key."
            ) from error


class Asked(msgspec.Struct, frozen=True):
    """One sign-in under way, as far as the provider is concerned."""

    redirect_uri: str
    verifier: str
    nonce: str
    scopes: tuple[str, ...] = ()


class Tokens(msgspec.Struct, frozen=True):
    """What lets an app act at the provider for somebody."""

    access: str = ""
    refresh: str = ""
    expire_at: int | None = None


class Found(msgspec.Struct, frozen=True):
    """Who came back. `email` is one that somebody vouches for, or empty."""

    provider: str
    uid: str
    email: str
    name: str
    tokens: Tokens

    @classmethod
    def of(cls, registration: Registration, profile: Profile, tokens: Tokens) -> Found:
        """What of a profile can be kept. Raises `UserMissingId`."""
        uid, name = (params.UNSTORABLE.sub("", text) for text in (profile.uid, profile.name))
        if not uid or len(uid) > LONGEST_UID:
            raise errors.UserMissingId
        vouched = profile.vouched or registration.trust_email
        email = profile.email.lower() if vouched and params.is_email(profile.email) else ""
        return cls(registration.id, uid, email, name.strip()[:LONGEST_NAME], tokens)


class Endpoints(msgspec.Struct, frozen=True):
    """Where a provider is spoken to."""

    authorize: str
    token: str
    profile: str = ""
    keys: str = ""
    issuers: str = ""
    """A pattern of the issuer in its tokens; empty where it signs none."""
    auth: str = "client_secret_post"
    names_itself: bool = False
    """It promises `iss` beside the code (RFC 9207)."""


class Agent:
    """Speaks to every provider, for every project of this process."""

    def __init__(self, timeout_seconds: float = 10.0) -> None:
        self._web = Web(timeout_seconds)
        self._documents: dict[str, tuple[float, Any]] = {}

    async def close(self) -> None:
        """Let go of the connections."""
        await self._web.close()

    # -- where everything is --

    async def endpoints(self, registration: Registration) -> Endpoints:
        """Where the provider is spoken to. Raises `UserOauth2ProviderError`."""
        provider, issuer = registration.provider, registration.issuer
        if not issuer:
            return Endpoints(
                provider.authorize, provider.token, provider.profile, auth=provider.auth
            )
        try:
            document = await self._document(
                issuer.rstrip("/") + "/.well-known/openid-configuration"
            )
            return _read_discovery(registration, document)
        except Unreachable as error:
            raise _unusable(registration, error) from error

    async def _document(self, url: str, *, at_most: float = REMEMBERED_SECONDS) -> Any:
        """A JSON document, as it was `at_most` so many seconds ago."""
        now = time.monotonic()
        known = self._documents.get(url)
        if known is not None and now - known[0] < at_most:
            return known[1]
        status, document = await self._web.json("GET", url, headers={"Accept": "application/json"})
        if status != 200:
            raise Unreachable(f"GET {url}: status {status}")
        self._documents[url] = (now, document)
        return document

    # -- the dance --

    async def authorization_url(self, registration: Registration, asked: Asked, state: str) -> str:
        """Where to send the browser. Raises `UserOauth2ProviderError`."""
        provider = registration.provider
        there = await self.endpoints(registration)
        scopes = dict.fromkeys([*provider.scopes, *registration.scopes, *asked.scopes])
        client = OAuth2Client(
            session=None, client_id=registration.client_id, redirect_uri=asked.redirect_uri,
            code_challenge_method="S256" if provider.pkce else None,
        )  # fmt: skip
        more = dict(provider.more)
        if there.issuers and provider.nonce:
            more["nonce"] = asked.nonce
        url, _ = client.create_authorization_url(
            there.authorize, state=state, code_verifier=asked.verifier,
            scope=" ".join(scopes) or None, **more,
        )  # fmt: skip
        return str(url)

    async def finish(
        self,
        registration: Registration,
        asked: Asked,
        code: str,
        *,
        issuer: str = "",
        form: Mapping[str, Any] | None = None,
    ) -> Found:
        """Exchange the code, and find out who came back.

        `issuer` and `form` are what came beside the code. Raises `UserOauth2BadRequest`,
        `UserOauth2Unauthorized`, `UserOauth2ProviderError`, `UserMissingId`.
        """
        there = await self.endpoints(registration)
        if issuer or there.names_itself:
            if there.issuers and not re.fullmatch(there.issuers, issuer):
                raise errors.UserOauth2Unauthorized("The answer came from another provider.")
        proof = {"code_verifier": asked.verifier} if registration.provider.pkce else {}
        try:
            token = await self._token(
                registration, there, "authorization_code", code=code,
                redirect_uri=asked.redirect_uri, **proof,
            )  # fmt: skip
            answers = await self._answers(registration, there, asked, token)
        except Unreachable as error:
            raise _unusable(registration, error) from error
        except id_tokens.Untrusted as error:
            raise errors.UserOauth2Unauthorized(f"The ID token is refused: {error}.") from error
        answers = msgspec.structs.replace(answers, form=form or {})
        return Found.of(registration, registration.provider.read(answers), _tokens(token))

    async def refresh(self, registration: Registration, refresh_token: str) -> Tokens:
        """New tokens for an old refresh token, which stays where no new one comes.

        Raises `UserOauth2BadRequest`, `UserOauth2Unauthorized`, `UserOauth2ProviderError`.
        """
        there = await self.endpoints(registration)
        try:
            token = await self._token(
                registration, there, "refresh_token", refresh_token=refresh_token
            )
        except Unreachable as error:
            raise _unusable(registration, error) from error
        fresh = _tokens(token)
        return msgspec.structs.replace(fresh, refresh=fresh.refresh or refresh_token)

    async def _token(
        self, registration: Registration, there: Endpoints, grant: str, **fields: str
    ) -> dict[str, Any]:
        """The token endpoint's answer. Raises `Unreachable` and what it refuses with."""
        provider = registration.provider
        secret = registration.client_secret
        if provider.signs_secret:
            secret = registration.signed_secret()
        auth = ClientAuth(registration.client_id, secret, there.auth if secret else "none")
        headers = {"Accept": "application/json", "Content-Type": FORM, **_headers(registration)}
        body = prepare_token_request(grant, **fields)
        if provider.json_token:
            headers["Content-Type"] = "application/json"
            body = msgspec.json.encode({"grant_type": grant, **fields}).decode()
        _, headers, body = auth.prepare("POST", there.token, headers, body)
        status, token = await self._web.json("POST", there.token, headers=headers, content=body)
        if not isinstance(token, dict):
            raise Unreachable("the token endpoint answered with something else than an object")
        told = token.get("error")
        if told or status >= 400:
            if status == 401 or (isinstance(told, str) and told in NOT_US):
                raise errors.UserOauth2Unauthorized
            raise errors.UserOauth2BadRequest
        if not isinstance(token.get("access_token"), str):
            raise Unreachable("the token endpoint sent no access token")
        return token

    # -- who it is --

    async def _answers(
        self, registration: Registration, there: Endpoints, asked: Asked, token: dict[str, Any]
    ) -> Answers:
        provider = registration.provider
        if there.issuers:
            claims = await self._claims(registration, there, asked, token)
            if "email" not in claims and there.profile:
                more = await self._ask(registration, there.profile, token)
                if isinstance(more, dict) and more.get("sub") == claims["sub"]:
                    claims = {**more, **claims}
            return Answers(claims, token=token)
        profile = emails = None
        if there.profile:
            profile = await self._ask(registration, there.profile, token, provider.method)
        if provider.emails:
            emails = await self._ask(registration, provider.emails, token)
        return Answers(profile, emails, token)

    async def _claims(
        self, registration: Registration, there: Endpoints, asked: Asked, token: dict[str, Any]
    ) -> dict[str, Any]:
        """The claims of the ID token. Raises `Untrusted`, `Unreachable`."""

        def verified(published: KeySet) -> dict[str, Any]:
            return id_tokens.verify(
                token.get("id_token"), published, issuers=there.issuers,
                client_id=registration.client_id,
                nonce=asked.nonce if registration.provider.nonce else "",
                now=clock.now() // 1000,
            )  # fmt: skip

        try:
            return verified(id_tokens.keys(await self._document(there.keys)))
        except id_tokens.UnknownKey:
            renewed = await self._document(there.keys, at_most=REFETCH_SECONDS)
            return verified(id_tokens.keys(renewed))

    async def _ask(
        self, registration: Registration, url: str, token: dict[str, Any], method: str = "GET"
    ) -> Any:
        """What the provider's API answers the bearer of the token. Raises `Unreachable`."""
        bearer = {"Authorization": f"Bearer {token['access_token']}", "Accept": "application/json"}
        status, answer = await self._web.json(method, url, headers=bearer | _headers(registration))
        if status >= 400:
            raise Unreachable(f"the profile was refused with status {status}")
        return answer


def _unusable(registration: Registration, error: Unreachable) -> errors.UserOauth2ProviderError:
    """What the caller is told of a failure whose details are for the operator."""
    log.warning("provider %s: %s", registration.id, error)
    return errors.UserOauth2ProviderError()


def _headers(registration: Registration) -> dict[str, str]:
    return {name: registration.fill(text) for name, text in registration.provider.headers.items()}


def _read_discovery(registration: Registration, document: Any) -> Endpoints:
    """The endpoints in a discovery document. Raises `Unreachable` for one that cannot be used."""
    issuer, provider = registration.issuer, registration.provider
    if not isinstance(document, dict):
        raise Unreachable("the discovery document is no object")
    told = str(document.get("issuer"))
    pattern = provider.issuer_form or re.escape(issuer)
    if told != issuer and not re.fullmatch(pattern.replace("{tenantid}", r"\{tenantid\}"), told):
        raise Unreachable(f"the discovery document of {issuer} names the issuer {told[:200]!r}")
    found = {
        name: document.get(name)
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
    }
    for name, url in found.items():
        if url is None and name == "userinfo_endpoint":
            continue
        local = is_safe(str(url)) and (str(url).startswith("https:") or issuer.startswith("http:"))
        if not isinstance(url, str) or not local:
            raise Unreachable(f"the discovery document has no https URL as {name}")
    ways = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Endpoints(
        str(found["authorization_endpoint"]),
        str(found["token_endpoint"]),
        str(found["userinfo_endpoint"] or ""),
        str(found["jwks_uri"]),
        re.escape(told).replace(re.escape("{tenantid}"), providers.UUID),
        "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post",
        document.get("authorization_response_iss_parameter_supported") is True,
    )


def _tokens(token: Mapping[str, Any]) -> Tokens:
    """The tokens in an answer of the token endpoint."""
    seconds, refresh = token.get("expires_in"), token.get("refresh_token")
    try:
        lasts = None if seconds is None else min(int(seconds), 10**9)
    except (TypeError, ValueError):
        lasts = None
    return Tokens(
        token["access_token"],
        refresh if isinstance(refresh, str) else "",
        None if lasts is None else clock.now() + lasts * 1000,
    )
