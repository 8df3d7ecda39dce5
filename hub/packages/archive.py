"""Uploaded archives: looked at first, and unpacked only if nothing about them is odd.

Zip only. Python's zipfile reads the directory; every rule here is about what it would let through (two entries of one
name, names that mean another place elsewhere, sizes that lie, bytes that no entry owns). Whoever reads an archive in
another way must see the same files: an archive that could be read in two ways is refused.
"""

import io
import os
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from hub.errors import ManifestError

MEGABYTE = 1024 * 1024


class Bounds(Struct, frozen=True, kw_only=True):
    """What an archive may be at most."""

    packed: int = 20 * MEGABYTE
    unpacked: int = 100 * MEGABYTE
    file: int = 10 * MEGABYTE
    files: int = 2_000
    depth: int = 12
    """Bundles of MCP servers carry node_modules, which go deep."""
    path: int = 180
    """Bytes of a path."""
    ratio: int = 50
    """Of an archive that unpacks to more than `innocent` bytes, counted while it's unpacked."""
    innocent: int = 8 * MEGABYTE


class Entry(Struct, frozen=True, kw_only=True):
    """A file of an archive."""

    path: str
    """With / between its parts, below the archive's single top folder if it has one."""
    data: bytes


class _Odd(Exception):
    """What's odd, and the way out."""


