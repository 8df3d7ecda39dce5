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
            name = made.name if isinstance(made.name, bytes) else made.name.encode("utf-8", "surrogatepass")
            packed = made.packed if made.packed is not None else _packed(made.data, made.method)
            crc = zlib.crc32(made.data) if made.crc is None else made.crc
            size = len(made.data) if made.size is None else made.size
            body += struct.pack(
                "<4sHHHHHLLLHH",
                b"PK\x03\x04",
                made.version,
                made.flags if made.local_flags is None else made.local_flags,
                made.method if made.local_method is None else made.local_method,
                0,
                0x21,
                crc if made.local_crc is None else made.local_crc,
                len(packed),
                size if made.local_size is None else made.local_size,
                len(name if made.local_name is None else made.local_name),
                len(made.extra if made.local_extra is None else made.local_extra),
            )
            body += name if made.local_name is None else made.local_name
            body += made.extra if made.local_extra is None else made.local_extra
            body += packed
            if made.listed:
                central += struct.pack(
                    "<4sHHHHHHLLLHHHHHLL",
                    b"PK\x01\x02",
                    0x0314,
                    made.version,
                    made.flags,
                    made.method,
                    0,
                    0x21,
                    crc,
                    len(packed),
                    size,
                    len(name),
                    len(made.extra),
                    len(made.comment),
                    made.disk,
                    0,
                    made.attributes,
                    offset if made.offset is None else made.offset,
                )
                central += name + made.extra + made.comment
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
