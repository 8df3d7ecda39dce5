"""A hub as it's served, one of several: `python -m tests.hubs.hub_in_fleet CONFIG PLATFORM_PORT EFFECTS`."""

import fcntl
import os
import sys
from pathlib import Path

from hub.config import load
from hub.serving import serve
from tests.faults.hub_under_test import NAME, JournalBridge, Note


class SharedNote(Note):
    """The tool of the tests' hubs, whose book several processes write into: once for each key."""

    def _write(self, line: str) -> None:
        key = line.split(maxsplit=1)[0]
        with self._effects.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            if key not in {known.split()[0] for known in file}:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())


def main(config: str, port: str, effects: str) -> int:
    """Serve until told to stop, or killed."""
    path = Path(config)
    bridges = {NAME: JournalBridge(int(port))}
    return serve(load(path, os.environ), path, bridges=bridges, tools=[SharedNote(Path(effects))])


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
