"""What a provider tells of a person, in our words.

A reader turns a provider's answers into a `Profile`. `email` is trusted only as far as `vouched`
says: that the provider itself has verified that the address is this person's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec


class Profile(msgspec.Struct, frozen=True):
    """Somebody at a provider."""

    uid: str
    email: str = ""
    vouched: bool = False
    name: str = ""


class Answers(msgspec.Struct, frozen=True):
    """Everything that a provider said about somebody."""

    profile: Any
    """The profile; for OpenID providers the verified claims."""
    emails: Any = None
    """The list of addresses, at providers that keep it apart."""
    token: Mapping[str, Any] = {}
    """The answer of the token endpoint."""
    form: Mapping[str, Any] = {}
    """What the browser brought along beside the code; nobody has signed that."""


Reader = Callable[[Answers], Profile]


def _at(value: Any, path: str) -> Any:
    """`a.b.0` of nested objects and lists; None where there is nothing."""
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _text(value: Any) -> str:
    """Text or a number as text; nothing else is either."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)


def _yes(value: Any) -> bool:
    """# quirk: Apple and others write booleans as words or numbers."""
    return value is True or value in ("true", "1") or (type(value) is int and value == 1)


def fields(
    uid: str,
    email: str = "",
    name: tuple[str, ...] = (),
    *,
    verified: str = "",
    vouches: bool = False,
) -> Reader:
    """A reader of a plain profile: paths of the fields, and which one says that the address is
    verified. With `vouches` every address that the provider tells is. The first name counts that
    is there."""

    def read(answers: Answers) -> Profile:
        profile = answers.profile
        names = (_text(_at(profile, path)) for path in name)
        return Profile(
            _text(_at(profile, uid)),
            _text(_at(profile, email)) if email else "",
            vouches or (bool(verified) and _yes(_at(profile, verified))),
            next(filter(None, names), ""),
        )

    return read


claims = fields(
    "sub", "email", ("name", "preferred_username", "nickname"), verified="email_verified"
)
"""What OpenID Connect says, which half of the providers speak."""


def github(answers: Answers) -> Profile:
    """The primary address comes from a list of its own; that in the profile is for show."""
    profile = answers.profile
    rows = [row for row in answers.emails or () if isinstance(row, dict)]
    primary: dict[str, Any] = next((row for row in rows if row.get("primary") is True), {})
    name = _text(_at(profile, "name")) or _text(_at(profile, "login"))
    email, verified = _text(primary.get("email")), primary.get("verified") is True
    return Profile(_text(_at(profile, "id")), email, verified, name)


def bitbucket(answers: Answers) -> Profile:
    """Addresses come in a list of their own, each confirmed or not."""
    profile = answers.profile
    rows = [row for row in _at(answers.emails, "values") or () if isinstance(row, dict)]
    primary: dict[str, Any] = next((row for row in rows if row.get("is_primary") is True), {})
    name = _text(_at(profile, "display_name")) or _text(_at(profile, "nickname"))
    email, confirmed = _text(primary.get("email")), primary.get("is_confirmed") is True
    return Profile(_text(_at(profile, "uuid")), email, confirmed, name)


def microsoft(answers: Answers) -> Profile:
    """Whoever runs a tenant writes any `email` they like; only `xms_edov` says that the domain's
    owner has verified it."""
    plain = claims(answers)
    email = plain.email
    return Profile(plain.uid, email, _yes(_at(answers.profile, "xms_edov")), plain.name)


def apple(answers: Answers) -> Profile:
    """The name comes with the browser, once, when somebody signs in for the first time."""
    plain = claims(answers)
    try:
        told = msgspec.json.decode(_text(answers.form.get("user")) or "{}")
    except (msgspec.DecodeError, RecursionError):
        told = {}
    parts = (_text(_at(told, f"name.{part}")) for part in ("firstName", "lastName"))
    return Profile(plain.uid, plain.email, plain.vouched, " ".join(filter(None, parts)))


def notion(answers: Answers) -> Profile:
    """The person stands in the answer of the token endpoint; integrations have no person."""
    user = _at(answers.token, "owner.user")
    name, email = _text(_at(user, "name")), _text(_at(user, "person.email"))
    return Profile(_text(_at(user, "id")), email, False, name)


def zoom(answers: Answers) -> Profile:
    """`verified` is a number; the name comes in parts."""
    plain = fields("id", "email", ("display_name",), verified="verified")(answers)
    parts = (_text(_at(answers.profile, part)) for part in ("first_name", "last_name"))
    return msgspec.structs.replace(plain, name=plain.name or " ".join(filter(None, parts)))
