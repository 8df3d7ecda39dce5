"""Lent commands: words that their owner wrote, with places for the hub to fill in; run without a shell, and bounded."""

import asyncio
import os
import re
import shlex
import shutil
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from hub.errors import ConfigError, ToolError
from hub.lent import RESULT, SECONDS
from hub.local.folders import Refused

PLACE = re.compile(r"^\{([A-Za-z][A-Za-z0-9_]{0,31})(:int)?\}$")
ODD = re.compile(r"\{[^{}\s]*\}")
KEPT = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER")
"""What a command has of this program's environment: no keys, no tokens, no agents."""
MOST = 1 << 20
"""Bytes of output; a command that goes on is ended."""
LIMITS = (
    "import os,resource,sys;"
    "l=lambda n,v:resource.setrlimit(n,(min(v,resource.getrlimit(n)[1])if resource.getrlimit(n)[1]>=0 else v,)*2);"
    "l(resource.RLIMIT_CPU,int(sys.argv[1]));l(resource.RLIMIT_FSIZE,256<<20);"
    "l(resource.RLIMIT_NOFILE,256);l(resource.RLIMIT_CORE,0);os.execv(sys.argv[2],sys.argv[2:])"
)
"""What a command's process does before it becomes the command: it limits itself."""


class Runnable(Struct, frozen=True, kw_only=True):
    """A command that's lent: a program, found when it was lent, and words, some of them places."""

    name: str
    program: str
    words: tuple[str, ...]
    folder: Path

    @property
    def takes(self) -> tuple[str, ...]:
        """The names of its places, in their order."""
        return tuple(dict.fromkeys(found[1] for word in self.words if (found := PLACE.match(word))))

    @property
    def shown(self) -> str:
        """How it was written."""
        return shlex.join(self.words).replace("'{", "{").replace("}'", "}")

    def filled(self, arguments: Mapping[str, str]) -> tuple[str, ...]:
        """Return its words with every place filled in; raises Refused for what doesn't fit one."""
        if unknown := sorted(arguments.keys() - set(self.takes)):
            raise Refused(f"{self.name} has no place {unknown[0]!r}; it has: {', '.join(self.takes) or 'none'}.")
        return tuple(_filled(self.name, word, arguments) for word in self.words)


def command_of(name: str, line: str, folder: Path) -> Runnable:
    """Read a command as its owner wrote it, to be run in a folder; raises ConfigError."""
    try:
        words = tuple(shlex.split(line))
    except ValueError as error:
        raise ConfigError(f"commands.{name}: can't be read ({error}); write it as in a shell") from None
    if not words:
        raise ConfigError(f"commands.{name}: is empty; name a program")
    odd = [word for word in words if not PLACE.match(word) and ODD.search(word)]
    if odd or PLACE.match(words[0]):
        word = (odd or words)[0]
        raise ConfigError(
            f"commands.{name}: {word!r}: a place is a whole word, as {{path}} or {{count:int}}, and not the first"
        )
    program = shutil.which(words[0])
    if program is None:
        raise ConfigError(f"commands.{name}: there's no program {words[0]!r} in PATH; give its whole path")
    return Runnable(name=name, program=os.path.abspath(program), words=words, folder=folder)


async def run(command: Runnable, words: tuple[str, ...], seconds: float = SECONDS) -> str:
    """Run a command with these words, and return how it ended and what it printed; raises ToolError.

    Cancelled or over its time, it's killed with all that it has begun.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", "-c", LIMITS, str(int(seconds) + 1), command.program, *words[1:],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=command.folder,
            env=clean(os.environ),
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise ToolError(f"{command.name} can't be run: {error.strerror}.") from None
    printed = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while process.stdout and (piece := await process.stdout.read(1 << 16)) and len(printed) < MOST:
                printed += piece
            if len(printed) < MOST:
                await process.wait()
    except TimeoutError:
        raise ToolError(
            f"{command.name} took longer than {seconds:g} seconds and was ended.\n{legible(printed)}"
        ) from None
    finally:
        _end(process)
        await process.wait()
    if len(printed) >= MOST:
        raise ToolError(f"{command.name} printed more than {MOST} bytes and was ended.\n{legible(printed)}")
    return f"{command.name} ended with {process.returncode}.\n{legible(printed)}"


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what of an environment a command gets."""
    return {
        **{name: environ[name] for name in KEPT if name in environ},
        "TERM": "dumb",
        "PAGER": "cat",
        "GIT_PAGER": "cat",
    }


def legible(data: bytes | bytearray, most: int = RESULT - 200) -> str:
    """Return output as text without what steers a terminal, its end kept if it's too long."""
    text = _STEERING.sub("", bytes(data).decode(errors="replace"))
    text = "".join(letter if letter.isprintable() or letter in "\n\t" else "�" for letter in text.replace("\r\n", "\n"))
    return text if len(text) <= most else f"[cut: {len(text) - most} characters before]\n{text[-most:]}"


_STEERING = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def _filled(name: str, word: str, arguments: Mapping[str, str]) -> str:
    found = PLACE.match(word)
    if not found:
        return word
    value = arguments.get(found[1])
    if value is None:
        raise Refused(f"{name} wants {found[1]!r}; say what's to stand there.")
    if not value or len(value) > 200 or value.startswith("-") or not value.isprintable():
        raise Refused(f"{name}: {found[1]!r} must be 1 to 200 plain characters, and not begin with '-'.")
    if found[2] and not re.fullmatch(r"[0-9]{1,9}", value):
        raise Refused(f"{name}: {found[1]!r} must be a number.")
    return value


def _end(process: asyncio.subprocess.Process) -> None:
    """Kill a command and all that it began."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
