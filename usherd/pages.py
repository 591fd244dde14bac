"""The few pages that people see: the last step on the way in, what went wrong there, and that
they are in."""

from __future__ import annotations

from html import escape

HTML = "text/html; charset=UTF-8"

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'self'; "
    "base-uri 'none'"
)
"""The `Content-Security-Policy` of these pages: they need nothing, and nobody frames them."""

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 20vh auto }}
button {{ font: inherit; padding: .5em 1.5em }}
code {{ opacity: .6; font-size: .9rem }}
</style>
<h1>{title}</h1>
<p>{text}</p>
{more}
"""


def page(title: str, text: str, code: str = "") -> bytes:
    """A page that says one thing; everything is escaped."""
    more = f"<p><code>{escape(code)}</code></p>" if code else ""
    return _PAGE.format(title=escape(title), text=escape(text), more=more).encode()


def form(title: str, text: str, action: str, label: str, fields: dict[str, str]) -> bytes:
    """A page with one button that posts `fields`; everything is escaped."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    button = f"<button>{escape(label)}</button>"
    more = f'<form method="post" action="{escape(action)}">{hidden}{button}</form>'
    return _PAGE.format(title=escape(title), text=escape(text), more=more).encode()
