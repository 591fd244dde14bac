"""The vault: what it closes, only the right secret and purpose open."""

from __future__ import annotations

from pathlib import Path

import pytest

from usherd.settings import Settings
from usherd.vault import SecretFile, Vault, VaultLocked, load

ONE, TWO = "1" * 32, "2" * 40


def test_what_is_closed_opens_for_the_same_purpose_only() -> None:
    vault = Vault([ONE])
    sealed = vault.encrypt("grüß 🎉", "totp:u1")
    assert "grüß" not in sealed
    assert sealed != vault.encrypt("grüß 🎉", "totp:u1")
    assert Vault([ONE]).decrypt(sealed, "totp:u1") == "grüß 🎉"
    with pytest.raises(VaultLocked, match="changed"):
        vault.decrypt(sealed, "totp:u2")


def test_a_changed_ciphertext_is_told() -> None:
    vault = Vault([ONE])
    head, _, body = vault.encrypt("x", "p").rpartition(".")
    flipped = ("A" if body[20] != "A" else "B").join([body[:20], body[21:]])
    with pytest.raises(VaultLocked, match="changed"):
        vault.decrypt(f"{head}.{flipped}", "p")


def test_after_a_rotation_the_old_secret_opens_and_the_new_closes() -> None:
    sealed = Vault([ONE]).encrypt("x", "p")
    both = Vault([TWO, ONE])
    assert both.decrypt(sealed, "p") == "x"
    assert not both.is_current(sealed)
    assert both.is_current(both.encrypt("x", "p"))
    with pytest.raises(VaultLocked, match="another secret"):
        Vault([TWO]).decrypt(sealed, "p")


@pytest.mark.parametrize("token", ["", "v1", "v1.x", "v2.aaaa.bbbb", "plain text"])
def test_what_was_never_closed_is_told(token: str) -> None:
    with pytest.raises(VaultLocked):
        Vault([ONE]).decrypt(token, "p")


def test_short_secrets_are_refused() -> None:
    with pytest.raises(VaultLocked, match="32"):
        Vault(["short"])


def test_the_file_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    settings = Settings(database=f"sqlite:///{tmp_path}/u.db")
    sealed = load(settings).encrypt("x", "p")
    path = tmp_path / "u.db.secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert load(settings).decrypt(sealed, "p") == "x"
    assert [p.name for p in tmp_path.iterdir()] == ["u.db.secret"]
    path.chmod(0o644)
    with pytest.raises(VaultLocked, match="chmod 600"):
        load(settings)
    path.chmod(0o600)
    path.write_text("")
    with pytest.raises(VaultLocked, match="backup"):
        load(settings)


def test_a_running_vault_sees_the_file_change(tmp_path: Path) -> None:
    file = SecretFile(tmp_path / "secret")
    file.create()
    vault = Vault(file=SecretFile(file.path))
    before = vault.encrypt("x", "p")
    file.read()
    file.add()
    assert vault.decrypt(before, "p") == "x"
    after = vault.encrypt("y", "p")
    file.drop_old()
    assert vault.decrypt(after, "p") == "y"
    with pytest.raises(VaultLocked):
        Vault(file=SecretFile(file.path)).decrypt(before, "p")
