"""The providers: where each is, what is asked of it, and how its profile is read.

A provider with an `issuer` speaks OpenID Connect, and everything else about it is discovered. The
others are described here in full. `{words}` in URLs are options of the project's registration.
`docs/oauth2.md` tells what to configure at each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from usherd.oauth import profiles
from usherd.oauth.profiles import Reader, fields


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of provider."""

    title: str
    issuer: str = ""
    """The OpenID issuer; empty where there is none to discover from."""
    authorize: str = ""
    token: str = ""
    profile: str = ""
    emails: str = ""
    """Where the addresses are, at providers that keep them apart."""
    scopes: tuple[str, ...] = ()
    options: Mapping[str, str] = {}
    """Options of a registration and their defaults; one without a default is required."""
    read: Reader = profiles.claims
    auth: str = "client_secret_post"
    """How we prove to the token endpoint who we are."""
    pkce: bool = True
    nonce: bool = True
    more: Mapping[str, str] = {}
    """Further parameters of the authorization URL."""
    headers: Mapping[str, str] = {}
    """Headers for its API; `{client_id}` is filled in."""
    method: str = "GET"
    """How the profile is asked for."""
    json_token: bool = False
    """The token endpoint reads JSON instead of a form."""
    signs_secret: bool = False
    """The client secret is a private key, and what is sent is a JWT signed with it."""
    issuer_form: str = ""
    """A pattern for the issuer in the discovery document, where it is not the one asked for."""

    @property
    def required(self) -> list[str]:
        """The options that a registration cannot do without."""
        return [name for name, default in self.options.items() if not default]


OIDC = ("openid", "email", "profile")
GITHUB = {"Accept": "application/vnd.github+json"}
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

