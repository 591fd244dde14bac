"""Users: the people of a project, and every change to one.

Locks are taken in this order, by every rule: the project, the user, the teams in the order of their
creation. A team's lock covers its memberships (`teams.py`).
"""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from usherd import clock, errors, passwords, query_sql, search, targets
from usherd.db import Duplicate, Row, Tx, statements
from usherd.projects import Project
from usherd.query import Query


class Password(msgspec.Struct, frozen=True):
    """A stored password: which algorithm, its digest, and the options needed to verify it.

    The elements of a user's password history have this form, too.
    """

    hash: str
    digest: str
    options: dict[str, Any]


class Stale(Exception):
    """What slow work was based on has changed meanwhile: read it again and start over."""


# -- finding --


async def get(tx: Tx, project_id: str, user_id: str) -> Row:
    """One user. Raises `UserNotFound`."""
    row = await tx.by_id("users", project_id, user_id)
    if row is None:
        raise errors.UserNotFound
    return row


async def lock(tx: Tx, project_id: str, user_id: str) -> Row:
    """One user whom nobody else changes until this transaction ends. Raises `UserNotFound`."""
    row = await tx.one(
        "select * from users where project_id = :project_id and id = :id for update",
        project_id=project_id,
        id=user_id,
    )
    if row is None:
        raise errors.UserNotFound
    return row


async def by_email(tx: Tx, project_id: str, email: str) -> Row | None:
    """The user with that e-mail, in whatever case it is written."""
    return await tx.one(
        "select * from users where project_id = :project_id and email = :email",
        project_id=project_id,
        email=email.lower(),
    )


async def by_phone(tx: Tx, project_id: str, phone: str) -> Row | None:
    """The user with that phone number."""
    return await tx.one(
        "select * from users where project_id = :project_id and phone = :phone",
        project_id=project_id,
        phone=phone,
    )


async def listing(
    tx: Tx, project_id: str, asked: Query, *, total: bool = True
) -> tuple[list[Row], int]:
    """(the users that were asked for, how many match). Raises `GeneralCursorNotFound`."""
    return await query_sql.listing(tx, asked, project_id, total)


# -- making and removing --


async def refuse_full(tx: Tx, project: Project) -> None:
    """Raises `UserCountExceeded` when the project takes no more sign-ups.

    Sign-ups of a limited project take turns, so that two at once cannot both be the last. The
    lock lets rows be written that belong to the project: others need not wait.
    """
    most = project.settings.user_limit
    if not most:
        return
    await tx.one("select id from projects where id = :id for no key update", id=project.id)
    row = await tx.one(
        "select count(*) as users from (select 1 from users where project_id = :project_id "
        "limit :most) as counted",
        project_id=project.id,
        most=most,
    )
    if row is not None and row["users"] >= most:
        raise errors.UserCountExceeded


async def create(
    tx: Tx,
    project: Project,
    *,
    user_id: str,
    email: str | None = None,
    phone: str | None = None,
    name: str = "",
    password: Password | None = None,
    vouched: bool = False,
) -> Row:
    """Make a user and a target for each address that is free.

    `vouched`: an administrator says whose the addresses are.

    Raises `UserEmailAlreadyExists` when an identity has the e-mail, `UserAlreadyExists`
    when a user has the id, the e-mail or the phone.
    """
    email = email.lower() if email else None
    if email:
        await _refuse_identity(tx, project.id, "", email)
    now = clock.now()
    kept = [password] if password and project.settings.password_history else []
    planned = targets.first(project.id, user_id, email, phone)
    try:
        user = await tx.insert(
            "users",
            project_id=project.id,
            id=user_id,
            name=name,
            name_key=search.fold(name),
            email=email,
            phone=phone,
            password=password.digest if password else None,
            hash=password.hash if password else "argon2",
            hash_options=_json(password.options if password else passwords.DEFAULT_OPTIONS),
            email_vouched=int(vouched and email is not None),
            phone_vouched=int(vouched and phone is not None),
            password_update=now if password else None,
            password_history=_json(kept),
            search=search.document(user_id, email, name, phone),
            targets=targets.shown(planned),
            created_at=now,
            updated_at=now,
        )
    except Duplicate as error:
        raise errors.UserAlreadyExists from error
    return await targets.create_first(tx, user, planned)


async def delete(tx: Tx, user: Row) -> None:
    """Remove a locked user and everything that is theirs; their teams count one member less."""
    whose = {"project_id": user["project_id"], "user_id": user["id"]}
    theirs = (
        "project_id = :project_id and id in (select team_id from memberships "
        "where project_id = :project_id and user_id = :user_id{})"
    )
    locked = await tx.all(
        f"select seq from teams where {theirs.format('')} order by seq for update", **whose
    )
    if locked:
        joined = theirs.format(" and confirm = 1")
        await tx.run(
            f"update teams set total = total - 1, updated_at = :now where {joined} and total > 0",
            now=clock.now(),
            **whose,
        )
    await tx.run("delete from users where seq = :seq", seq=user["seq"])


# -- changing: each takes a locked row and returns it anew --


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _refused(error: Duplicate) -> NoReturn:
    if error.index == "users_email":
        raise errors.UserEmailAlreadyExists from error
    if error.index == "users_phone":
        raise errors.UserPhoneAlreadyExists from error
    raise error


async def _change(tx: Tx, user: Row, **changes: Any) -> Row:
    """Write changes and what follows from them: the search text and the time of the change."""
    if not changes.keys().isdisjoint(("name", "email", "phone", "labels")):
        new = user | changes
        labels = msgspec.json.decode(new["labels"], type=list[str])
        changes["search"] = search.document(
            new["id"], new["email"], new["name"], new["phone"], *(f"label:{x}" for x in labels)
        )
    try:
        return await tx.update("users", user, **changes, updated_at=clock.now())
    except Duplicate as error:
        _refused(error)


