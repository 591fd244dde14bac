"""The input vocabulary: each type is a parser, the sentence a caller reads, and a schema.

A parser gets the value and whether it is `loose`: forms and query strings carry nothing but
text, so `"true"` stands for a flag there and `"8"` for a number, which JSON bodies may not do.
It returns what the handler sees, or raises ValueError with a sentence that says what is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, Any

import msgspec

Parse = Callable[[Any, bool], Any]


class Param(msgspec.Struct, frozen=True, eq=False):
    """How a parameter is read (`parse(value, loose)`) and described."""

    parse: Parse
    says: str
    schema: dict[str, Any]


UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,35}")
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""PostgreSQL stores no NUL, and neither engine half of a surrogate pair."""

INT64 = 2**63 - 1
PREFS_BYTES = 65_535
ID_RULE = (
    "Valid characters are a-z, A-Z, 0-9, period, hyphen and underscore; it cannot start with a "
    "special character and has at most 36 characters."
)


def text(value: Any) -> str:
    """A string that the database can keep."""
    if not isinstance(value, str):
        raise ValueError("It must be a string.")
    if UNSTORABLE.search(value):
        raise ValueError("It must not contain NUL characters or unpaired surrogates.")
    return value


def _text(most: int, least: int = 1) -> Param:
    span = f"at least {least} and at most {most}" if least else f"at most {most}"
    sentence = f"It must have {span} characters."

    def parse(value: Any, _loose: bool) -> str:
        read = text(value)
        if not least <= len(read) <= most:
            raise ValueError(sentence)
        return read

    return Param(
        parse, f"Text of {span} characters.",
        {"type": "string", "minLength": least, "maxLength": most},
    )  # fmt: skip


def _id(value: Any, _loose: bool) -> str:
    if not isinstance(value, str) or not UID.fullmatch(value):
        raise ValueError(f"It must be an id. {ID_RULE}")
    return value


def _custom_id(value: Any, loose: bool) -> str:
    return "unique()" if value == "unique()" else _id(value, loose)


@lru_cache(maxsize=4096)
def _address(value: str) -> str:
    import email_validator

    if not value.isascii() or len(value) > 320 or UNSTORABLE.search(value):
        raise ValueError("It must be an e-mail address of ASCII characters, 320 at most.")
    try:
        # It refuses .test, .local and the like otherwise, which tests and intranets use.
        email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()
        found = email_validator.validate_email(
            value,
            strict=True,
            allow_smtputf8=False,
            allow_quoted_local=True,
            allow_domain_literal=True,
            check_deliverability=False,
            globally_deliverable=False,
        )
    except email_validator.EmailNotValidError as error:
        raise ValueError("It must be an e-mail address, such as mira@example.org.") from error
    if not found.domain.startswith("["):
        if "." not in found.domain:
            raise ValueError("The domain of an e-mail address needs a dot.")
        if found.domain.rpartition(".")[2][:1].isdigit():
            raise ValueError("The last part of an e-mail address begins with a letter.")
    return value.lower()


def _email(value: Any, _loose: bool) -> str:
    if not isinstance(value, str):
        raise ValueError("It must be an e-mail address, such as mira@example.org.")
    return _address(value)


def _phone(value: Any, _loose: bool) -> str:
    import phonenumbers

    wrong = "It must be a phone number: a + and a country code, then digits, 15 at most."
    if not isinstance(value, str) or not PHONE.fullmatch(value):
        raise ValueError(wrong)
    try:
        phonenumbers.parse(value)
    except phonenumbers.NumberParseException as error:
        raise ValueError(f"{wrong} No country has this code.") from error
    return value


def is_email(value: str) -> bool:
    """Whether the text is an e-mail address that usherd accepts."""
    return _accepts(_email, value)


def is_phone(value: str) -> bool:
    """Whether the text is a phone number that usherd accepts."""
    return _accepts(_phone, value)


def _accepts(parse: Parse, value: str) -> bool:
    try:
        parse(value, False)
    except ValueError:
        return False
    return True


def _password(value: Any, _loose: bool) -> str:
    value = text(value)
    if not 8 <= len(value.encode()) <= 256:
        raise ValueError("It must be between 8 and 256 bytes long.")
    return str(value)


