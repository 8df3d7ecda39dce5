"""Removing what a program planted: however deep, whatever its rights, and whatever it's about to put there."""

import os
import secrets
import stat
from contextlib import suppress

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def erase(folder: int) -> None:
    """Remove everything in an open folder, without following a link or going deeper than two handles.

    Folders in folders are moved up beside the first, so that a thousand levels cost neither a thousand open files nor
    a thousand calls. Raises OSError for what can't be removed.
    """
    while names := os.listdir(folder):
        for name in names:
            if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                _empty(folder, name)
                os.rmdir(name, dir_fd=folder)
            else:
                os.unlink(name, dir_fd=folder)


def _empty(folder: int, name: str) -> None:
    inner = _entered(folder, name)
    try:
        for child in os.listdir(inner):
            if stat.S_ISDIR(os.stat(child, dir_fd=inner, follow_symlinks=False).st_mode):
                _open_up(inner, child)
                os.rename(child, secrets.token_hex(12), src_dir_fd=inner, dst_dir_fd=folder)
            else:
                with suppress(FileNotFoundError):
                    os.unlink(child, dir_fd=inner)
    finally:
        os.close(inner)


def _entered(folder: int, name: str) -> int:
    _open_up(folder, name)
    return os.open(name, _FOLDER, dir_fd=folder)


def _open_up(folder: int, name: str) -> None:
    """Give ourselves all rights on a folder; its handle is held, so that no link can be put in its place."""
    held = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.chmod(f"/proc/self/fd/{held}", 0o700)
    finally:
        os.close(held)
