"""`usherd project`: make and change projects, and the pages that may talk to them."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from usherd import clock, params, projects, vault
from usherd.cli.shell import DatabaseOption, Refused, known_project, table, with_database
from usherd.db import Database, Duplicate, Row
from usherd.settings import Settings, read_project_setting

project_app = typer.Typer(no_args_is_help=True, help="Make and change projects.")
platform_app = typer.Typer(no_args_is_help=True, help="The pages that may talk to a project.")
project_app.add_typer(platform_app, name="platform")


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

    async def work(base: Database, _settings: Settings) -> Row:
        async with base.read() as tx:
            return await known_project(tx, project_id)

    settings = projects.Project.of(with_database(database, work)).settings
    shown = [
        (s.name, msgspec.json.encode(getattr(settings, s.field)).decode(), s.says) for s in PROJECT
    ]
    table("Setting", "Value", "Meaning", rows=shown)


@platform_app.command("add")
def add_platform(
    project_id: Annotated[str, typer.Argument(metavar="ID")],
    hostname: Annotated[str, typer.Argument(metavar="HOST")],
    database: DatabaseOption = None,
) -> None:
    """Let the pages of a host talk to the project, and mails lead there.

    HOST is app.example.org, *.example.org for its sub-domains, or * for every host.
    """
    if not re.fullmatch(r"\*|(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*", hostname.lower()):
        raise Refused(f"{hostname!r} is no host name; write app.example.org or *.example.org.")

    async def work(base: Database, _settings: Settings) -> None:
        async with base.read() as tx:
            await known_project(tx, project_id)
        try:
            async with base.write() as tx:
                await projects.add_platform(tx, project_id, hostname)
        except Duplicate as error:
            raise Refused(f"The project {project_id} knows {hostname} already.") from error

    with_database(database, work)
    print(f"Pages of {hostname} may talk to {project_id}.")


@platform_app.command("list")
def list_platforms(
    project_id: Annotated[str, typer.Argument(metavar="ID")], database: DatabaseOption = None
) -> None:
    """List the hosts of a project; localhost and the server's own are always among them."""

    async def work(base: Database, _settings: Settings) -> list[Row]:
        async with base.read() as tx:
            await known_project(tx, project_id)
            return await projects.platforms(tx, project_id)

    table("Host", "Since", rows=[
        (row["hostname"], clock.iso(row["created_at"])) for row in with_database(database, work)
    ])  # fmt: skip


@platform_app.command("remove")
def remove_platform(
    project_id: Annotated[str, typer.Argument(metavar="ID")],
    hostname: Annotated[str, typer.Argument(metavar="HOST")],
    database: DatabaseOption = None,
) -> None:
    """Keep the pages of a host away from the project."""

    async def work(base: Database, _settings: Settings) -> bool:
        async with base.write() as tx:
            return await projects.remove_platform(tx, project_id, hostname)

    if not with_database(database, work):
        raise Refused(f"The project {project_id} does not know {hostname}.")
    print(f"Pages of {hostname} may not talk to {project_id} any more.")
