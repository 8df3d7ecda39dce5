"""Looking at what an agent says it has done: at files, addresses and what programs find, never at its words."""

from typing import Protocol

from msgspec import Struct

from hub.records import CommandExits, FileExists, ForFile, ForUrl, Task, UrlAnswers


class Checked(Struct, frozen=True, kw_only=True):
    """What came of a check."""

    passed: bool
    said: str
    """What was seen, in a few words: for the person as evidence, for the agent as what's still missing."""
    able: bool = True
    """False: it couldn't be made at all, which is no fault of the work's; `said` tells why, and the way out."""
    quotes: bool = False
    """`said` has words of others in it, a program's or a page's: whoever tells them to an agent taints its task."""


class Checking(Protocol):
    """Looks at what stands in a task's workspace, what an address answers, what a program says of the task's files.

    Nothing is changed by it, and no right is added: what the hub's egress refuses isn't asked, and where programs can't
    be confined none is run.
    """

    async def check(self, task: Task, check: FileExists | UrlAnswers | CommandExits) -> Checked:
        """Say whether a check holds now. What can't be looked at hasn't passed, and isn't `able`.

        A program runs without a shell and without a network, on a copy of the task's files, within limits of time and
        memory; one that takes longer, or more, hasn't passed.
        """

    async def seen(self, task: Task, what: ForFile | ForUrl) -> str | None:
        """Return a SHA-256 of what's there now: of a file's bytes, of the text that an address answers.

        "" if there's nothing: no such file, or an answer that isn't a success. None if it can't be looked at now.
        """
