"""Which task does a conversation belong to that a program sends whole each time?

An answer is known by all that was said up to it: the hash of that is kept as what the program calls the answer
(a Posting). Whoever sends those very words again, and something new after them, goes on with the answer's task. The
system's words don't count: many programs put the time into them.
"""

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from bridges.http import convert
from hub.errors import Conflict, Duplicate
from hub.ports import Add, Save
from hub.records import Address, Message, MessageId, PersonId, Posting, TenantId
from hub.web.openai.parts import Line
from hub.web.services import Services

CHAT = "openai"
ALIKE = 8
"""Conversations that are the same to the letter so far, and are told apart still."""
LOOK_BACK = 20


def address(person: PersonId) -> Address:
    """Return the chat in which a person's programs speak."""
    return convert.address(person, CHAT)


def hashed(agent: str, lines: Sequence[Line]) -> str:
    """Return the hash of a conversation with an agent."""
    told = [(line.role, line.call, _words(line), *(file.sha256 for file in line.files)) for line in lines]
    return sha256(msgspec.json.encode([agent, *told])).hexdigest()


def _words(line: Line) -> str:
    # A call is known by its id: clients write its arguments anew.
    return "" if line.call and line.role == "assistant" else " ".join(line.text.split())


async def answers_to(
    services: Services, tenant: TenantId, person: PersonId, agent: str, lines: Sequence[Line]
) -> list[Message]:
    """Return the answers that a conversation may end with and that nobody has gone on from, the latest first."""
    kept = [await _kept(services, tenant, person, name) for name in _names(agent, lines)]
    found = [answer for answer in kept if answer is not None and await _is_last(services, answer)]
    return sorted(found, key=lambda answer: answer.id, reverse=True)


async def remember(services: Services, agent: str, lines: Sequence[Line], answer: Message) -> None:
    """Know an answer from now on by the conversation that it ends.

    Of conversations that are the same to the letter the latest are known, those first that nobody has gone on with.
    """
    chat = address(answer.person)
    places: list[tuple[bool, MessageId, str]] = []
    for name in _names(agent, lines):
        kept = await _kept(services, answer.tenant, answer.person, name)
        if kept is not None and kept.id == answer.id:
            return
        if kept is not None:
            places.append((await _is_last(services, kept), kept.id, name))
            continue
        if await _posted(services, Add(_posting(chat, name, answer))):
            return
    if places:
        _, _, name = min(places)
        await _posted(services, Save(_posting(chat, name, answer)))


async def _kept(services: Services, tenant: TenantId, person: PersonId, name: str) -> Message | None:
    return await services.store.message_by_external(tenant, address(person), name)


async def _posted(services: Services, change: Add | Save) -> bool:
    try:
        await services.store.commit(change)
    except (Conflict, Duplicate):
        return False  # the same conversation was remembered at this very moment
    return True


def _posting(chat: Address, name: str, answer: Message) -> Posting:
    return Posting(
        tenant=answer.tenant, bridge=chat.bridge, chat=chat.chat, external_id=name, message=answer.id, number=0
    )


def _names(agent: str, lines: Sequence[Line]) -> list[str]:
    so_far = hashed(agent, lines)
    return [f"said:{so_far}:{nth}" for nth in range(ALIKE)]


async def _is_last(services: Services, answer: Message) -> bool:
    """Say whether nobody has said anything in the task since what it answers."""
    if answer.task is None:
        return False
    last = await services.store.messages_of_task(answer.task, limit=LOOK_BACK)
    said = [message.id for message in last if message.role == "user"]
    return bool(said) and said[-1] == answer.answers
