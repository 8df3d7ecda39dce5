"""Computers that persons lend folders and commands of: who's connected, and asking one of them.

A computer is found by tenant and person, as everything is, so nobody's agent sees another's. It's here while its socket
is: nothing of it is kept.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import assert_never

from hub.errors import ToolError, TooMany, Unsure
from hub.flow.relaying import Carried, Posted, Relay, Whose
from hub.lent import AT_ONCE, PATIENCE, RESULT, SECONDS, Answer, Call, Command, Folder, RunCommand, Wish, Withdrawn
from hub.lent import WriteFile as Write
from hub.ports import Lent, Store, ToolCall
from hub.records import PersonId, TenantId, new_id

log = logging.getLogger(__name__)

COMPUTERS = 8
"""Of one person, at a time."""
LONGEST = PATIENCE + SECONDS + 10.0
"""Seconds until a computer that gives no answer is given up."""
TITLE = 120
LENT = "computer_"
"""What names of tools over lent things begin with."""

Send = Callable[[Call | Withdrawn], Awaitable[None]]


class Computer:
    """A person's computer on the line."""

    def __init__(
        self,
        tenant: TenantId,
        person: PersonId,
        name: str,
        *,
        folders: Sequence[Folder] = (),
        commands: Sequence[Command] = (),
        since: datetime,
        send: Send,
        drop: Callable[[], None] = lambda: None,
    ) -> None:
        """`send` gives it a frame, and may raise OSError; `drop` ends its connection, for another took its place."""
        self.tenant, self.person = tenant, person
        self.lent = Lent(computer=name, folders=tuple(folders), commands=tuple(commands), since=since)
        self.drop = drop
        self._send = send
        self._waiting: dict[str, asyncio.Future[Answer | None]] = {}
        self._gone = False

    async def carry_out(self, call: Call) -> Answer:
        """Ask it, and return its answer; raises ToolError, and Unsure if it may have done it nevertheless."""
        if self._gone:
            raise _away(self.lent.computer)
        if len(self._waiting) >= AT_ONCE:
            raise ToolError(f"{self.lent.computer} has {AT_ONCE} calls to see to already; let them end first.")
        waiting: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting[call.id] = waiting
        try:
            async with asyncio.timeout(LONGEST):
                await self._send(call)
                answer = await waiting
        except TimeoutError:
            await self._withdraw(call.id)
            raise Unsure(f"{self.lent.computer} gave no answer; nobody knows whether it was done.") from None
        except OSError:
            raise self._lost(call.wish) from None
        except asyncio.CancelledError:
            await asyncio.shield(self._withdraw(call.id))
            raise
        finally:
            self._waiting.pop(call.id, None)
        if answer is None:
            raise self._lost(call.wish)
        return answer

    def answered(self, answer: Answer) -> None:
        """Take an answer; one that nobody waits for is passed over."""
        waiting = self._waiting.get(answer.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def gone(self) -> None:
        """Take note that its connection broke: who waits for it is told."""
        self._gone = True
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(None)

    async def _withdraw(self, id: str) -> None:
        try:
            await self._send(Withdrawn(id=id))
        except OSError:
            log.debug("a computer is gone before a call could be withdrawn")

    def _lost(self, wish: Wish) -> ToolError:
        name = self.lent.computer
        if isinstance(wish, Write | RunCommand):
            return Unsure(f"The connection to {name} broke meanwhile; nobody knows whether it was done.")
        return ToolError(f"The connection to {name} broke meanwhile. Nothing was changed; try it again once it's back.")


class FlowLending:
    """Knows who's connected. See the port Lending."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._computers: dict[Whose, dict[str, Computer]] = {}
        self._relay: Relay | None = None

    async def share(self, relay: Relay) -> None:
        """Lend to tasks on other hubs too, and have theirs lent here, until cancelled."""
        self._relay = relay
        await relay.run(self._posted, self._carry)

    def join(self, computer: Computer) -> None:
        """Have a computer lend from now on; one of the same name gives way. Raises TooMany."""
        theirs = self._computers.setdefault((computer.tenant, computer.person), {})
        name = computer.lent.computer
        if name not in theirs and len(theirs) >= COMPUTERS:
            raise TooMany(f"computer: {COMPUTERS} of yours lend already; end one of them first", 60.0)
        if before := theirs.pop(name, None):
            before.gone()
            before.drop()
        theirs[name] = computer
        self._tell_others()
        log.info("a computer of person %s lends from now on", computer.person)

    def leave(self, computer: Computer) -> None:
        """Have it lend no more."""
        computer.gone()
        whose = (computer.tenant, computer.person)
        theirs = self._computers.get(whose, {})
        if theirs.get(computer.lent.computer) is computer:
            del theirs[computer.lent.computer]
            self._tell_others()
            log.info("a computer of person %s lends no more", computer.person)
        if not theirs:
            self._computers.pop(whose, None)

    def lent(self, tenant: TenantId, person: PersonId) -> Sequence[Lent]:
        """See Lending."""
        whose = tenant, person
        here = {name: computer.lent for name, computer in self._computers.get(whose, {}).items()}
        theirs = {**(self._relay.lent(whose) if self._relay else {}), **here}
        return tuple(theirs[name] for name in sorted(theirs))

    def names(self) -> frozenset[str]:
        """See Lending."""
        lent = [each.lent for each in self._posted()]
        lent += self._relay.all() if self._relay else ()
        folders = {folder.name.casefold() for each in lent for folder in each.folders}
        return frozenset(folders | {command.name.casefold() for each in lent for command in each.commands})

    async def ask(self, call: ToolCall, computer: str, wish: Wish) -> str:
        """See Lending."""
        whose = call.tenant, call.person
        lent = next((each for each in self.lent(*whose) if each.computer == computer), None)
        if lent is None:
            raise _away(computer)
        _check(lent, wish)
        told = await self._told(call, wish)
        if self._relay and computer not in self._computers.get(whose, {}):
            return await self._relay.ask(whose, computer, told)
        return await self._asked(whose, computer, told)

    # --- inside

    async def _asked(self, whose: Whose, computer: str, call: Call) -> str:
        found = self._computers.get(whose, {}).get(computer)
        if found is None:
            raise _away(computer)
        answer = await found.carry_out(call)
        text = answer.text[:RESULT]
        match answer.outcome:
            case "done":
                return text
            case "refused":
                raise ToolError(f"{computer} didn't do it: {text}")
            case "failed":
                raise ToolError(f"{computer}: {text}")
            case _:
                assert_never(answer.outcome)

    def _posted(self) -> list[Posted]:
        return [
            Posted(tenant=tenant, person=person, lent=computer.lent)
            for (tenant, person), theirs in self._computers.items()
            for computer in theirs.values()
        ]

    async def _carry(self, carried: Carried) -> str:
        """Ask for another hub, which has looked whose task it is."""
        if carried.call is None:
            raise ToolError("There's nothing to be done.")
        return await self._asked((carried.tenant, carried.person), carried.computer, carried.call)

    def _tell_others(self) -> None:
        if self._relay:
            self._relay.look()

    async def _told(self, call: ToolCall, wish: Wish) -> Call:
        """Return a call with what the person at the computer is told of it."""
        task = await self._store.task(call.task)
        mine = task if task is not None and task.tenant == call.tenant else None
        title = f"#{mine.number} {' '.join(mine.title.split())}"[:TITLE] if mine else "tried by hand"
        sources = {taint.source for taint in await self._store.taints(mine.id)} if mine else set()
        # What's brought by this very call doesn't count yet, nor where only looked is, what was looked at before.
        sources -= (
            {call.tool} if isinstance(wish, Write | RunCommand) else {each for each in sources if each.startswith(LENT)}
        )
        return Call(id=new_id(), wish=wish, task=title, agent=call.agent[:64], tainted=bool(sources))


def _check(lent: Lent, wish: Wish) -> None:
    """Raise ToolError unless a computer lends what's wished for; it looks for itself as well."""
    if isinstance(wish, RunCommand):
        names = [command.name for command in lent.commands]
        if wish.command not in names:
            raise ToolError(
                f"{lent.computer} lends no command {wish.command!r}; it lends: {', '.join(names) or 'none'}."
            )
        return
    folder = next((folder for folder in lent.folders if folder.name == wish.folder), None)
    if folder is None:
        names = [folder.name for folder in lent.folders]
        raise ToolError(f"{lent.computer} lends no folder {wish.folder!r}; it lends: {', '.join(names) or 'none'}.")
    if isinstance(wish, Write) and not folder.writable:
        raise ToolError(f"{lent.computer} lends the folder {wish.folder} to be read only. Nothing was written.")


def _away(computer: str) -> ToolError:
    return ToolError(
        f"The computer {computer!r} isn't connected. Nothing was done; its owner can start agenthost local."
    )
