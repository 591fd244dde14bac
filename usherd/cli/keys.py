"""`usherd key`: make and revoke API keys."""

from __future__ import annotations

from typing import Annotated

import typer

from usherd import clock, keys
from usherd.cli.shell import (
    DatabaseOption,
    ProjectOption,
    Refused,
    known_project,
    table,
    with_database,
)
from usherd.db import Database, Row
from usherd.settings import Settings

key_app = typer.Typer(no_args_is_help=True, help="Make and revoke API keys.")


@key_app.command("create")
def create_key(
    project: ProjectOption,
    name: Annotated[str, typer.Option(help="What the key is for.")],
    scope: Annotated[list[str], typer.Option(help="A scope, such as users.read; or all.")],
    expire: Annotated[str | None, typer.Option(help="When it ends, in ISO 8601.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    database: DatabaseOption = None,
) -> None:
    """Make an API key and print its secret, once."""
    import msgspec

    scopes = keys.read_scopes(scope)
    try:
        expire_at = None if expire is None else clock.parse(expire)
    except ValueError as error:
        raise Refused(f"{expire!r} is no date; write it as 2027-01-31T00:00:00Z.") from error

    async def work(base: Database, _settings: Settings) -> tuple[Row, str]:
        async with base.write() as tx:
            await known_project(tx, project)
            return await keys.create(tx, project, name, scopes, expire_at)

    row, secret = with_database(database, work)
    if json:
        shown = {"id": row["id"], "name": name, "project": project, "scopes": scopes,
                 "expire": clock.iso(expire_at), "secret": secret}  # fmt: skip
        print(msgspec.json.encode(shown).decode())
    else:
        print(f"Key {row['id']} is ready. Its secret is shown only now:\n\n{secret}")


@key_app.command("list")
def list_keys(project: ProjectOption, database: DatabaseOption = None) -> None:
    """List a project's keys; secrets are not kept."""
    import msgspec

    async def work(base: Database, _settings: Settings) -> list[Row]:
        async with base.read() as tx:
            await known_project(tx, project)
            return await keys.listing(tx, project)

    table("Key", "Name", "Scopes", "Expires", "Last used", rows=[
        (row["id"], row["name"], _scopes(msgspec.json.decode(row["scopes"])),
         clock.iso(row["expire_at"]) or "never", clock.iso(row["accessed_at"]) or "never")
        for row in with_database(database, work)
    ])  # fmt: skip


def _scopes(scopes: list[str]) -> str:
    return "all" if set(scopes) == set(keys.SCOPES) else ", ".join(scopes)


@key_app.command("delete")
def delete_key(
    key_id: Annotated[str, typer.Argument(metavar="KEY")],
    project: ProjectOption,
    database: DatabaseOption = None,
) -> None:
    """Revoke a key; running servers refuse it within a second."""

    async def work(base: Database, _settings: Settings) -> bool:
        async with base.write() as tx:
            return await keys.delete(tx, project, key_id)

    if not with_database(database, work):
        raise Refused(f"Project {project} has no key {key_id}.")
    print(f"Key {key_id} is revoked.")
