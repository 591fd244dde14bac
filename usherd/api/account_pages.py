"""Pages for links in mails that lead to no page of an app: here, a press of a button completes
them.

Opening the link changes nothing, since programs that look through mail open links as well.
"""

from __future__ import annotations

from urllib.parse import urlencode

from usherd import clock, errors, origins, pages
from usherd.api.account_sessions import BEGIN, create_session
from usherd.endpoints import Endpoints, Page
from usherd.http import Context
from usherd.limits import per
from usherd.params import Id, SecretText

endpoints = Endpoints("/auth")

OLD = "This link has been used already, or is too old. Ask for a new one."


@endpoints.get("/magic-url", scope="public", navigated=True, while_factor_missing=True)
async def show_magic_url(
    ctx: Context, user_id: Id, secret: SecretText, expire: SecretText = ""
) -> Page:
    """The page that a magic link without a `url` leads to: one button, which signs in."""
    try:
        old = bool(expire) and clock.parse(expire) <= clock.now()
    except ValueError:
        old = False
    if old:
        raise errors.UserInvalidToken(OLD)
    action = f"/auth/magic-url?{urlencode({'project': ctx.project.id})}"
    fields = {"userId": user_id, "secret": secret}
    title = f"Sign in to {ctx.project.name}"
    return Page(pages.form(title, "The link works once.", action, "Sign in", fields))


@endpoints.post(
    "/magic-url",
    name="create_session",
    navigated=True,
    limit=per(10, "ip+userId"),
    **(BEGIN | {"status": 200}),
)
async def use_magic_url(ctx: Context, user_id: Id, secret: SecretText) -> Page:
    """What the button on that page does: the browser gets the cookies of a session."""
    page = ctx.request.header(b"origin") or ctx.request.header(b"referer")
    if page and not origins.allowed(page, ctx.host, ctx.project.platforms):
        raise errors.GeneralUnknownOrigin  # or anybody could sign a browser in as themselves
    try:
        session = await create_session(ctx, user_id, secret)
    except errors.UserInvalidToken as error:
        raise errors.UserInvalidToken(OLD) from error
    return Page(pages.page("You are signed in", "You can close this window."), session)
