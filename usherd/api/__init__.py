"""The faces that speak Appwrite's protocol; `TABLE` is every endpoint there is."""

from __future__ import annotations

from usherd.api import (
    account,
    user_access,
    user_profile,
    user_records,
    user_targets,
    users,
)

TABLE = [
    endpoint
    for face in (users, user_profile, user_access, user_records, user_targets, account)
    for endpoint in face.endpoints.table
]
