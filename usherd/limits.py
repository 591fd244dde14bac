"""Rate limits: how often somebody may ask for something, counted in the database.

Fixed windows of an hour, so that several processes agree. A counter belongs to the project and is
named by a digest: neither addresses nor names are stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

import msgspec

from usherd import clock, errors, ids
from usherd.db import Tx

PERIOD = 3_600_000
"""The window of an endpoint's limit, in milliseconds."""

MINUTE = 60_000

SUSPICIOUS = 20
"""Failed sign-ins to one account within an hour, from wherever, after which addresses that it has
never been used from take turns."""

STRANGERS_A_MINUTE = 6


class Limit(msgspec.Struct, frozen=True):
    """So many requests an hour for each of the keys: (count, key).

    A key joins words by `+`: `url` (the route), `ip`, `caller` (the signed-in user), or the name
    of a parameter.
    """

    rules: tuple[tuple[int, str], ...]

    def __or__(self, other: Limit) -> Limit:
        """Both limits at once."""
        return Limit(self.rules + other.rules)

    @property
    def count(self) -> int:
        """The number that is published: that of the first key."""
        return self.rules[0][0]


class Standing(msgspec.Struct, frozen=True):
    """Where a caller stands: what the `X-RateLimit-*` headers say."""

    limit: int
    remaining: int
    reset: int
    """When the window ends, in seconds since 1970."""

    @property
    def headers(self) -> dict[str, str]:
        """The standing as it is told."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


def per(count: int, *keys: str) -> Limit:
    """`count` requests an hour for each key."""
    return Limit(tuple((count, key) for key in keys))


def adjusted(limit: Limit, count: int | None) -> Limit | None:
    """The limit with another published number, and its further numbers in proportion.

    None leaves it as it is; 0 is no limit at all.
    """
    if count is None:
        return limit
    if not count:
        return None
    return Limit(tuple((max(1, own * count // limit.count), key) for own, key in limit.rules))


def network(ip: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 network of an IPv6 one."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    return str(ip_network(f"{ip}/64", strict=False)) if address.version == 6 else str(address)


def _name(key: str, facts: Mapping[str, Any]) -> str:
    words = (f"{word}={str(facts.get(word, '')).strip().lower()}" for word in key.split("+"))
    return ids.digest("\0".join(words))


def untouched(limit: Limit) -> Standing:
    """The standing of a caller who is not counted."""
    return Standing(limit.count, limit.count - 1, _end(PERIOD) // 1000)


async def take(tx: Tx, project_id: str, limit: Limit, facts: Mapping[str, Any]) -> Standing:
    """Count one request. `facts` are the values of the words in the limit's keys.

    Returns the standing of the key with the fewest left. Raises `GeneralRateLimitExceeded` when
    a key is exhausted; none is counted then, if that ends the transaction.
    """
    ends_at = _end(PERIOD)
    named = [(_name(key, facts), count) for count, key in limit.rules]
    standings = []
    for name, count in sorted(named):  # one order, so that two requests cannot deadlock
        left = count - await _hit(tx, project_id, name, ends_at)
        if left < 0:
            raise refusal(Standing(count, 0, ends_at // 1000))
        standings.append(Standing(count, left, ends_at // 1000))
    return min(standings, key=lambda standing: (standing.remaining, standing.limit))


def refusal(standing: Standing) -> errors.GeneralRateLimitExceeded:
    """The error that says which number was exhausted, and how long to wait."""
    seconds = max(1, standing.reset - clock.now() // 1000)
    wait = f"{seconds} seconds" if seconds < 100 else f"{-(-seconds // 60)} minutes"
    error = errors.GeneralRateLimitExceeded(f"Too many requests of this kind. Wait {wait}.")
    error.headers = {"Retry-After": str(seconds), **standing.headers}
    return error


def _end(period: int) -> int:
    now = clock.now()
    return now - now % period + period


async def _hit(tx: Tx, project_id: str, name: str, ends_at: int) -> int:
    row = await tx.one(
        "insert into rate_limits (project_id, name, ends_at, hits) "
        "values (:project_id, :name, :ends_at, 1) on conflict (project_id, name, ends_at) "
        "do update set hits = rate_limits.hits + 1 returning hits",
        project_id=project_id,
        name=name,
        ends_at=ends_at,
    )
    return int(row["hits"]) if row else 0


async def _hits(tx: Tx, project_id: str, name: str, ends_at: int) -> int:
    row = await tx.one(
        "select hits from rate_limits where project_id = :project_id and name = :name "
        "and ends_at = :ends_at",
        project_id=project_id,
        name=name,
        ends_at=ends_at,
    )
    return int(row["hits"]) if row else 0


# -- sign-in: an account under attack stays open to its owner --


def _failures(account: str) -> str:
    return ids.digest(f"failures\0{account.lower()}")


async def note_failure(tx: Tx, project_id: str, account: str) -> None:
    """Somebody failed to sign in to the account."""
    await _hit(tx, project_id, _failures(account), _end(PERIOD))


async def is_strange(tx: Tx, project_id: str, account: str, ip: str) -> bool:
    """Whether many have failed to open the account, and it was never opened from this address."""
    if await _hits(tx, project_id, _failures(account), _end(PERIOD)) < SUSPICIOUS:
        return False
    known = await tx.one(
        "select s.seq from sessions s join users u "
        "on u.project_id = s.project_id and u.id = s.user_id "
        "where u.project_id = :project_id and u.email = :email and s.ip = :ip limit 1",
        project_id=project_id,
        email=account.lower(),
        ip=ip,
    )
    return known is None


async def slow_strangers(tx: Tx, project_id: str, account: str) -> None:
    """Let only a few a minute try an account that many have failed to open.

    Addresses from which it was opened before are not asked (`is_strange`): nobody can lock the
    owner out. Raises `GeneralRateLimitExceeded` with a wait of a minute at most.
    """
    ends_at = _end(MINUTE)
    name = ids.digest(f"strangers\0{account.lower()}")
    if await _hit(tx, project_id, name, ends_at) > STRANGERS_A_MINUTE:
        raise refusal(Standing(STRANGERS_A_MINUTE, 0, ends_at // 1000))
