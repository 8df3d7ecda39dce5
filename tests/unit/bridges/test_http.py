"""What comes over HTTP, as the inbox takes it."""

from bridges.http import convert
from hub.records import HOME, OWNER, Address, Text
from hub.testing import NOON


def test_what_came_over_http_is_handed_on_letter_by_letter() -> None:
    incoming = convert.incoming(
        tenant=HOME,
        person=OWNER,
        chat="work",
        parts=[Text("one\u202e "), Text("two")],
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
