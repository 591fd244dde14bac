"""`usherd upgrade` and `usherd backup`: the database between the requests."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from usherd import vault
from usherd.cli.shell import DatabaseOption, table
from usherd.db import upkeep
from usherd.settings import Settings


def upgrade(
    check: Annotated[
        bool, typer.Option("--check", help="Only rehearse it, on a copy that is removed again.")
    ] = False,
    backup: Annotated[
        bool, typer.Option(help="Keep a copy from before the upgrade, on SQLite.")
    ] = True,
    database: DatabaseOption = None,
) -> None:
    """Bring the database up to date. A start of the server does the same."""
    url = Settings.load(database=database).database
    work = upkeep.rehearse(url) if check else upkeep.upgrade(url, backup=backup)
    steps = asyncio.run(work)
    if not steps:
        print("The database is up to date.")
        return
    table("Migration", "Seconds", "Statements", rows=[
        (step.name, f"{step.seconds:.2f}", ", ".join(step.does)) for step in steps
    ])  # fmt: skip
    total = sum(step.seconds for step in steps)
    done = "rehearsed on a copy; nothing was changed" if check else "applied"
    print(f"{len(steps)} migrations {done}: {total:.2f} seconds.")


def backup(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The file to write.")],
    database: DatabaseOption = None,
) -> None:
    """Copy the database into a file while it is served: consistent, and checked."""
    settings = Settings.load(database=database)
    asyncio.run(upkeep.copy(settings.database, target))
    print(f"The database is copied to {target}.")
    if vault.from_file(settings):
        print(
            f"The master secret is not in it: keep a copy of {vault.secret_file(settings)} too, "
            "in another place."
        )
    else:
        print("The master secret is not in it: keep a copy of USHERD_SECRET in another place.")