PROVIDERS: dict[str, Provider] = {
    "amazon": Provider(
        title="Amazon",
        authorize="https://www.amazon.com/ap/oa",
        token="https://api.amazon.com/auth/o2/token",
        profile="https://api.amazon.com/user/profile",
        scopes=("profile",),
        read=fields("user_id", "email", ("name",)),
    ),
    "apple": Provider(
        title="Apple",
        issuer="https://appleid.apple.com",
        scopes=("name", "email"),
        options={"team_id": "", "key_id": ""},
        read=profiles.apple,
        pkce=False,
        more={"response_mode": "form_post"},
        signs_secret=True,
    ),
    "auth0": Provider(
        title="Auth0",
        issuer="https://{domain}/",
        scopes=(*OIDC, "offline_access"),
        options={"domain": ""},
    ),
    "authentik": Provider(
        title="authentik",
        issuer="https://{domain}/application/o/{slug}/",
        scopes=(*OIDC, "offline_access"),
        options={"domain": "", "slug": ""},
    ),
    "bitbucket": Provider(
        title="Bitbucket",
        authorize="https://bitbucket.org/site/oauth2/authorize",
        token="https://bitbucket.org/site/oauth2/access_token",
        profile="https://api.bitbucket.org/2.0/user",
        emails="https://api.bitbucket.org/2.0/user/emails",
        scopes=("account", "email"),
        read=profiles.bitbucket,
        auth="client_secret_basic",
        pkce=False,
    ),
    "discord": Provider(
        title="Discord",
        authorize="https://discord.com/oauth2/authorize",
        token="https://discord.com/api/oauth2/token",
        profile="https://discord.com/api/users/@me",
        scopes=("identify", "email"),
        read=fields("id", "email", ("global_name", "username"), verified="verified"),
    ),
    "dropbox": Provider(
        title="Dropbox",
        authorize="https://www.dropbox.com/oauth2/authorize",
        token="https://api.dropboxapi.com/oauth2/token",
        profile="https://api.dropboxapi.com/2/users/get_current_account",
        method="POST",
        scopes=("account_info.read",),
        read=fields("account_id", "email", ("name.display_name",), verified="email_verified"),
        more={"token_access_type": "offline"},
    ),
    "facebook": Provider(
        title="Facebook",
        authorize="https://www.facebook.com/v23.0/dialog/oauth",
        token="https://graph.facebook.com/v23.0/oauth/access_token",
        profile="https://graph.facebook.com/v23.0/me?fields=id,name,email",
        scopes=("email", "public_profile"),
        read=fields("id", "email", ("name",)),
        pkce=False,
    ),
    "github": Provider(
        title="GitHub",
        authorize="https://github.com/login/oauth/authorize",
        token="https://github.com/login/oauth/access_token",
        profile="https://api.github.com/user",
        emails="https://api.github.com/user/emails",
        scopes=("read:user", "user:email"),
        read=profiles.github,
        headers=GITHUB,
    ),
    "gitlab": Provider(
        title="GitLab",
        issuer="https://{domain}",
        scopes=OIDC,
        options={"domain": "gitlab.com"},
    ),
    "google": Provider(
        title="Google",
        issuer="https://accounts.google.com",
        scopes=OIDC,
        more={"access_type": "offline"},
    ),
    "keycloak": Provider(
        title="Keycloak",
        issuer="https://{domain}/realms/{realm}",
        scopes=OIDC,
        options={"domain": "", "realm": ""},
    ),
    "linkedin": Provider(
        title="LinkedIn",
        issuer="https://www.linkedin.com/oauth",
        scopes=OIDC,
        pkce=False,
        nonce=False,
    ),
    "microsoft": Provider(
        title="Microsoft",
        issuer="https://login.microsoftonline.com/{tenant}/v2.0",
        scopes=(*OIDC, "offline_access"),
        options={"tenant": "common"},
        read=profiles.microsoft,
        issuer_form=rf"https://login\.microsoftonline\.com/({UUID}|{{tenantid}})/v2\.0",
    ),
    "notion": Provider(
        title="Notion",
        authorize="https://api.notion.com/v1/oauth/authorize",
        token="https://api.notion.com/v1/oauth/token",
        read=profiles.notion,
        auth="client_secret_basic",
        json_token=True,
        pkce=False,
        more={"owner": "user"},
        headers={"Notion-Version": "2022-06-28"},
    ),
    "okta": Provider(
        title="Okta",
        issuer="https://{domain}/oauth2/{server}",
        scopes=(*OIDC, "offline_access"),
        options={"domain": "", "server": "default"},
    ),
    "slack": Provider(
        title="Slack",
        issuer="https://slack.com",
        scopes=OIDC,
        pkce=False,
    ),
    "spotify": Provider(
        title="Spotify",
        authorize="https://accounts.spotify.com/authorize",
        token="https://accounts.spotify.com/api/token",
        profile="https://api.spotify.com/v1/me",
        scopes=("user-read-email",),
        read=fields("id", "email", ("display_name",)),
        auth="client_secret_basic",
    ),
    "twitch": Provider(
        title="Twitch",
        authorize="https://id.twitch.tv/oauth2/authorize",
        token="https://id.twitch.tv/oauth2/token",
        profile="https://api.twitch.tv/helix/users",
        scopes=("user:read:email",),
        read=fields("data.0.id", "data.0.email", ("data.0.display_name",), vouches=True),
        pkce=False,
        headers={"Client-Id": "{client_id}"},
    ),
    "x": Provider(
        title="X",
        authorize="https://x.com/i/oauth2/authorize",
        token="https://api.x.com/2/oauth2/token",
        profile="https://api.x.com/2/users/me?user.fields=confirmed_email",
        scopes=("users.read", "tweet.read", "users.email", "offline.access"),
        read=fields("data.id", "data.confirmed_email", ("data.name",), vouches=True),
        auth="client_secret_basic",
    ),
    "zoom": Provider(
        title="Zoom",
        authorize="https://zoom.us/oauth/authorize",
        token="https://zoom.us/oauth/token",
        profile="https://api.zoom.us/v2/users/me",
        read=profiles.zoom,
        auth="client_secret_basic",
    ),
}  # fmt: skip

ANY = Provider(title="OpenID Connect", scopes=OIDC, options={"issuer": ""}, issuer="{issuer}")
"""Whatever speaks OpenID Connect: `oidc`, `oidc-acme` and so on, each with an issuer of its own."""

OWN_ID = re.compile(r"oidc(-[a-z0-9]+)*")

OPTIONS = ("issuer", "domain", "tenant", "realm", "slug", "server", "team_id", "key_id")
"""Every option that a registration may have; `issuer` replaces that of any OpenID provider."""


def of(provider_id: str) -> Provider | None:
    """The kind of a provider, by the id that a project knows it by."""
    if OWN_ID.fullmatch(provider_id) and len(provider_id) <= 36:
        return ANY
    return PROVIDERS.get(provider_id)
