"""Answers that are not a model: an error in JSON or as a page, and being sent elsewhere."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from usherd import COMPATIBLE_VERSION, errors, pages

Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes]

JSON = b"application/json; charset=UTF-8"
NO_BODY = b"text/html; charset=UTF-8"
"""# quirk: SDKs crash on a 204 without a content type, and on one that says JSON."""

NO_STORE: Headers = [
    (b"cache-control", b"no-cache, no-store, must-revalidate"),
    (b"expires", b"0"),
    (b"pragma", b"no-cache"),
]


AS_PAGE = (
    (b"content-type", pages.HTML),
    (b"content-security-policy", pages.POLICY),
    (b"referrer-policy", b"strict-origin"),
    *NO_STORE,
)
"""What goes along with a page of ours. Its address may hold a secret, which no other page learns;
a form on it has to tell its origin, which it would not under `no-referrer`."""


def onward(location: str) -> Headers:
    """The headers that send a browser on, without telling the next page where it came from."""
    safe = quote(location, safe="%:/?#[]@!$&'()*+,;=~")
    return [
        (b"content-type", NO_BODY),
        (b"location", safe.encode()),
        (b"referrer-policy", b"no-referrer"),
        *NO_STORE,
    ]


def page_of(error: errors.AppError) -> Answer:
    """What somebody sees whose browser has run into an error: the app's page, or ours."""
    if error.failure_url:
        return 301, onward(error.failure_url), b""
    headers = [*AS_PAGE]
    headers += [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
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
    headers: Headers = [(b"content-type", JSON), *NO_STORE]
    headers += [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    return error.code, headers, body
