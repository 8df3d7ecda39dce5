"""All that the hub keeps of a person, for them: JSON lines, their conversations to read, and their files."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, get_args
from urllib.parse import unquote

import msgspec

from hub.errors import NotFound
from hub.flow.forgetting import MANY
from hub.flow.leaving import Who
from hub.ports import Clock, Documents, Files, Store
from hub.records import File, Message, PauseState, Person, Task, Turn

PAGE = 200
STATES: tuple[PauseState, ...] = get_args(PauseState)
Piece = tuple[str, bytes]
"""Some more of a file, by its name."""

ABOUT = """\
All that this hub keeps of {name} ({id}), as of {now}.

person.json             who you are here
accounts.jsonl          your accounts on chat platforms
keys.jsonl              your API keys and sessions: names, rights and times; never the keys
sign-in.jsonl           how and where you sign in: address, app, linked accounts, devices; never what proves it
tasks.jsonl             your tasks, with what they may cost and have cost
transitions.jsonl       who or what changed their states, and why
turns.jsonl             what agents did for you, turn by turn
steps.jsonl             ... and step by step: each tool call with its arguments and its result (the receipts)
approvals.jsonl         calls that waited for you, and what you said
messages.jsonl          what you said and were told, also what belongs to no task
in-groups.jsonl         what you wrote in chats that you share with others; theirs aren't yours
corrections.jsonl       where you put a message into another task
follows.jsonl           tasks that you follow from elsewhere
documents.jsonl         what agents remember of you, your preferences, what plugins keep for you
conversations/N.md      each task to read
files/SHA256/NAME       the files in those messages

Times are UTC. {tasks} tasks, {messages} messages, {files} files.
"""


class Portraits:
    """Hands a person's own data over."""

    def __init__(self, store: Store, files: Files, documents: Documents, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._documents = documents
        self._clock = clock

    async def of(self, person: Person) -> AsyncIterator[Piece]:
        """Yield a person's data file by file, each in pieces one after another; no secret is in it, and no hash."""
        who = (person.tenant, person.id)
        files: dict[str, File] = {}
        tasks = await self._tasks(who)
        messages = 0
        yield "person.json", _line(person)
        async for piece in self._small(who):
            yield piece
        async for piece in self._tasks_and_turns(tasks):
            yield piece
        async for name, said in self._messages(who):
            files |= {part.sha256: part for message in said for part in message.parts if isinstance(part, File)}
            messages += len(said)
            yield name, _lines(said)
        async for piece in self._corrections(who):
            yield piece
        async for piece in self._conversations(tasks):
            yield piece
        async for piece in self._kept(files):
            yield piece
        now, counts = _time(self._clock.now()), {"tasks": len(tasks), "messages": messages, "files": len(files)}
        yield "README.txt", ABOUT.format(name=person.name, id=person.id, now=now, **counts).encode()

    async def _messages(self, who: Who) -> AsyncIterator[tuple[str, Sequence[Message]]]:
        listings = (self._store.messages_of_person, self._store.messages_in_groups)
        for name, listing in zip(("messages.jsonl", "in-groups.jsonl"), listings, strict=True):
            page = await listing(*who, limit=PAGE)
            while page:
                yield name, page
                page = await listing(*who, limit=PAGE, after=page[-1].id)

    async def _kept(self, files: Mapping[str, File]) -> AsyncIterator[Piece]:
        for sha256, file in sorted(files.items()):
            with suppress(NotFound):
                yield f"files/{sha256}/{_safe(file.name)}", await self._files.read(sha256)

    async def _small(self, who: Who) -> AsyncIterator[Piece]:
        yield "accounts.jsonl", _lines(await self._store.links(*who))
        keys = [
            {
                name: getattr(key, name)
                for name in ("id", "name", "kind", "scopes", "created_at", "expires_at", "revoked_at")
            }
            for key in await self._store.keys_of(*who)
        ]
        yield "keys.jsonl", _lines(keys)
        login = await self._store.login(*who)
        ways = [*([login] if login else []), *await self._store.passports(*who), *await self._store.sessions(*who)]
        yield "sign-in.jsonl", _lines(_without(way, "password", "totp", "recovery", "totp_step") for way in ways)
        yield "follows.jsonl", _lines(await self._store.followed_by(*who))
        approvals = await self._store.pauses(*who, states=STATES, limit=MANY)
        # What a sealed program stands at is the hub's, and useless elsewhere.
        yield "approvals.jsonl", _lines(_without(pause, "snapshot", "key", "digest") for pause in approvals)
        for owner in await self._documents.owners():
            kind, *parts = map(unquote, owner.split("/"))
            if kind in {"memory", "preferences", "plugin"} and (parts[0], parts[-1]) == who:
                kept = await self._documents.all(owner)
                of = "/".join((kind, *parts[1:-1]))
                yield "documents.jsonl", _lines({"of": of, "id": id, "document": document} for id, document in kept)

    async def _tasks(self, who: Who) -> list[Task]:
        found: list[Task] = []
        while page := await self._store.tasks(*who, before=found[-1].id if found else None, limit=PAGE):
            found += page
        return found[::-1]

    async def _tasks_and_turns(self, tasks: Sequence[Task]) -> AsyncIterator[Piece]:
        yield "tasks.jsonl", _lines(tasks)
        for task in tasks:
            yield "transitions.jsonl", _lines(await self._store.transitions(task.id, limit=MANY))
        for task in tasks:
            async for turns in self._turns(task):
                yield "turns.jsonl", _lines(turns)
        for task in tasks:
            async for turns in self._turns(task):
                for turn in turns:
                    yield "steps.jsonl", _lines(await self._store.steps(turn.id))

    async def _turns(self, task: Task) -> AsyncIterator[Sequence[Turn]]:
        page = await self._store.turns(task.id, limit=PAGE)
        while page:
            yield page
            page = await self._store.turns(task.id, before=page[-1].number, limit=PAGE)

    async def _corrections(self, who: Who) -> AsyncIterator[Piece]:
        found = await self._store.corrections(who[0], MANY)
        for correction in found:
            message = await self._store.message(correction.message)
            if message is not None and (message.tenant, message.person) == who:
                yield "corrections.jsonl", _line(correction)

    async def _conversations(self, tasks: Sequence[Task]) -> AsyncIterator[Piece]:
        for task in tasks:
            name = f"conversations/{task.number}.md"
            yield name, f"# {task.number}. {task.title}\n\n{task.state}, since {_time(task.created_at)}\n\n".encode()
            page = await self._store.all_messages_of_task(task.id, limit=PAGE)
            while page:
                yield name, "".join(map(_said, page)).encode()
                page = await self._store.all_messages_of_task(task.id, limit=PAGE, after=page[-1].id)


def _said(message: Message) -> str:
    if message.state == "moved" or message.copy_of is not None:
        return ""
    who = {"user": message.name or "You", "agent": "Agent", "notice": "Hub"}[message.role]
    return f"**{who}**, {_time(message.created_at)}:\n\n{message.text}\n\n"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _safe(name: str) -> str:
    plain = "".join(letter if letter.isalnum() or letter in "._- ()" else "_" for letter in name).strip(". ")
    return plain[-100:] or "file"


def _without(record: msgspec.Struct, *names: str) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(record).items() if name not in names}


def _line(record: object) -> bytes:
    return msgspec.json.encode(record) + b"\n"


def _lines(records: Iterable[object]) -> bytes:
    return b"".join(map(_line, records))
