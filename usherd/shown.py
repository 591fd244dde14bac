"""Users as they were shown last: bytes given again until the user changes (decision 0017)."""

from __future__ import annotations

from collections import OrderedDict

from usherd import models, users
from usherd.db import Database
from usherd.models import Encoded, User

Name = tuple[str, str]
"""Project and user."""

BESIDE_BYTES = 512
"""What remembering costs beside the bytes themselves: keys, and their places in two tables."""


class Shown:
    """The answers about single users, those longest unasked for dropped first.

    Only a database that tells of every change lets anything be kept: SQLite does, and on
    PostgreSQL, where other processes write, each answer is made anew.
    """

    def __init__(self, db: Database, most_bytes: int) -> None:
        self._db = db
        self._most = most_bytes
        self._changes = db.changes if most_bytes else None
        self._bodies: OrderedDict[Name, tuple[int, bytes]] = OrderedDict()
        self._names: dict[int, Name] = {}
        self._size = 0
        if self._changes is not None:
            self._changes.subscribe("users", self._forget)

    async def user(self, project_id: str, user_id: str) -> User | Encoded:
        """The user, encoded already where that pays. Raises `UserNotFound`."""
        if self._changes is None:
            return User.of(await users.get(self._db.reader, project_id, user_id))
        self._changes.look()
        name = project_id, user_id
        kept = self._bodies.get(name)
        if kept is not None:
            self._bodies.move_to_end(name)
            return Encoded(User, kept[1])
        # Reading does not suspend here: what is kept below is the newest there is.
        row = await users.get(self._db.reader, project_id, user_id)
        body = models.encode(User.of(row))
        self._keep(name, row["seq"], body)
        return Encoded(User, body)

    def _keep(self, name: Name, seq: int, body: bytes) -> None:
        self._bodies[name] = seq, body
        self._names[seq] = name
        self._size += len(body) + BESIDE_BYTES
        while self._size > self._most:
            _, (oldest, dropped) = self._bodies.popitem(last=False)
            del self._names[oldest]
            self._size -= len(dropped) + BESIDE_BYTES

    def _forget(self, changed: set[int] | None) -> None:
        if changed is None:
            self._bodies.clear()
            self._names.clear()
            self._size = 0
            return
        for seq in changed:
            name = self._names.pop(seq, None)
            if name is not None:
                _, body = self._bodies.pop(name)
                self._size -= len(body) + BESIDE_BYTES
