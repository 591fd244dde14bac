"""Users API: finding, making, importing and removing people."""

from __future__ import annotations

from typing import Any

from usherd import errors, ids, models, passwords, users
from usherd.api import hashing
from usherd.db import Row
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.models import User, UserList
from usherd.params import (
    CustomId,
    Email,
    HashText,
    Id,
    Name,
    Number,
    Password,
    Phone,
    Queries,
    Salt,
    Search,
    ShaVersion,
    Total,
)

endpoints = Endpoints("/v1/users")

CREATE: dict[str, Any] = {
    "scope": "users.write",
    "status": 201,
    "event": "users.[userId].create",
    "audit": "user.create",
}
"""What the eight ways of making a user share."""


async def read(ctx: Context, row: Row) -> User:
    """A user with targets, as it is now."""
    user = await users.read(ctx.tx, ctx.project.id, row["id"])
    return User.of(user, models.targets_of(user))


@endpoints.get("", scope="users.read", name="list")
async def list_users(
    ctx: Context,
    queries: Queries = (),
    search: Search | None = None,
    total: Total = True,
) -> UserList:
    """List the users of the project, oldest first unless `queries` say otherwise.

    `search` finds words of the id, name, e-mail, phone number and labels. `total` stops
    counting at 5000, and is 0 when it is switched off.
    """
    page = users.QUERIES.read(queries, search)
    rows, count = await users.listing(ctx.tx, ctx.project.id, page, total=total)
    return UserList(count, [User.of(row, models.targets_of(row)) for row in rows])


@endpoints.post("", **CREATE)
async def create(
    ctx: Context,
    user_id: CustomId,
    email: Email | None = None,
    phone: Phone | None = None,
    password: Password | None = None,
    name: Name = "",
) -> User:
    """Make a user. Everything but the id may be left out.

    `unique()` as the id lets the server choose one. An e-mail address and a phone number
    become targets, too, unless they are somebody else's already.
    """
    new_id = ids.resolve(user_id)
    stored = None
    if password is not None:
        users.refuse_personal(
            ctx.project, password, user_id=new_id, email=email, phone=phone, name=name
        )
        stored = await hashing.first(ctx, password)
    row = await users.create(
        ctx.tx,
        ctx.project,
        user_id=new_id,
        email=email,
        phone=phone,
        name=name,
        password=stored,
        default_options=hashing.default_options(ctx),
    )
    return await read(ctx, row)


async def imported(
    ctx: Context, user_id: str, email: str, name: str, password: users.Password
) -> User:
    """Make a user whose password was hashed elsewhere; the hash is kept as it came."""
    row = await users.create(
        ctx.tx,
        ctx.project,
        user_id=ids.resolve(user_id),
        email=email,
        name=name,
        password=password,
        default_options=hashing.default_options(ctx),
    )
    return await read(ctx, row)


@endpoints.post("/argon2", **CREATE)
async def create_argon2_user(
    ctx: Context, user_id: CustomId, email: Email, password: HashText, name: Name = ""
) -> User:
    """Import a user whose password was hashed with Argon2, in PHC form."""
    stored = users.Password("argon2", password, {"type": "argon2"})
    return await imported(ctx, user_id, email, name, stored)


@endpoints.post("/bcrypt", **CREATE)
async def create_bcrypt_user(
    ctx: Context, user_id: CustomId, email: Email, password: HashText, name: Name = ""
) -> User:
    """Import a user whose password was hashed with bcrypt."""
    stored = users.Password("bcrypt", password, {"type": "bcrypt"})
    return await imported(ctx, user_id, email, name, stored)


@endpoints.post("/md5", **CREATE)
async def create_md5_user(
    ctx: Context, user_id: CustomId, email: Email, password: HashText, name: Name = ""
) -> User:
    """Import a user whose password was hashed with MD5, in hexadecimal."""
    stored = users.Password("md5", password, {"type": "md5"})
    return await imported(ctx, user_id, email, name, stored)


@endpoints.post("/phpass", **CREATE)
async def create_ph_pass_user(
    ctx: Context, user_id: CustomId, email: Email, password: HashText, name: Name = ""
) -> User:
    """Import a user whose password was hashed with phpass, as WordPress does."""
    stored = users.Password("phpass", password, {"type": "phpass"})
    return await imported(ctx, user_id, email, name, stored)


@endpoints.post("/sha", **CREATE)
async def create_sha_user(
    ctx: Context,
    user_id: CustomId,
    email: Email,
    password: HashText,
    password_version: ShaVersion | None = None,
    name: Name = "",
) -> User:
    """Import a user whose password was hashed with SHA, in hexadecimal.

    Without `passwordVersion` the hash is taken for SHA3-512.
    """
    version = {} if password_version is None else {"version": password_version}
    stored = users.Password("sha", password, {**version, "type": "sha"})
    return await imported(ctx, user_id, email, name, stored)


@endpoints.post("/scrypt", **CREATE)
async def create_scrypt_user(
    ctx: Context,
    user_id: CustomId,
    email: Email,
    password: HashText,
    password_salt: Salt,
    password_cpu: Number,
    password_memory: Number,
    password_parallel: Number,
    password_length: Number,
    name: Name = "",
) -> User:
    """Import a user whose password was hashed with scrypt, in hexadecimal.

    `passwordCpu` is N itself, `passwordMemory` the block size r. Zero stands for the
    default of each: 8, 14, 1 and a length of 64. Costs that no sign-in could afford are
    refused.
    """
    cpu, memory = password_cpu or 8, password_memory or 14
    parallel, length = password_parallel or 1, password_length or 64
    if not passwords.usable_scrypt(cpu, memory, parallel, length):
        raise errors.GeneralArgumentInvalid(
            "These scrypt costs cannot be used: passwordCpu is a power of two above 1, the others "
            "are positive, and passwordCpu times passwordMemory is bounded."
        )
    options = {
        "salt": password_salt,
        "costCpu": cpu,
        "costMemory": memory,
        "costParallel": parallel,
        "length": length,
        "type": "scrypt",
    }
    return await imported(
        ctx, user_id, email, name, users.Password("scrypt", password, options)
    )


@endpoints.post("/scrypt-modified", **CREATE)
async def create_scrypt_modified_user(
    ctx: Context,
    user_id: CustomId,
    email: Email,
    password: HashText,
    password_salt: Salt,
    password_salt_separator: Salt,
    password_signer_key: Salt,
    name: Name = "",
) -> User:
    """Import a user whose password was hashed by Firebase (mem_cost 14, rounds 8).

    Salt, separator and signer key are base64, as Firebase exports them.
    """
    options = {
        "signerKey": password_signer_key,
        "saltSeparator": password_salt_separator,
        "salt": password_salt,
        "type": "scryptMod",
    }
    return await imported(
        ctx, user_id, email, name, users.Password("scryptMod", password, options)
    )


@endpoints.get("/{userId}", scope="users.read")
async def get(ctx: Context, user_id: Id) -> User:
    """Get a user."""
    user = await users.read(ctx.tx, ctx.project.id, user_id)
    return User.of(user, models.targets_of(user))


@endpoints.delete(
    "/{userId}", scope="users.write", status=204, event="users.[userId].delete", audit="user.delete"
)
async def delete(ctx: Context, user_id: Id) -> User:
    """Delete a user with everything that is theirs: sessions, targets, memberships, factors.

    Sessions and JWTs stop working at once. Teams stay, and the id can be used again.
    """
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    gone = await read(ctx, user)
    await users.delete(ctx.tx, user)
    return gone
