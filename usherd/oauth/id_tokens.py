"""ID tokens: what an OpenID provider says of somebody, signed.

A token counts only when all of it is right: signature by a published key, issuer, audience, time
and nonce. Algorithms with a shared secret are never accepted.
"""

from __future__ import annotations

import re
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, KeySet

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    "Ed25519",
)  # fmt: skip

LEEWAY_SECONDS = 60
"""How far the provider's clock may be off."""

LONGEST = 16_384


class Untrusted(Exception):
    """The token proves nothing; the message says why, and names nobody."""


class UnknownKey(Untrusted):
    """Signed with a key that is not among the published ones; it may be new."""


def keys(document: Any) -> KeySet:
    """The public keys of a JWKS document; what we cannot use is left out."""
    listed = document.get("keys") if isinstance(document, dict) else None
    found = []
    for key in listed if isinstance(listed, list) else []:
        if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP"):
            if key.get("use", "sig") == "sig":
                try:
                    found.append(JWKRegistry.import_key(key))
                except (JoseError, ValueError, TypeError, KeyError):
                    continue
    return KeySet(found)


def verify(
    token: Any, published: KeySet, *, issuers: str, client_id: str, nonce: str, now: int
) -> dict[str, Any]:
    """The claims of a token that is meant for us.

    `issuers` is a pattern; `{tenantid}` in it stands for the token's own tenant. Without `nonce`
    none is asked for. Raises `Untrusted`, `UnknownKey`.
    """
    if not isinstance(token, str) or len(token) > LONGEST:
        raise Untrusted("there is no ID token")
    try:
        claims = jwt.decode(token, published, algorithms=ALGORITHMS).claims
    except InvalidKeyIdError as error:
        raise UnknownKey("it is signed with an unknown key") from error
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise Untrusted(f"its signature is not right ({type(error).__name__})") from error
    if not re.fullmatch(issuers, str(claims.get("iss"))):
        raise Untrusted("it comes from another issuer")
    _check_audience(claims, client_id)
    expected: dict[str, Any] = {"sub": {"essential": True}, "exp": {"essential": True}}
    if nonce:
        expected["nonce"] = {"essential": True, "value": nonce}
    try:
        jwt.JWTClaimsRegistry(now=now, leeway=LEEWAY_SECONDS, **expected).validate(claims)
    except (JoseError, ValueError, TypeError) as error:
        raise Untrusted(f"a claim is not right ({error})") from error
    return claims


def _check_audience(claims: dict[str, Any], client_id: str) -> None:
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if client_id not in named:
        raise Untrusted("it is meant for another client")
    authorized = claims.get("azp", client_id if len(named) == 1 else None)
    if authorized != client_id:
        raise Untrusted("it was issued to another client")
