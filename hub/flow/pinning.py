"""A task goes on with the editions of packages that it began with, whatever is installed meanwhile."""

from functools import partial

from hub.errors import Duplicate
from hub.flow.ledger import Ledger, Outcome
from hub.manifests import Agent
from hub.ports import Add, Clock, Editions, Packaged, Remove, Store, Tool
from hub.records import PackageId, Pin, Task


class Pinning:
    """Keeps which editions a task has used, and gives it those."""

    def __init__(self, store: Store, clock: Clock, editions: Editions | None = None) -> None:
        self._store = store
        self._clock = clock
        self._editions = editions

    async def tool(self, task: Task, tool: Tool) -> Tool:
        """Return a tool as the task has it: it's pinned from its first use on."""
        if self._editions is None:
            return tool
        for mine in await self._editions.tools(await self._store.pins(task.id)):
            if mine.name == tool.name:
                return mine
        if isinstance(tool, Packaged):
            await self._pin(task, tool.package, tool.version, tool.digest)
        return tool

    async def agent(self, task: Task, agent: Agent) -> Agent:
        """Return an agent as the task has it, by the name that the task knows: pinned from the first turn on."""
        if self._editions is None or agent.name != task.agent:
            return agent
        mine = await self._editions.agent(agent.name, await self._store.pins(task.id))
        if mine is None and (edition := await self._editions.edition(agent.name)):
            await self._pin(task, *edition)
        return mine or agent

    async def tell(self, task: Task, ledger: Ledger) -> None:
        """Have it told once, as a failed step, that a package which the task has used isn't there any more."""
        if self._editions is None:
            return
        pins = await self._store.pins(task.id)
        gone = await self._editions.gone(pins) if pins else ()
        for pin in pins:
            if pin.package in gone:
                text = f"The package {pin.package} was removed or disabled, and its tools with it. Do without them."
                await ledger.call(pin.package, "{}", partial(_told, text, pin))

    async def _pin(self, task: Task, package: PackageId, version: str, digest: str) -> None:
        # Kept before the tool is called: from then on no update takes its files away.
        pin = Pin(
            tenant=task.tenant,
            task=task.id,
            package=package,
            version=version,
            digest=digest,
            created_at=self._clock.now(),
        )
        try:
            await self._store.commit(Add(pin))
        except Duplicate:
            known = await self._store.pins(task.id)
            held = next((each for each in known if each.package == package), None)
            if held and self._editions and package in await self._editions.gone([held]):
                # Removed and installed anew: another package of that name, which the task begins with now.
                await self._store.commit(Remove(held), Add(pin))


async def _told(text: str, pin: Pin) -> Outcome:
    return Outcome(result=text, failed=True, beside=(Remove(pin),))
