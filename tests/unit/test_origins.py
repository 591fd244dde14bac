"""Which pages the cookies of a server reach, so that the others get the fallback header."""

from __future__ import annotations

import pytest

from usherd import origins


@pytest.mark.parametrize(("server", "page", "shared"), [
    ("https://api.example.org", "https://app.example.org", True),
    ("https://api.example.org:8443", "https://EXAMPLE.org/path", True),
    ("https://api.example.org", "HTTPS://app.example.org", True),
    # To a browser another scheme is another site, where third-party rules keep cookies away.
    ("https://api.example.org", "http://app.example.org", False),
    ("http://api.example.org", "https://app.example.org", False),
    ("https://api.example.org", "https://app.example.net", False),
    ("https://api.example.org", "", False),
    ("https://api.example.org", "null", False),
    # Whoever registers at a public suffix shares nothing with the others there.
    ("https://api.a.co.uk", "https://a.co.uk", True),
    ("https://a.co.uk", "https://b.co.uk", False),
    ("https://co.uk", "https://a.co.uk", False),
    ("https://co.uk", "https://co.uk", True),
    ("https://a.github.io", "https://b.github.io", False),
    ("https://api.a.github.io", "https://a.github.io", True),
    ("https://api.b.xn--j6w193g", "https://a.xn--j6w193g", False),
    ("https://api.xn--bcher-kva.example", "https://xn--bcher-kva.example", True),
    ("https://api.corp.internal", "https://app.corp.internal", True),
    ("https://api.corp.internal", "https://api.shop.internal", False),
    ("http://localhost:8080", "http://localhost:3000", False),
    ("http://127.0.0.1:8080", "http://127.0.0.1:3000", False),
    ("http://[::1]:8080", "http://[::1]:3000", False),
])  # fmt: skip
def test_cookies_reach_pages_of_the_same_site(server: str, page: str, shared: bool) -> None:
    assert origins.same_site(server, page) is shared
