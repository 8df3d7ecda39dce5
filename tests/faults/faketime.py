"""The time of day of a process under test, set while it runs by libfaketime; seconds that pass stay true."""

import time
from collections.abc import Mapping
from pathlib import Path

from tests.faults.test_full_disk import give_up

LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")


class FakeTime:
    """Sets the clock of processes that are started with its `environment`."""

    def __init__(self, folder: Path) -> None:
        found = [path for pattern in LIBRARIES for path in Path("/").glob(pattern[1:])]
        if not found:
            give_up("setting a process's clock takes libfaketime (Debian: faketime)")
        self._library = found[0]
        self._stamp = folder / "clock"
        self.ahead = 0.0
        """Seconds between the faked time and the true one."""
        self.set(0.0)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process is started with."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._stamp),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Its remedy for an old bug of glibc's has Python's threads spin for the interpreter's lock.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "NO_FAKE_STAT": "1",
        }

    def set(self, ahead: float) -> None:
        """Set the clock to so many seconds before or after the true time, at once."""
        self.ahead = ahead
        fresh = self._stamp.with_suffix(".new")
        fresh.write_text(f"{ahead:+.3f}\n")
        fresh.replace(self._stamp)

    def put(self, at: float) -> None:
        """Set the clock to a moment, in seconds since 1970."""
        self.set(at - time.time())

    def now(self) -> float:
        """Return what the clock says."""
        return time.time() + self.ahead
