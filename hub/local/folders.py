"""A lent folder: nothing outside it is opened, whatever a path says and whoever swaps what lies there meanwhile.

Paths are walked part by part from the folder's own descriptor, and no part may be a link (O_NOFOLLOW): there's no
moment between a check and a use. What's opened is then looked at itself: a plain file with one name only, on the same
disk.
"""

import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from secrets import token_hex
from typing import Self

from hub.errors import ToolError

DENIED = (
    ".*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.kdbx", "*.keychain*", "*.ovpn",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "credentials*", "secrets*", "wallet.dat",
)  # fmt: skip
"""Names that are never shown nor opened, in small letters: what's hidden, and what's likely to be a secret."""
BYTES = 1 << 20
"""Of a file that's read or searched."""
ENTRIES = 500
"""Of a folder, that are listed."""
DEPTH = 16
SUPPORTED = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
"""Whether this system lets paths be walked safely; Windows doesn't."""

_FOLDER = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
# Without O_NONBLOCK, opening a pipe would wait for whoever writes to it.
_FILE = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)


class Refused(ToolError):
    """It may not be opened; the text says why, and names nothing outside the folder."""


class Folder:
    """One folder, held open."""

    def __init__(self, place: Path, *, denied: Sequence[str] = DENIED) -> None:
        """Hold a folder open; raises OSError."""
        self._denied = tuple(pattern.casefold() for pattern in denied)
        self._root = os.open(place, _FOLDER & ~getattr(os, "O_NOFOLLOW", 0))
        self._disk = os.fstat(self._root).st_dev

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *how: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it."""
        os.close(self._root)

    def entries(self, path: str = "") -> list[str]:
        """Return a line for each entry that may be seen, sorted; raises ToolError."""
        with self._folder(self._parts(path)) as folder:
            names = sorted(name for name in os.listdir(folder) if not self._is_denied(name))
            lines = [_line(folder, name) for name in names[:ENTRIES]]
        more = len(names) - len(lines)
        return [*lines, f"... and {more} more"] if more > 0 else lines

    def read(self, path: str) -> bytes:
        """Return a file's bytes; raises ToolError."""
        with self._parent(path) as (folder, name):
            return self._read(folder, name, path)

    def files(self, most: int) -> Iterator[tuple[str, bytes]]:
        """Yield path and bytes of files that may be read, of no more than so many; what can't be read is left out."""
        left = [most]
        yield from self._below((), left)

    def write(self, path: str, data: bytes, *, instead: bytes | None) -> None:
        """Have a file hold these bytes, all or none; `instead` is what it held when leave was given, None: nothing.

        Raises ToolError where it holds something else by now.
        """
        with self._parent(path) as (folder, name):
            if self._now(folder, name, path) != instead:
                raise Refused(f"{path} was changed since leave was given. Nothing was written.")
            mode = (
                stat.S_IMODE(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
                if instead is not None
                else 0o600
            )
            fresh = f".agenthost-{token_hex(8)}"
            try:
                _put(os.open(fresh, _NEW, 0o600, dir_fd=folder), data, mode & 0o777)
                # What lies there by this name is replaced, whatever it is by now; nothing is written through it.
                os.replace(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError as error:
                _remove(fresh, folder)
                raise ToolError(f"{path} can't be written: {error.strerror}.") from None
            os.fsync(folder)

    def now(self, path: str) -> bytes | None:
        """Return what a file that may be written holds now, None if it isn't there; raises ToolError."""
        with self._parent(path) as (folder, name):
            return self._now(folder, name, path)

    # --- inside

    def _now(self, folder: int, name: str, path: str) -> bytes | None:
        try:
            os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return self._read(folder, name, path)

    def _read(self, folder: int, name: str, path: str) -> bytes:
        try:
            file = os.open(name, _FILE, dir_fd=folder)
        except OSError as error:
            raise _refusal(path, error) from None
        try:
            self._check(os.fstat(file), path)
            data = _all(file)
        finally:
            os.close(file)
        if len(data) > BYTES:
            raise Refused(f"{path} is too long: {BYTES} bytes at most are read.")
        return data

    def _check(self, found: os.stat_result, path: str) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise Refused(f"{path} is no plain file.")
        if found.st_nlink > 1:
            raise Refused(f"{path} has another name elsewhere (a hard link), so it may not belong to this folder.")
        if found.st_dev != self._disk:
            raise Refused(f"{path} lies on another disk than the folder.")
        if found.st_size > BYTES:
            raise Refused(f"{path} has {found.st_size} bytes; {BYTES} at most are read.")

    def _parts(self, path: str) -> tuple[str, ...]:
        """Return the parts of a path; raises Refused for one that leads elsewhere or to what's never shown."""
        if path in ("", ".", "./"):
            return ()
        parts = tuple(path.removeprefix("./").removesuffix("/").split("/"))
        if path.startswith("/") or ".." in parts or "" in parts or "." in parts:
            raise Refused(f"{path!r} leads out of the folder; give a path below it.")
        if len(parts) > DEPTH:
            raise Refused(f"{path!r} is too deep; {DEPTH} folders at most.")
        for part in parts:
            if self._is_denied(part):
                raise Refused(f"{path!r} may not be opened: {part!r} is hidden, odd, or likely to be a secret.")
        return parts

    def _is_denied(self, name: str) -> bool:
        """Say whether a name is never shown: by its letters, whatever their case, and by signs that nobody sees."""
        plain = unicodedata.normalize("NFKC", name).casefold()
        odd = any(not letter.isprintable() for letter in name) or "\\" in name or ":" in name
        return odd or any(fnmatchcase(plain, pattern) for pattern in self._denied)

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """Yield the folder that a file lies in, and its name there."""
        parts = self._parts(path)
        if not parts:
            raise Refused("That's the folder itself; name a file in it.")
        with self._folder(parts[:-1]) as folder:
            yield folder, parts[-1]

    @contextmanager
    def _folder(self, parts: Sequence[str]) -> Iterator[int]:
        """Yield a folder below the root, walked to without following a link."""
        held = [os.dup(self._root)]
        try:
            for part in parts:
                try:
                    held.append(os.open(part, _FOLDER, dir_fd=held[-1]))
                except OSError as error:
                    raise _refusal("/".join(parts), error) from None
                if os.fstat(held[-1]).st_dev != self._disk:
                    raise Refused(f"{'/'.join(parts)} lies on another disk than the folder.")
            yield held[-1]
        finally:
            for each in held:
                os.close(each)

    def _below(self, parts: tuple[str, ...], left: list[int]) -> Iterator[tuple[str, bytes]]:
        """Yield files below a folder, links and what can't be read left out."""
        with self._folder(parts) as folder:
            names = sorted(name for name in os.listdir(folder) if not self._is_denied(name))
            inner: list[str] = []
            for name in names:
                if left[0] <= 0:
                    return
                mode = _mode(folder, name)
                if stat.S_ISDIR(mode):
                    inner.append(name)
                elif stat.S_ISREG(mode):
                    left[0] -= 1
                    try:
                        data = self._read(folder, name, name)
                    except ToolError:
                        continue
                    yield "/".join((*parts, name)), data
        for name in inner:
            if len(parts) < DEPTH:
                try:
                    yield from self._below((*parts, name), left)
                except Refused:
                    continue


def _line(folder: int, name: str) -> str:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return f"{name} (gone meanwhile)"
    if stat.S_ISDIR(found.st_mode):
        return f"{name}/"
    if stat.S_ISLNK(found.st_mode):
        return f"{name} (a link, which isn't followed)"
    return f"{name} ({found.st_size} bytes)" if stat.S_ISREG(found.st_mode) else f"{name} (no plain file)"


def _all(file: int) -> bytes:
    """Return what's in a file, and one byte more than may be read if it grew meanwhile."""
    pieces, left = list[bytes](), BYTES + 1
    while left and (piece := os.read(file, left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _mode(folder: int, name: str) -> int:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except OSError:
        return 0


def _put(file: int, data: bytes, mode: int) -> None:
    with os.fdopen(file, "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fchmod(file, mode)
        os.fsync(file)


def _remove(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except OSError:
        return


def _refusal(path: str, error: OSError) -> ToolError:
    if isinstance(error, FileNotFoundError):
        return ToolError(f"There's no {path}.")
    if isinstance(error, NotADirectoryError):
        return Refused(f"{path}: a part of it is no folder, or a link, which isn't followed.")
    return Refused(f"{path} can't be opened: it's a link, which isn't followed, or not to be read.")
