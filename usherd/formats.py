"""Answers as clients expect them that were built for an older response format."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from usherd import models
from usherd.models import Model

DROPPED_BEFORE_1_5: Mapping[type[Model], tuple[str, ...]] = {
    models.User: ("targets", "mfa"),
    models.Session: ("factors", "secret"),
    models.Token: ("phrase",),
    models.Membership: ("mfa",),
}
LISTS: Mapping[type[Model], str] = {
    models.UserList: "users",
    models.SessionList: "sessions",
    models.MembershipList: "memberships",
}


@lru_cache(maxsize=256)
def predates_1_5(response_format: str) -> bool:
    """Whether a client was built for a response format before 1.5."""
    try:
        return tuple(int(part) for part in response_format.split(".")) < (1, 5)
    except ValueError:
        return False


def downgrade(model: Any, response_format: str) -> Any:
    """The model as a client expects it that was built for an older response format."""
    if not predates_1_5(response_format):
        return model
    if type(model) in LISTS:
        plain = {"total": model.total}
        plural = LISTS[type(model)]
        plain[plural] = [downgrade(item, response_format) for item in getattr(model, plural)]
        return plain
    kind = model.kind if isinstance(model, models.Encoded) else type(model)
    dropped = DROPPED_BEFORE_1_5.get(kind)
    if dropped is None:
        return model
    plain = msgspec.json.decode(models.encode(model), type=dict[str, Raw])
    return {name: value for name, value in plain.items() if name not in dropped}
