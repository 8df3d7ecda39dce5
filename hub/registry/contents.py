"""What's in an archive, to be looked at before anybody installs it: the names of its files, and those that are text.

Archives were looked through when they came (`hub.packages.archive`); nothing is unpacked onto a disk here.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from msgspec import Struct

from hub.errors import NotFound, StoreUnavailable, TooLarge

VIEWED = 1024 * 1024
"""Bytes of a file that's shown."""


class Inside(Struct, frozen=True, kw_only=True):
    """A file of an archive."""

    path: str
    """Below the archive's single top folder, if it has one."""
    size: int


class NoText(Exception):
    """The file isn't text in UTF-8."""


def files(archive: bytes | BinaryIO) -> list[Inside]:
    """Return an archive's files by their paths; raises StoreUnavailable for what's none. Blocks."""
    with _opened(archive) as opened:
        return [Inside(path=path, size=info.file_size) for path, info in sorted(_named(opened))]


def text(archive: bytes | BinaryIO, path: str) -> str:
    """Return a file's text; raises NotFound, TooLarge, NoText, StoreUnavailable. Blocks."""
    with _opened(archive) as opened:
        info = dict(_named(opened)).get(path)
        if info is None:
            raise NotFound(f"file {path[:180]!r}: the archive has none of that name; list them at .../files")
        if info.file_size > VIEWED:
            raise TooLarge(f"file {path[:180]!r}: has {info.file_size:,} bytes; to see it, download the archive")
        try:
            with opened.open(info) as file:
                data = file.read(VIEWED + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise StoreUnavailable(f"file {path[:180]!r}: can't be unpacked ({error})") from None
    try:
        found = data.decode()
    except UnicodeDecodeError:
        raise NoText(path) from None
    if "\0" in found:
        raise NoText(path)
    return found


def _opened(archive: bytes | BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(archive) if isinstance(archive, bytes) else archive)
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise StoreUnavailable(f"an archive can't be read as a zip file ({error})") from None


def _named(archive: zipfile.ZipFile) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    infos = [info for info in archive.infolist() if not info.is_dir()]
    names = [info.filename for info in infos]
    below = len({name.partition("/")[0] for name in names}) == 1 and all("/" in name for name in names)
    for info in infos:
        yield info.filename.partition("/")[2] if below else info.filename, info
