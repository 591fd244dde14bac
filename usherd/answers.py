"""Answers that are not a model: an error in JSON or as a page, and being sent elsewhere."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from usherd import COMPATIBLE_VERSION, errors, pages

Headers = list[bytes]
"""Pieces of a head, each one line or more with their ends, as `line` makes them."""

Answer = tuple[int, Headers, bytes]


def line(name: str, value: str) -> bytes:
    """A header. Raises ValueError when its value would break out of its line."""
    if "\n" in value or "\r" in value:
        raise ValueError(f"the value of the header {name} holds a line break")
    return f"{name}: {value}\r\n".encode("latin-1")


JSON = line("content-type", "application/json; charset=UTF-8")
NO_BODY = line("content-type", "text/html; charset=UTF-8")
"""# quirk: SDKs crash on a 204 without a content type, and on one that says JSON."""

NO_STORE = (
    line("cache-control", "no-cache, no-store, must-revalidate"),
    line("expires", "0"),
    line("pragma", "no-cache"),
)

AS_PAGE = (
    line("content-type", pages.HTML),
    line("content-security-policy", pages.POLICY),
    line("referrer-policy", "strict-origin"),
    *NO_STORE,
)
"""What goes along with a page of ours. Its address may hold a secret, which no other page learns;
a form on it has to tell its origin, which it would not under `no-referrer`."""


def onward(location: str) -> Headers:
    """The headers that send a browser on, without telling the next page where it came from."""
    safe = quote(location, safe="%:/?#[]@!$&'()*+,;=~")
    return [
        NO_BODY,
        line("location", safe),
        line("referrer-policy", "no-referrer"),
        *NO_STORE,
    ]


def page_of(error: errors.AppError) -> Answer:
    """What somebody sees whose browser has run into an error: the app's page, or ours."""
    if error.failure_url:
        return 301, onward(error.failure_url), b""
    headers = [*AS_PAGE, *(line(name.lower(), value) for name, value in error.headers.items())]
    return error.code, headers, pages.page("That did not work", error.message, error.type)


def refusal(error: errors.AppError) -> Answer:
    """The answer that an error turns into."""
    body = msgspec.json.encode(
        {
            "message": error.message,
            "code": error.code,
            "type": error.type,
            "version": COMPATIBLE_VERSION,
        }
    )
    headers = [JSON, *NO_STORE]
    headers += [line(name.lower(), value) for name, value in error.headers.items()]
    return error.code, headers, body
