"""Zip files made byte by byte, as no zip program would make them."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Made:
    """One entry; what's None is as it should be."""

    name: str | bytes = "SKILL.md"
    data: bytes = b"hello"
    method: int = 8
    flags: int = 0x800
    attributes: int = 0o100644 << 16
    local_name: bytes | None = None
    packed: bytes | None = None
    size: int | None = None
    local_size: int | None = None
    crc: int | None = None
    local_crc: int | None = None
    local_flags: int | None = None
    local_method: int | None = None
    extra: bytes = b""
    local_extra: bytes | None = None
    comment: bytes = b""
    before: bytes = b""
    disk: int = 0
    offset: int | None = None
    listed: bool = True
    version: int = 20

    @property
    def spelled(self) -> bytes:
        return self.name if isinstance(self.name, bytes) else self.name.encode("utf-8", "surrogatepass")

    @property
    def contents(self) -> bytes:
        return _packed(self.data, self.method) if self.packed is None else self.packed

    @property
    def sums(self) -> tuple[int, int]:
        """The checksum and the size that the directory tells."""
        crc = zlib.crc32(self.data) if self.crc is None else self.crc
        return crc, len(self.data) if self.size is None else self.size

    def local(self) -> bytes:
        """Return the entry with its own header."""
        crc, size = self.sums
        name = self.spelled if self.local_name is None else self.local_name
        extra = self.extra if self.local_extra is None else self.local_extra
        header = struct.pack(
            "<4sHHHHHLLLHH",
            b"PK\x03\x04",
            self.version,
            self.flags if self.local_flags is None else self.local_flags,
            self.method if self.local_method is None else self.local_method,
            0,
            0x21,
            crc if self.local_crc is None else self.local_crc,
            len(self.contents),
            size if self.local_size is None else self.local_size,
            len(name),
            len(extra),
        )
        return header + name + extra + self.contents

    def central(self, offset: int) -> bytes:
        """Return the entry's line in the directory, if it's listed there."""
        if not self.listed:
            return b""
        header = struct.pack(
            "<4sHHHHHHLLLHHHHHLL",
            b"PK\x01\x02",
            0x0314,
            self.version,
            self.flags,
            self.method,
            0,
            0x21,
            self.sums[0],
            len(self.contents),
            self.sums[1],
            len(self.spelled),
            len(self.extra),
            len(self.comment),
            self.disk,
            0,
            self.attributes,
            offset if self.offset is None else self.offset,
        )
        return header + self.spelled + self.extra + self.comment


@dataclass
class Zip:
    """An archive of such entries."""

    entries: Sequence[Made] = field(default_factory=lambda: [Made()])
    before: bytes = b""
    between: bytes = b""
    after: bytes = b""
    comment: bytes = b""
    count: int | None = None
    here: int | None = None
    disk: int = 0
    directory: int | None = None
    directory_size: int | None = None

    def bytes(self) -> bytes:
        """Return it as a file."""
        body, central = self.before, b""
        for made in self.entries:
            body += made.before
            offset = len(body)
            body += made.local()
            central += made.central(offset)
        listed = sum(made.listed for made in self.entries)
        start = len(body) if self.directory is None else self.directory
        end = struct.pack(
            "<4sHHHHLLH",
            b"PK\x05\x06",
            self.disk,
            self.disk,
            listed if self.here is None else self.here,
            listed if self.count is None else self.count,
            len(central) if self.directory_size is None else self.directory_size,
            start,
            len(self.comment),
        )
        return body + central + self.between + end + self.comment + self.after


def _packed(data: bytes, method: int) -> bytes:
    if method == 0:
        return data
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()
