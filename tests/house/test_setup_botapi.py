"""The Bot API's description in set-up: there whole, or not there; and its lack stops nobody."""

import io
import tarfile
from pathlib import Path

import pytest

from make.botapi import PARTS, description_path, ensure_description, take_out
from make.places import Places
from make.words import SetupError


def package(folder: Path, *parts: str) -> Path:
    archive = folder / "types.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        for part in parts:
            content = part.encode()
            info = tarfile.TarInfo(f"package/out/{part}")
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return archive


def test_the_description_is_taken_out_of_its_package(tmp_path: Path) -> None:
    take_out(package(tmp_path, *PARTS, "index.d.ts"), tmp_path / "found")

    assert {path.name: path.read_text() for path in (tmp_path / "found").iterdir()} == {part: part for part in PARTS}


def test_a_package_without_all_of_it_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=PARTS[-1]):
        take_out(package(tmp_path, *PARTS[:-1]), tmp_path / "found")

    assert not (tmp_path / "found").exists()


def test_without_npm_set_up_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert ensure_description(Places(root=tmp_path, cache=tmp_path)) is False
    assert "npm isn't here" in capsys.readouterr().out


def test_what_is_there_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = description_path(tmp_path)
    folder.mkdir(parents=True)
    for part in PARTS:
        (folder / part).touch()

    assert ensure_description(Places(root=tmp_path, cache=tmp_path)) is True
