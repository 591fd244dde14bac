"""The parameters of a sign-in by another provider that nothing else has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from usherd.params import Param, text

SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")
LONGEST = 4096


def _scopes(value: Any, _loose: bool) -> list[str]:
    items = [] if value == {} else value
    if not isinstance(items, list) or len(items) > 100:
        raise ValueError("It must be an array of at most 100 scopes.")
    for item in items:
        if not isinstance(item, str) or not SCOPE.fullmatch(item):
            raise ValueError("A scope has 1 to 255 characters, and no spaces or quotes.")
    return list(dict.fromkeys(items))


def _carried(value: Any, _loose: bool) -> str:
    read = text(value)
    if len(read) > LONGEST:
        raise ValueError(f"It must have at most {LONGEST} characters.")
    return read


Scopes = Annotated[
    Sequence[str],
    Param(
        _scopes,
        "Scopes to ask the provider for, beside those that it needs; 100 at most.",
        {
            "type": "array",
            "maxItems": 100,
            "items": {"type": "string", "pattern": r"^[!#-\[\]-~]+$", "maxLength": 255},
        },
    ),
]
Carried = Annotated[
    str,
    Param(
        _carried,
        f"What the provider sends, {LONGEST} characters at most.",
        {"type": "string", "maxLength": LONGEST},
    ),
]
