"""Every setting of the server and of a project; the only reader of the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any

import msgspec

PREFIX = "USHERD_"


class BadSetting(ValueError):
    """A setting that cannot be used; the message is one sentence for the operator."""


# -- reading a value from text --


def _integer(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.lstrip("-").isdecimal() or not least <= int(text) <= most:
            raise ValueError(f"an integer from {least} to {most}")
        return int(text)

    return read


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value <= 86_400:
        raise ValueError("a number of seconds, more than 0")
    return value


def _flag(text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in words:
        raise ValueError("true or false")
    return words[text.lower()]


def _word(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError("one of " + ", ".join(words))
        return text.lower()

    return read


def _secret(text: str) -> str:
    if text and len(text) < 32:
        raise ValueError("at least 32 characters long")
    return text


def _networks(text: str) -> frozenset[str]:
    parts = frozenset(part.strip() for part in text.split(",") if part.strip())
    try:
        for part in parts:
            ip_network(part, strict=False)
    except ValueError as error:
        raise ValueError("addresses or networks such as 10.0.0.0/8, separated by commas") from error
    return parts


def _domains(text: str) -> tuple[str, ...]:
    """`example.org` or `*.example.org`, separated by commas."""
    found = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    for name in found:
        labels = name.removeprefix("*.").split(".")
        if len(labels) < 2 or not all(re.fullmatch(r"[^\W_]([\w-]*[^\W_])?", x) for x in labels):
            raise ValueError("domains such as example.org or *.example.org, separated by commas")
    return found


class MockNumber(msgspec.Struct, frozen=True):
    """A phone number whose code is always the same, and to which nothing is sent."""

    phone: str
    otp: str


def _mock_numbers(text: str) -> tuple[MockNumber, ...]:
    form = "at most 10 of +4915112345678:123456, separated by commas"
    try:
        if text.startswith("["):
            found = msgspec.json.decode(text, type=list[MockNumber])
        else:
            pairs = (part.strip().partition(":") for part in text.split(",") if part.strip())
            found = [MockNumber(phone, otp) for phone, _, otp in pairs]
    except ValueError as error:
        raise ValueError(form) from error
    good = all(
        n.phone[:1] == "+" and n.phone[1:].isdecimal() and len(n.otp) == 6 and n.otp.isdecimal()
        for n in found
    )
    if not good or len(found) > 10:
        raise ValueError(form)
    return tuple(found)


LIMITED = (
    "create", "create_anonymous_session", "create_email_password_session", "create_email_token",
    "create_jwt", "create_magic_url_token", "create_membership", "create_mfa_challenge",
    "create_o_auth2_session", "create_o_auth2_token", "create_phone_token",
    "create_phone_verification", "create_recovery", "create_session", "create_verification",
    "delete_session", "delete_sessions", "o_auth2_session_redirect", "o_auth2_token_redirect",
    "update_mfa_challenge", "update_password",
    "update_phone_verification", "update_recovery", "update_session", "update_verification",
)  # fmt: skip
"""The limited endpoints, named as `endpoints.md` and the SDKs name them; a test compares."""


def _counts(text: str) -> dict[str, int]:
    """`create_recovery=5,create_email_token=20`"""
    form = "such as create_recovery=5,create_email_token=20, with numbers from 0 to 1000000"
    found = {}
    for part in (part.strip() for part in text.split(",") if part.strip()):
        name, _, number = (word.strip() for word in part.partition("="))
        if name not in LIMITED:
            raise ValueError(
                f"{form}; {name} is no limited endpoint, there are: " + ", ".join(LIMITED)
            )
        if not number.isdecimal() or int(number) > 1_000_000:
            raise ValueError(form)
        found[name] = int(number)
    return found


class Setting(msgspec.Struct, frozen=True):
    """One setting: its field, how text is read, and what it means."""

    field: str
    read: Callable[[str], Any]
    says: str
    name: str = ""
    """Its name on the wire and in `usherd project set`; empty for settings of the server."""

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return PREFIX + self.field.upper()


# -- the server --


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How one server process runs."""

    host: str = "127.0.0.1"
    port: int = 8080
    database: str = "sqlite:///usherd.db"
    workers: int = 1
    secret: str = ""
    secret_previous: str = ""
    public_url: str = ""
    trusted_proxies: frozenset[str] = frozenset()
    geoip: str = ""
    pwned_file: str = ""
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_username: str = ""
    smtp_password: str = ""
    smtp_security: str = "starttls"
    mail_from: str = "usherd <no-reply@localhost>"
    sms_provider: str = ""
    sms_url: str = ""
    sms_user: str = ""
    sms_password: str = ""
    sms_from: str = ""
    body_limit_bytes: int = 1_048_576
    connections: int = 8192
    client_timeout_seconds: float = 30.0
    statement_timeout_seconds: float = 10.0
    shutdown_seconds: int = 20
    pool_size: int = 10
    user_cache_mb: int = 256
    provider_timeout_seconds: float = 10.0
    hashing_threads: int = 2
    hashing_queue: int = 128
    log_level: str = "info"
    log_format: str = "text"
    access_log: bool = False

    @classmethod
    def load(cls, **given: Any) -> Settings:
        """From the environment, with what is `given` (and not None) winning.

        Raises `BadSetting`, also for a variable that begins with USHERD_ and means nothing.
        """
        known = {s.variable: s for s in (*SERVER, *PROJECT)}
        values: dict[str, Any] = {}
        for variable, text in os.environ.items():
            if not variable.startswith(PREFIX) or variable.startswith(PREFIX + "TEST_"):
                continue
            setting = known.get(variable)
            if setting is None:
                raise BadSetting(f"{variable} is no setting of usherd; see docs/settings.md.")
            value = _read(setting, text, variable)
            if not setting.name:  # a project's settings are read with each project
                values[setting.field] = value
        values |= {field: value for field, value in given.items() if value is not None}
        settings = cls(**values)
        if settings.workers > 1 and not settings.database.startswith("postgres"):
            raise BadSetting("More than one worker needs PostgreSQL; SQLite is served by one.")
        return settings

    def environment(self) -> dict[str, str]:
        """The variables from which a worker process loads these same settings."""
        texts = {}
        for setting in SERVER:
            value = getattr(self, setting.field)
            text = ",".join(sorted(value)) if isinstance(value, frozenset) else str(value)
            texts[setting.variable] = text
        return texts


