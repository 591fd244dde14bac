"""Teams API: inviting, joining, roles and leaving."""

from __future__ import annotations

from usherd import errors, ids, memberships, policies, query, teams, users
from usherd.api.retry import retried
from usherd.api.signing_in import check_redirect, link, proven, sign_in
from usherd.api.teams import own_membership, require_owner, visible
from usherd.db import Row
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.limits import per
from usherd.models import Membership, MembershipList
from usherd.params import (
    Email,
    Id,
    Name,
    Phone,
    Queries,
    RedirectUrl,
    Roles,
    Search,
    SecretText,
    Total,
)

endpoints = Endpoints("/v1/teams/{teamId}/memberships")


async def _shown(ctx: Context, row: Row, **told: str) -> Membership:
    """A membership as the caller may see it. What is hidden is as they `told` it themselves: it
    says nothing about who was known before."""
    described = (await memberships.described(ctx.tx, ctx.project.id, [row]))[0]
    seen = _as_seen(ctx, described)
    hidden = {column: word for column, word in told.items() if seen[column] is None}
    return Membership.of(seen | hidden)


def _as_seen(ctx: Context, described: Row) -> Row:
    if ctx.caller.kind == "key":
        return described
    return memberships.veiled(described, ctx.project.settings)


@endpoints.get("", scope="teams.read")
async def list_memberships(
    ctx: Context,
    team_id: Id,
    queries: Queries = (),
    search: Search | None = None,
    total: Total = True,
) -> MembershipList:
    """List the members of a team and who is invited, oldest first.

    Names, addresses and the like of others are empty unless the project's settings show them to
    members. `search` finds membership and user ids.
    """
    asked = query.MEMBERSHIPS.read(queries, search)
    team = await visible(ctx, team_id)
    rows, count = await memberships.of_team(ctx.tx, team, asked, total=total)
    return MembershipList(count, [Membership.of(_as_seen(ctx, row)) for row in rows])


@endpoints.get("/{membershipId}", scope="teams.read")
async def get_membership(ctx: Context, team_id: Id, membership_id: Id) -> Membership:
    """Get a membership of a team."""
    team = await visible(ctx, team_id)
    return await _shown(ctx, await memberships.get(ctx.tx, team, membership_id))


# -- inviting --


async def _invitee(
    ctx: Context, user_id: str | None, email: str | None, phone: str | None, name: str
) -> Row:
    """The user with the id, else the e-mail, else the phone, locked; a new one if there is none.

    Raises `UserNotFound`, and `UserAlreadyExists` when the others are not that user's.
    """
    seen: Row | None
    if user_id:
        seen = await users.get(ctx.tx, ctx.project.id, user_id)
    else:
        seen = await users.by_email(ctx.tx, ctx.project.id, email) if email else None
        if phone and seen is None:
            seen = await users.by_phone(ctx.tx, ctx.project.id, phone)
    if seen is None:
        return await _new(ctx, email, phone, name)
    user = await users.lock(ctx.tx, ctx.project.id, seen["id"])
    if (email and user["email"] != email) or (phone and user["phone"] != phone):
        raise errors.UserAlreadyExists(
            "The user id, the e-mail and the phone are not of the same user; send one of them."
        )
    return user


async def _new(ctx: Context, email: str | None, phone: str | None, name: str) -> Row:
    """A user without a password, who can sign in once the invitation is accepted."""
    if ctx.caller.user is not None:
        if email:
            policies.check_email(email, ctx.project.settings)
        await users.refuse_full(ctx.tx, ctx.project)
    try:
        user = await users.create(
            ctx.tx, ctx.project, user_id=ids.unique(), email=email, phone=phone,
            name=name or email or "",
        )  # fmt: skip
    except errors.UserAlreadyExists as error:  # somebody made them since we looked
        raise users.Stale from error
    ctx.happened("users.[userId].create", user)
    return user


@endpoints.post(
    "",
    scope="teams.write",
    status=201,
    event="teams.[teamId].memberships.[membershipId].create",
    audit="membership.create",
    method_switch="invites",
    limit=per(10, "url+ip"),
)
async def create_membership(
    ctx: Context,
    team_id: Id,
    *,
    email: Email | None = None,
    user_id: Id | None = None,
    phone: Phone | None = None,
    roles: Roles,
    url: RedirectUrl = "",
    name: Name = "",
) -> Membership:
    """Invite somebody by `userId`, `email` or `phone`; who is not known becomes a new user.

    The invitation goes by mail, or by text message to who has only a phone, and works for seven
    days. Its link leads to `url` with `membershipId`, `userId`, `secret`, `teamId` and `teamName`
    in the query. Inviting again sends a new one. With an API key there is no invitation: the user
    joins at once.
    """
    if not (email or user_id or phone):
        raise errors.GeneralArgumentInvalid("One of userId, email and phone is needed.")
    if ctx.caller.user is not None:
        if not url:
            raise errors.missing("url")
        check_redirect(ctx, url)

    async def attempt() -> Membership:
        require_owner(await own_membership(ctx, await teams.get(ctx.tx, ctx.project.id, team_id)))
        user = await _invitee(ctx, user_id, email, phone, name)
        team = await teams.lock(ctx.tx, ctx.project.id, team_id)
        if ctx.caller.user is None:
            row = await memberships.join(ctx.tx, team, user, roles)
        else:
            row = await _invite(ctx, ctx.caller.user, team, user, roles, url)
        return await _shown(
            ctx, row, user_name=name or email or "", user_email=email or "", user_phone=phone or ""
        )

    return await retried(ctx, attempt)


