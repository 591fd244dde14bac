"""The activity log: what users did, and from where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from usherd import clock
from usherd.db import Row, Tx
from usherd.query import Query
from usherd.sessions import Client


class Caller(Protocol):
    """Who asked for it."""

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> Any: ...


RECORD = (
    "insert into logs (project_id, actor_type, actor_id, user_seq, event, resource, mode, ip, "
    "user_agent, country_code, created_at) values (:project_id, :actor_type, :actor_id, :user_seq, "
    ":event, :resource, 'default', :ip, :user_agent, :country_code, :created_at)"
)


async def record(
    tx: Tx,
    project_id: str,
    caller: Caller,
    actor: Row | None,
    event: str,
    ids: Mapping[str, str],
    client: Client,
) -> None:
    """Write down that `actor`, or else the caller's key, did `event` to what `ids` name.

    An entry belongs to its actor: what a key does to a user is not in that user's log.
    """
    if actor is not None:
        actor_type, actor_id = "user", actor["id"]
    elif caller.key is not None:
        actor_type, actor_id = "app", caller.key.id
    else:
        actor_type, actor_id = "guest", ""
    named = (f"{name[:-2]}/{value}" for name, value in ids.items() if name.endswith("Id"))
    await tx.run(
        RECORD,
        project_id=project_id,
        actor_type=actor_type,
        actor_id=actor_id,
        user_seq=actor["seq"] if actor is not None else None,
        event=event,
        resource="/".join(named),
        ip=client.ip,
        user_agent=client.user_agent,
        country_code=client.country_code,
        created_at=clock.now(),
    )


async def listing(
    tx: Tx, project_id: str, user: Row, asked: Query, *, total: bool = True
) -> tuple[list[Row], int]:
    """(a page of what the user did, newest first; how many entries there are)."""
    found = {"project_id": project_id, "user_seq": user["seq"]}
    where = "from logs where project_id = :project_id and user_seq = :user_seq"
    rows = await tx.listing(
        f"select * {where} order by seq desc limit :limit offset :offset",
        found | {"limit": asked.limit, "offset": asked.offset},
    )
    count = 0
    if total:
        count = (await tx.listing(f"select count(*) as entries {where}", found))[0]["entries"]
    return rows, count
