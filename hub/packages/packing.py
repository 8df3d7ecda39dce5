"""A folder with a package -> the zip file that's installed: packed the same way each time."""

import io
import zipfile
from pathlib import Path

from hub.errors import ManifestError

LEFT_OUT = frozenset({"__pycache__", ".git", ".venv", "node_modules"})
LARGEST = 100 * 1024 * 1024
EPOCH = (1980, 1, 1, 0, 0, 0)


def zipped(folder: Path) -> bytes:
    """Return a folder's files as a zip file; raises ManifestError with the way out, OSError if one can't be read."""
    out, size = io.BytesIO(), 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files(folder):
            if path.is_symlink():
                raise ManifestError(f"{path}: is a link; put the file itself there.")
            if path.is_file():
                size += path.stat().st_size
                if size > LARGEST:
                    raise ManifestError(f"{folder}: has more than {LARGEST // 2**20} MiB; is it the right folder?")
                inner = path.relative_to(folder).as_posix()
                archive.writestr(zipfile.ZipInfo(inner, EPOCH), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def files(folder: Path) -> list[Path]:
    """Return what of a folder belongs to its package, in order: nothing hidden, nothing that a tool left there."""
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if not LEFT_OUT.intersection(parts) and not any(part.startswith(".") for part in parts):
            found.append(path)
    return found
