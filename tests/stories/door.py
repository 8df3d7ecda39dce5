"""What the stories about letting people in share: a day with a bridge, what somebody says there, what they're told."""

import re
from typing import Any

import pytest

from hub.accounts import TelegramAccount, XmppAccount
from hub.errors import NotAllowed, Stranger
from hub.records import HOME, Address, Incoming, Person
from hub.testing import FakeBridge, ScriptedLLM, hello
from tests.stories.day import Day

TELEGRAM = TelegramAccount(name="able", owner="ann")


def by(sender: str, text: str = "Hello", *, chat: str = "", **fields: Any) -> Incoming:
    """Return what somebody writes in their own chat."""
    address = Address(bridge="able", chat=chat or sender)
    return hello(text, sender=sender, name=sender.title(), address=address, **fields)


def a_day(bridge: FakeBridge, account: TelegramAccount | XmppAccount = TELEGRAM, *said: str, **fields: Any) -> Day:
    llm = ScriptedLLM(*(said or ["Hi."] * 9))
    return Day(llm, bridges={"able": bridge}, accounts=[account], linked=False, **fields)


async def person_of(day: Day, sender: str) -> Person | None:
    link = await day.store.link(HOME, "able", sender)
    return await day.store.person(HOME, link.person) if link else None


def code_in(text: str) -> str:
    found = re.search(r"\b[2-9A-HJ-NP-Z]{8}\b", text)
    assert found is not None, text
    return found[0]


async def told(bridge: FakeBridge, incoming: Incoming) -> str:
    """Return what a sender is told who isn't let in."""
    with pytest.raises(NotAllowed) as refused:
        await bridge.say(incoming)
    assert not isinstance(refused.value, Stranger), "nothing is told"
    return str(refused.value)


async def is_stranger(bridge: FakeBridge, incoming: Incoming) -> bool:
    try:
        await bridge.say(incoming)
    except Stranger:
        return True
    except NotAllowed:
        return False
    return False
