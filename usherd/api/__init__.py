"""The faces that speak Appwrite's protocol; `TABLE` is every endpoint there is."""

from __future__ import annotations

from usherd.api import (
    account,
    account_identities,
    account_mfa,
    account_oauth2,
    account_pages,
    account_proofs,
    account_sessions,
    account_targets,
    account_tokens,
    memberships,
    teams,
    user_access,
    user_profile,
    user_records,
    user_targets,
    users,
)

FACES = (
    users, user_profile, user_access, user_records, user_targets,
    account, account_sessions, account_tokens, account_proofs, account_mfa, account_targets,
    account_oauth2, account_pages, account_identities, teams, memberships,
)  # fmt: skip

TABLE = [endpoint for face in FACES for endpoint in face.endpoints.table]
