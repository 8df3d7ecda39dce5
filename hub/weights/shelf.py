"""The models that lie on this machine."""

import os
from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from hub.weights.names import Offer, Repo, chosen, is_model

CARD = ".pulled.json"
"""Ends the name of the file beside a pulled model that says what it is."""


class Pulled(Struct, frozen=True, kw_only=True):
    """A model that was fetched whole, and whose SHA-256 was right."""

    path: str
    repo: str
    revision: str
    sha256: str
    size: int


def place(folder: Path, repo: Repo, file: str) -> Path:
    """Return where a repository's file lies once it's here."""
    # A file in a folder of the repository keeps it in its name: no name of theirs makes a path of ours.
    return folder / repo.folder / file.replace("/", "--").lstrip(".")


def pulled(folder: Path) -> Iterator[Pulled]:
    """Return the models that were fetched and are still there."""
    for card in sorted(folder.glob(f"*/*{CARD}")):
        try:
            found = msgspec.json.decode(card.read_bytes(), type=Pulled)
        except (OSError, msgspec.DecodeError):
            continue
        path = card.with_name(card.name.removesuffix(CARD))
        if path.is_file() and path.stat().st_size == found.size:
            yield msgspec.structs.replace(found, path=str(path))


def find(folder: Path, repo: Repo) -> Pulled | None:
    """Return the model that a repository's name means, if it's here."""
    here = [found for found in pulled(folder) if found.repo == repo.name]
    if repo.file:
        return next((found for found in here if Path(found.path) == place(folder, repo, repo.file)), None)
    by_path = {found.path: found for found in here}
    offers = [Offer(found.path, found.size, found.sha256) for found in here if is_model(found.path)]
    return by_path[chosen(offers, max(offer.size for offer in offers))[0].name] if offers else None


def keep(file: BinaryIO, part: Path, found: Pulled) -> None:
    """Make a model of what was fetched, all at once: on disk, with what it is beside it, then under its name."""
    file.flush()
    os.fsync(file.fileno())
    path = Path(found.path)
    card = path.with_name(path.name + CARD)
    draft = card.with_name(f".{card.name}.new")
    draft.write_bytes(msgspec.json.encode(found))
    draft.replace(card)
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def sha256(path: Path) -> str:
    """Return a file's SHA-256; a gigabyte takes seconds."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