def _url(value: Any, _loose: bool) -> str:
    from urllib.parse import urlsplit

    wrong = "It must be a URL, such as https://app.example.org/verify."
    url = text(value)
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(wrong) from error
    app = parts.scheme.startswith("appwrite-callback-")  # an app's own URL needs no host
    if not parts.scheme or not (parts.netloc or app) or len(url) > 2048 or not url.isprintable():
        raise ValueError(wrong)
    return str(url)


def _or_empty(parse: Parse) -> Parse:
    return lambda value, loose: "" if value == "" else parse(value, loose)


WORDS = {"true": True, "false": False, "1": True, "0": False}


def _flag(value: Any, loose: bool) -> bool:
    if isinstance(value, bool):
        return value
    if loose and isinstance(value, str) and value.lower() in WORDS:
        return WORDS[value.lower()]
    raise ValueError("It must be true or false.")


def _loose_flag(value: Any, _loose: bool) -> bool:
    if type(value) is int and value in (0, 1):
        return bool(value)
    return _flag(value, True)


def _integer(value: Any, loose: bool) -> int:
    if loose and isinstance(value, str) and INTEGER.fullmatch(value):
        value = int(value)
    if type(value) is not int or not -INT64 - 1 <= value <= INT64:
        raise ValueError("It must be an integer of at most 64 bits.")
    return value


def _range(least: int, most: int) -> Param:
    def parse(value: Any, _loose: bool) -> int:
        try:
            number = _integer(value, True)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise ValueError(f"It must be an integer from {least} to {most}.")
        return number

    return Param(
        parse,
        f"An integer from {least} to {most}.",
        {"type": "integer", "minimum": least, "maximum": most},
    )


def _one_of(*words: str) -> Param:
    known = {word.lower(): word for word in words}
    listed = ", ".join(words)

    def parse(value: Any, _loose: bool) -> str:
        word = known.get(value.lower()) if isinstance(value, str) else None
        if word is None:
            raise ValueError(f"It must be one of: {listed}.")
        return word

    return Param(parse, f"One of: {listed}.", {"type": "string", "enum": list(words)})


def _list(value: Any) -> Sequence[Any]:
    if value == {}:  # an empty form array
        return []
    if not isinstance(value, list):
        raise ValueError("It must be an array.")
    return value


LABEL = re.compile(r"[A-Za-z0-9]{1,36}")


def _words(pattern: re.Pattern[str], most: int, rule: str, says: str) -> Param:
    """An array of words that match the pattern; of equal ones the first stays."""

    def parse(value: Any, _loose: bool) -> list[str]:
        items = _list(value)
        if len(items) > most:
            raise ValueError(f"It must have at most {most} elements.")
        if not all(isinstance(item, str) and pattern.fullmatch(item) for item in items):
            raise ValueError(rule)
        return list(dict.fromkeys(items))

    element = {"type": "string", "pattern": f"^{pattern.pattern}$"}
    return Param(parse, says, {"type": "array", "maxItems": most, "items": element})


def _prefs(value: Any, _loose: bool) -> str:
    """The object as compact JSON text, as it will be stored and shown."""
    if value == []:
        return "{}"
    if not isinstance(value, dict):
        raise ValueError("It must be an object.")
    try:
        stored = msgspec.json.encode(value)
        stored.decode()
    except (ValueError, RecursionError, OverflowError, UnicodeError) as error:
        raise ValueError("It must be an object that JSON can express.") from error
    if len(stored) > PREFS_BYTES:
        raise ValueError(f"It must be at most {PREFS_BYTES} bytes of JSON.")
    return stored.decode()


def _queries(value: Any, _loose: bool) -> list[str]:
    items = _list(value)
    if not all(isinstance(item, str) for item in items):
        raise ValueError("It must be an array of query strings.")
    return list(items)


