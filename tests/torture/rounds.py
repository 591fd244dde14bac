"""How much of the torture is done: little in `make test`, much in `make torture`."""

from __future__ import annotations

import os

LONG = bool(os.environ.get("USHERD_TEST_TORTURE"))


def rounds(few: int, many: int) -> int:
    """So many rounds, depending on who asked."""
    return many if LONG else few
