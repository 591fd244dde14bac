"""`usherd provider`: with which other providers people sign in to a project."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Annotated

import typer

from usherd import errors, ids, providers, vault
from usherd.cli.shell import (
    DatabaseOption,
    ProjectOption,
    Refused,
    known_project,
    table,
    with_database,
)
from usherd.db import Database, Row
from usherd.oauth import Agent, Asked, Provider, Registration
from usherd.oauth.inputs import SCOPE
from usherd.oauth.providers import OPTIONS, PROVIDERS, of
from usherd.oauth.web import is_safe
from usherd.settings import Settings

provider_app = typer.Typer(no_args_is_help=True, help="Signing in by Google, GitHub and others.")

ProviderArgument = Annotated[
    str, typer.Argument(metavar="PROVIDER", help="Such as google; oidc-NAME for any other.")
]
VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")
"""What may be filled into the address of a provider."""


def _known(provider_id: str) -> Provider:
    found = of(provider_id)
    if found is None:
        raise Refused(
            f"There is no provider {provider_id}; there are: {', '.join(sorted(PROVIDERS))}, and "
            "oidc-NAME for whatever speaks OpenID Connect."
        )
    return found


def _secret(given: str | None) -> str | None:
    """The secret itself, or what stands on standard input for `-`."""
    secret = sys.stdin.read().strip() if given == "-" else given
    if secret is not None and not (secret.isascii() and secret):
        raise Refused("The client secret is empty or not ASCII.")
    return secret


def _checked(registration: Registration) -> Registration:
    """Raises `Refused` for a registration that cannot work."""
    provider = registration.provider
    for name, value in registration.options.items():
        if name == "issuer":
            if not provider.issuer:
                raise Refused(f"{provider.title} does not speak OpenID Connect: no --issuer.")
            if not is_safe(value) or not re.fullmatch(r"[^?#\s]+", value):
                raise Refused(f"The issuer {value!r} must be an https URL.")
        elif name not in provider.options:
            raise Refused(f"{provider.title} has no option --{name.replace('_', '-')}.")
        elif not VALUE.fullmatch(value):
            raise Refused(f"{value!r} cannot be used as --{name.replace('_', '-')}.")
    missing = [name for name in provider.required if not registration.options.get(name)]
    if missing and "issuer" not in registration.options:
        words = " ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise Refused(f"{provider.title} needs {words}.")
    if not registration.client_id or not registration.client_id.isascii():
        raise Refused("The client id is missing or not ASCII.")
    for scope in registration.scopes:
        if not SCOPE.fullmatch(scope):
            raise Refused(f"{scope!r} is no scope.")
    return registration


@provider_app.command("set")
def set_provider(
    provider: ProviderArgument,
    project: ProjectOption,
    client_id: Annotated[str | None, typer.Option(help="Who we are at the provider.")] = None,
    client_secret: Annotated[
        str | None,
        typer.Option(
            envvar="OAUTH2_CLIENT_SECRET",
            help="Its secret; Apple: the private key. - reads standard input.",
        ),
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="The OpenID issuer, for oidc-NAME.")] = None,
    domain: Annotated[str | None, typer.Option(help="Auth0, authentik, GitLab, ...")] = None,
    tenant: Annotated[str | None, typer.Option(help="Microsoft.")] = None,
    realm: Annotated[str | None, typer.Option(help="Keycloak.")] = None,
    slug: Annotated[str | None, typer.Option(help="authentik: the application.")] = None,
    server: Annotated[str | None, typer.Option(help="Okta: the authorization server.")] = None,
    team_id: Annotated[str | None, typer.Option(help="Apple.")] = None,
    key_id: Annotated[str | None, typer.Option(help="Apple.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="One more scope to ask for.")] = None,
    trust_email: Annotated[
        bool | None,
        typer.Option("--trust-email/--no-trust-email", help="Vouch for its addresses yourself."),
    ] = None,
    enabled: Annotated[bool | None, typer.Option("--enabled/--disabled")] = None,
    database: DatabaseOption = None,
) -> None:
    """Let people sign in with a provider, or change how. What is left out stays."""
    _known(provider)
    secret = _secret(client_secret)
    values = (issuer, domain, tenant, realm, slug, server, team_id, key_id)
    options = {name: value for name, value in zip(OPTIONS, values, strict=True) if value}

    async def work(base: Database, settings: Settings) -> Registration:
        box = vault.load(settings)
        async with base.write() as tx:
            await known_project(tx, project)
            old = await providers.get(tx, box, project, provider)
            old = old or Registration(provider, "", "")
            new = Registration(
                provider,
                old.client_id if client_id is None else client_id,
                old.client_secret if secret is None else secret,
                {**old.options, **options},
                old.scopes if scope is None else scope,
                old.trust_email if trust_email is None else trust_email,
                old.enabled if enabled is None else enabled,
            )
            await providers.put(tx, box, project, _checked(new))
        return new

    new = with_database(database, work)
    state = "may sign in" if new.enabled else "may not sign in"
    print(f"People {state} to {project} with {provider}. Try: usherd provider check {provider} "
          f"--project {project}")  # fmt: skip


@provider_app.command("list")
def list_providers(project: ProjectOption, database: DatabaseOption = None) -> None:
    """List a project's providers; secrets are not shown."""
    import msgspec

    async def work(base: Database, _settings: Settings) -> list[Row]:
        async with base.read() as tx:
            await known_project(tx, project)
            return await providers.listing(tx, project)

    table("Provider", "Enabled", "Client", "Secret", "Options", "Scopes", "Addresses", rows=[
        (row["id"], "yes" if row["enabled"] else "no", row["client_id"],
         "set" if row["client_secret"] else "none",
         " ".join(f"{name}={value}" for name, value in msgspec.json.decode(row["options"]).items()),
         " ".join(msgspec.json.decode(row["scopes"])),
         "trusted" if row["trust_email"] else "as vouched for")
        for row in with_database(database, work)
    ])  # fmt: skip


