"""What SQLite asks us while it writes: the grams of a text that is searched (decision 21)."""

from __future__ import annotations

from typing import Any

import apsw

from usherd import search


def teach(raw: apsw.Connection) -> apsw.Connection:
    """Let a connection write users and teams, whose triggers call `usherd_grams`."""
    raw.create_scalar_function("usherd_grams", _grams, 1, deterministic=True)
    return raw


def _grams(*values: Any) -> str:
    return search.coded(values[0])