async def _refuse_identity(tx: Tx, project_id: str, user_id: str, email: str) -> None:
    taken = await tx.one(
        "select seq from identities where project_id = :project_id and provider_email = :email "
        "and user_id <> :user_id limit 1",
        project_id=project_id,
        email=email,
        user_id=user_id,
    )
    if taken is not None:
        raise errors.UserEmailAlreadyExists


async def rename(tx: Tx, user: Row, name: str) -> Row:
    """Set the name, possibly to nothing."""
    return await _change(tx, user, name=name, name_key=search.fold(name))


async def change_email(tx: Tx, user: Row, email: str, *, vouched: bool = False) -> Row:
    """Set the e-mail, or remove it with the empty string; a new one starts unverified.

    `vouched`: an administrator says whose it is.

    The same one again changes nothing. Raises `UserEmailAlreadyExists`,
    `UserTargetAlreadyExists`.
    """
    old, new = user["email"], email.lower() or None
    if new == old:
        return await _change(tx, user)
    if new is not None:
        await _refuse_identity(tx, user["project_id"], user["id"], new)
        await targets.refuse_taken(tx, user, new)
    row = await _change(
        tx, user, email=new, email_verification=0, email_vouched=int(vouched and new is not None)
    )
    return await targets.follow(tx, row, "email", old, new)


async def change_phone(tx: Tx, user: Row, phone: str, *, vouched: bool = False) -> Row:
    """Set the phone, or remove it with the empty string; a new one starts unverified.

    `vouched`: an administrator says whose it is.

    The same one again changes nothing. Raises `UserPhoneAlreadyExists`,
    `UserTargetAlreadyExists`.
    """
    old, new = user["phone"], phone or None
    if new == old:
        return await _change(tx, user)
    if new is not None:
        await targets.refuse_taken(tx, user, new)
    row = await _change(
        tx, user, phone=new, phone_verification=0, phone_vouched=int(vouched and new is not None)
    )
    return await targets.follow(tx, row, "sms", old, new)


async def set_labels(tx: Tx, user: Row, labels: list[str]) -> Row:
    """Replace the labels; of equal ones the first stays."""
    kept = list(dict.fromkeys(labels))
    await tx.run("delete from user_labels where user_seq = :seq", seq=user["seq"])
    for _, some in statements.chunks("l", kept):
        rows = ", ".join(f"(:project_id, :{name}, :seq)" for name in some)
        await tx.run(
            f"insert into user_labels (project_id, label, user_seq) values {rows}",
            project_id=user["project_id"],
            seq=user["seq"],
            **some,
        )
    return await _change(tx, user, labels=_json(kept))


async def set_status(tx: Tx, user: Row, status: bool) -> Row:
    """Let the user in, or block them; sessions stay but open nothing while blocked."""
    return await _change(tx, user, status=int(status))


async def set_verification(tx: Tx, user: Row, flag: str, verified: bool) -> Row:
    """Set `email_verification` or `phone_verification`, whether or not there is an address."""
    return await _change(tx, user, **{flag: int(verified)})


async def doubt_phone(tx: Tx, user: Row) -> Row:
    """Forget why the phone number was believed to be the user's."""
    return await _change(tx, user, phone_verification=0, phone_vouched=0)


async def set_mfa(tx: Tx, user: Row, mfa: bool) -> Row:
    """Ask for a second factor at sign-in, or stop asking."""
    return await _change(tx, user, mfa=int(mfa))


async def set_prefs(tx: Tx, user: Row, prefs: str) -> Row:
    """Replace the preferences by an object in JSON, which is kept as it is written."""
    return await _change(tx, user, prefs=prefs)


async def touch(tx: Tx, user: Row) -> Row:
    """Remember that the user was here now; one who is gone meanwhile is not missed."""
    now = clock.now()
    await tx.run("update users set accessed_at = :now, updated_at = :now where seq = :seq",
                 now=now, seq=user["seq"])  # fmt: skip
    return user | {"accessed_at": now, "updated_at": now}


# -- passwords --


def password_of(user: Row) -> Password | None:
    """The stored password, or None when there is none to sign in with."""
    if not user["password"]:
        return None
    options = msgspec.json.decode(user["hash_options"] or "{}")
    return Password(user["hash"], user["password"], options)


def remembered(project: Project, user: Row) -> list[Password]:
    """The passwords that may not be used again, oldest first."""
    kept = project.settings.password_history
    if not kept:
        return []
    history = msgspec.json.decode(user["password_history"], type=list[Password])
    return history[-kept:]


async def set_password(
    tx: Tx, project: Project, user: Row, seen: Row, password: Password | None
) -> Row:
    """Set a checked password, or clear it with None.

    `seen` is the user as the checks saw them. Raises `Stale` when a password has been used
    since that the new one was not compared with.
    """
    if password is None:
        return await _change(tx, user, password="", password_update=clock.now())
    kept = project.settings.password_history
    if kept and user["password_history"] != seen["password_history"]:
        raise Stale
    history = [*remembered(project, user), password][-kept:] if kept else []
    return await _change(
        tx,
        user,
        password=password.digest,
        hash=password.hash,
        hash_options=_json(password.options),
        password_history=_json(history),
        password_update=clock.now(),
    )


async def rehash(tx: Tx, user: Row, password: Password) -> Row:
    """Store the same password under a better algorithm; its age and the history stay."""
    return await _change(
        tx,
        user,
        password=password.digest,
        hash=password.hash,
        hash_options=_json(password.options),
    )
