"""What set-up says, and how it shows that it's alive while a command runs for minutes."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

_NINJA = re.compile(rb"^ *\[(\d+)/(\d+)\] ", re.MULTILINE)


class SetupError(Exception):
    """Set-up can't go on; the text says why and what to do."""


def say(text: str) -> None:
    """Print lines of set-up's own, so marked that they stand out from what tools print."""
    for line in text.splitlines():
        print(f"==> {line}" if line else "", flush=True)


def call(*command: str | Path, why: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
    """Run a short command; what it prints is shown as it comes.

    Raises SetupError, with `why` in its text, if it can't be started or fails.
    """
    try:
        code = subprocess.run([str(part) for part in command], cwd=cwd, env=env, check=False).returncode
    except OSError as error:
        raise SetupError(f"{why}: {error}") from error
    if code:
        raise SetupError(f"{why}: {Path(command[0]).name} ended with exit code {code}; its words are above")


def call_patiently(
    *command: str | Path, log: Path, what: str, cwd: Path, env: Mapping[str, str], every: float = 10.0
) -> int:
    """Run a long command with its output in `log`; say every so often how far it is. Returns its exit code."""
    with (
        log.open("ab") as stream,
        subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        ) as child,
    ):
        try:
            return _wait(child, log, what, every)
        except BaseException:
            child.terminate()
            raise


def last_lines(log: Path, count: int) -> str:
    """The end of a build's own words; what pip adds about itself after them is left out."""
    words = log.read_text(errors="replace").split("error: subprocess-exited-with-error")[0] if log.exists() else ""
    return "\n".join(f"    {line[:300]}" for line in words.rstrip().splitlines()[-count:])


def progress(log: bytes) -> str:
    """How far a build is, as ninja counts it: '43 %'; empty before it counts."""
    steps = _NINJA.findall(log)
    return f"{100 * int(steps[-1][0]) // int(steps[-1][1])} %" if steps else ""


def _wait(child: subprocess.Popen[bytes], log: Path, what: str, every: float) -> int:
    began, alive = time.monotonic(), sys.stdout.isatty()
    while True:
        try:
            code = child.wait(timeout=1.0 if alive else every)
        except subprocess.TimeoutExpired:
            line = f"==> {what}: {time.monotonic() - began:.0f} s {progress(log.read_bytes())}".rstrip()
            print(f"\r{line}\x1b[K" if alive else line, end="" if alive else "\n", flush=True)
        else:
            print(end="\n" if alive else "", flush=True)
            return code