def unpacked(data: bytes, bounds: Bounds | None = None) -> tuple[Entry, ...]:
    """Return an archive's files, in the order of their paths; nothing is written anywhere.

    Raises ManifestError with words for its author if it isn't a plain zip file within the bounds.
    """
    bounds = bounds or Bounds()
    try:
        _check_size(data, bounds)
        infos = _listed(data, bounds)
        _check_names(infos, bounds)
        _check_framing(data, infos)
        entries = tuple(_read(data, infos, bounds))
    except _Odd as odd:
        raise ManifestError(f"archive: {odd}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, NotImplementedError, OSError) as error:
        raise ManifestError(f"archive: can't be read as a zip file ({error}); make it anew") from None
    except (RecursionError, MemoryError, OverflowError, IndexError, KeyError, RuntimeError) as error:
        raise ManifestError(f"archive: is no usable zip file ({type(error).__name__}); make it anew") from None
    return tuple(sorted(_below_top(entries), key=lambda entry: entry.path))


# --- the archive as a whole

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LOCAL_HEADER = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL_HEADER = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END_RECORD = struct.Struct("<4sHHHHLLH")
_DIRECTORY, _FILE = 0o040000, 0o100000
_KIND = 0o170000
_ENCRYPTED, _DESCRIPTOR, _UTF8, _STRONG, _PATCH, _MASKED = 0x1, 0x8, 0x800, 0x40, 0x20, 0x2000


def _check_size(data: bytes, bounds: Bounds) -> None:
    if len(data) > bounds.packed:
        raise _Odd(f"has {len(data):,} bytes, at most {bounds.packed:,} are taken")
    if not data.startswith(_LOCAL):
        raise _Odd("doesn't begin as a zip file with files in it; send a plain zip file, nothing before it")
    if data[257:262] == b"ustar":
        raise _Odd("can be read as a tar file too; send a plain zip file")


def _listed(data: bytes, bounds: Bounds) -> list[zipfile.ZipInfo]:
    end = data.rfind(_END)
    if end < 0 or len(data) - end != _END_RECORD.size:
        raise _Odd("has a comment, or something after its end; make it without")
    _, disk, start_disk, here, total, size, offset, _ = _END_RECORD.unpack_from(data, end)
    if disk or start_disk or here != total:
        raise _Odd("is one of several volumes; send one whole file")
    if 0xFFFF in {here, total} or 0xFFFFFFFF in {size, offset}:
        raise _Odd("is in the zip64 format, which only larger ones need")
    if offset + size != end:
        raise _Odd("has bytes between its directory and its end")
    if total > bounds.files:
        raise _Odd(f"has {total:,} entries, at most {bounds.files:,} are taken")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
    if len(infos) != total:
        raise _Odd("counts its entries wrongly")
    if not infos:
        raise _Odd("is empty")
    return infos


# --- names

_RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{digit}" for name in ("com", "lpt") for digit in "0123456789¹²³")}


def _check_names(infos: list[zipfile.ZipInfo], bounds: Bounds) -> None:
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for info in infos:
        path = info.filename.removesuffix("/")
        if info.orig_filename != info.filename:
            raise _Odd(f"{info.orig_filename!r}: has characters that archives read in two ways")
        _check_kind(info)
        _check_path(path, bounds)
        key = _folded(path)
        if key in seen:
            raise _Odd(f"{path!r}: there are two entries of that name ({seen[key]!r})")
        seen[key] = path
        parents = _folded(path).split("/")[:-1]
        folders.update("/".join(parents[: at + 1]) for at in range(len(parents)))
    files = {_folded(info.filename) for info in infos if not info.is_dir()}
    if both := files & folders:
        raise _Odd(f"{min(both)!r}: is a file and a folder")
    spelled: dict[str, str] = {}
    for path in seen.values():
        parts = path.split("/")
        for at in range(1, len(parts) + 1):
            prefix = "/".join(parts[:at])
            if spelled.setdefault(_folded(prefix), prefix) != prefix:
                raise _Odd(f"{prefix!r}: there's another of that name but for capitals")


def _folded(path: str) -> str:
    return unicodedata.normalize("NFKC", path).casefold().removesuffix("/")


def _check_kind(info: zipfile.ZipInfo) -> None:
    kind = (info.external_attr >> 16) & _KIND
    wanted = _DIRECTORY if info.is_dir() else _FILE
    if kind not in (0, wanted):
        raise _Odd(f"{info.filename!r}: is a link, a device or no plain file; pack plain files and folders only")
    if info.external_attr & 0x400:
        raise _Odd(f"{info.filename!r}: is marked as a link; pack plain files and folders only")
    if bool(info.external_attr & 0x10) and not info.is_dir():
        raise _Odd(f"{info.filename!r}: is marked as a folder, and named as a file")
    if info.flag_bits & (_ENCRYPTED | _STRONG | _MASKED):
        raise _Odd(f"{info.filename!r}: is encrypted; pack it without a password")
    if info.flag_bits & _DESCRIPTOR:
        raise _Odd(f"{info.filename!r}: tells its size only after its data; pack from files, not from a stream")
    if info.flag_bits & _PATCH or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _Odd(f"{info.filename!r}: is compressed in a rare way; use stored or deflate")
    if info.is_dir() and (info.file_size or info.compress_size):
        raise _Odd(f"{info.filename!r}: is a folder with contents of its own")


def _check_path(path: str, bounds: Bounds) -> None:
    if not path or path.startswith("/"):
        raise _Odd(f"{path!r}: must be a path below the archive")
    if len(path.encode("utf-8", "surrogatepass")) > bounds.path:
        raise _Odd(f"{path[:60]!r}...: has more than {bounds.path} bytes")
    parts = path.split("/")
    if len(parts) > bounds.depth:
        raise _Odd(f"{path!r}: lies deeper than {bounds.depth} folders")
    for part in parts:
        if part in {"", ".", ".."}:
            raise _Odd(f"{path!r}: has an empty part or dots for a folder")
        if odd := next((character for character in part if _is_odd(character)), ""):
            raise _Odd(f"{path!r}: U+{ord(odd):04X} can't stand in a name")
        if part != unicodedata.normalize("NFC", part):
            raise _Odd(f"{path!r}: isn't in Unicode's composed form (NFC)")
        if part.endswith((".", " ")) or part.startswith(" "):
            raise _Odd(f"{path!r}: begins or ends with a space, or ends with a dot")
        if part.split(".")[0].strip().casefold() in _RESERVED:
            raise _Odd(f"{path!r}: is a device's name on Windows")


def _is_odd(character: str) -> bool:
    # Cc: controls. Cf: invisible ones, those that turn the direction among them. Cs, Co, Cn: no characters. Zl, Zp.
    return character in '\\:*?"<>|' or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


# --- framing: every byte belongs to one entry, and both of its headers say the same


def _check_framing(data: bytes, infos: list[zipfile.ZipInfo]) -> None:
    end = data.rfind(_END)
    (directory,) = struct.unpack_from("<L", data, end + 16)
    at = directory
    spans = [_span(data, info, directory) for info in sorted(infos, key=lambda info: info.header_offset)]
    for _ in infos:
        fields = _CENTRAL_HEADER.unpack_from(data, at)
        if fields[0] != _CENTRAL:
            raise _Odd("has something else in its directory")
        name, extra, comment = fields[10:13]
        if comment:
            raise _Odd("has comments on entries; make it without")
        _check_extra(data[at + _CENTRAL_HEADER.size + name : at + _CENTRAL_HEADER.size + name + extra])
        at += _CENTRAL_HEADER.size + name + extra
    if at != end:
        raise _Odd("has something else in its directory")
    place = 0
    for start, stop in spans:
        if start != place:
            raise _Odd("has bytes that belong to no entry, or to two")
        place = stop
    if place != directory:
        raise _Odd("has bytes that belong to no entry, or to two")


def _span(data: bytes, info: zipfile.ZipInfo, directory: int) -> tuple[int, int]:
    """Return where an entry begins and ends, once its own header says what the directory says."""
    start = info.header_offset
    if start + _LOCAL_HEADER.size > directory:
        raise _Odd(f"{info.filename!r}: lies outside the archive")
    mark, _, flags, method, _, _, crc, packed, size, name, extra = _LOCAL_HEADER.unpack_from(data, start)
    named = start + _LOCAL_HEADER.size
    spelled = data[named : named + name]
    wanted = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")
    same = (
        mark == _LOCAL
        and (flags, method) == (info.flag_bits, info.compress_type)
        and (crc, packed, size) == (info.CRC, info.compress_size, info.file_size)
        and spelled == wanted
    )
    if not same:
        raise _Odd(f"{info.filename!r}: its two headers don't say the same")
    if not info.flag_bits & _UTF8 and not spelled.isascii():
        raise _Odd(f"{info.filename!r}: isn't marked as UTF-8")
    _check_extra(data[named + name : named + name + extra])
    stop = named + name + extra + packed
    if stop > directory:
        raise _Odd(f"{info.filename!r}: lies outside the archive")
    return start, stop


_TIMES = {0x5455, 0x7875, 0x000A}
"""Extra fields with times and owners, which zip programs write and nobody here reads; others may rename an entry."""


def _check_extra(extra: bytes) -> None:
    while extra:
        if len(extra) < 4:
            raise _Odd("has a broken extra field")
        kind, length = struct.unpack_from("<HH", extra)
        if kind not in _TIMES or len(extra) < 4 + length:
            raise _Odd(f"has an extra field of kind 0x{kind:04x}; make it with a plain zip program")
        extra = extra[4 + length :]


# --- contents


def _read(data: bytes, infos: list[zipfile.ZipInfo], bounds: Bounds) -> Iterator[Entry]:
    total = 0
    for info in infos:
        if info.is_dir():
            continue
        room = min(bounds.file, bounds.unpacked - total)
        content = _inflated(_packed(data, info), info, room)
        if len(content) > room:
            what = f"{info.filename!r}: has more than {bounds.file:,} bytes" if room == bounds.file else ""
            raise _Odd(what or f"unpacks to more than {bounds.unpacked:,} bytes")
        if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
            raise _Odd(f"{info.filename!r}: isn't what its header says")
        total += len(content)
        if total > bounds.innocent and total > bounds.ratio * len(data):
            raise _Odd(f"unpacks to more than {bounds.ratio} times its size")
        yield Entry(path=info.filename, data=content)


def _packed(data: bytes, info: zipfile.ZipInfo) -> bytes:
    name, extra = _LOCAL_HEADER.unpack_from(data, info.header_offset)[9:]
    start = info.header_offset + _LOCAL_HEADER.size + name + extra
    return data[start : start + info.compress_size]


def _inflated(packed: bytes, info: zipfile.ZipInfo, room: int) -> bytes:
    """Return at most one byte more than there's room for, whatever any header says of the size."""
    if info.compress_type == zipfile.ZIP_STORED:
        return packed[: room + 1]
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    content = stream.decompress(packed, room + 1)
    if len(content) <= room and (not stream.eof or stream.unused_data):
        raise _Odd(f"{info.filename!r}: has bytes behind its contents, or breaks off")
    return content


def _below_top(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Leave out the one folder that all lies in, if it does."""
    tops = {entry.path.partition("/")[0] for entry in entries}
    if not entries:
        raise ManifestError("archive: has no files, only folders")
    if len(tops) > 1 or any("/" not in entry.path for entry in entries):
        return entries
    return tuple(Entry(path=entry.path.partition("/")[2], data=entry.data) for entry in entries)


def write(entries: tuple[Entry, ...], folder: Path, *, durably: bool = True) -> None:
    """Write files into an empty folder, readable for all and executable for nobody; raises OSError."""
    for entry in entries:
        path = folder / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(entry.data)
            if durably:
                file.flush()
                os.fsync(file.fileno())
        path.chmod(0o644)
