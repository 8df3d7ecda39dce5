"""What cloud-init would make of what a machine is made with: the files, their rights, and what's run."""

import gzip
import json
from base64 import b64decode
from typing import Any

from msgspec import Struct


class Written(Struct, frozen=True, kw_only=True):
    """A file on the machine."""

    content: bytes
    rights: str
    owner: str
    late: bool
    """It's written once users are there."""


def config_of(data: bytes) -> dict[str, Any]:
    """Return the cloud-config in user data, packed or not; an empty one has nothing."""
    text = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    assert text.startswith(b"#cloud-config\n")
    config: dict[str, Any] = json.loads(text.partition(b"\n")[2] or b"{}")
    return config


def files_of(data: bytes) -> dict[str, Written]:
    """Return the files that it has cloud-init write, by their paths."""
    return {
        file["path"]: Written(
            content=b64decode(file["content"]) if file.get("encoding") == "b64" else file["content"].encode(),
            rights=file["permissions"],
            owner=file["owner"],
            late=bool(file.get("defer")),
        )
        for file in config_of(data).get("write_files", ())
    }
