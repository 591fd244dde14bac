"""The command line: the same rules from a shell."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from usherd import clock, db, keys, params, projects, rotation, vault
from usherd.db import Database, Duplicate, Row
from usherd.errors import AppError
from usherd.settings import BadSetting, Settings, read_project_setting

Result = TypeVar("Result")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="User management that every Appwrite SDK can talk to.",
)
project_app = typer.Typer(no_args_is_help=True, help="Make and change projects.")
key_app = typer.Typer(no_args_is_help=True, help="Make and revoke API keys.")
secret_app = typer.Typer(no_args_is_help=True, help="The master secret.")
app.add_typer(project_app, name="project")
app.add_typer(key_app, name="key")
app.add_typer(secret_app, name="secret")

DatabaseOption = Annotated[
    str | None, typer.Option("--database", help="sqlite:///file.db or postgresql://...")
]
ProjectOption = Annotated[str, typer.Option("--project", help="The project's id.")]


UNBOUNDED = 10_000
"""Columns of a table that another program reads: nothing is cut."""


class Refused(Exception):
    """What was asked cannot be done; the message is one sentence."""


def with_database(
    url: str | None, work: Callable[[Database, Settings], Awaitable[Result]]
) -> Result:
    """Run `work` on the opened database, and close it."""
    settings = Settings.load(database=url)

    async def run() -> Result:
        database = await db.open(settings.database)
        try:
            return await work(database, settings)
        finally:
            await database.close()

    return asyncio.run(run())


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="The port.")] = None,
    database: DatabaseOption = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes, on PostgreSQL.")] = None,
) -> None:
    """Serve the API. The first start makes a project and a key, and prints them."""
    from usherd import app as application

    application.serve(Settings.load(host=host, port=port, database=database, workers=workers))


# -- projects --


@project_app.command("create")
def create_project(
    project_id: Annotated[str, typer.Argument(metavar="ID")],
    name: Annotated[str, typer.Option(help="What people call it.")],
    database: DatabaseOption = None,
) -> None:
    """Make a project."""
    if not params.UID.fullmatch(project_id):
        raise Refused(f"{project_id!r} cannot be an id. {params.ID_RULE}")

    async def work(base: Database, settings: Settings) -> None:
        secrets = vault.load(settings)
        try:
            async with base.write() as tx:
                await projects.create(tx, secrets, project_id, name)
        except Duplicate as error:
            raise Refused(f"There is a project {project_id} already.") from error

    with_database(database, work)
    print(f"Project {project_id} is ready.")


@project_app.command("set")
def set_project(
    project_id: Annotated[str, typer.Argument(metavar="ID")],
    changes: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...")],
    database: DatabaseOption = None,
) -> None:
    """Change settings of a project; docs/settings.md lists them."""
    values: dict[str, Any] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals:
            raise Refused(f"{change!r} is no setting; write it as key=value.")
        values[name] = read_project_setting(name, text)

    async def work(base: Database, _settings: Settings) -> bool:
        async with base.write() as tx:
            return await projects.change(tx, project_id, values)

    if not with_database(database, work):
        raise Refused(f"There is no project {project_id}.")
    print(f"Project {project_id} is changed.")


@project_app.command("list")
def list_projects(database: DatabaseOption = None) -> None:
    """List the projects."""

    async def work(base: Database, _settings: Settings) -> list[Row]:
        async with base.read() as tx:
            return await projects.listing(tx)

    table("Project", "Name", "Created", rows=[
        (row["id"], row["name"], clock.iso(row["created_at"]))
        for row in with_database(database, work)
    ])  # fmt: skip


@project_app.command("show")
def show_project(
    project_id: Annotated[str, typer.Argument(metavar="ID")], database: DatabaseOption = None
) -> None:
    """Show a project's settings as they are in force."""
    import msgspec

    from usherd.settings import PROJECT

    async def work(base: Database, _settings: Settings) -> Row | None:
        async with base.read() as tx:
            return await projects.get(tx, project_id)

    row = with_database(database, work)
    if row is None:
        raise Refused(f"There is no project {project_id}.")
    settings = projects.Project.of(row).settings
    shown = [
        (s.name, msgspec.json.encode(getattr(settings, s.field)).decode(), s.says) for s in PROJECT
    ]
    table("Setting", "Value", "Meaning", rows=shown)


# -- keys --


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
            if await projects.get(tx, project) is None:
                raise Refused(f"There is no project {project}.")
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

    async def work(base: Database, _settings: Settings) -> list[Row] | None:
        async with base.read() as tx:
            known = await projects.get(tx, project)
            return None if known is None else await keys.listing(tx, project)

    found = with_database(database, work)
    if found is None:
        raise Refused(f"There is no project {project}.")
    table("Key", "Name", "Scopes", "Expires", "Last used", rows=[
        (row["id"], row["name"], _scopes(msgspec.json.decode(row["scopes"])),
         clock.iso(row["expire_at"]) or "never", clock.iso(row["accessed_at"]) or "never")
        for row in found
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


# -- the master secret --


@secret_app.command("generate")
def generate_secret() -> None:
    """Print a new master secret for USHERD_SECRET."""
    import secrets

    print(secrets.token_hex(32))


@secret_app.command("rotate")
def rotate_secret(database: DatabaseOption = None) -> None:
    """Encrypt everything anew: with a new secret file, or with USHERD_SECRET in place of
    USHERD_SECRET_PREVIOUS."""
    changed = with_database(database, rotation.rotate)
    print(f"{changed} values are encrypted with the new secret.")


# -- around --


def table(*columns: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows under headings."""
    from rich.console import Console
    from rich.table import Table

    sheet = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        sheet.add_row(*row)
    Console(width=None if sys.stdout.isatty() else UNBOUNDED).print(sheet)


def stop(reason: object) -> NoReturn:
    """Leave with one sentence on standard error."""
    print(f"usherd: {reason}", file=sys.stderr)
    sys.exit(1)


def main() -> None:
    """The entry point: what goes wrong in an expected way is one sentence, not a traceback."""
    try:
        app()
    except (Refused, BadSetting, db.BadUrl, vault.VaultLocked, keys.UnknownScope) as error:
        stop(error)
    except AppError as error:
        stop(error.message)
    except OSError as error:
        stop(error)


if __name__ == "__main__":
    main()
