"""Writes the reference pages from the code: `python docs/generate.py`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from usherd import api, errors, keys, settings
from usherd.endpoints import Endpoint, Page

DOCS = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py. -->\n\n"


def table(*rows: tuple[str, ...]) -> str:
    """A Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join(["---"] * len(rows[0])) + " |")
    return "\n".join(lines) + "\n"


# -- endpoints --


def endpoints() -> str:
    """Every endpoint: what it does, who may call it, what it takes, what follows."""
    parts = [
        NOTE,
        "# Endpoints\n\n",
        f"{len(api.TABLE)} endpoints. `GET` reads its parameters from the query string, every "
        "other verb from the body (JSON, urlencoded or multipart). A bold parameter is required. "
        "Scopes `account`, `public`, `global` and `sessions.write` belong to everybody who is "
        "signed in, or to everybody.\n",
    ]
    service = ""
    for endpoint in sorted(api.TABLE, key=lambda e: e.path.split("/")[2]):
        if endpoint.path.split("/")[2] != service:
            service = endpoint.path.split("/")[2]
            title = "Pages" if endpoint.response is Page else service.capitalize()
            parts.append(f"\n## {title}\n")
        parts.append(_endpoint(endpoint))
    return "".join(parts)


def _endpoint(endpoint: Endpoint) -> str:
    text = inspect.getdoc(endpoint.handler) or ""
    facts = [f"scope `{endpoint.scope}`", f"answers {endpoint.status}"]
    if endpoint.event:
        facts.append(f"event `{endpoint.event}`")
    if endpoint.audit:
        facts.append(f"audit `{endpoint.audit}`")
    if endpoint.method_switch:
        name = next(s.name for s in settings.PROJECT if s.field == endpoint.method_switch)
        facts.append(f"switched by `{name}`")
    out = f"\n### `{endpoint.method} {endpoint.path}`\n\n{text}\n\n{', '.join(facts)}.\n"
    rows = [
        (
            f"**`{a.wire}`**" if a.required else f"`{a.wire}`",
            "path" if a.in_path else "query" if endpoint.method == "GET" else "body",
            a.param.says,
        )
        for a in endpoint.arguments
    ]
    return out + ("\n" + table(("Parameter", "In", "Is"), *rows) if rows else "")


# -- errors --


def every_error(kind: type[errors.AppError] = errors.AppError) -> Iterator[type[errors.AppError]]:
    """All errors a caller can meet."""
    for child in kind.__subclasses__():
        yield child
        yield from every_error(child)


def error_page() -> str:
    """Every error type with its status and what it tells."""
    rows = sorted((kind().type, str(kind.code), kind.message) for kind in every_error())
    return (
        NOTE + "# Errors\n\nAn answer that is no success is JSON with `message`, `code`, `type` "
        "and `version`. Programs should look at `type`; `message` is for people, and may tell more "
        "than stands here.\n\n" + table(("Type", "Status", "Message"),
                                        *((f"`{t}`", c, m) for t, c, m in rows))
    )  # fmt: skip


# -- settings --


def _default(value: Any) -> str:
    if isinstance(value, (frozenset, tuple)) or value == "":
        return "-"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def setting_page() -> str:
    """Every setting of the server and of a project, and every scope of a key."""
    server = settings.Settings()
    project = settings.ProjectSettings()
    return (
        NOTE + "# Settings\n\n## Server\n\nFrom the environment; `--host`, `--port`, `--database` "
        "and `--workers` of `usherd serve` win over it.\n\n"
        + table(("Variable", "Default", "Is"), *(
            (f"`{s.variable}`", _default(getattr(server, s.field)), s.says)
            for s in settings.SERVER
        ))
        + "\n## Project\n\n`usherd project set ID name=value ...`; a running server follows within "
        "two seconds. The variable sets the default of every project that has not set its own.\n\n"
        + table(("Name", "Variable", "Default", "Is"), *(
            (f"`{s.name}`", f"`{s.variable}`", _default(getattr(project, s.field)), s.says)
            for s in settings.PROJECT
        ))
        + "\n## Scopes of API keys\n\n`usherd key create --scope ...`, or `--scope all`. usherd "
        "itself asks for `users.*`, `teams.*`, `targets.*`, `sessions.write` and `health.read`; "
        "the others exist so that a key means the same everywhere.\n\n"
        + ", ".join(f"`{scope}`" for scope in keys.SCOPES) + "\n"
    )  # fmt: skip


PAGES = {"endpoints.md": endpoints, "errors.md": error_page, "settings.md": setting_page}


def main() -> None:
    """Write every page."""
    for name, write in PAGES.items():
        (DOCS / name).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
