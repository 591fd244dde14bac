"""Templates: the words of a project's own in place of the built-in mails."""

from __future__ import annotations

from usherd import clock
from usherd.db import Row, Tx


async def find(tx: Tx, project_id: str, kind: str, locale: str) -> Row | None:
    """The project's template for mails of that kind: in the language, or else in English."""
    return await tx.one(
        "select * from templates where project_id = :project_id and kind = :kind "
        "and locale in (:locale, 'en') order by case when locale = :locale then 0 else 1 end",
        project_id=project_id,
        kind=kind,
        locale=locale,
    )


async def put(tx: Tx, project_id: str, kind: str, locale: str, *, subject: str, body: str) -> None:
    """Keep a template, in place of an older one."""
    await tx.run(
        "insert into templates (project_id, kind, locale, subject, body, updated_at) "
        "values (:project_id, :kind, :locale, :subject, :body, :now) "
        "on conflict (project_id, kind, locale) do update "
        "set subject = excluded.subject, body = excluded.body, updated_at = excluded.updated_at",
        project_id=project_id,
        kind=kind,
        locale=locale,
        subject=subject,
        body=body,
        now=clock.now(),
    )


async def listing(tx: Tx, project_id: str) -> list[Row]:
    """The project's templates by kind and language."""
    return await tx.all(
        "select * from templates where project_id = :id order by kind, locale", id=project_id
    )


async def delete(tx: Tx, project_id: str, kind: str, locale: str) -> bool:
    """Go back to the built-in words; returns whether there was a template."""
    gone = await tx.run(
        "delete from templates where project_id = :project_id and kind = :kind "
        "and locale = :locale",
        project_id=project_id,
        kind=kind,
        locale=locale,
    )
    return gone > 0
