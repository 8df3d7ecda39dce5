"""A package on this machine -> the zip file that's sent."""

from pathlib import Path

import rich_click as click

from hub.errors import ManifestError
from hub.packages.packing import zipped


def packed(path: Path) -> bytes:
    """Return a zip file's bytes, or a folder's files as one; raises ClickException with the way out."""
    try:
        return zipped(path) if path.is_dir() else path.read_bytes()
    except ManifestError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{path}: can't be read ({error.strerror}).") from None