Id = Annotated[
    str, Param(_id, f"An id. {ID_RULE}", {"type": "string", "pattern": f"^{UID.pattern}$"})
]
CustomId = Annotated[
    str,
    Param(
        _custom_id,
        f"An id of your choice, or `unique()` for a generated one. {ID_RULE}",
        {"type": "string", "pattern": rf"^({UID.pattern}|unique\(\))$"},
    ),
]
Email = Annotated[
    str,
    Param(_email, "An e-mail address.", {"type": "string", "format": "email", "maxLength": 320}),
]
EmailOrEmpty = Annotated[
    str,
    Param(
        _or_empty(_email),
        "An e-mail address, or empty to remove it.",
        {"type": "string", "maxLength": 320},
    ),
]
PHONE_SCHEMA = {"type": "string", "pattern": f"^{PHONE.pattern}$".replace(r"\+", "[+]")}
Phone = Annotated[
    str, Param(_phone, "A phone number with a leading + and country code.", PHONE_SCHEMA)
]
PhoneOrEmpty = Annotated[
    str,
    Param(
        _or_empty(_phone),
        "A phone number with a leading + and country code, or empty to remove it.",
        {"type": "string"},
    ),
]
Password = Annotated[
    str,
    Param(
        _password,
        "A password of 8 to 256 bytes.",
        {"type": "string", "minLength": 8, "maxLength": 256},
    ),
]
PasswordOrEmpty = Annotated[
    str,
    Param(
        _or_empty(_password),
        "A password of 8 to 256 bytes, or empty to remove it.",
        {"type": "string", "maxLength": 256},
    ),
]
HashText = Annotated[
    str,
    Param(
        _password,
        "The password's hash, 8 to 256 bytes, as it was stored elsewhere.",
        {"type": "string", "minLength": 8, "maxLength": 256},
    ),
]
Name = Annotated[str, _text(128)]
NameOrEmpty = Annotated[str, _text(128, 0)]
Salt = Annotated[str, _text(128)]
Identifier = Annotated[str, _text(255)]
SecretText = Annotated[str, _text(256)]
Search = Annotated[str, _text(256)]
Flag = Annotated[bool, Param(_flag, "True or false.", {"type": "boolean"})]
LooseFlag = Annotated[bool, Param(_loose_flag, "True or false.", {"type": "boolean"})]
Total = Annotated[
    bool,
    Param(
        _loose_flag,
        "Whether to count: false answers sooner, with a total of 0.",
        {"type": "boolean", "default": True},
    ),
]
Number = Annotated[int, Param(_integer, "An integer; 0 for the default.", {"type": "integer"})]
TokenLength = Annotated[int, _range(4, 128)]
TokenExpire = Annotated[int, _range(60, 31_536_000)]
JwtDuration = Annotated[int, _range(0, 3600)]
ShaVersion = Annotated[
    str,
    _one_of(
        "sha1",
        "sha224",
        "sha256",
        "sha384",
        "sha512/224",
        "sha512/256",
        "sha512",
        "sha3-224",
        "sha3-256",
        "sha3-384",
        "sha3-512",
    ),
]
ProviderType = Annotated[str, _one_of("email", "sms", "push")]
AuthenticatorType = Annotated[str, _one_of("totp")]
RedirectUrl = Annotated[
    str, Param(_url, "A URL whose host is a platform of the project.",
               {"type": "string", "format": "uri", "maxLength": 2048})
]  # fmt: skip
Factor = Annotated[str, _one_of("email", "phone", "totp", "recoverycode")]
Otp = Annotated[str, _text(256)]
Labels = Annotated[
    list[str],
    _words(
        LABEL, 1000, "A label has 1 to 36 characters of a-z, A-Z and 0-9.",
        "Labels of 1 to 36 letters and digits, 1000 at most; they replace the previous ones.",
    ),
]  # fmt: skip
Roles = Annotated[
    list[str],
    _words(
        UID, 100, f"A role is spelled as an id. {ID_RULE}",
        "Roles in the team, 100 at most, spelled as ids; `owner` may change the team.",
    ),
]  # fmt: skip
Prefs = Annotated[
    str,
    Param(
        _prefs,
        "An object of at most 64 kB; it replaces the previous one.",
        {"type": "object", "additionalProperties": True},
    ),
]
Queries = Annotated[
    Sequence[str],
    Param(
        _queries,
        "Query strings as the SDKs' Query class makes them: 100 at most, each of at most "
        "4096 characters.",
        {"type": "array", "maxItems": 100, "items": {"type": "string", "maxLength": 4096}},
    ),
]
