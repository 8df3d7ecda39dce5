"""What was asked of this computer and what became of it: JSON lines, each with the hash of the one before.

Whoever changes or takes out a line breaks the chain from there on; `check` says where. What's cut off at the end can't
be seen from the file alone: whoever wants to know that keeps the last hash elsewhere, which `check` returns.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

FIRST = "0" * 64
TAIL = 1 << 20


class Line(Struct, frozen=True, kw_only=True):
    """One thing that happened."""

    n: int
    at: datetime
    hub: str
    call: str
    what: str
    """asked, refused, approved, done or failed; begun and ended for the program itself."""
    wish: str = ""
    """What was asked, as JSON: of a text to be written its SHA-256 and length stand for it."""
    by: str = ""
    """Who decided: person, always (said before), rule, or nobody."""
    result: str = ""
    """SHA-256 of what was answered."""
    before: str
    """SHA-256 of the line before, to the byte; zeros for the first."""


class Broken(Exception):
    """The chain is broken; the text says where."""


class Audit:
    """A file that lines are added to. Every line is on the disk before `add` returns."""

    def __init__(self, path: Path, hub: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Go on where the file ends; raises OSError, and Broken if its last line isn't one."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._hub = hub
        self._now = now
        last = _last(self._file)
        self._n = msgspec.json.decode(last, type=Line).n if last else 0
        self._before = sha256(last).hexdigest() if last else FIRST

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *how: object) -> None:
        os.close(self._file)

    def add(self, call: str, what: str, *, wish: str = "", by: str = "", result: str = "") -> None:
        """Add a line; raises OSError if it can't be kept."""
        line = Line(
            n=self._n + 1,
            at=self._now(),
            hub=self._hub,
            call=call,
            what=what,
            wish=wish,
            by=by,
            result=sha256(result.encode()).hexdigest() if result else "",
            before=self._before,
        )
        data = msgspec.json.encode(line)
        if os.write(self._file, data + b"\n") != len(data) + 1:
            raise OSError("a line was written in part: the disk is full")
        os.fsync(self._file)
        self._n, self._before = line.n, sha256(data).hexdigest()


def check(path: Path) -> tuple[int, str]:
    """Return how many lines there are, and the last one's hash; raises Broken, and OSError."""
    before, count = FIRST, 0
    with path.open("rb") as file:
        for data in file:
            count += 1
            try:
                line = msgspec.json.decode(data, type=Line)
            except msgspec.MsgspecError as error:
                raise Broken(f"line {count}: can't be read ({error})") from None
            if (line.n, line.before) != (count, before) or not data.endswith(b"\n"):
                raise Broken(f"line {count}: doesn't follow the one before; one of them was changed or taken out")
            before = sha256(data.rstrip(b"\n")).hexdigest()
    return count, before


def _last(file: int) -> bytes:
    size = os.fstat(file).st_size
    tail = os.pread(file, min(size, TAIL), max(0, size - TAIL))
    if not tail:
        return b""
    if not tail.endswith(b"\n"):
        raise Broken("its last line was cut off; put the file aside, and a new one is begun")
    last = tail[:-1].rpartition(b"\n")[2]
    try:
        msgspec.json.decode(last, type=Line)
    except msgspec.MsgspecError as error:
        raise Broken(f"its last line can't be read ({error}); put the file aside, and a new one is begun") from None
    return last
