"""A package on this machine -> the zip file that's sent: a folder is packed the same way each time."""

import io
import zipfile
from pathlib import Path

import rich_click as click

LEFT_OUT = {"__pycache__", ".git", ".venv", "node_modules"}
LARGEST = 100 * 1024 * 1024
EPOCH = (1980, 1, 1, 0, 0, 0)


def packed(path: Path) -> bytes:
    """Return a zip file's bytes, or a folder's files as one; raises ClickException with the way out."""
    try:
        if path.is_dir():
            return _zipped(path)
        return path.read_bytes()
    except OSError as error:
        raise click.ClickException(f"{path}: can't be read ({error.strerror}).") from None


def _zipped(folder: Path) -> bytes:
    out, size = io.BytesIO(), 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            inner = path.relative_to(folder)
            if LEFT_OUT.intersection(inner.parts) or any(part.startswith(".") for part in inner.parts):
                continue
            if path.is_symlink():
                raise click.ClickException(f"{path}: is a link; put the file itself there.")
            if path.is_file():
                size += path.stat().st_size
                if size > LARGEST:
                    raise click.ClickException(
                        f"{folder}: has more than {LARGEST // 2**20} MiB; is it the right folder?"
                    )
                archive.writestr(zipfile.ZipInfo(inner.as_posix(), EPOCH), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return out.getvalue()