def _read(setting: Setting, text: str, name: str) -> Any:
    try:
        return setting.read(text)
    except ValueError as error:
        raise BadSetting(f"{name} must be {error}.") from error


SERVER = (
    Setting("host", str, "The address to listen on."),
    Setting("port", _integer(0, 65_535), "The port to listen on."),
    Setting("database", str, "sqlite:///file, sqlite:////absolute/file or postgresql://..."),
    Setting("workers", _integer(1, 256), "Processes that serve one PostgreSQL database."),
    Setting("secret", _secret, "The master secret, 32 characters or more. See operations.md."),
    Setting("secret_previous", _secret, "The secret before the last rotation."),
    Setting("public_url", str, "Scheme and host under which clients reach the server."),
    Setting(
        "trusted_proxies",
        _networks,
        "Addresses and networks of the proxies whose X-Forwarded-* headers are believed.",
    ),
    Setting("geoip", str, "A MaxMind-format file that knows the countries of addresses."),
    Setting("pwned_file", str, "A sorted file of SHA-1 hashes of stolen passwords."),
    Setting("smtp_host", str, "The mail server; without one, mails go to the log. See mail.md."),
    Setting("smtp_port", _integer(1, 65_535), "The mail server's port."),
    Setting("smtp_username", str, "Whom the mail server knows us as."),
    Setting("smtp_password", str, "The password for the mail server."),
    Setting("smtp_security", _word("starttls", "tls", "none"), "starttls, tls or none."),
    Setting("mail_from", str, "The sender of mails: Name <address>."),
    Setting(
        "sms_provider",
        _word("", "twilio", "webhook"),
        "twilio or webhook; without one, text messages go to the log. See mail.md.",
    ),
    Setting("sms_url", str, "Where the webhook's messages are posted to."),
    Setting("sms_user", str, "The account at the SMS provider."),
    Setting("sms_password", str, "Its token; for webhooks the secret that signs."),
    Setting("sms_from", str, "The number or name that text messages come from."),
    Setting("body_limit_bytes", _integer(1024, 1 << 30), "Largest request body, in bytes."),
    Setting("connections", _integer(1, 1_000_000), "Connections of one worker; more get a 503."),
    Setting("client_timeout_seconds", _seconds, "Longest wait for a client to send or to read."),
    Setting("statement_timeout_seconds", _seconds, "Longest a listing may run, in seconds."),
    Setting("shutdown_seconds", _integer(0, 3600), "Longest wait for requests when stopping."),
    Setting("pool_size", _integer(1, 1000), "PostgreSQL connections of one worker."),
    Setting("user_cache_mb", _integer(0, 65_536), "Memory for answers about users, on SQLite."),
    Setting(
        "provider_timeout_seconds", _seconds, "Longest wait for an OAuth2 provider, in seconds."
    ),
    Setting("hashing_threads", _integer(1, 64), "Threads that hash passwords."),
    Setting("hashing_queue", _integer(1, 100_000), "Passwords that may wait to be hashed."),
    Setting("log_level", _word("debug", "info", "warning", "error"), "Least level that is logged."),
    Setting("log_format", _word("text", "json"), "How a log line looks: text or json."),
    Setting("access_log", _flag, "Whether every request is logged."),
)


# -- a project --


class ProjectSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a project wants to be different; `usherd project set` changes it."""

    user_limit: int = 0
    session_duration: int = 31_536_000
    session_limit: int = 10
    session_alerts: bool = False
    password_history: int = 0
    password_dictionary: bool = False
    personal_data_check: bool = False
    password_min_length: int = 0
    password_classes: int = 0
    password_strength: int = 0
    password_pwned: bool = False
    email_allow_domains: tuple[str, ...] = ()
    email_deny_domains: tuple[str, ...] = ()
    email_refuse_disposable: bool = False
    mock_numbers: tuple[MockNumber, ...] = ()
    memberships_user_name: bool = False
    memberships_user_email: bool = False
    memberships_user_phone: bool = False
    memberships_user_accessed_at: bool = False
    memberships_mfa: bool = False
    rate_limits: bool = True
    rate_limit_counts: dict[str, int] = {}
    session_invalidation: bool = False
    log_days: int = 365
    oauth_signup: bool = True
    email_password: bool = True
    magic_url: bool = True
    email_otp: bool = True
    anonymous: bool = True
    invites: bool = True
    jwt: bool = True
    phone: bool = True

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> ProjectSettings:
        """What the project has set, above the environment's defaults, above ours.

        Raises `BadSetting` for an environment variable that cannot be read.
        """
        values: dict[str, Any] = {}
        for setting in PROJECT:
            text = os.environ.get(setting.variable)
            if text is not None:
                values[setting.field] = _read(setting, text, setting.variable)
            if setting.name in stored:
                values[setting.field] = stored[setting.name]
        return msgspec.convert(values, cls)


def read_project_setting(name: str, text: str) -> Any:
    """The value of `name=text` as it is stored. Raises `BadSetting`."""
    for setting in PROJECT:
        if setting.name == name:
            return msgspec.to_builtins(_read(setting, text, name))
    raise BadSetting(
        f"{name} is no setting of a project; there are: {', '.join(s.name for s in PROJECT)}."
    )


PROJECT = (
    Setting("user_limit", _integer(0, 10_000), "Most users that can sign up; 0 for no limit.",
            "userLimit"),
    Setting("session_duration", _integer(0, 31_536_000), "How long a session lasts, in seconds.",
            "sessionDuration"),
    Setting("session_limit", _integer(1, 100), "Sessions of one user; the oldest end.",
            "sessionLimit"),
    Setting("session_alerts", _flag, "Whether a new session is told by mail.", "sessionAlerts"),
    Setting("password_history", _integer(0, 20), "Passwords that may not be used again.",
            "passwordHistory"),
    Setting("password_dictionary", _flag, "Whether the 10,000 most common passwords are refused.",
            "passwordDictionary"),
    Setting("personal_data_check", _flag, "Whether passwords may not contain personal data.",
            "personalDataCheck"),
    Setting("password_min_length", _integer(0, 256), "Fewest characters of a new password.",
            "passwordMinLength"),
    Setting("password_classes", _integer(0, 4),
            "How many of lower case, upper case, digits and others a new password needs.",
            "passwordClasses"),
    Setting("password_strength", _integer(0, 4), "The zxcvbn score that a new password needs.",
            "passwordStrength"),
    Setting("password_pwned", _flag, "Whether passwords in USHERD_PWNED_FILE are refused.",
            "passwordPwned"),
    Setting("email_allow_domains", _domains, "The only domains that may sign up.",
            "emailAllowDomains"),
    Setting("email_deny_domains", _domains, "Domains that may not sign up.", "emailDenyDomains"),
    Setting("email_refuse_disposable", _flag, "Whether disposable addresses may not sign up.",
            "emailRefuseDisposable"),
    Setting("mock_numbers", _mock_numbers, "Phone numbers with a fixed code, for tests.",
            "mockNumbers"),
    Setting("memberships_user_name", _flag, "Whether members of a team see each other's names.",
            "membershipsUserName"),
    Setting("memberships_user_email", _flag, "Whether members see each other's e-mail addresses.",
            "membershipsUserEmail"),
    Setting("memberships_user_phone", _flag, "Whether members see each other's phone numbers.",
            "membershipsUserPhone"),
    Setting("memberships_user_accessed_at", _flag, "Whether members see when others were here.",
            "membershipsUserAccessedAt"),
    Setting("memberships_mfa", _flag, "Whether members see who has a second factor.",
            "membershipsMfa"),
    Setting("rate_limits", _flag, "Whether requests of people without an API key are counted.",
            "rateLimits"),
    Setting("rate_limit_counts", _counts,
            "Requests an hour of single endpoints, in place of ours; 0 for no limit.",
            "rateLimitCounts"),
    Setting("session_invalidation", _flag, "Whether a new password ends the other sessions.",
            "sessionInvalidation"),
    Setting("log_days", _integer(0, 36_500), "Days that the activity log is kept; 0 for ever.",
            "logDays"),
    Setting("oauth_signup", _flag, "Whether signing in by another provider makes new accounts.",
            "oauthSignup"),
    Setting("email_password", _flag, "Sign-in with e-mail and password.", "emailPassword"),
    Setting("magic_url", _flag, "Sign-in with a link sent by mail.", "magicURL"),
    Setting("email_otp", _flag, "Sign-in with a code sent by mail.", "emailOtp"),
    Setting("anonymous", _flag, "Anonymous sessions.", "anonymous"),
    Setting("invites", _flag, "Invitations to teams.", "invites"),
    Setting("jwt", _flag, "JWTs made by users themselves.", "JWT"),
    Setting("phone", _flag, "Sign-in with a code sent by SMS.", "phone"),
)  # fmt: skip
