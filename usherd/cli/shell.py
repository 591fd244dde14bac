"""What the commands share: the database, tables, and how they refuse."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import typer

from usherd import db, projects
from usherd.db import Database, Row, Tx
from usherd.settings import Settings

Result = TypeVar("Result")

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


async def known_project(tx: Tx, project_id: str) -> Row:
    """The project's row. Raises `Refused` when there is none."""
    row = await projects.get(tx, project_id)
    if row is None:
        raise Refused(f"There is no project {project_id}.")
    return row


def table(*columns: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows under headings."""
    from rich.console import Console
    from rich.table import Table

    sheet = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        sheet.add_row(*row)
    Console(width=None if sys.stdout.isatty() else UNBOUNDED).print(sheet)
