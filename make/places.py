"""Where set-up keeps what it makes: in the checkout, and in a cache that all checkouts share."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


def cache_home(environ: Mapping[str, str]) -> Path:
    """The folder for built wheels and models; it survives the checkout."""
    base = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home()) / ".cache"
    return Path(base).absolute() / "agenthost"


@dataclass(frozen=True, kw_only=True)
class Places:
    """One checkout and the cache it uses."""

    root: Path
    cache: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Places:
        return cls(root=Path(__file__).resolve().parent.parent, cache=cache_home(environ))

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def uv(self) -> Path:
        return self.venv / "bin" / "uv"

    def lock(self, name: str = "") -> Path:
        """The lock file of that name; without a name, the hub's own."""
        return self.root / (f"requirements-{name}.lock" if name else "requirements.lock")


class Stamps:
    """Remembers what each step of set-up was made from, so that a second run does nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def is_fresh(self, step: str, *fingerprints: str) -> bool:
        return self._read().get(step) in fingerprints

    def keep(self, step: str, fingerprint: str) -> None:
        self._write({**self._read(), step: fingerprint})

    def forget(self, *steps: str) -> None:
        kept = self._read()
        if kept.keys() & set(steps):
            self._write({step: value for step, value in kept.items() if step not in steps})

    def _read(self) -> dict[str, str]:
        try:
            kept = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def _write(self, kept: Mapping[str, str]) -> None:
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps(kept, indent=1))
        beside.replace(self._file)


def fingerprint(*parts: str | Path) -> str:
    """A short hash of texts, and of the contents of files; a missing file counts as an empty one."""
    whole = hashlib.sha256()
    for part in parts:
        content = _content(part) if isinstance(part, Path) else part.encode()
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()[:16]


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Let one process at a time through; the others wait."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""
