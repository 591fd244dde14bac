"""How messages leave: mail by SMTP, text messages by a provider's web service."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from typing import Any, Protocol

import msgspec

from usherd.settings import Settings

TIMEOUT_SECONDS = 15.0


class Rejected(Exception):
    """The message was refused for good; trying again is of no use."""


class Transport(Protocol):
    """A way out."""

    async def send(self, project_id: str, recipient: str, content: dict[str, str]) -> None:
        """Deliver. Raises `Rejected`, or anything else for "try again later"."""
        ...


class SmtpTransport:
    """Mail by the SMTP server of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, project_id: str, recipient: str, content: dict[str, str]) -> None:
        """Deliver one mail."""
        import aiosmtplib

        settings = self._settings
        mail = EmailMessage(policy=SMTP)
        mail["From"] = settings.mail_from
        mail["To"] = recipient
        mail["Subject"] = content["subject"]
        mail["Date"] = formatdate()
        domain = parseaddr(settings.mail_from)[1].rpartition("@")[2]
        mail["Message-ID"] = make_msgid(domain=domain or "localhost")
        mail.set_content(content["text"])
        mail.add_alternative(content["html"], subtype="html")
        try:
            await aiosmtplib.send(
                mail,
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_username or None,
                password=settings.smtp_password or None,
                use_tls=settings.smtp_security == "tls",
                start_tls=settings.smtp_security == "starttls",
                timeout=TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            if all(refused.code >= 500 for refused in error.recipients):
                raise Rejected(
                    f"{error.recipients[0].code} {error.recipients[0].message}"
                ) from error
            raise
        except aiosmtplib.SMTPResponseException as error:
            if error.code >= 500 and not isinstance(error, aiosmtplib.SMTPAuthenticationError):
                raise Rejected(f"{error.code} {error.message}") from error
            raise


class WebhookTransport:
    """Text messages posted as JSON to a URL, signed with a shared secret."""

    def __init__(self, settings: Settings) -> None:
        self._url, self._secret = settings.sms_url, settings.sms_password

    async def send(self, project_id: str, recipient: str, content: dict[str, str]) -> None:
        """Post `to`, `text` and `project`; the header carries an HMAC-SHA256 of the body."""
        body = msgspec.json.encode(
            {"to": recipient, "text": content["text"], "project": project_id}
        )
        mac = hmac.new(self._secret.encode(), body, "sha256").hexdigest()
        headers = {"Content-Type": "application/json", "X-Usherd-Signature": f"sha256={mac}"}
        await _post(self._url, content=body, headers=headers)


class TwilioTransport:
    """Text messages by Twilio: account in `sms_user`, token in `sms_password`."""

    BASE = "https://api.twilio.com"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, project_id: str, recipient: str, content: dict[str, str]) -> None:
        """Deliver one text message."""
        settings = self._settings
        base = settings.sms_url or self.BASE
        await _post(
            f"{base}/2010-04-01/Accounts/{settings.sms_user}/Messages.json",
            data={"To": recipient, "From": settings.sms_from, "Body": content["text"]},
            auth=(settings.sms_user, settings.sms_password),
        )


async def _post(url: str, **request: Any) -> None:
    import httpx

    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
        answer = await http.post(url, **request)
    if answer.status_code in (400, 404, 410, 422):
        raise Rejected(f"the provider answered {answer.status_code}")
    answer.raise_for_status()


SMS: dict[str, Callable[[Settings], Transport]] = {
    "twilio": TwilioTransport,
    "webhook": WebhookTransport,
}
"""The providers of text messages."""


def of(settings: Settings) -> dict[str, Transport]:
    """The ways out that are configured, by channel; a channel without one keeps its messages."""
    ways: dict[str, Transport] = {}
    if settings.smtp_host:
        ways["mail"] = SmtpTransport(settings)
    if settings.sms_provider:
        ways["sms"] = SMS[settings.sms_provider](settings)
    return ways
