"""A folder with the stand-in for systemctl, and its one unit."""

import shutil
import sys
from pathlib import Path

from tests.waker import systemctl

ASLEEP = {
    "LoadState": "loaded",
    "ActiveState": "inactive",
    "SubState": "dead",
    "Result": "success",
    "ExecMainStatus": "0",
    "Job": "",
}


class Units:
    """A folder with the stand-in, its one unit, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        shutil.copy(systemctl.__file__, folder / "systemctl.py")
        self.program = folder / "systemctl"
        self.program.write_text(f'#!/bin/sh\nexec {sys.executable} -S {folder}/systemctl.py "$@"\n')
        self.program.chmod(0o700)
        self.be()

    def be(self, **properties: str) -> None:
        (self._folder / "unit").write_text("".join(f"{k}={v}\n" for k, v in (ASLEEP | properties).items()))

    def change(self, **properties: str) -> None:
        with (self._folder / "unit").open("a") as unit:
            unit.writelines(f"{k}={v}\n" for k, v in properties.items())

    @property
    def asked(self) -> list[str]:
        return (self._folder / "asked").read_text().splitlines()

    @property
    def starts(self) -> int:
        """How often the unit was really started."""
        found = dict(line.split("=", 1) for line in (self._folder / "unit").read_text().splitlines())
        return int(found.get("Starts", "0"))
