"""Users API: finding, making, importing and removing people."""

from __future__ import annotations

from typing import Any

from usherd import errors, ids, passwords, query, users
from usherd.api import credentials
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.models import Encoded, User, UserList
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
    asked = query.USERS.read(queries, search)
    rows, count = await users.listing(ctx.tx, ctx.project.id, asked, total=total)
    return UserList(count, [User.of(row) for row in rows])


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
    about: dict[str, Any] = {
        "user_id": ids.resolve(user_id), "email": email, "phone": phone, "name": name,
    }  # fmt: skip
    stored = None
    if password is not None:
        stored = await credentials.first(ctx, password, **about)
    row = await users.create(ctx.tx, ctx.project, **about, password=stored, vouched=True)
    return User.of(row)


async def imported(
    ctx: Context, user_id: str, email: str, name: str, algorithm: str, digest: str, **options: Any
) -> User:
    """Make a user whose password was hashed elsewhere; the hash is kept as it came."""
    options = passwords.describe(algorithm, digest, {**options, "type": algorithm})
    row = await users.create(
        ctx.tx,
        ctx.project,
        user_id=ids.resolve(user_id),
        email=email,
        name=name,
        password=users.Password(algorithm, digest, options),
        vouched=True,
    )
    return User.of(row)


@endpoints.post("/argon2", **CREATE)
async def create_argon2_user(
    ctx: Context, user_id: CustomId, email: Email, password: HashText, name: Name = ""
) -> User:
    """Import a user whose password was hashed with Argon2, in PHC form."""
    return await imported(ctx, user_id, email, name, "argon2", password)


@endpoints.post("/bcrypt", **CREATE)
async def create_bcrypt_user(
    ctx: Context, user_id: CustomId, email: Email, password: HashText, name: Name = ""
) -> User:
    """Import a user whose password was hashed with bcrypt."""
    return await imported(ctx, user_id, email, name, "bcrypt", password)


@endpoints.post("/md5", **CREATE)
async def create_md5_user(
    ctx: Context, user_id: CustomId, email: Email, password: HashText, name: Name = ""
) -> User:
    """Import a user whose password was hashed with MD5, in hexadecimal."""
    return await imported(ctx, user_id, email, name, "md5", password)


@endpoints.post("/phpass", **CREATE)
async def create_ph_pass_user(
    ctx: Context, user_id: CustomId, email: Email, password: HashText, name: Name = ""
) -> User:
    """Import a user whose password was hashed with phpass, as WordPress does."""
    return await imported(ctx, user_id, email, name, "phpass", password)


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
    return await imported(ctx, user_id, email, name, "sha", password, **version)


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
    default = passwords.SCRYPT_DEFAULTS
    cpu = password_cpu or default["cpu"]
    memory = password_memory or default["memory"]
    parallel = password_parallel or default["parallel"]
    length = password_length or default["length"]
    if wrong := passwords.unusable_scrypt(cpu, memory, parallel, length):
        raise errors.GeneralArgumentInvalid(wrong)
    return await imported(
        ctx,
        user_id,
        email,
        name,
        "scrypt",
        password,
        salt=password_salt,
        costCpu=cpu,
        costMemory=memory,
        costParallel=parallel,
        length=length,
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
    return await imported(
        ctx,
        user_id,
        email,
        name,
        "scryptMod",
        password,
        signerKey=password_signer_key,
        saltSeparator=password_salt_separator,
        salt=password_salt,
    )


@endpoints.get("/{userId}", scope="users.read")
async def get(ctx: Context, user_id: Id) -> User | Encoded:
    """Get a user."""
    return await ctx.house.shown.user(ctx.project.id, user_id)


@endpoints.delete(
    "/{userId}", scope="users.write", status=204, event="users.[userId].delete", audit="user.delete"
)
async def delete(ctx: Context, user_id: Id) -> User:
    """Delete a user with everything that is theirs: sessions, targets, memberships, factors.

    Sessions and JWTs stop working at once. Teams stay, and the id can be used again.
    """
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    await users.delete(ctx.tx, user)
    return User.of(user)
