"""OAuth2 and OpenID Connect as a client: which providers there are, and how one speaks to them.

`providers` is a table of data, `profiles` reads what they tell of people, `id_tokens` verifies
what they sign, `client` speaks the protocol. Nothing here knows the database.
"""

from __future__ import annotations

from usherd.oauth.client import Agent, Asked, Found, Registration, Tokens
from usherd.oauth.providers import Provider

__all__ = ["Agent", "Asked", "Found", "Provider", "Registration", "Tokens"]
