"""What proxies in front of this server are believed: whose client it is, scheme and host."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Trusted = frozenset[str]
"""Addresses and networks such as `10.0.0.0/8`, as the setting holds them."""


@lru_cache(maxsize=8)
def _networks(trusted: Trusted) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text, strict=False) for text in trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address in an element of X-Forwarded-For, which may carry a port."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


@lru_cache(maxsize=4096)
def trusts(ip: str, trusted: Trusted) -> bool:
    """Whether the address is one of our proxies."""
    if not trusted:
        return False
    address = _address(ip)
    return address is not None and any(address in network for network in _networks(trusted))


def client_ip(peer: str, forwarded: str, trusted: Trusted) -> str:
    """Who is behind our proxies: the right-most address that is none of them.

    Each proxy appends whom it saw to X-Forwarded-For. What stands left of the first stranger is
    that stranger's word, and worth nothing.
    """
    ip = peer
    for element in reversed(forwarded.split(",")):
        if not trusts(ip, trusted):
            break
        address = _address(element)
        if address is None:
            break
        ip = str(address)
    return ip


def told(peer: str, header: str, trusted: Trusted) -> str:
    """What our own proxies say of the client's side in a header such as X-Forwarded-Proto.

    The first element is that of the outermost proxy. Whoever forges it deceives themselves only.
    """
    return header.partition(",")[0].strip() if header and trusts(peer, trusted) else ""
