"""Which images of a prompt a model is shown, and what stands in the place of the others."""

import struct
from collections.abc import Sequence

from msgspec.structs import replace

from hub.ports import Image, Said

MOST = 4
"""Images shown at once, the newest: each costs hundreds of tokens."""

LARGEST = 8 * 1024 * 1024
"""Bytes of an image that's shown."""

PIXELS = 40_000_000
"""A few kilobytes can hold a picture that fills all memory once it's unpacked."""


def shown(prompt: Sequence[Said], *, sees: bool) -> tuple[Said, ...]:
    """Return a prompt with the images that are to be shown, and notes in place of the others."""
    left, turned = MOST if sees else 0, list[Said]()
    for said in reversed(prompt):
        kept, notes = list[Image](), list[str]()
        for image in reversed(said.images):
            if left and fits(image.data):
                kept.insert(0, image)
                left -= 1
            else:
                notes.insert(0, note(image))
        text = "\n".join([*notes, said.text] if said.text else notes)
        turned.insert(0, replace(said, text=text, images=tuple(kept)) if said.images else said)
    return tuple(turned)


def fits(data: bytes) -> bool:
    """Say whether it's a picture of a kind and size that can be shown."""
    found = size(data)
    return found is not None and len(data) <= LARGEST and 0 < found[0] * found[1] <= PIXELS


def note(image: Image) -> str:
    """Return what a model is told of an image that it isn't shown."""
    found = size(image.data)
    measures = f", {found[0]}x{found[1]}" if found else ""
    return f"[image: {image.name}{measures}, not shown to this model]"


def kind(data: bytes) -> str:
    """Return an image's media type by its first bytes, empty if it's none that's shown."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/gif" if data[:6] in {b"GIF87a", b"GIF89a"} else ""


def size(data: bytes) -> tuple[int, int] | None:
    """Return an image's width and height as its header says, without unpacking it; None if it's of no kind we show."""
    try:
        match kind(data):
            case "image/png":
                width, height = struct.unpack_from(">II", data, 16)
                return int(width), int(height)
            case "image/gif":
                width, height = struct.unpack_from("<HH", data, 6)
                return int(width), int(height)
            case "image/jpeg":
                return _jpeg(data)
            case _:
                return None
    except struct.error:
        return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        # Frames of every coding; C4, C8 and CC are tables and extensions.
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return int(width), int(height)
        at += 2 + max(2, length)
    return None
