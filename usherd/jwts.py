"""JWTs: short-lived proofs of who a user is, which any backend can verify offline."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from usherd import clock, errors
from usherd.projects import Project
from usherd.vault import Vault

ALGORITHM = "ES256"


@lru_cache(maxsize=1024)
def _key(vault: Vault, project_id: str, signing_key: str) -> ECKey:
    """The project's private key; importing it costs more than signing with it."""
    pem = vault.decrypt(signing_key, f"signing_key:{project_id}")
    return ECKey.import_key(pem, {"alg": ALGORITHM, "use": "sig"})


def _key_of(project: Project, vault: Vault) -> ECKey:
    return _key(vault, project.id, project.signing_key)


def create(
    project: Project,
    vault: Vault,
    *,
    user_id: str,
    session_id: str,
    duration_seconds: int,
    issuer: str,
) -> str:
    """A signed token. With `duration_seconds` 0 it has expired when it is made."""
    key = _key_of(project, vault)
    now = clock.now() // 1000
    claims = {
        "userId": user_id,
        "sessionId": session_id,
        "exp": now + duration_seconds,
        "sub": user_id,
        "iss": issuer,
        "aud": project.id,
        "iat": now,
    }
    header = {"typ": "JWT", "alg": ALGORITHM, "kid": key.thumbprint()}
    return jwt.encode(header, claims, key, algorithms=[ALGORITHM])


def verify(project: Project, vault: Vault, token: str) -> dict[str, Any]:
    """The claims of a token that this project signed and that is still valid.

    Raises `UserJwtInvalid`.
    """
    try:
        claims = jwt.decode(token, _key_of(project, vault), algorithms=[ALGORITHM]).claims
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise errors.UserJwtInvalid from error
    expire, user_id = claims.get("exp"), claims.get("userId")
    if (
        claims.get("aud") != project.id
        or type(expire) is not int
        or clock.now() >= expire * 1000
        or not isinstance(user_id, str)
        or not isinstance(claims.get("sessionId"), str)
    ):
        raise errors.UserJwtInvalid
    return claims


def jwks(project: Project, vault: Vault) -> dict[str, Any]:
    """The project's public keys as a JWK set."""
    key = _key_of(project, vault)
    return {"keys": [key.as_dict(private=False) | {"kid": key.thumbprint()}]}
