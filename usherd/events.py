"""What happened, told to whoever listens in this process, after it is durable."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

log = logging.getLogger("usherd.events")


class Event(msgspec.Struct, frozen=True):
    """One thing that happened in a project.

    `ids` are those that the pattern names. `payload` is the model that the caller was answered
    with, or the deleted object.
    """

    project_id: str
    pattern: str
    ids: Mapping[str, str]
    payload: Any
    at: int

    @property
    def names(self) -> tuple[str, ...]:
        """First the concrete name (`users.u1.update.email`), then its shorter forms, then all of
        these with ids replaced by `*`."""
        return names(self.pattern, self.ids)


def names(pattern: str, ids: Mapping[str, str]) -> tuple[str, ...]:
    """Every name under which `pattern`, such as `users.[userId].update.email`, is published."""
    parts = pattern.split(".")
    concrete = [ids[part[1:-1]] if part[0] == "[" else part for part in parts]
    starred = ["*" if part[0] == "[" else part for part in parts]
    found = []
    for end in range(len(parts), 1, -1):
        # A name may not end at a collection (`users.u1.sessions`) that an id or act follows.
        if end < len(parts) and parts[end][0] == "[":
            continue
        found.append(".".join(concrete[:end]))
    for end in range(len(parts), 1, -1):
        if end < len(parts) and parts[end][0] == "[":
            continue
        found.append(".".join(starred[:end]))
    return tuple(dict.fromkeys(found))


class Bus:
    """The listeners of this process; one that fails is logged and harms nobody else."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Event], None]] = []

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with every event; it must not block."""
        self._listeners.append(listener)

    def publish(self, event: Event) -> None:
        """Tell every listener."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed on %s", event.pattern)
