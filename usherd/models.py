"""What the API shows: one Struct a model, fields in the order of the wire.

`of` builds a model from database rows. JSON that is stored as text goes out as it is.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from usherd import agents, geo
from usherd.clock import iso
from usherd.db import Row


def _raw(**schema: Any) -> Meta:
    return Meta(extra_json_schema=schema)


Object = Annotated[Raw, _raw(type="object")]
Strings = Annotated[Raw, _raw(type="array", items={"type": "string"})]
Targets = Annotated[Raw, _raw(type="array", items={"$ref": "#/components/schemas/Target"})]
"""JSON as it is stored, and what the description says of it."""


class Model(msgspec.Struct, rename="camel"):
    """Snake case here is camel case on the wire."""


class Stamped(Model):
    """What nearly every model begins with."""

    id: str = msgspec.field(name="$id")
    created_at: str = msgspec.field(name="$createdAt")
    updated_at: str = msgspec.field(name="$updatedAt")


class Target(Stamped):
    """An address at which a user can be reached."""

    name: str
    user_id: str
    provider_id: str | None
    provider_type: str
    identifier: str
    expired: bool

    @classmethod
    def of(cls, row: Row) -> Target:
        """From a row of `targets`."""
        return cls(
            row["id"], iso(row["created_at"]), iso(row["updated_at"]), row["name"],
            row["user_id"], row["provider_id"], row["provider_type"], row["identifier"],
            bool(row["expired"]),
        )  # fmt: skip


class User(Stamped):
    """A user as the Users service shows it."""

    name: str
    password: str | None
    hash: str | None
    hash_options: Object | None
    registration: str
    status: bool
    labels: Strings
    password_update: str
    email: str
    phone: str
    email_verification: bool
    phone_verification: bool
    mfa: bool
    prefs: Object
    targets: Targets
    accessed_at: str

    @classmethod
    def of(cls, row: Row) -> User:
        """From a row of `users`."""
        created = iso(row["created_at"])
        options = row["hash_options"]
        return cls(
            row["id"], created, iso(row["updated_at"]), row["name"], row["password"],
            row["hash"], Raw(options) if options else None, created, bool(row["status"]),
            Raw(row["labels"]), iso(row["password_update"]), row["email"] or "",
            row["phone"] or "", bool(row["email_verification"]),
            bool(row["phone_verification"]), bool(row["mfa"]), Raw(row["prefs"]),
            Raw(row["targets"]), iso(row["accessed_at"]),
        )  # fmt: skip


class UserList(Model):
    """A page of users."""

    total: int
    users: list[User]


class Account(Stamped):
    """A user as the Account service shows it: without anything about the password's hash."""

    name: str
    registration: str
    status: bool
    labels: Strings
    password_update: str
    email: str
    phone: str
    email_verification: bool
    phone_verification: bool
    mfa: bool
    prefs: Object
    targets: Targets
    accessed_at: str

    @classmethod
    def of(cls, row: Row) -> Account:
        """From a row of `users`."""
        created = iso(row["created_at"])
        return cls(
            row["id"], created, iso(row["updated_at"]), row["name"], created,
            bool(row["status"]), Raw(row["labels"]), iso(row["password_update"]),
            row["email"] or "", row["phone"] or "", bool(row["email_verification"]),
            bool(row["phone_verification"]), bool(row["mfa"]), Raw(row["prefs"]),
            Raw(row["targets"]), iso(row["accessed_at"]),
        )  # fmt: skip


class Session(Stamped):
    """Somebody signed in, somewhere."""

    user_id: str
    expire: str
    provider: str
    provider_uid: str
    provider_access_token: str
    provider_access_token_expiry: str
    provider_refresh_token: str
    ip: str
    os_code: str
    os_name: str
    os_version: str
    client_type: str
    client_code: str
    client_name: str
    client_version: str
    client_engine: str
    client_engine_version: str
    device_name: str
    device_brand: str
    device_model: str
    country_code: str
    country_name: str
    current: bool
    factors: Strings
    secret: str
    mfa_updated_at: str

    @classmethod
    def of(cls, row: Row, *, secret: str = "", current: bool = False) -> Session:
        """From a row of `sessions`. `secret` is the wire secret, shown once."""
        return cls(
            row["id"], iso(row["created_at"]), iso(row["updated_at"]), row["user_id"],
            iso(row["expire_at"]), row["provider"], row["provider_uid"],
            row["provider_access_token"], iso(row["provider_access_token_expiry"]),
            row["provider_refresh_token"], row["ip"],
            **msgspec.structs.asdict(agents.known(row["user_agent"])),
            country_code=row["country_code"], country_name=geo.name(row["country_code"]),
            current=current, factors=Raw(row["factors"]), secret=secret,
            mfa_updated_at=iso(row["mfa_updated_at"]),
        )  # fmt: skip


class SessionList(Model):
    """A user's sessions."""

    total: int
    sessions: list[Session]


class Token(Model):
    """A secret that can be exchanged for a session."""

    id: str = msgspec.field(name="$id")
    created_at: str = msgspec.field(name="$createdAt")
    user_id: str
    secret: str
    expire: str
    phrase: str

    @classmethod
    def of(cls, row: Row, *, secret: str = "", phrase: str = "") -> Token:
        """From a row of `tokens`. `secret` is the token in clear, shown once."""
        return cls(
            row["id"], iso(row["created_at"]), row["user_id"], secret, iso(row["expire_at"]),
            phrase,
        )  # fmt: skip


