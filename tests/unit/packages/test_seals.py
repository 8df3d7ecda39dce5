"""What a seal vouches for, and where its key lies."""

import base64
import stat
from pathlib import Path

import pytest

from hub.errors import StartError
from hub.packages.seals import Seal

SEAL = Seal(b"k" * 32)


def test_what_was_closed_is_opened_about_the_same() -> None:
    assert SEAL.open(SEAL.close(b"state", about=b"call"), about=b"call") == b"state"


def test_about_something_else_or_by_another_it_is_not() -> None:
    kept = SEAL.close(b"state", about=b"call")

    assert SEAL.open(kept, about=b"another") is None
    assert SEAL.open(kept, about=b"") is None
    assert Seal(b"x" * 32).open(kept, about=b"call") is None
    assert SEAL.open(SEAL.close(b"bstate", about=b"a"), about=b"ab") is None


def test_with_any_bit_changed_it_is_not() -> None:
    kept = base64.b64decode(SEAL.close(b"state", about=b"call"))

    for place in range(len(kept) * 8):
        changed = bytearray(kept)
        changed[place // 8] ^= 1 << place % 8
        assert SEAL.open(base64.b64encode(changed).decode(), about=b"call") is None


@pytest.mark.parametrize("text", ["", "?", "AAAA", "é", "A" * 43 + "="])
def test_what_is_no_seal_is_none(text: str) -> None:
    assert SEAL.open(text, about=b"call") is None


def test_the_key_is_made_once_and_is_this_users_alone(tmp_path: Path) -> None:
    kept = Seal.at(tmp_path / "snapshot.key").close(b"state", about=b"call")

    assert stat.S_IMODE((tmp_path / "snapshot.key").stat().st_mode) == 0o600
    assert Seal.at(tmp_path / "snapshot.key").open(kept, about=b"call") == b"state"


def test_a_key_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "snapshot.key").write_bytes(b"short")

    with pytest.raises(StartError, match="isn't the key it was; remove it"):
        Seal.at(tmp_path / "snapshot.key")
    with pytest.raises(StartError, match="can't be made"):
        Seal.at(tmp_path / "gone" / "snapshot.key")