@provider_app.command("remove")
def remove_provider(
    provider: ProviderArgument, project: ProjectOption, database: DatabaseOption = None
) -> None:
    """Stop signing in with a provider. Users keep their identities, for the day it returns."""

    async def work(base: Database, _settings: Settings) -> bool:
        async with base.write() as tx:
            return await providers.delete(tx, project, provider)

    if not with_database(database, work):
        raise Refused(f"The project {project} has no provider {provider}.")
    print(f"Nobody signs in to {project} with {provider} any more.")


@provider_app.command("check")
def check_provider(
    provider: ProviderArgument, project: ProjectOption, database: DatabaseOption = None
) -> None:
    """Say what to register at the provider, ask it where it is, and print what would happen."""

    async def work(base: Database, settings: Settings) -> tuple[Registration | None, str]:
        async with base.read() as tx:
            await known_project(tx, project)
            found = await providers.get(tx, vault.load(settings), project, provider)
        return found, settings.public_url or f"http://{settings.host}:{settings.port}"

    registration, base_url = with_database(database, work)
    if registration is None:
        raise Refused(f"The project {project} has no provider {provider}.")
    path = f"/v1/account/sessions/oauth2/callback/{provider}/{project}"
    redirect_uri = base_url.rstrip("/") + path
    problems = _problems(registration, base_url)
    print(f"Redirect URI to register:\n  {redirect_uri}")
    scopes = (*registration.provider.scopes, *registration.scopes)
    print(f"Scopes:\n  {' '.join(scopes) or '(none)'}")
    try:
        url = asyncio.run(_ask(registration, redirect_uri))
        print(f"People are sent to:\n  {url}")
    except errors.UserOauth2ProviderError as error:
        problems.append(f"The provider cannot be used: {error.__cause__ or error.message}.")
    if problems:
        raise Refused("Not right yet:\n  " + "\n  ".join(problems))
    print("Nothing seems wrong. Only a sign-in shows whether the secret is right.")


def _problems(registration: Registration, base_url: str) -> list[str]:
    found = []
    if not registration.enabled:
        found.append("It is switched off; use --enabled.")
    if not registration.client_secret:
        found.append("It has no client secret; most providers want one.")
    if not is_safe(base_url):
        found.append(f"USHERD_PUBLIC_URL is {base_url}: providers send people to https only.")
    return found


async def _ask(registration: Registration, redirect_uri: str) -> str:
    agent = Agent()
    try:
        if registration.provider.signs_secret:
            registration.signed_secret()
        asked = Asked(redirect_uri, ids.secret(96), ids.secret(32))
        return await agent.authorization_url(registration, asked, "STATE")
    finally:
        await agent.close()
