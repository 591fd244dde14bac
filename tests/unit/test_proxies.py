"""Whose address counts behind proxies."""

from __future__ import annotations

import pytest

from usherd import proxies

OURS = frozenset({"10.0.0.0/8", "192.0.2.1", "fd00::/8"})


@pytest.mark.parametrize(("peer", "forwarded", "found"), [
    ("203.0.113.9", "198.51.100.7", "203.0.113.9"),  # a stranger forwards for nobody
    ("10.0.0.1", "", "10.0.0.1"),
    ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
    ("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),  # the first is the client's own word
    ("10.0.0.1", "6.6.6.6, 198.51.100.7, 10.2.3.4", "198.51.100.7"),
    ("10.0.0.1", "6.6.6.6, 198.51.100.7 , 192.0.2.1", "198.51.100.7"),
    ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),  # one of our own machines is the client
    ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
    ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
    ("10.0.0.1", "2001:DB8:0::1", "2001:db8::1"),
    ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
    ("fd00::5", "::ffff:198.51.100.7", "198.51.100.7"),
    ("10.0.0.1", "6.6.6.6, nonsense", "10.0.0.1"),
    ("10.0.0.1", "198.51.100.7, unknown, 10.0.0.2", "10.0.0.2"),
    ("", "198.51.100.7", ""),
])  # fmt: skip
def test_the_client_is_the_right_most_stranger(peer: str, forwarded: str, found: str) -> None:
    assert proxies.client_ip(peer, forwarded, OURS) == found


def test_without_proxies_nobody_is_believed() -> None:
    assert proxies.client_ip("127.0.0.1", "198.51.100.7", frozenset()) == "127.0.0.1"
