"""The input vocabulary: what each type accepts, what it makes of it, and what it refuses."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest

from usherd import params

HALF = "\ud800"
LONG = "a" * 64


def param(kind: Any) -> params.Param:
    return next(extra for extra in get_args(kind) if isinstance(extra, params.Param))


def read(kind: Any, value: Any, *, form: bool = False) -> Any:
    return param(kind).parse(value, form)


KINDS = {
    name: kind for name, kind in vars(params).items()
    if any(isinstance(extra, params.Param) for extra in get_args(kind))
}  # fmt: skip


ACCEPTED: list[tuple[str, Any, Any]] = [
    ("Id", "a", "a"),
    ("Id", "a.b-c_D9", "a.b-c_D9"),
    ("Id", "x" * 36, "x" * 36),
    ("CustomId", "u1", "u1"),
    ("CustomId", "unique()", "unique()"),
    ("Email", "Mira@Example.ORG", "mira@example.org"),
    ("Email", "a+b%c@example.co.uk", "a+b%c@example.co.uk"),
    ("Email", '"quo ted"@example.org', '"quo ted"@example.org'),
    ("Email", "a@[127.0.0.1]", "a@[127.0.0.1]"),
    ("Email", "a@[IPv6:::1]", "a@[ipv6:::1]"),
    ("Email", "a@x.xn--p1ai", "a@x.xn--p1ai"),
    ("Email", LONG + "@example.org", LONG + "@example.org"),
    ("Email", "a@localhost.test", "a@localhost.test"),
    ("Email", "a@printer.local", "a@printer.local"),
    ("Email", "a@x.invalid", "a@x.invalid"),
    ("EmailOrEmpty", "", ""),
    ("EmailOrEmpty", "A@b.org", "a@b.org"),
    ("Phone", "+4915112345678", "+4915112345678"),
    ("Phone", "+910000000000", "+910000000000"),
    ("Phone", "+123456789012", "+123456789012"),
    ("PhoneOrEmpty", "", ""),
    ("Password", "12345678", "12345678"),
    ("Password", "ü" * 4, "ü" * 4),
    ("Password", "ü" * 128, "ü" * 128),
    ("PasswordOrEmpty", "", ""),
    ("HashText", "5f4dcc3b5aa765d61d8327deb882cf99", "5f4dcc3b5aa765d61d8327deb882cf99"),
    ("Name", "x" * 128, "x" * 128),
    ("Name", "ü" * 128, "ü" * 128),
    ("NameOrEmpty", "", ""),
    ("Search", " ", " "),
    ("Flag", True, True),
    ("Flag", False, False),
    ("LooseFlag", "true", True),
    ("LooseFlag", "0", False),
    ("LooseFlag", 1, True),
    ("Total", "false", False),
    ("Number", 0, 0),
    ("Number", 2**63 - 1, 2**63 - 1),
    ("Number", -(2**63), -(2**63)),
    ("TokenLength", 4, 4),
    ("TokenLength", "128", 128),
    ("JwtDuration", 0, 0),
    ("ShaVersion", "SHA512/256", "sha512/256"),
    ("ProviderType", "EMAIL", "email"),
    ("Labels", [], []),
    ("Labels", {}, []),
    ("Labels", ["b", "a", "b"], ["b", "a"]),
    ("Labels", ["x" * 36] * 1000, ["x" * 36]),
    ("Queries", ['{"method":"limit"}'], ['{"method":"limit"}']),
    ("Prefs", {}, "{}"),
    ("Prefs", [], "{}"),
    ("Prefs", {"a": {"b": [1, None]}}, '{"a":{"b":[1,null]}}'),
]


@pytest.mark.parametrize(("kind", "value", "found"), ACCEPTED)
def test_accepted(kind: str, value: Any, found: Any) -> None:
    read_as = read(KINDS[kind], value)
    assert read_as == found
    assert type(read_as) is type(found)


REFUSED: dict[str, list[Any]] = {
    "Id": ["", "_a", ".a", "-a", "x" * 37, "a b", "a\n", "é", "a/b", "unique()", "a\0", HALF,
           1, None, [], {}],
    "CustomId": ["", "unique( )", "unique()x", "_a"],
    "Email": ["", "a", "a@", "@b.org", "a@localhost", "a@test", "a@b.org.", "a@b..org",
              " a@b.org", "a@b.org\n", "a..b@c.org", "a(c)@b.org", "A <a@b.org>", "a@1.2.3.4",
              "a@b.1c", "a@[999.1.1.1]", "a@[x]", "a@-b.org", "a@" + LONG + ".org",
              LONG + "a@b.org", "x" * 400, "ä@b.org", "a@ä.org", "a\0@b.org", HALF + "@b.org",
              '"a\nb"@c.org', 1, None, [], {}],
    "EmailOrEmpty": ["a", None, " "],
    "Phone": ["", "4915112345678", "+0123456", "+123456", "+1234567890123456",
              "+49 151 12345678", "+4915112345678\n", "+999123456789", "+٤٩١٥١١٢٣٤٥٦٧",
              HALF, 4915112345678, None],
    "PhoneOrEmpty": ["+", None],
    "Password": ["", "1234567", "ü" * 3, "x" * 257, "ü" * 129, "1234567\0", "1234567" + HALF,
                 12345678, None],
    "PasswordOrEmpty": ["1", None],
    "HashText": ["", "1234567", "x" * 257],
    "Name": ["", "x" * 129, "a\0b", "a" + HALF, 1, None, [], True],
    "NameOrEmpty": ["x" * 129, "\0", None],
    "Search": ["", "x" * 257, "\0"],
    "Flag": ["true", "1", 1, 0, 1.0, "", None, []],
    "LooseFlag": [2, -1, 1.0, "yes", "", None, []],
    "Number": ["8", 8.0, True, None, "", 2**63, -(2**63) - 1, 10**400, []],
    "TokenLength": [3, 129, "3", "x", "", 4.5, 8.0, True, None, "8\n", "٨", "9" * 5000, 10**400],
    "TokenExpire": [59, 31_536_001],
    "JwtDuration": [-1, 3601],
    "ShaVersion": ["", "sha0", 1, None, []],
    "ProviderType": ["", "mail", None],
    "Labels": [None, "a", [""], ["a b"], ["a\n"], ["é"], ["x" * 37], [1], [["a"]], ["a"] * 1001,
               {"a": "b"}],
    "Queries": [None, "x", [1], [None], {"a": "b"}],
    "Prefs": [None, "x", "{}", 1, True, [1], [[]], {"a": "x" * 65_535}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in REFUSED.items() for value in values]
)
def test_refused_with_a_sentence(kind: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"\.$") as refused:
        read(KINDS[kind], value)
    assert type(refused.value) is ValueError
    str(refused.value).encode()


@pytest.mark.parametrize(("kind", "text", "found"), [
    ("Flag", "true", True), ("Flag", "FALSE", False), ("Flag", "1", True), ("Flag", "0", False),
    ("Number", "8", 8), ("Number", "-8", -8), ("TokenLength", "8", 8), ("Name", "8", "8"),
])  # fmt: skip
def test_forms_carry_text_only(kind: str, text: str, found: Any) -> None:
    assert read(KINDS[kind], text, form=True) == found


@pytest.mark.parametrize(("kind", "text"), [
    ("Flag", "yes"), ("Flag", ""), ("Number", "8.0"), ("Number", ""), ("Number", " 8"),
    ("Number", "9223372036854775808"), ("Number", "9" * 5000),
])  # fmt: skip
def test_forms_are_not_looser_than_that(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match="It must be"):
        read(KINDS[kind], text, form=True)


@pytest.mark.parametrize("sent", [
    '{"a":1.0}', '{"a":-0.0}', '{"a":1e308}', '{"a":123456789012345678901234567890}',
    '{"a":-9223372036854775809}', '{"a":"\\u0000"}', '{"a":"ü/😀"}', '{"":null}',
    '{"b":1,"a":2}',
])  # fmt: skip
def test_prefs_are_kept_as_they_were_sent(sent: str) -> None:
    assert read(params.Prefs, msgspec.json.decode(sent)) == sent


def test_prefs_are_measured_in_bytes_of_compact_json() -> None:
    around = len('{"a":""}')
    most = {"a": "x" * (params.PREFS_BYTES - around)}
    assert len(read(params.Prefs, most)) == params.PREFS_BYTES
    for more in ({"a": most["a"] + "x"}, {"a": "ü" * 32_764}):
        with pytest.raises(ValueError, match="65535 bytes"):
            read(params.Prefs, more)


def test_prefs_that_nest_too_deep_are_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(ValueError, match="JSON can express"):
        read(params.Prefs, deep)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_describes_itself(kind: str) -> None:
    described = param(KINDS[kind])
    assert described.says.endswith(".")
    assert "type" in described.schema
    json.dumps(described.schema)


def test_whether_a_target_can_be_reached() -> None:
    assert params.is_email("mira@example.org")
    assert not params.is_email("mira")
    assert params.is_phone("+4915112345678")
    assert not params.is_phone("123")
