"""The reference store: everything in memory, each query as plainly as its promise reads.

Flow's tests run on it, and the SQL store is compared with it. A query looks at every record: it's for hundreds of them.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from hub.records import (
    OPEN,
    Address,
    Correction,
    Embed,
    EmbedId,
    Entry,
    EntryId,
    Event,
    File,
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
    Person,
    PersonId,
    Pin,
    Posting,
    Queue,
    Record,
    Replay,
    Task,
    TaskId,
    Tenant,
    TenantId,
    file_of,
)
from hub.store.brands import BrandsInMemory
from hub.store.memory_deeds import DeedsInMemory
from hub.store.memory_handovers import HandoversInMemory
from hub.store.memory_overviews import OverviewsInMemory
from hub.store.memory_signing_in import SigningInInMemory
from hub.store.memory_tasks import TasksInMemory, last, same_chat
from hub.store.memory_upkeep import UpkeepInMemory
from hub.store.memory_usage import TakingsInMemory
from hub.store.memory_webhooks import WebhooksInMemory

R = TypeVar("R", bound=Record)


class MemoryStore(
    TasksInMemory,
    UpkeepInMemory,
    TakingsInMemory,
    SigningInInMemory,
    HandoversInMemory,
    DeedsInMemory,
    WebhooksInMemory,
    BrandsInMemory,
    OverviewsInMemory,
):
    """A Store that forgets everything with the process."""

    # --- tenants, people and keys

    async def tenant(self, id: TenantId) -> Tenant | None:
        return self._one(Tenant, id)

    async def tenants(self, *, limit: int, after: TenantId | None = None) -> tuple[Tenant, ...]:
        found = sorted(self._all(Tenant), key=lambda tenant: tenant.id)
        return tuple([tenant for tenant in found if after is None or tenant.id > after][:limit])

    async def embed(self, id: EmbedId) -> Embed | None:
        return self._one(Embed, id)

    async def embeds(self, tenant: TenantId, *, limit: int, after: EmbedId | None = None) -> tuple[Embed, ...]:
        found = [embed for embed in self._by_id(Embed) if embed.tenant == tenant]
        return tuple([embed for embed in found if after is None or embed.id > after][:limit])

    async def embeds_shown(self, limit: int) -> tuple[Embed, ...]:
        at_work = {tenant.id for tenant in self._all(Tenant) if tenant.suspended_at is None}
        return tuple([embed for embed in self._by_id(Embed) if embed.tenant in at_work][:limit])

    async def person(self, tenant: TenantId, id: PersonId) -> Person | None:
        return self._one(Person, tenant, id)

    async def people(self, tenant: TenantId) -> tuple[Person, ...]:
        found = (person for person in self._all(Person) if person.tenant == tenant)
        return tuple(sorted(found, key=lambda person: (person.created_at, person.id)))

    async def person_by_external(self, tenant: TenantId, external: str) -> Person | None:
        return self._by_name(Person, tenant, external)

    async def link(self, tenant: TenantId, bridge: str, sender: str) -> Link | None:
        return self._one(Link, tenant, bridge, sender)

    async def links(self, tenant: TenantId, person: PersonId) -> tuple[Link, ...]:
        found = [link for link in self._all(Link) if (link.tenant, link.person) == (tenant, person)]
        return tuple(sorted(found, key=lambda link: (link.created_at, link.bridge, link.sender)))

    async def every_key(self, now: datetime, limit: int) -> tuple[Key, ...]:
        good = [
            key
            for key in self._by_id(Key)
            if key.revoked_at is None and (key.expires_at is None or key.expires_at > now)
        ]
        return tuple(good[:limit])

    async def every_link(self, limit: int) -> tuple[Link, ...]:
        return tuple(self._by_id(Link)[:limit])

    async def pairing(self, tenant: TenantId, id: PairingId) -> Pairing | None:
        pairing = self._one(Pairing, id)
        return pairing if pairing and pairing.tenant == tenant else None

    async def pairing_by_hash(self, tenant: TenantId, hash: str) -> Pairing | None:
        return self._by_name(Pairing, tenant, hash)

    async def pairings(self, tenant: TenantId, limit: int) -> tuple[Pairing, ...]:
        found = [pairing for pairing in self._by_id(Pairing) if pairing.tenant == tenant]
        return tuple(reversed(last(found, limit)))

    async def forget_pairings(self, before: datetime) -> int:
        return await self._forget([pairing for pairing in self._all(Pairing) if pairing.expires_at < before])

    async def package(self, tenant: TenantId, id: PackageId) -> Package | None:
        return self._one(Package, tenant, id)

    async def packages(self, tenant: TenantId) -> tuple[Package, ...]:
        found = (package for package in self._all(Package) if package.tenant == tenant)
        return tuple(sorted(found, key=lambda package: package.id))

    async def installation(self, tenant: TenantId, id: InstallationId) -> Installation | None:
        found = self._one(Installation, id)
        return found if found and found.tenant == tenant else None

    async def installations(self, tenant: TenantId, limit: int) -> tuple[Installation, ...]:
        found = [each for each in self._by_id(Installation) if each.tenant == tenant]
        return tuple(reversed(last(found, limit)))

    async def pins(self, task: TaskId) -> tuple[Pin, ...]:
        return tuple(sorted((pin for pin in self._all(Pin) if pin.task == task), key=lambda pin: pin.package))

    async def pinned(self, tenant: TenantId) -> tuple[Pin, ...]:
        still_open = {task.id for task in self._all(Task) if task.state in OPEN}
        found = [pin for pin in self._all(Pin) if pin.tenant == tenant and pin.task in still_open]
        return tuple(sorted(found, key=lambda pin: (pin.task, pin.package)))

    async def key_by_hash(self, hash: str) -> Key | None:
        return self._by_name(Key, hash)

    async def key(self, tenant: TenantId, id: KeyId) -> Key | None:
        key = self._one(Key, id)
        return key if key and key.tenant == tenant else None

    async def keys(self, tenant: TenantId) -> tuple[Key, ...]:
        found = (key for key in self._all(Key) if key.tenant == tenant and key.kind == "api")
        return tuple(sorted(found, key=lambda key: (key.created_at, key.id)))

    # --- messages

    async def message(self, id: MessageId) -> Message | None:
        return self._one(Message, id)

    async def message_by_external(self, tenant: TenantId, address: Address, external_id: str) -> Message | None:
        name = (tenant, address.bridge, address.chat, external_id)
        posting = self._one(Posting, *name)
        found = [self._by_name(Message, *name), self._one(Message, posting.message) if posting else None]
        return min((message for message in found if message), key=lambda message: message.id, default=None)

    async def postings(self, message: MessageId) -> tuple[Posting, ...]:
        found = [posting for posting in self._all(Posting) if posting.message == message]
        return tuple(sorted(found, key=lambda posting: (posting.number, posting.external_id)))

    async def file(self, tenant: TenantId, person: PersonId | None, sha256: str) -> File | None:
        theirs = (message for message in self._by_id(Message) if message.tenant == tenant)
        found = [file_of(message, sha256) for message in theirs if person in (None, message.person)]
        return next((file for file in reversed(found) if file), None)

    async def messages_with_files(
        self, tenant: TenantId, person: PersonId, *, limit: int, before: MessageId | None = None
    ) -> tuple[Message, ...]:
        found = [
            message
            for message in self._by_id(Message)
            if (message.tenant, message.person, message.role) == (tenant, person, "user")
            and any(isinstance(part, File) for part in message.parts)
            and (before is None or message.id < before)
        ]
        return tuple(reversed(last(found, limit)))

    async def messages_of_task(
        self, task: TaskId, *, limit: int, before: MessageId | None = None, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        found = [
            message
            for message in self._by_id(Message)
            if message.task == task
            and message.state != "moved"
            and message.copy_of is None
            and (before is None or message.id < before)
            and (after is None or message.id > after)
        ]
        return tuple(found[:limit] if after is not None and before is None else last(found, limit))

    async def messages_of_chat(
        self, tenant: TenantId, address: Address, *, limit: int, before: MessageId | None = None
    ) -> tuple[Message, ...]:
        found = [
            message
            for message in self._by_id(Message)
            if message.tenant == tenant
            and same_chat(message.address, address)
            and (before is None or message.id < before)
        ]
        return tuple(last(found, limit))

    async def replies(self, message: MessageId) -> tuple[Message, ...]:
        asked = self._one(Message, message)
        turn = asked.turn if asked else None
        return tuple(
            reply
            for reply in self._by_id(Message)
            if reply.role != "user"
            and reply.state != "moved"
            and reply.copy_of is None
            and (reply.answers == message or (turn is not None and reply.turn == turn))
        )

    async def copies(self, message: MessageId) -> tuple[Message, ...]:
        return tuple(copy for copy in self._by_id(Message) if copy.copy_of == message)

    # --- queues

    async def entry(self, id: EntryId) -> Entry | None:
        return self._one(Entry, id)

    async def entry_of(self, queue: str, message: MessageId) -> Entry | None:
        found = [entry for entry in self._by_id(Entry) if (entry.queue, entry.message) == (queue, message)]
        return found[-1] if found else None

    async def entries(self, lane: str, now: datetime, limit: int) -> tuple[Entry, ...]:
        found = list[Entry]()
        for entry in self._by_id(Entry):
            if entry.lane == lane and entry.state == "ready":
                if len(found) == limit or not _is_due(entry, now):
                    break
                found.append(entry)
        return tuple(found)

    async def held(self, now: datetime, limit: int) -> tuple[Entry, ...]:
        found = [entry for entry in self._all(Entry) if entry.state == "held" and entry.due_at and entry.due_at <= now]
        return tuple(sorted(found, key=lambda entry: (entry.due_at, entry.id))[:limit])

    async def lanes(self, now: datetime, limit: int) -> tuple[str, ...]:
        first = dict[str, Entry]()
        for entry in self._by_id(Entry):
            if entry.state == "ready":
                first.setdefault(entry.lane, entry)
        return tuple([lane for lane, entry in first.items() if _is_due(entry, now)][:limit])

    async def begun(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self._by_id(Entry) if entry.state == "ready" and entry.boot is not None)

    async def waiting(self, tenant: TenantId, person: PersonId) -> int:
        found = (
            self._one(Message, entry.message)
            for entry in self._all(Entry)
            if entry.tenant == tenant and entry.queue == "inbox" and entry.state in ("ready", "held")
        )
        return sum(message is not None and message.person == person for message in found)

    async def counts(self) -> Mapping[str, int]:
        return Counter(f"{entry.queue}.{entry.state}" for entry in self._all(Entry) if entry.state != "done")

    async def lengths(self, queue: Queue) -> Mapping[str, int]:
        waiting = (entry for entry in self._all(Entry) if entry.state in ("ready", "held"))
        return Counter(entry.lane for entry in waiting if entry.queue == queue)

    async def dead(self, tenant: TenantId, limit: int) -> tuple[Entry, ...]:
        found = [entry for entry in self._by_id(Entry) if entry.tenant == tenant and entry.state == "dead"]
        return tuple(reversed(last(found, limit)))

    # --- events, corrections, replays

    async def events(self, tenant: TenantId, person: PersonId, *, after: int, limit: int) -> tuple[Event, ...]:
        found = [
            event
            for event in self._all(Event)
            if (event.tenant, event.person) == (tenant, person) and event.seq > after
        ]
        return tuple(sorted(found, key=lambda event: event.seq)[:limit])

    async def events_since(self, after: int, limit: int) -> tuple[Event, ...]:
        found = [event for event in self._all(Event) if event.seq > after]
        return tuple(sorted(found, key=lambda event: event.seq)[:limit])

    async def last_event(self) -> int:
        self._check_open()
        return self._seq

    async def forget_events(self, before: datetime) -> int:
        return await self._forget([event for event in self._all(Event) if event.created_at < before])

    async def forget_replays(self, before: datetime) -> int:
        return await self._forget([replay for replay in self._all(Replay) if replay.created_at < before])

    async def corrections(self, tenant: TenantId, limit: int) -> tuple[Correction, ...]:
        found = [correction for correction in self._by_id(Correction) if correction.tenant == tenant]
        return tuple(reversed(last(found, limit)))

    async def corrections_of_task(self, task: TaskId, limit: int) -> tuple[Correction, ...]:
        found = [each for each in self._by_id(Correction) if task in (each.wrong, each.right)]
        return tuple(reversed(last(found, limit)))

    async def replay(self, key: KeyId, name: str) -> Replay | None:
        return self._one(Replay, key, name)

    async def backup(self, path: str) -> None:
        self._check_open()
        kept = {kind.__name__: list(records.values()) for kind, records in self._kept.items()}
        await asyncio.to_thread(Path(path).write_bytes, msgspec.json.encode(kept))

    async def size(self) -> int:
        self._check_open()
        return 0


def _is_due(entry: Entry, now: datetime) -> bool:
    return entry.due_at is None or entry.due_at <= now
