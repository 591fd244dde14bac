"""Settings: where each comes from, and what is said of one that cannot be used."""

from __future__ import annotations

import json

import pytest

from usherd import settings
from usherd.settings import BadSetting, ProjectSettings, Settings


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("USHERD_"):
            monkeypatch.delenv(name)


def test_the_environment_is_read_and_options_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USHERD_PORT", "9000")
    monkeypatch.setenv("USHERD_TRUSTED_PROXIES", "10.0.0.1, ::1")
    monkeypatch.setenv("USHERD_ACCESS_LOG", "Yes")
    assert Settings.load().port == 9000
    assert Settings.load(port=1, host=None).port == 1
    assert Settings.load().trusted_proxies == {"10.0.0.1", "::1"}
    assert Settings.load().access_log is True


def test_every_server_setting_survives_the_way_to_a_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = Settings(
        port=5, secret="s" * 32, trusted_proxies=frozenset({"::1", "10.0.0.1"}), access_log=True,
        statement_timeout_seconds=2.5, workers=3, database="postgresql://x/y", log_format="json",
    )  # fmt: skip
    for name, value in given.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings.load() == given


def test_every_field_has_a_setting() -> None:
    assert {s.field for s in settings.SERVER} == set(Settings.__struct_fields__)
    assert {s.field for s in settings.PROJECT} == set(ProjectSettings.__struct_fields__)
    assert all(s.name for s in settings.PROJECT)
    assert not any(s.name for s in settings.SERVER)


@pytest.mark.parametrize(("name", "value"), [
    ("PORT", "http"), ("PORT", "70000"), ("PORT", ""), ("WORKERS", "0"), ("SECRET", "short"),
    ("STATEMENT_TIMEOUT_SECONDS", "nan"), ("STATEMENT_TIMEOUT_SECONDS", "-1"),
    ("ACCESS_LOG", "perhaps"), ("LOG_LEVEL", "loud"), ("NONSENSE", "1"), ("SESSION_LIMIT", "0"),
    ("MOCK_NUMBERS", "123"), ("JWT", "2"), ("BODY_LIMIT_BYTES", "1e9"), ("POOL_SIZE", "٣٣٣٣٣"),
])  # fmt: skip
def test_what_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"USHERD_{name}", value)
    with pytest.raises(BadSetting, match=f"USHERD_{name} "):
        Settings.load()


def test_sqlite_has_one_worker() -> None:
    with pytest.raises(BadSetting, match="PostgreSQL"):
        Settings.load(workers=2)


def test_a_project_has_its_own_above_the_environment_above_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert ProjectSettings.of({}).session_limit == 10
    monkeypatch.setenv("USHERD_SESSION_LIMIT", "4")
    assert ProjectSettings.of({}).session_limit == 4
    assert ProjectSettings.of({"sessionLimit": 7}).session_limit == 7
    assert ProjectSettings.of({"retired": 1}).session_limit == 4


@pytest.mark.parametrize(("name", "text", "value"), [
    ("userLimit", "500", 500), ("JWT", "false", False), ("passwordHistory", "20", 20),
    ("mockNumbers", "+4915112345678:123456",
     [{"phone": "+4915112345678", "otp": "123456"}]),
    ("mockNumbers", '[{"phone":"+14155550100","otp":"000000"}]',
     [{"phone": "+14155550100", "otp": "000000"}]),
    ("mockNumbers", "", []),
])  # fmt: skip
def test_values_of_a_project(name: str, text: str, value: object) -> None:
    stored = json.loads(json.dumps(settings.read_project_setting(name, text)))
    assert stored == value
    assert ProjectSettings.of({name: stored})


@pytest.mark.parametrize(("name", "text"), [
    ("userLimits", "5"), ("userLimit", "-1"), ("userLimit", "five"), ("JWT", ""),
    ("mockNumbers", "4915112345678:123456"), ("mockNumbers", "+49151:12345"),
    ("mockNumbers", ",".join(f"+4915112345{n:03}:123456" for n in range(11))),
])  # fmt: skip
def test_wrong_values_of_a_project(name: str, text: str) -> None:
    with pytest.raises(BadSetting, match=name):
        settings.read_project_setting(name, text)
