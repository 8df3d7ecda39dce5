"""Erasing a person: all that's theirs goes, files and memory too, in small pieces that a crash only interrupts.

That they leave is kept first, and their links and keys go with it: nobody speaks for them any more. The person's own
record goes last, so that after a crash it's known who was leaving.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import unquote

from msgspec.structs import replace

from hub.errors import BadRequest, Conflict, NotFound, StoreError
from hub.failpoints import reach
from hub.flow.forgetting import FEW, Forgetting
from hub.flow.litter import PAGE, files_of
from hub.flow.preferences import DIGESTS
from hub.ports import Change, Clock, Documents, Files, Remove, Save, Store
from hub.records import OPEN, OWNER, Link, Message, Pairing, Person, PersonId, Record, Task, TenantId

log = logging.getLogger(__name__)

MANY = 100_000
AGAIN = 10.0
"""Seconds until an erasure is gone on with that the store didn't let go on."""
ERASED = "(erased: its author has left)"
LEAVING = "leaving"
"""Whose documents say where somebody was reached who's leaving."""
LEAST = 4
"""Letters of a name that's looked for in bridges' documents."""

Who = tuple[TenantId, PersonId]
Unindex = Callable[[TenantId, PersonId], Awaitable[None]]


class Leaving:
    """Erases people."""

    def __init__(
        self,
        store: Store,
        files: Files,
        documents: Documents,
        clock: Clock,
        forgetting: Forgetting,
        *,
        cancel: Callable[[Task], Awaitable[Task]],
        forgotten: Callable[[Person, Sequence[Link]], None],
        unindex: Unindex | None = None,
    ) -> None:
        """`cancel` stops a task's running turn and ends it. `forgotten` is told whose links and keys are gone.

        `unindex` removes what was made of a person's files for searching.
        """
        self._store = store
        self._files = files
        self._documents = documents
        self._clock = clock
        self._forgetting = forgetting
        self._cancel = cancel
        self._forgotten = forgotten
        self._unindex = unindex
        self._one = asyncio.Lock()
        self._begun = asyncio.Event()
        self._begun.set()

    async def begin(self, tenant: TenantId, id: PersonId) -> Person:
        """Have a person erased: from now on nobody speaks for them, and soon nothing of theirs is left.

        Once more is no error. Raises NotFound, and BadRequest for the owner, without whom there's no hub.
        """
        person = await self._store.person(tenant, id)
        if person is None:
            raise NotFound(f"person: there's no {id!r}; GET /v1/people lists them")
        if person.role == "owner" or person.id == OWNER:
            raise BadRequest("id", "the owner can't be erased; stop the hub and delete its data folder instead")
        return await self.see_off(person)

    async def see_off(self, person: Person) -> Person:
        """Have nobody speak for a person any more, whoever they are, and return them as they're to be erased."""
        tenant, id = person.tenant, person.id
        links = await self._store.links(tenant, id)
        if person.leaving_at is None:
            chats = {"chats": sorted({name for link in links for name in (link.chat, link.sender) if name})}
            await self._documents.put(LEAVING, f"{tenant}/{id}", chats)
            person = replace(person, leaving_at=self._clock.now())
            keys = await self._store.keys_of(tenant, id)
            changes: list[Change] = [Save(person), *map(Remove, links)]
            changes += [Save(replace(key, revoked_at=key.revoked_at or person.leaving_at)) for key in keys]
            changes += map(Remove, await self._ways_in(tenant, id))
            await self._store.commit(*changes, *map(Remove, await self._pairings(tenant, id, links)))
            reach("leaving.begun")
        self._forgotten(person, links)
        self._begun.set()
        return person

    async def run(self) -> None:
        """Erase whoever leaves, those of earlier runs first, until cancelled."""
        while True:
            await self._begun.wait()
            self._begun.clear()
            try:
                for person in await self._store.leaving():
                    await self.finish(person)
            except Exception as error:
                # A full disk, a folder without rights: it's gone on with once that's mended, and the hub lives on.
                if isinstance(error, StoreError):
                    log.warning("an erasure waits: %s", error)
                else:
                    log.exception("an erasure waits")
                await self._clock.sleep(AGAIN)
                self._begun.set()

    async def finish(self, person: Person) -> None:
        """Erase all that's a leaving person's; may be called again after it was cut off anywhere."""
        async with self._one:
            await self._finish(person)

    async def _finish(self, person: Person) -> None:
        who = (person.tenant, person.id)
        # What was under way when they left may still bring something: looked at until nothing comes.
        while True:
            await self._erase(who)
            if not await self._tasks(who) and not await self._store.messages_of_person(*who, limit=1):
                break
        await self._erase_rest(who)
        reach("leaving.last")
        await self._documents.remove(LEAVING, f"{person.tenant}/{person.id}")
        await self._store.commit(Remove(person))
        log.info("person %s was erased", person.id)

    # --- what's theirs

    async def _erase(self, who: Who) -> None:
        tasks = await self._tasks(who)
        for task in tasks:
            if task.state in OPEN:
                await self._cancel(task)
        await self._erase_files(who)
        reach("leaving.files")
        await self._erase_documents(who, {*await self._chats(who), *(str(task.id) for task in tasks)})
        for task in tasks:
            await self._forgetting.task(await self._store.task(task.id) or task)
            reach("leaving.tasks")
        await self._erase_messages(who)
        await self._erase_words_in_groups(who)
        reach("leaving.messages")

    async def _chats(self, who: Who) -> set[str]:
        kept = await self._documents.get(LEAVING, "/".join(who)) or {}
        chats = kept.get("chats", [])
        return {str(chat) for chat in chats} if isinstance(chats, list) else set()

    async def _tasks(self, who: Who) -> list[Task]:
        found: list[Task] = []
        while page := await self._store.tasks(*who, before=found[-1].id if found else None, limit=PAGE):
            found += page
        return found

    async def _erase_documents(self, who: Who, names: set[str]) -> None:
        """Remove memory, preferences, uploads and plugins' data of theirs, and what bridges noted of their chats."""
        for owner in {*await self._documents.owners(), f"uploads/{'/'.join(who)}", f"preferences/{'/'.join(who)}"}:
            kind, *parts = map(unquote, owner.split("/"))
            if kind in {"memory", "plugin", "uploads", "preferences"} and (parts[0], parts[-1]) == who:
                await self._documents.forget(owner)
            elif kind == "bridges":
                for id, document in await self._documents.all(owner):
                    if _tells_of(id, document, names):
                        await self._documents.remove(owner, id)
        await self._documents.remove(DIGESTS, "/".join(who))
        if self._unindex is not None:
            await self._unindex(*who)

    async def _erase_files(self, who: Who) -> None:
        """Remove the files that came along with their messages and that nobody else names."""
        theirs = {id for id, _ in await self._documents.all(f"uploads/{'/'.join(who)}")}
        async for message in self._messages(who):
            theirs |= set(files_of(message))
        if not theirs:
            return
        # In this order: who names one of them later has put it later, too, and then it stays. By the machine's own
        # time, as files have it.
        now = datetime.now(UTC)
        kept = await self._others_uploads(who) | await self._named_by_others(who)
        for sha256 in sorted(theirs - kept):
            await self._files.remove(sha256, now)

    async def _others_uploads(self, who: Who) -> set[str]:
        mine = f"uploads/{'/'.join(who)}"
        owners = [owner for owner in await self._documents.owners() if owner.startswith("uploads/") and owner != mine]
        return {id for owner in owners for id, _ in await self._documents.all(owner)}

    async def _named_by_others(self, who: Who) -> set[str]:
        named: set[str] = set()
        page = await self._store.messages_with_any_file(limit=PAGE)
        while page:
            others = (message for message in page if who not in _whose(message))
            named |= set(files_of(*others))
            page = await self._store.messages_with_any_file(limit=PAGE, after=page[-1].id)
        return named

    async def _messages(self, who: Who) -> AsyncIterator[Message]:
        for listing in (self._store.messages_of_person, self._store.messages_in_groups):
            page = await listing(*who, limit=PAGE)
            while page:
                for message in page:
                    yield message
                page = await listing(*who, limit=PAGE, after=page[-1].id)

    async def _erase_messages(self, who: Who) -> None:
        while found := await self._store.messages_of_person(*who, limit=FEW):
            for message in found:
                await self._forgetting.message(message)

    async def _erase_words_in_groups(self, who: Who) -> None:
        """Remove what they wrote in groups, and what was made of it; what others said there stays."""
        while found := await self._store.messages_in_groups(*who, limit=FEW):
            for message in found:
                task = await self._store.task(message.task) if message.task else None
                if task is not None:
                    await self._unname(task, founded=message.route is not None and message.route.new)
                turn = await self._store.turn(message.turn) if message.turn else None
                if turn is not None:
                    await self._forgetting.steps(turn)
                await self._forgetting.message(message)

    async def _unname(self, task: Task, *, founded: bool) -> None:
        """Take somebody's words out of a group's task: its goal and title, if they founded it, and its summary."""
        while task.digest or (founded and task.goal != ERASED):
            bare = replace(task, digest="")
            if founded:
                bare = replace(bare, goal=ERASED, title=ERASED)
            try:
                await self._store.commit(Save(bare))
                return
            except Conflict:
                fresh = await self._store.task(task.id)
                if fresh is None:
                    return
                task = fresh

    async def _erase_rest(self, who: Who) -> None:
        for key in await self._store.keys_of(*who):
            while replays := await self._store.replays_of(key.id, limit=FEW):
                await self._forgetting.records(replays)
            await self._forgetting.records([key])
        links = await self._store.links(*who)
        await self._forgetting.records([*links, *await self._pairings(*who, links)])
        await self._forgetting.records(await self._ways_in(*who))
        await self._forgetting.records(await self._store.followed_by(*who))
        await self._erase_handovers(who)
        await self._erase_webhooks(who)
        while told := await self._store.webhook_deliveries_about(*who, limit=FEW):
            await self._forgetting.records(told)
        while events := await self._store.events(*who, after=0, limit=FEW):
            await self._forgetting.records(events)
        # What the tenant took in all stays: it's nobody's, and may have to be paid.
        while rows := await self._store.taken_by_person(*who, FEW):
            await self._forgetting.records(rows)

    async def _erase_handovers(self, who: Who) -> None:
        """Remove what operators kept of their chats."""
        while notes := await self._store.notes(*who, limit=FEW):
            await self._forgetting.records(notes)
        while found := await self._store.handovers(who[0], limit=FEW, person=who[1]):
            for handover in found:
                while drafts := await self._store.drafts(handover.id, limit=FEW):
                    await self._forgetting.records(drafts)
            await self._forgetting.records(found)

    async def _ways_in(self, tenant: TenantId, person: PersonId) -> list[Record]:
        """Return how and where they sign in, and the invitations that were theirs."""
        who = (tenant, person)
        login, found = await self._store.login(*who), await self._store.invitations(tenant, limit=MANY)
        invitations = [each for each in found if person in {each.person, each.accepted_by}]
        mine: list[Record] = [login] if login else []
        return [*mine, *await self._store.passports(*who), *await self._store.sessions(*who), *invitations]

    async def _erase_webhooks(self, who: Who) -> None:
        """Remove where others write to them; the webhooks that they made are the owner's from now on."""
        tenant, person = who
        await self._forgetting.records([each for each in await self._store.inlets(tenant) if each.person == person])
        for hook in await self._store.webhooks(tenant):
            if hook.by == person:
                await self._store.commit(Save(replace(hook, by=OWNER)))

    async def _pairings(self, tenant: TenantId, person: PersonId, links: Iterable[Link]) -> list[Pairing]:
        accounts = {(link.bridge, link.sender) for link in links}
        found = await self._store.pairings(tenant, MANY)
        return [each for each in found if each.person == person or (each.bridge, each.sender) in accounts]


def _whose(message: Message) -> set[Who]:
    theirs = {(message.tenant, message.person)}
    return theirs | {(message.tenant, message.author)} if message.author else theirs


def _tells_of(id: str, document: Mapping[str, object], names: set[str]) -> bool:
    """Say whether a bridge's note is about one of these chats or tasks."""
    told = [id, *(str(value) for value in document.values() if isinstance(value, str))]
    return any(len(name) >= LEAST and name in words for name in names for words in told)