class Jwt(Model):
    """A JSON Web Token."""

    jwt: str


class MfaFactors(Model):
    """Which second factors a user can be asked for."""

    totp: bool
    phone: bool
    email: bool
    recovery_code: bool
    custom: bool = False  # quirk: SDKs from 18 on miss it otherwise


class MfaType(Model):
    """An authenticator app's secret, and the URI that its QR code carries."""

    secret: str
    uri: str


class MfaChallenge(Model):
    """A second factor that is being asked for."""

    id: str = msgspec.field(name="$id")
    created_at: str = msgspec.field(name="$createdAt")
    user_id: str
    expire: str

    @classmethod
    def of(cls, row: Row) -> MfaChallenge:
        """From a row of `challenges`."""
        return cls(row["id"], iso(row["created_at"]), row["user_id"], iso(row["expire_at"]))


class MfaRecoveryCodes(Model):
    """Codes that stand in for a second factor, once each."""

    recovery_codes: list[str]


class Preferences(Model):
    """What an app keeps about a user; on the wire the bare object."""

    data: Raw

    @classmethod
    def of(cls, row: Row) -> Preferences:
        """From a row with a `prefs` column."""
        return cls(Raw(row["prefs"]))


class Log(Model):
    """One entry of the activity log."""

    event: str
    user_id: str
    user_email: str
    user_name: str
    mode: str
    ip: str
    time: str
    os_code: str
    os_name: str
    os_version: str
    client_type: str
    client_code: str
    client_name: str
    client_version: str
    client_engine: str
    client_engine_version: str
    device_name: str
    device_brand: str
    device_model: str
    country_code: str
    country_name: str
    user_type: str = ""  # quirk: SDKs from 18 on miss it otherwise

    @classmethod
    def of(cls, row: Row, user: Row) -> Log:
        """From a row of `logs` and its actor."""
        return cls(
            row["event"], row["actor_id"], user["email"] or "", user["name"], row["mode"],
            row["ip"], iso(row["created_at"]),
            **msgspec.structs.asdict(agents.known(row["user_agent"])),
            country_code=row["country_code"], country_name=geo.name(row["country_code"]),
            user_type=row["actor_type"],
        )  # fmt: skip


class LogList(Model):
    """A page of the activity log."""

    total: int
    logs: list[Log]


class Identity(Stamped):
    """A user's account at another provider."""

    user_id: str
    provider: str
    provider_uid: str
    provider_email: str
    provider_access_token: str
    provider_access_token_expiry: str
    provider_refresh_token: str

    @classmethod
    def of(cls, row: Row) -> Identity:
        """From a row of `identities`."""
        return cls(
            row["id"], iso(row["created_at"]), iso(row["updated_at"]), row["user_id"],
            row["provider"], row["provider_uid"], row["provider_email"] or "",
            row["provider_access_token"], iso(row["provider_access_token_expiry"]),
            row["provider_refresh_token"],
        )  # fmt: skip


class IdentityList(Model):
    """A page of identities."""

    total: int
    identities: list[Identity]


class TargetList(Model):
    """A page of targets."""

    total: int
    targets: list[Target]


class Team(Stamped):
    """A group of users; `total` counts those who have joined."""

    name: str
    total: int
    prefs: Object

    @classmethod
    def of(cls, row: Row) -> Team:
        """From a row of `teams`."""
        return cls(
            row["id"], iso(row["created_at"]), iso(row["updated_at"]), row["name"], row["total"],
            Raw(row["prefs"]),
        )  # fmt: skip


class TeamList(Model):
    """A page of teams."""

    total: int
    teams: list[Team]


class Membership(Stamped):
    """A user's place in a team."""

    user_id: str
    user_name: str
    user_email: str
    team_id: str
    team_name: str
    invited: str
    joined: str
    confirm: bool
    mfa: bool
    roles: Strings
    user_phone: str = ""  # quirk: SDKs from 18 on miss these two otherwise
    user_accessed_at: str = ""

    @classmethod
    def of(cls, row: Row) -> Membership:
        """From a row of `memberships` with its team and user (`memberships.described`)."""
        return cls(
            row["id"], iso(row["created_at"]), iso(row["updated_at"]), row["user_id"],
            row["user_name"] or "", row["user_email"] or "", row["team_id"], row["team_name"],
            iso(row["invited_at"]), iso(row["joined_at"]), bool(row["confirm"]),
            bool(row["user_mfa"]), Raw(row["roles"]), row.get("user_phone") or "",
            iso(row.get("user_accessed_at")),
        )  # fmt: skip


class MembershipList(Model):
    """A page of memberships."""

    total: int
    memberships: list[Membership]


class Encoded(msgspec.Struct, frozen=True):
    """A model that has been encoded already."""

    kind: type[Model]
    body: bytes


_encoder = msgspec.json.Encoder()


def encode(model: Any) -> bytes:
    """A model as the bytes of an answer's body."""
    if type(model) is Encoded:
        return model.body
    if isinstance(model, Preferences):
        return bytes(model.data)
    return _encoder.encode(model)
