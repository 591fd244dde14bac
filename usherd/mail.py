"""Renders mails and text messages from the built-in words or from a project's own template."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Mapping
from functools import lru_cache

import msgspec
from jinja2 import TemplateError
from jinja2.sandbox import SandboxedEnvironment

from usherd import wording

log = logging.getLogger("usherd.mail")

LAYOUT = """<!doctype html><html lang="{locale}"><body style="margin:0;background:#f4f4f5">\
<div style="max-width:32rem;margin:2rem auto;padding:2rem;background:#fff;border-radius:.5rem;\
font:16px/1.5 system-ui,sans-serif;color:#18181b">{body}</div></body></html>"""

PARAGRAPH = '<p style="margin:0 0 1rem">{}</p>'
CODE = '<p style="margin:0 0 1rem;font-size:2rem;letter-spacing:.25em;font-weight:600">{}</p>'
BUTTON = (
    '<p style="margin:0 0 1rem"><a href="{url}" style="display:inline-block;padding:.6rem 1.2rem;'
    'background:#18181b;color:#fff;text-decoration:none;border-radius:.375rem">{label}</a></p>'
    '<p style="margin:0 0 1rem;font-size:.8rem;word-break:break-all">{url}</p>'
)


SAMPLE = {
    "project": "Shop", "user": "Mira", "url": "https://shop.example/?secret=5", "code": "123456",
    "phrase": "Brave Otter", "minutes": "60", "device": "Firefox", "ip": "203.0.113.7",
    "country": "Norway", "time": "2027-01-31T00:00:00.000+00:00", "owner": "Ada", "team": "Crew",
}  # fmt: skip
"""A value of every variable that a template may use."""

CARRIED = {
    "verification": ("url",), "recovery": ("url",), "magicSession": ("url",),
    "otpSession": ("code",), "mfaChallenge": ("code",), "invitation": ("url",),
    "sessionAlert": (),
}  # fmt: skip
"""What a mail of that kind is for: a template has to show it."""


class Mail(msgspec.Struct, frozen=True):
    """A mail that can be sent."""

    subject: str
    text: str
    html: str


class Environment(SandboxedEnvironment):
    """Where templates run: no access to anything, and no loop without an end."""

    def __init__(self, *, escape: bool) -> None:
        super().__init__(autoescape=escape)


@lru_cache(maxsize=2)
def _environment(escape: bool) -> Environment:
    return Environment(escape=escape)


def _fill(template: str, variables: Mapping[str, str], *, escape: bool = False) -> str:
    return _environment(escape).from_string(template).render(**variables)


def locale_of(header: str) -> str:
    """The language of `X-Appwrite-Locale` or an Accept-Language, English for others."""
    for part in header.lower().split(","):
        name = part.partition(";")[0].strip().replace("_", "-")
        if name in wording.LOCALES:
            return name
        if name.partition("-")[0] in wording.LOCALES:
            return name.partition("-")[0]
    return "en"


def render(
    kind: str,
    locale: str,
    variables: Mapping[str, str],
    override: tuple[str, str] | None = None,
) -> Mail:
    """The mail of that kind. `override` is a project's (subject, HTML body).

    A template that fails is logged, and the built-in words take its place: a mail is never lost.
    """
    if override is not None:
        try:
            body = _fill(override[1], variables, escape=True)
            return Mail(_line(_fill(override[0], variables)), plain(body), body)
        except (TemplateError, ArithmeticError, ValueError, TypeError, LookupError) as error:
            log.warning("the template %s/%s of a project failed: %s", kind, locale, error)
    kinds = wording.MAILS[kind]
    locale = locale if locale in kinds else "en"
    words = kinds[locale]
    templates = list(words.lines)
    if variables.get("phrase"):
        templates.append(wording.PHRASE[locale])
    lines = [_fill(line, variables) for line in templates]
    url = variables.get("url", "")
    marked = [
        (CODE if template == "{{ code }}" else PARAGRAPH).format(html.escape(line))
        for template, line in zip(templates, lines, strict=True)
    ]
    if words.button and url:
        marked.insert(2, BUTTON.format(url=html.escape(url), label=html.escape(words.button)))
        lines.insert(2, url)
    return Mail(
        _line(_fill(words.subject, variables)),
        "\n\n".join(lines) + "\n",
        LAYOUT.format(locale=locale, body="".join(marked)),
    )


def text_message(kind: str, locale: str, variables: Mapping[str, str]) -> str:
    """The text message of that kind."""
    kinds = wording.TEXTS[kind]
    return _fill(kinds.get(locale, kinds["en"]), variables)


def check(kind: str, subject: str, body: str) -> None:
    """Whether a project's template can be used. Raises ValueError with what is wrong with it."""
    try:
        _fill(subject, SAMPLE)
        filled = _fill(body, SAMPLE, escape=True)
    except (TemplateError, ArithmeticError, ValueError, TypeError, LookupError) as error:
        raise ValueError(str(error)) from error
    for name in CARRIED[kind]:
        if SAMPLE[name] not in html.unescape(filled):
            raise ValueError(f"the body has no {{{{ {name} }}}}, and the mail is of no use without")


def _line(text: str) -> str:
    """One line: a subject with a break would add headers."""
    return " ".join(text.split())


def plain(body: str) -> str:
    """The text of an HTML body; links keep their address."""
    body = re.sub(r"(?is)<(style|script|head)\b.*?</\1>", "", body)
    body = re.sub(r'(?is)<a\b[^>]*\bhref="([^"]*)"[^>]*>(.*?)</a>', r"\2 \1 ", body)
    body = re.sub(r"(?i)<br\s*/?>|</(p|div|tr|h\d|li)>", "\n", body)
    body = html.unescape(re.sub(r"<[^>]+>", "", body))
    lines = [" ".join(line.split()) for line in body.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
