"""Checks whose outcome is said beforehand."""

from collections.abc import Callable
from typing import assert_never

from hub.errors import ToolError
from hub.ports import Checked, Workspaces
from hub.records import CommandExits, FileExists, ForFile, ForUrl, Task, UrlAnswers
from hub.testing.workspaces import MemoryWorkspaces

Page = str | None


class FakeChecking:
    """A Checking over workspaces in memory and a web of `pages`: what each address answers, None where nobody may ask.

    `programs` are what commands exit with, by their first word; without them none can be run.
    """

    def __init__(
        self,
        workspaces: Workspaces | None = None,
        pages: dict[str, Page] | None = None,
        programs: dict[str, int] | None = None,
    ) -> None:
        self.workspaces = workspaces or MemoryWorkspaces()
        self.pages = pages if pages is not None else {}
        self.programs = programs if programs is not None else {}
        self.made: list[FileExists | UrlAnswers | CommandExits] = []
        self.looked: list[ForFile | ForUrl] = []
        self.before: Callable[[], None] = lambda: None
        """Called before each check: a test may stop the hub there."""

    async def check(self, task: Task, check: FileExists | UrlAnswers | CommandExits) -> Checked:
        self.before()
        self.made.append(check)
        match check:
            case FileExists():
                return await self._file(task, check)
            case UrlAnswers():
                return self._url(check)
            case CommandExits():
                return self._command(check)
            case _:
                assert_never(check)

    async def seen(self, task: Task, what: ForFile | ForUrl) -> str | None:
        self.looked.append(what)
        if isinstance(what, ForFile):
            text = await self._read(task, what.path)
            return "" if text is None else f"sha of {text}"
        page = self.pages.get(what.url, "")
        return page and f"sha of {page}"

    async def _file(self, task: Task, check: FileExists) -> Checked:
        text = await self._read(task, check.path)
        if text is None:
            return Checked(passed=False, said=f"the file {check.path} isn't there")
        if check.contains not in text:
            return Checked(passed=False, said=f"the file {check.path} doesn't have “{check.contains}” in it")
        return Checked(passed=True, said=f"the file {check.path} is there")

    def _url(self, check: UrlAnswers) -> Checked:
        page = self.pages.get(check.url, "")
        if page is None:
            return Checked(passed=False, said=f"{check.url} may not be asked", able=False)
        found = 200 if check.url in self.pages else 404
        return Checked(passed=found == check.status and check.contains in page, said=f"{check.url} answers {found}")

    def _command(self, check: CommandExits) -> Checked:
        name = check.command[0]
        if not self.programs:
            return Checked(passed=False, said="no program can be confined here", able=False)
        exits = self.programs.get(name, 127)
        passed = exits == check.status
        return Checked(passed=passed, said=f"{name} exits with {exits}", quotes=not passed)

    async def _read(self, task: Task, path: str) -> str | None:
        try:
            return (await self.workspaces.read(task.tenant, task.id, path)).decode()
        except ToolError:
            return None
