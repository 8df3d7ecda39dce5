"""The port's queries over SQL, whatever the database: each is one statement, answered by `_rows`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from hub.ports import Due
from hub.records import (
    Address,
    Correction,
    Embed,
    EmbedId,
    Entry,
    EntryId,
    Event,
    File,
    Follow,
    Installation,
    InstallationId,
    Key,
    KeyId,
    Link,
    Message,
    MessageId,
    Package,
    PackageId,
    Pairing,
    PairingId,
    Pause,
    PauseId,
    PauseState,
    Person,
    PersonId,
    Pin,
    Posting,
    Queue,
    Replay,
    Step,
    Taint,
    Task,
    TaskId,
    TaskState,
    Tenant,
    TenantId,
    Thread,
    Transition,
    Turn,
    TurnId,
    Usage,
    file_of,
)
from hub.store import people_queries, queries, timeline_queries
from hub.store.brands import BrandAnswers
from hub.store.deed_answers import DeedAnswers
from hub.store.handover_answers import HandoverAnswers
from hub.store.overview_answers import OverviewAnswers
from hub.store.queries import Listing, Query, by
from hub.store.signing_in import SigningInAnswers
from hub.store.upkeep import CHUNK, R
from hub.store.usage import TakingsAnswers
from hub.store.webhooks import WebhookAnswers


class Answers(
    HandoverAnswers, DeedAnswers, TakingsAnswers, SigningInAnswers, WebhookAnswers, BrandAnswers, OverviewAnswers
):
    """The queries of a Store; its database answers `_rows` and does `commit`: see UpkeepAnswers."""

    # --- tenants, people and keys

    async def tenant(self, id: TenantId) -> Tenant | None:
        return await self._one(Tenant, id=id)

    async def tenants(self, *, limit: int, after: TenantId | None = None) -> tuple[Tenant, ...]:
        return await self._all(Tenant, people_queries.tenants_after(after, limit))

    async def embed(self, id: EmbedId) -> Embed | None:
        return await self._one(Embed, id=id)

    async def embeds(self, tenant: TenantId, *, limit: int, after: EmbedId | None = None) -> tuple[Embed, ...]:
        return await self._all(Embed, people_queries.embeds_of(tenant, after, limit))

    async def embeds_shown(self, limit: int) -> tuple[Embed, ...]:
        return await self._all(Embed, people_queries.embeds_shown(limit))

    async def person(self, tenant: TenantId, id: PersonId) -> Person | None:
        return await self._one(Person, tenant=tenant, id=id)

    async def people(self, tenant: TenantId) -> tuple[Person, ...]:
        return await self._all(Person, people_queries.people(tenant))

    async def person_by_external(self, tenant: TenantId, external: str) -> Person | None:
        return await self._one(Person, tenant=tenant, external=external)

    async def link(self, tenant: TenantId, bridge: str, sender: str) -> Link | None:
        return await self._one(Link, tenant=tenant, bridge=bridge, sender=sender)

    async def links(self, tenant: TenantId, person: PersonId) -> tuple[Link, ...]:
        return await self._all(Link, people_queries.links_of(tenant, person))

    async def every_key(self, now: datetime, limit: int) -> tuple[Key, ...]:
        return await self._all(Key, people_queries.every_key(now, limit))

    async def every_link(self, limit: int) -> tuple[Link, ...]:
        return await self._all(Link, people_queries.every_link(limit))

    async def pairing(self, tenant: TenantId, id: PairingId) -> Pairing | None:
        return await self._one(Pairing, tenant=tenant, id=id)

    async def pairing_by_hash(self, tenant: TenantId, hash: str) -> Pairing | None:
        return await self._one(Pairing, tenant=tenant, hash=hash)

    async def pairings(self, tenant: TenantId, limit: int) -> tuple[Pairing, ...]:
        return await self._all(Pairing, people_queries.newest_pairings(tenant, limit))

    async def forget_pairings(self, before: datetime) -> int:
        return await self._forget(Pairing, people_queries.old_pairings(before, CHUNK))

    async def package(self, tenant: TenantId, id: PackageId) -> Package | None:
        return await self._one(Package, tenant=tenant, id=id)

    async def packages(self, tenant: TenantId) -> tuple[Package, ...]:
        return await self._all(Package, queries.packages_of(tenant))

    async def installation(self, tenant: TenantId, id: InstallationId) -> Installation | None:
        return await self._one(Installation, tenant=tenant, id=id)

    async def installations(self, tenant: TenantId, limit: int) -> tuple[Installation, ...]:
        return await self._all(Installation, queries.newest_installations(tenant, limit))

    async def pins(self, task: TaskId) -> tuple[Pin, ...]:
        return await self._asked(Pin, queries.pins_of, task)

    async def pinned(self, tenant: TenantId) -> tuple[Pin, ...]:
        return await self._all(Pin, queries.pinned(tenant))

    async def key_by_hash(self, hash: str) -> Key | None:
        return await self._one(Key, hash=hash)

    async def key(self, tenant: TenantId, id: KeyId) -> Key | None:
        return await self._one(Key, tenant=tenant, id=id)

    async def keys(self, tenant: TenantId) -> tuple[Key, ...]:
        return await self._all(Key, people_queries.api_keys(tenant))

    # --- messages

    async def message(self, id: MessageId) -> Message | None:
        return await self._one(Message, id=id)

    async def message_by_external(self, tenant: TenantId, address: Address, external_id: str) -> Message | None:
        return next(iter(await self._asked(Message, queries.message_by_external, tenant, address, external_id)), None)

    async def postings(self, message: MessageId) -> tuple[Posting, ...]:
        return await self._asked(Posting, queries.postings_of, message)

    async def file(self, tenant: TenantId, person: PersonId | None, sha256: str) -> File | None:
        message = await self._first(Message, queries.with_file(tenant, person, sha256))
        return file_of(message, sha256) if message else None

    async def messages_with_files(
        self, tenant: TenantId, person: PersonId, *, limit: int, before: MessageId | None = None
    ) -> tuple[Message, ...]:
        return await self._all(Message, queries.with_files(tenant, person, limit, before))

    async def messages_of_task(
        self, task: TaskId, *, limit: int, before: MessageId | None = None, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        found = await self._asked(Message, queries.messages_of_task, task, limit, before, after)
        return found if after is not None and before is None else found[::-1]

    async def messages_of_chat(
        self, tenant: TenantId, address: Address, *, limit: int, before: MessageId | None = None
    ) -> tuple[Message, ...]:
        return (await self._asked(Message, queries.messages_of_chat, tenant, address, limit, before))[::-1]

    async def replies(self, message: MessageId) -> tuple[Message, ...]:
        return await self._asked(Message, queries.replies, message)

    async def copies(self, message: MessageId) -> tuple[Message, ...]:
        return await self._all(Message, queries.copies_of(message))

    # --- tasks, turns and steps

    async def task(self, id: TaskId) -> Task | None:
        return await self._one(Task, id=id)

    async def task_by_number(self, tenant: TenantId, person: PersonId, number: int) -> Task | None:
        return await self._one(Task, tenant=tenant, person=person, number=number)

    async def last_number(self, tenant: TenantId, person: PersonId) -> int:
        [last] = await self._values(queries.last_number, tenant, person)
        return last or 0

    async def tasks(
        self,
        tenant: TenantId,
        person: PersonId | None = None,
        *,
        states: Sequence[TaskState] = (),
        chat: Address | None = None,
        updated_since: datetime | None = None,
        before: TaskId | None = None,
        limit: int = 50,
        by: Literal["id", "updated_at"] = "id",
        split: bool | None = None,
    ) -> tuple[Task, ...]:
        listing = Listing(
            states=tuple(sorted(set(states))),
            person=person is not None,
            chat=chat is not None,
            since=updated_since is not None,
            before=before is not None,
            by=by,
            split=split,
        )
        given: dict[str, object] = {
            "tenant": tenant,
            "person": person,
            "since": updated_since,
            "before": before,
            "limit": limit,
        }
        if chat is not None:
            given |= {"bridge": chat.bridge, "chat": chat.chat}
        return await self._kept(Task, queries.some_tasks(listing), given)

    async def tasks_told_of(self, limit: int) -> tuple[Task, ...]:
        return await self._all(Task, queries.told_of(limit))

    async def split_off(self, task: TaskId) -> tuple[Task, ...]:
        return await self._asked(Task, queries.split_off, task)

    async def transitions(
        self, task: TaskId, *, limit: int, before: str | None = None, after: str | None = None
    ) -> tuple[Transition, ...]:
        return await self._asked(Transition, queries.transitions_of, task, before, limit, after)

    async def thread(self, tenant: TenantId, address: Address) -> Thread | None:
        if address.thread is None:
            return None
        where = {"tenant": tenant, "bridge": address.bridge, "chat": address.chat, "thread": address.thread}
        return await self._one(Thread, **where)

    async def threads(self, task: TaskId) -> tuple[Thread, ...]:
        return await self._all(Thread, queries.threads_of(task))

    async def follows(self, task: TaskId) -> tuple[Follow, ...]:
        return await self._asked(Follow, queries.follows_of, task)

    async def due_tasks(self, now: datetime, limit: int) -> tuple[Task, ...]:
        return await self._all(Task, queries.due_tasks(now, limit))

    async def dues(self, now: datetime, limit: int) -> tuple[Due, ...]:
        rows = await self._rows(queries.dues(now, limit))
        return tuple([Due(task=TaskId(row.id), due_at=row.due_at) for row in rows])

    async def next_due(self) -> datetime | None:
        return min((row.due_at for row in await self._rows(queries.next_dues()) if row.due_at), default=None)

    async def turn(self, id: TurnId) -> Turn | None:
        return await self._one(Turn, id=id)

    async def turns(
        self, task: TaskId, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> tuple[Turn, ...]:
        return await self._asked(Turn, queries.turns_of, task, before, limit, after)

    async def worked(self, task: TaskId) -> Usage:
        [row] = await self._rows(timeline_queries.worked(task))
        return Usage(turns=row.turns, tokens=row.tokens or 0, minutes=(row.ms or 0.0) / 60_000)

    async def steps(self, turn: TurnId) -> tuple[Step, ...]:
        return await self._asked(Step, queries.steps_of, turn)

    async def pause(self, id: PauseId) -> Pause | None:
        return await self._one(Pause, id=id)

    async def pauses(
        self, tenant: TenantId, person: PersonId, *, states: Sequence[PauseState], limit: int
    ) -> tuple[Pause, ...]:
        return await self._all(Pause, queries.pauses_of_person(tenant, person, states, limit))

    async def pauses_of_task(self, task: TaskId, *, states: Sequence[PauseState], limit: int) -> tuple[Pause, ...]:
        return await self._asked(Pause, queries.pauses_of_task, task, tuple(states), limit)

    async def expired_pauses(self, now: datetime, limit: int) -> tuple[Pause, ...]:
        return await self._all(Pause, queries.expired_pauses(now, limit))

    async def taints(self, task: TaskId) -> tuple[Taint, ...]:
        return await self._asked(Taint, queries.taints_of, task)

    # --- queues

    async def entry(self, id: EntryId) -> Entry | None:
        return await self._one(Entry, id=id)

    async def entry_of(self, queue: str, message: MessageId) -> Entry | None:
        return next(iter(await self._asked(Entry, queries.entry_of, queue, message)), None)

    async def entries(self, lane: str, now: datetime, limit: int) -> tuple[Entry, ...]:
        found = await self._asked(Entry, queries.ready, lane, limit)
        due = (number for number, entry in enumerate(found) if entry.due_at and entry.due_at > now)
        return found[: next(due, limit)]

    async def held(self, now: datetime, limit: int) -> tuple[Entry, ...]:
        return await self._all(Entry, queries.held(now, limit))

    async def lanes(self, now: datetime, limit: int) -> tuple[str, ...]:
        return tuple(row.lane for row in await self._rows(queries.lanes(now, limit)))

    async def begun(self) -> tuple[Entry, ...]:
        return await self._all(Entry, queries.begun())

    async def waiting(self, tenant: TenantId, person: PersonId) -> int:
        [waiting] = await self._values(queries.waiting, tenant, person)
        return int(waiting)

    async def counts(self) -> Mapping[str, int]:
        return {f"{row.queue}.{row.state}": row.number for row in await self._rows(queries.counts())}

    async def lengths(self, queue: Queue) -> Mapping[str, int]:
        return {row.lane: row.number for row in await self._rows(queries.lengths(queue))}

    async def dead(self, tenant: TenantId, limit: int) -> tuple[Entry, ...]:
        return await self._all(Entry, queries.dead(tenant, limit))

    # --- events, corrections, replays

    async def events(self, tenant: TenantId, person: PersonId, *, after: int, limit: int) -> tuple[Event, ...]:
        return await self._asked(Event, queries.events_after, tenant, person, after, limit)

    async def events_since(self, after: int, limit: int) -> tuple[Event, ...]:
        return await self._all(Event, queries.events_since(after, limit))

    async def last_event(self) -> int:
        [last] = await self._values(queries.last_seq)
        return int(last)

    async def forget_events(self, before: datetime) -> int:
        return await self._forget(Event, queries.old_events(before, CHUNK))

    async def forget_replays(self, before: datetime) -> int:
        return await self._forget(Replay, queries.old_replays(before, CHUNK))

    async def corrections(self, tenant: TenantId, limit: int) -> tuple[Correction, ...]:
        return await self._all(Correction, queries.corrections_of(tenant, limit))

    async def corrections_of_task(self, task: TaskId, limit: int) -> tuple[Correction, ...]:
        return await self._all(Correction, timeline_queries.corrections_of_task(task, limit))

    async def replay(self, key: KeyId, name: str) -> Replay | None:
        return await self._one(Replay, key=key, name=name)

    # --- below

    async def _one(self, kind: type[R], /, **values: object) -> R | None:
        return next(iter(await self._asked(kind, by, kind, **values)), None)

    async def _first(self, kind: type[R], query: Query) -> R | None:
        found = await self._all(kind, query)
        return found[0] if found else None
