"""Looks at what a task is checked for: its files, addresses on the web, programs over its files. See the port."""

import codecs
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Protocol, assert_never

from hub.errors import EgressError, EgressRefused, SandboxMissing, StoreError, ToolError
from hub.ports import Checked, Egress, Fetched, Workspaces
from hub.records import CommandExits, FileExists, ForFile, ForUrl, Task, TaskId, TenantId, UrlAnswers
from hub.tools.extract import Extractor

SECONDS = 20.0
BYTES = 2_000_000
QUOTED = 300
"""Characters of a program's last words that are told."""
SHOWN = 80
MISSING = 127
"""The status of a program that isn't there."""


class Ran(Protocol):
    """How a command ended."""

    @property
    def said(self) -> str:
        """The end of what it wrote."""

    @property
    def status(self) -> int | None:
        """None: it was ended, or never began."""

    @property
    def ended(self) -> str:
        """Why."""


Run = Callable[[TenantId, TaskId, tuple[str, ...]], Awaitable[Ran]]
"""Runs a command over a copy of a task's files; raises SandboxMissing."""


class Checks:
    """A Checking over workspaces, the guarded egress and a sandbox."""

    def __init__(self, workspaces: Workspaces, egress: Egress, extractor: Extractor, run: Run) -> None:
        self._workspaces = workspaces
        self._egress = egress
        self._extractor = extractor
        self._run = run

    async def check(self, task: Task, check: FileExists | UrlAnswers | CommandExits) -> Checked:
        """See Checking."""
        match check:
            case FileExists():
                return await self._file(task, check)
            case UrlAnswers():
                return await self._url(check)
            case CommandExits():
                return await self._command(task, check)
            case _:
                assert_never(check)

    async def seen(self, task: Task, what: ForFile | ForUrl) -> str | None:
        """See Checking."""
        try:
            if isinstance(what, ForFile):
                data = await self._read(task, what.path)
                return "" if data is None else sha256(data).hexdigest()
            fetched = await self._fetch(what.url)
        except (EgressError, ToolError, StoreError):
            return None
        if not 200 <= fetched.status < 300:
            return ""
        # What changes with each look (a key, a counter) mostly isn't in the words.
        return sha256((await self._words(fetched) or _plain(fetched.body)).encode()).hexdigest()

    # --- files

    async def _file(self, task: Task, check: FileExists) -> Checked:
        try:
            data = await self._read(task, check.path)
        except ToolError as error:
            return Checked(passed=False, said=f"the file {check.path} can't be read: {error}")
        except StoreError as error:
            return Checked(passed=False, said=f"the file {check.path} can't be looked at: {error}", able=False)
        if data is None:
            return Checked(passed=False, said=f"the file {check.path} isn't there")
        if not check.contains:
            return Checked(passed=True, said=f"the file {check.path} is there ({len(data)} bytes)")
        if _has(_plain(data), check.contains) or _has(await self._read_out(data, check.path), check.contains):
            return Checked(passed=True, said=f"the file {check.path} is there, and has {_quoted(check.contains)}")
        return Checked(passed=False, said=f"the file {check.path} doesn't have {_quoted(check.contains)} in it")

    async def _read(self, task: Task, path: str) -> bytes | None:
        """Return a file's bytes, None if there's no such file; raises ToolError for one that can't be read."""
        there = {file.path for file in await self._workspaces.list(task.tenant, task.id)}
        return await self._workspaces.read(task.tenant, task.id, path) if path in there else None

    async def _read_out(self, data: bytes, path: str) -> str:
        try:
            return (await self._extractor.read(data, "", name=path)).text
        except ToolError:
            return ""

    # --- addresses

    async def _url(self, check: UrlAnswers) -> Checked:
        where = check.url[:SHOWN]
        try:
            fetched = await self._fetch(check.url)
        except EgressRefused as error:
            return Checked(passed=False, said=f"{where} may not be asked: {error}", able=False)
        except EgressError as error:
            return Checked(passed=False, said=f"{where} doesn't answer: {error}")
        if fetched.status != check.status:
            return Checked(passed=False, said=f"{where} answers {fetched.status}, not {check.status}")
        if not check.contains:
            return Checked(passed=True, said=f"{where} answers {fetched.status}")
        if _has(await self._words(fetched), check.contains) or _has(_plain(fetched.body), check.contains):
            return Checked(passed=True, said=f"{where} answers {fetched.status}, and has {_quoted(check.contains)}")
        return Checked(passed=False, said=f"{where} answers, but without {_quoted(check.contains)}")

    async def _fetch(self, url: str) -> Fetched:
        return await self._egress.fetch(url, limit=BYTES, seconds=SECONDS)

    async def _words(self, fetched: Fetched) -> str:
        """Return the words of a page, without what's around them; "" of what has none."""
        try:
            kind = fetched.headers.get("content-type", "")
            return (await self._extractor.read(fetched.body, kind, url=fetched.url)).text
        except ToolError:
            return ""

    # --- programs

    async def _command(self, task: Task, check: CommandExits) -> Checked:
        told = f"`{' '.join(check.command)[:SHOWN]}`"
        try:
            ran = await self._run(task.tenant, task.id, check.command)
        except SandboxMissing as error:
            return Checked(
                passed=False, said=f"{told} can't be run: no program can be confined here: {error}", able=False
            )
        except OSError as error:
            return Checked(passed=False, said=f"{told} can't be run: {error.strerror}", able=False)
        if ran.status is None:
            return Checked(passed=False, said=f"{told} was ended: {ran.ended}")
        if ran.status == MISSING != check.status and "not found" in ran.said:
            return Checked(
                passed=False, said=f"{told} can't be run: there's no such program in the sandbox", able=False
            )
        if ran.status == check.status:
            return Checked(passed=True, said=f"{told} exits with {ran.status}")
        last = " ".join(ran.said.split())[-QUOTED:]
        said = f"{told} exits with {ran.status}, not {check.status}" + (f": {last}" if last else "")
        return Checked(passed=False, said=said, quotes=bool(last))


def _plain(data: bytes) -> str:
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(mark):
            return data.decode(name, errors="replace")
    return data.decode(errors="replace")


def _has(text: str, words: str) -> bool:
    """Say whether words stand in a text, however they're written large and broken into lines."""
    return " ".join(words.casefold().split()) in " ".join(text.casefold().split())


def _quoted(words: str) -> str:
    return f"“{' '.join(words.split())[:SHOWN]}”"
