"""Which web pages may talk to a project: the origin rule and the CORS headers."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from usherd.answers import Headers, line

METHODS = "GET, POST, PUT, PATCH, DELETE"

REQUEST_HEADERS = (
    "Origin, Cookie, Set-Cookie, X-Requested-With, Content-Type, Access-Control-Allow-Origin, "
    "Access-Control-Request-Headers, Accept, X-Appwrite-Project, X-Appwrite-Key, "
    "X-Appwrite-Dev-Key, X-Appwrite-Locale, X-Appwrite-Mode, X-Appwrite-JWT, "
    "X-Appwrite-Response-Format, X-Appwrite-Timeout, X-SDK-Version, X-SDK-Name, X-SDK-Language, "
    "X-SDK-Platform, X-SDK-GraphQL, X-Appwrite-ID, X-Appwrite-Timestamp, Content-Range, Range, "
    "Cache-Control, Expires, Pragma, X-Forwarded-For, X-Forwarded-User-Agent, "
    "X-Appwrite-Session, X-Fallback-Cookies"
)

EXPOSED_HEADERS = (
    "X-Appwrite-Session, X-Fallback-Cookies, X-Request-Id, Retry-After, "
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
)


def hostname(url: str) -> str:
    """The host of a URL or of a `host:port`, lower-case; the empty string where there is none."""
    try:
        return (urlsplit(url if "//" in url else "//" + url).hostname or "").lower()
    except ValueError:
        return ""


def allowed(origin: str, host: str, platforms: tuple[str, ...] = ()) -> bool:
    """Whether a page at `origin` may act on a project served at `host`.

    `platforms` are hostnames: exact, `*`, or `*.example.org` (sub-domains, not the apex).
    Port and path do not matter; localhost and the server's own host are always allowed.
    """
    scheme, _, _ = origin.partition("://")
    name = hostname(origin)
    if scheme.lower() not in ("http", "https") or not name:
        return False
    if name in ("localhost", hostname(host)):
        return True
    return any(
        rule == "*" or rule == name or (rule.startswith("*.") and name.endswith(rule[1:]))
        for rule in platforms
    )


ALLOWED = b"".join(
    line(f"access-control-{name}", value)
    for name, value in (
        ("allow-credentials", "true"),
        ("allow-methods", METHODS),
        ("allow-headers", REQUEST_HEADERS),
        ("expose-headers", EXPOSED_HEADERS),
    )
) + line("vary", "Origin")


def cors(origin: str, ok: bool) -> Headers:
    """Response headers for a page at `origin`; another origin than its own if it is not `ok`."""
    return [line("access-control-allow-origin", origin if ok else "http://localhost"), ALLOWED]


def same_site(server: str, page: str) -> bool:
    """Whether the cookies of a server reach a page, both told by URL: they share scheme and
    registrable domain.

    IP addresses and localhost count as sharing nothing: clients expect the fallback header there.
    """
    if server.partition("://")[0] != page.partition("://")[0].lower():
        return False
    one, other = hostname(server), hostname(page)
    if not one or not other or "." not in one or "." not in other:
        return False
    for name in (one, other):
        try:
            ip_address(name)
        except ValueError:
            continue
        return False
    if one.split(".")[-2:] != other.split(".")[-2:]:
        return False
    return one == other or registrable(one) == registrable(other) is not None


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def registrable(name: str) -> str | None:
    """The part of a host that somebody has registered, such as `example.co.uk`; None where it ends
    above, as `co.uk` does.

    Decided by the public suffix list that came with the library: nothing is fetched. It is read
    when it is first needed.
    """
    found: str | None = _suffixes().privatesuffix(name)
    return found
