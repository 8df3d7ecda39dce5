"""What was heard becomes an Incoming, and what goes out becomes texts."""

from xml.etree.ElementTree import fromstring, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bridges.xmpp import saying
from bridges.xmpp.convert import Place, addressed, clean, external_id, incoming, texts, words
from bridges.xmpp.hearing import Heard
from bridges.xmpp.saying import Target, Words
from hub.ports import Outgoing
from hub.records import Address, Choice, Text
from hub.testing import NOON, a_message, a_task

HUB = "hub@example.org"
SAID = Heard(kind="chat", sender="ann@example.org/x", id="1f2e3d4c-uuid", body="hello", thread="T")
PLACE = Place(bridge="xmpp", chat="ann@example.org", sender="ann@example.org", name="ann", archive=HUB)


@given(st.text())
def test_what_goes_out_is_xml_whatever_it_is(text: str) -> None:
    said = Words(id="1", body=clean(text))
    message = saying.words("jabber:client", Target(to="ann@example.org"), said)
    again = fromstring(tostring(message))
    assert (again.findtext("{jabber:client}body") or "").split() == clean(text).split()


def test_colours_of_terminals_leave_no_trace() -> None:
    assert clean("\x1b[1;31mred\x1b[0m and \x1b[2Kdone\x07") == "red and done"


def test_a_message_goes_by_the_same_id_whichever_way_it_comes() -> None:
    live = replace(SAID, stanza_ids={HUB: "a1", "evil.example": "e1"})
    assert external_id(live, HUB) == external_id(SAID, HUB, "a1") == SAID.id
    for counter in ("", "7", "aab7a"):
        assert external_id(replace(live, id=counter), HUB) == external_id(replace(SAID, id=counter), HUB, "a1") == "a1"


def test_in_a_room_the_rooms_own_id_counts_for_replies_name_it() -> None:
    room = "kitchen@rooms.example.org"
    said = replace(SAID, kind="groupchat", sender=f"{room}/Ann", stanza_ids={room: "r1"})
    assert external_id(said, room) == "r1"
    assert external_id(replace(said, stanza_ids={}), room) == SAID.id


def test_without_any_name_a_late_message_goes_by_what_it_says_and_a_live_one_by_nothing() -> None:
    nameless = replace(SAID, id="")
    late = replace(nameless, delayed_at=NOON)
    assert external_id(nameless, HUB) == ""
    assert external_id(late, HUB) == external_id(late, HUB) != external_id(replace(late, body="hi"), HUB)


def test_an_incoming_has_the_place_the_thread_and_the_time() -> None:
    made = incoming(SAID, PLACE, parts=(Text(text="hello"),), id="i", now=NOON, corrects=None, threads=True)
    assert made.address == Address(bridge="xmpp", chat="ann@example.org", thread="T")
    assert (made.external_id, made.sender, made.name, made.sent_at, made.group) == (
        "i",
        "ann@example.org",
        "ann",
        NOON,
        None,
    )
    other = incoming(SAID, PLACE, parts=(), id="i", now=NOON, corrects="j", threads=False)
    assert (other.address.thread, other.corrects) == (None, "j")


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("Hub: hello", "hello"),
        ("hub, hello", "hello"),
        ("@Hub hello", "hello"),
        ("Hub", ""),
        ("what does @hub think?", "what does @hub think?"),
        ("Hubert: hello", None),
        ("the hub is down", None),
        ("me@hub.example", None),
        ("", None),
    ],
)
def test_in_a_room_it_shows_who_is_spoken_to(text: str, heard: str | None) -> None:
    assert addressed(text, "Hub") == heard


def test_a_nick_with_odd_letters_is_taken_literally() -> None:
    assert addressed("C++ (bot): hi", "C++ (bot)") == "hi"


def test_a_files_address_is_no_text() -> None:
    assert words(replace(SAID, body="https://a.example/1", urls=("https://a.example/1",))) == ""
    assert words(replace(SAID, body="a\x85b")) == "ab"


def test_a_text_is_styled_tagged_and_has_its_choices_as_lines() -> None:
    message = a_message(
        "**Which** one?", role="notice", choices=(Choice(id="1", text="Bonn"), Choice(id="2", text="Rent"))
    )
    outgoing = Outgoing(message=message, task=a_task("Find\na train"), tagged=True)
    assert texts(outgoing, tag=True) == ["#1 Find a train\n\n*Which* one?\n\n1. Bonn\n2. Rent"]
    assert texts(outgoing, tag=False) == ["*Which* one?\n\n1. Bonn\n2. Rent"]
    assert texts(Outgoing(message=a_message("\x00 \n")), tag=False) == []