async def _invite(
    ctx: Context, owner: Row, team: Row, user: Row, roles: list[str], url: str
) -> Row:
    """Keep an invitation, and send it by the channel that the user has."""
    secret = ids.secret(memberships.SECRET_LENGTH)
    channel, address = ("email", user["email"]) if user["email"] else ("phone", user["phone"])
    if not address:
        raise errors.invalid("userId", "The user has no address that an invitation could go to.")
    row = await memberships.invite(
        ctx.tx, team, user, roles, secret=secret, channel=channel, about=address
    )
    words = {
        "user": user["name"] or address,
        "owner": owner["name"] or owner["email"] or ctx.project.name,
        "team": team["name"],
        "url": link(
            url, membershipId=row["id"], userId=user["id"], secret=secret, teamId=team["id"],
            teamName=team["name"],
        ),
    }  # fmt: skip
    if channel == "email":
        await ctx.mail("invitation", address, **words)
    else:
        await ctx.sms("invitation", address, **words)
    return row


@endpoints.patch(
    "/{membershipId}/status",
    scope="public",
    event="teams.[teamId].memberships.[membershipId].update.status",
    audit="membership.update",
)
async def update_membership_status(
    ctx: Context, team_id: Id, membership_id: Id, user_id: Id, secret: SecretText
) -> Membership:
    """Accept an invitation with the `userId` and `secret` of its link.

    It proves the address that the link was sent to. Who is not signed in is so afterwards, and
    is then alone with an account whose address nobody had proven.
    """
    await ctx.learn_agents()
    project_id = ctx.project.id
    seen = await memberships.find(ctx.tx, project_id, membership_id)
    if seen is None:
        raise errors.MembershipNotFound
    try:
        user = await users.lock(ctx.tx, project_id, seen["user_id"])
    except errors.UserNotFound as error:
        raise errors.MembershipNotFound from error
    team = await teams.lock(ctx.tx, project_id, team_id)
    row = await memberships.get(ctx.tx, team, membership_id)
    memberships.check_invitation(row, user_id, secret, ctx.caller.user)
    if not user["status"]:
        raise errors.UserBlocked
    channel = row["channel"]
    guest = ctx.caller.user is None
    if row["about"] == user[channel] and guest:
        user = await proven(ctx, user, channel)
    elif row["about"] == user[channel]:
        user = await users.set_verification(ctx.tx, user, f"{channel}_verification", True)
    elif guest:  # whoever reads mail at the old address is not let in
        raise errors.TeamInvalidSecret(
            "The user's address has changed since the invitation; sign in before accepting it."
        )
    row = await memberships.accept(ctx.tx, team, row)
    if guest:
        uid = row["about"] if channel == "email" else ""
        await sign_in(ctx, user, provider=channel, provider_uid=uid, factors=[channel])
    described = await memberships.described(ctx.tx, project_id, [row])
    return Membership.of(described[0])


# -- roles and leaving --


@endpoints.patch(
    "/{membershipId}",
    scope="teams.write",
    event="teams.[teamId].memberships.[membershipId].update",
    audit="membership.update",
)
async def update_membership(
    ctx: Context, team_id: Id, membership_id: Id, roles: Roles
) -> Membership:
    """Replace the roles of a member. Only owners may."""
    team = await teams.lock(ctx.tx, ctx.project.id, team_id)
    own = await own_membership(ctx, team)
    row = await memberships.get(ctx.tx, team, membership_id)
    require_owner(own)
    return await _shown(ctx, await memberships.set_roles(ctx.tx, row, roles))


@endpoints.delete(
    "/{membershipId}",
    scope="teams.write",
    status=204,
    event="teams.[teamId].memberships.[membershipId].delete",
    audit="membership.delete",
)
async def delete_membership(ctx: Context, team_id: Id, membership_id: Id) -> Membership:
    """Leave a team, decline an invitation, or as an owner take somebody out."""
    user = ctx.caller.user
    seen = await memberships.find(ctx.tx, ctx.project.id, membership_id)
    if seen is None:
        raise errors.TeamInviteNotFound
    team = await teams.lock(ctx.tx, ctx.project.id, team_id)
    mine = user is not None and (user["id"], team_id) == (seen["user_id"], seen["team_id"])
    own = None if mine else await own_membership(ctx, team)
    try:
        row = await memberships.get(ctx.tx, team, membership_id)
    except errors.MembershipNotFound as error:  # gone while we waited for the lock
        raise errors.TeamInviteNotFound from error
    require_owner(own)
    shown = await _shown(ctx, row)
    await memberships.delete(ctx.tx, team, row)
    return shown
