"""The live router, scored against what its people did about its routes: moved, told outright, or left as they were."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from hub.config import LimitsConfig
from hub.evals.metrics import share
from hub.evals.routing import Answered, Budget, answers
from hub.evals.streams import Labelled, Stream
from hub.flow.accuracy import Live, live
from hub.flow.weigher import Weigher
from hub.ports import Store
from hub.records import Message, PersonId, Task, TenantId

Group = Literal["moved", "told", "left"]
GROUPS: tuple[Group, ...] = ("moved", "told", "left")
"""moved: the person put the route right. told: they said themselves which task it is. left: nobody objected."""
TOLD = ("explicit", "reply", "thread", "asked", "corrected")
PAGE = 200
MOST = 10_000
"""Messages of a task, and corrections of a tenant, that are looked at."""


class Again(Struct, frozen=True, kw_only=True):
    """What today's router says about a group of messages, with the history as people left it."""

    messages: int
    right: float | None


class Figures(Struct, frozen=True, kw_only=True):
    """How the router did, and how today's would do."""

    people: int
    messages: int
    live: Live
    again: dict[Group, Again]


async def figures(store: Store, tenant: TenantId, weigher: Weigher, limits: LimitsConfig) -> Figures:
    """Score the live router over everything that a tenant's people said."""
    corrections = await store.corrections(tenant, MOST)
    moved = {correction.message for correction in corrections}
    # A message may be moved twice: the oldest correction has what the router said.
    said = {correction.message: correction.route for correction in corrections}
    people, every, groups = 0, [], dict[Group, list[Answered]]({group: [] for group in GROUPS})
    for person in await store.people(tenant):
        messages = await _messages(store, tenant, person.id)
        of_person = [message for message in messages if message.role == "user"]
        if not of_person:
            continue
        people += 1
        every += of_person
        stream = _stream(person.id, messages)
        async for found in answers(weigher, [stream], "teacher-forced", limits, Budget(0.0)):
            for answered in found:
                message = messages[answered.i]
                groups["moved" if message.id in moved else _group(message)].append(answered)
    routes = [said.get(message.id) or message.route for message in every]
    return Figures(
        people=people,
        messages=len(every),
        live=live(routes, said.values()),
        again={
            group: Again(messages=len(found), right=share(one.right for one in found))
            for group, found in groups.items()
        },
    )


def _group(message: Message) -> Group:
    return "told" if message.route and message.route.rule in TOLD else "left"


async def _messages(store: Store, tenant: TenantId, person: PersonId) -> list[Message]:
    """Return what a person and the agents said, in order, beginning with the person."""
    found: list[Message] = []
    for task in await _tasks(store, tenant, person):
        found += await store.messages_of_task(task.id, limit=MOST)
    found = [message for message in found if message.role != "notice" and message.task]
    found.sort(key=lambda message: (message.created_at, message.id))
    first = next((at for at, message in enumerate(found) if message.role == "user"), len(found))
    return found[first:]


async def _tasks(store: Store, tenant: TenantId, person: PersonId) -> list[Task]:
    found: list[Task] = []
    while page := await store.tasks(tenant, person, before=found[-1].id if found else None, limit=PAGE):
        found += page
    return found


def _stream(person: PersonId, messages: Sequence[Message]) -> Stream:
    began = messages[0].created_at
    return Stream(
        stream=person,
        messages=tuple(
            Labelled(
                i=at,
                t=(message.created_at - began).total_seconds(),
                role="user" if message.role == "user" else "agent",
                text=message.text,
                gold_task=message.task or "",
            )
            for at, message in enumerate(messages)
        ),
    )
