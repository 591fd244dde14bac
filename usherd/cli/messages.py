"""`usherd outbox` and `usherd template`: messages on their way, and a project's own words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usherd import clock, mail, outbox, templates, vault, wording
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

outbox_app = typer.Typer(
    invoke_without_command=True, help="Mails and text messages: waiting, kept, sent and failed."
)
template_app = typer.Typer(no_args_is_help=True, help="A project's own words in mails.")


@outbox_app.callback()
def list_outbox(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 20,
    database: DatabaseOption = None,
) -> None:
    """List the newest messages, newest first. Without a mail server they are kept here."""
    if context.invoked_subcommand:
        return

    async def work(base: Database, _settings: Settings) -> list[Row]:
        async with base.read() as tx:
            return await outbox.listing(tx, limit)

    table("Message", "Project", "Kind", "To", "Status", "Tries", "Created", "Error", rows=[
        (row["id"], row["project_id"], row["kind"], row["recipient"], row["status"],
         str(row["tries"]), clock.iso(row["created_at"]), row["error"])
        for row in with_database(database, work)
    ])  # fmt: skip


@outbox_app.command("show")
def show_message(
    message_id: Annotated[str, typer.Argument(metavar="MESSAGE")],
    html: Annotated[bool, typer.Option("--html", help="The HTML of a mail.")] = False,
    database: DatabaseOption = None,
) -> None:
    """Print what a message says; what has been sent is not kept."""

    async def work(base: Database, settings: Settings) -> dict[str, str] | None:
        async with base.read() as tx:
            row = await outbox.get(tx, message_id)
        return None if row is None else outbox.content(vault.load(settings), row)

    content = with_database(database, work)
    if content is None:
        raise Refused(f"There is no message {message_id}.")
    if not content:
        raise Refused(f"The message {message_id} has left, and what it said is not kept.")
    if html and "html" in content:
        print(content["html"])
        return
    if "subject" in content:
        print(content["subject"] + "\n")
    print(content["text"].rstrip())


# -- templates --


def _check(kind: str, locale: str) -> None:
    if kind not in wording.MAILS:
        raise Refused(f"{kind} is no kind of mail; there are: {', '.join(sorted(wording.MAILS))}.")
    if locale not in wording.LOCALES:
        raise Refused(f"{locale} is no language here; there are: {', '.join(wording.LOCALES)}.")


KindArgument = Annotated[str, typer.Argument(metavar="KIND", help="Such as verification.")]
LocaleOption = Annotated[str, typer.Option("--locale", help="en, de, fr or es.")]


@template_app.command("set")
def set_template(
    kind: KindArgument,
    project: ProjectOption,
    subject: Annotated[str, typer.Option(help="The subject; {{ project }} is filled in.")],
    body: Annotated[Path, typer.Option(help="A file with the HTML of the body.")],
    locale: LocaleOption = "en",
    database: DatabaseOption = None,
) -> None:
    """Use words of one's own in mails of a kind. docs/mail.md lists kinds and variables."""
    _check(kind, locale)
    try:
        text = body.read_text()
        mail.check(kind, subject, text)
    except UnicodeDecodeError as error:
        raise Refused(f"{body} is not UTF-8.") from error
    except ValueError as error:
        raise Refused(f"The template cannot be used: {error}.") from error

    async def work(base: Database, _settings: Settings) -> None:
        async with base.write() as tx:
            await known_project(tx, project)
            await templates.put(tx, project, kind, locale, subject=subject, body=text)

    with_database(database, work)
    print(f"Mails of the kind {kind} ({locale}) of {project} have words of their own.")


@template_app.command("list")
def list_templates(project: ProjectOption, database: DatabaseOption = None) -> None:
    """List a project's own templates."""

    async def work(base: Database, _settings: Settings) -> list[Row]:
        async with base.read() as tx:
            await known_project(tx, project)
            return await templates.listing(tx, project)

    table("Kind", "Locale", "Subject", "Since", rows=[
        (row["kind"], row["locale"], row["subject"], clock.iso(row["updated_at"]))
        for row in with_database(database, work)
    ])  # fmt: skip


@template_app.command("remove")
def remove_template(
    kind: KindArgument,
    project: ProjectOption,
    locale: LocaleOption = "en",
    database: DatabaseOption = None,
) -> None:
    """Go back to the built-in words."""
    _check(kind, locale)

    async def work(base: Database, _settings: Settings) -> bool:
        async with base.write() as tx:
            return await templates.delete(tx, project, kind, locale)

    if not with_database(database, work):
        raise Refused(f"The project {project} has no template {kind} ({locale}).")
    print(f"Mails of the kind {kind} ({locale}) of {project} have the built-in words again.")
