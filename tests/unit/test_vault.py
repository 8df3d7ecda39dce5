"""What's sealed is opened by the same key alone, and as what it was sealed for."""

from pathlib import Path

import pytest

from hub.errors import StartError
from hub.vault import Vault


def test_what_is_sealed_is_read_by_nobody_else_and_comes_back_whole(tmp_path: Path) -> None:
    vault = Vault.at(tmp_path / "sign-in.key")
    sealed = vault.seal(b"JBSWY3DPEHPK3PXP", about="totp of ann")

    assert "JBSWY3DPEHPK3PXP" not in sealed
    assert Vault.at(tmp_path / "sign-in.key").open(sealed, about="totp of ann") == b"JBSWY3DPEHPK3PXP"
    assert vault.seal(b"JBSWY3DPEHPK3PXP", about="totp of ann") != sealed
    assert (tmp_path / "sign-in.key").stat().st_mode & 0o777 == 0o600


def test_what_is_sealed_for_one_thing_or_by_another_key_or_was_changed_is_not_opened() -> None:
    vault, other = Vault(b"1" * 32), Vault(b"2" * 32)
    sealed = vault.seal(b"secret", about="ann")
    changed = ("A" if sealed[-2] != "A" else "B").join((sealed[:-2], sealed[-1]))

    assert vault.open(sealed, about="bea") is None
    assert other.open(sealed, about="ann") is None
    for text in (changed, sealed[:-4], sealed + "AAAA", "", "A", "not base64 at all", "ä"):
        assert vault.open(text, about="ann") is None, text


def test_a_key_that_others_may_read_or_that_is_none_keeps_the_hub_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "sign-in.key"
    Vault.at(path)
    path.chmod(0o644)
    with pytest.raises(StartError, match="others may read it"):
        Vault.at(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(StartError, match="isn't the key it was"):
        Vault.at(path)
    with pytest.raises(StartError, match="can't be made"):
        Vault.at(tmp_path / "missing" / "sign-in.key")
