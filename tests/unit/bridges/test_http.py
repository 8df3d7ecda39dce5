"""The bridge behind the API: readers fetch, so that delivering is keeping still."""

import asyncio

import pytest

from bridges.http import convert
from bridges.http.bridge import HttpBridge
from hub.ports import Bridge
from hub.records import HOME, OWNER, Address, Incoming, Text
from hub.testing import NOON, a_message


async def test_a_delivered_message_keeps_its_own_id_however_often_its_delivered() -> None:
    bridge: Bridge = HttpBridge()
    message = a_message()

    assert await bridge.deliver(message, again=False) == message.id
    assert await bridge.deliver(message, again=True) == message.id


async def test_running_hands_over_nothing_and_ends_when_cancelled() -> None:
    async def accept(_: Incoming) -> bool:
        raise AssertionError

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await HttpBridge().run(accept)


def test_what_came_over_http_is_handed_on_letter_by_letter() -> None:
    incoming = convert.incoming(
        tenant=HOME,
        person=OWNER,
        chat="work",
        texts=["one\u202e ", "two"],
        external_id="e",
        sent_at=NOON,
        wish="new",
    )

    assert incoming.address == Address(bridge="http", chat="owner/work")
    assert incoming.parts == (Text("one\u202e "), Text("two"))
    assert (incoming.sender, incoming.wish) == (OWNER, "new")


def test_a_message_under_an_idempotency_key_has_the_same_external_id_each_time() -> None:
    assert convert.keyed("key1", "abc") == convert.keyed("key1", "abc") == "key:key1:abc"
    assert convert.keyed("key2", "abc") != convert.keyed("key1", "abc")
