"""What a <message/> says."""

from datetime import UTC, datetime
from xml.etree.ElementTree import fromstring

from bridges.xmpp.hearing import Fault, Heard, archived, carbon, heard

REPLY = """
<message xmlns="jabber:client" type="chat" from="Ann@Example.org/Phone" to="hub@example.org" id="m1">
  <body>&gt; hello\nthanks</body><thread>T</thread>
  <reply xmlns="urn:xmpp:reply:0" id="m0" to="hub@example.org"/>
  <fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="8"/></fallback>
  <request xmlns="urn:xmpp:receipts"/><replace xmlns="urn:xmpp:message-correct:0" id="m00"/>
  <stanza-id xmlns="urn:xmpp:sid:0" id="s1" by="hub@example.org"/><origin-id xmlns="urn:xmpp:sid:0" id="o1"/>
  <delay xmlns="urn:xmpp:delay" stamp="2026-11-24T12:00:00Z"/>
</message>"""


def message(inside: str, **attributes: str) -> Heard:
    """Return what a message of Ann's says."""
    fields = {"type": "chat", "from": "ann@example.org/x", "id": "m1"} | attributes
    told = " ".join(f"{name}='{value}'" for name, value in fields.items())
    return heard(fromstring(f"<message xmlns='jabber:client' {told}>{inside}</message>"))


def test_a_message_says_all_that_its_elements_say() -> None:
    assert heard(fromstring(REPLY)) == Heard(
        kind="chat",
        sender="Ann@Example.org/Phone",
        to="hub@example.org",
        id="m1",
        origin_id="o1",
        stanza_ids={"hub@example.org": "s1"},
        body="thanks",
        thread="T",
        delayed_at=datetime(2026, 11, 24, 12, tzinfo=UTC),
        replaces="m00",
        reply_to="m0",
        reply_author="hub@example.org",
        wants_receipt=True,
    )
    assert heard(fromstring(REPLY)).bare == "ann@example.org"


def test_a_fallback_that_lies_about_its_place_takes_nothing_away() -> None:
    lies = "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='{}' end='{}'/></fallback>"
    for start, end in (("0", "99"), ("-1", "2"), ("3", "1"), ("x", "²"), ("0", "9" * 5000)):
        assert message(f"<body>hello</body>{lies.format(start, end)}").body == "hello"


def test_files_are_told_by_their_addresses_each_once() -> None:
    said = message(
        "<body>https://a.example/1</body><x xmlns='jabber:x:oob'><url>https://a.example/1</url></x>"
        "<file-sharing xmlns='urn:xmpp:sfs:0'><sources><url-data xmlns='http://jabber.org/protocol/url-data'"
        " target='https://a.example/1'/><url-data xmlns='http://jabber.org/protocol/url-data'"
        " target='https://a.example/2'/></sources></file-sharing>"
    )
    assert said.urls == ("https://a.example/1", "https://a.example/2")


def test_receipts_reactions_and_retractions_are_asides_and_ciphers_are_known() -> None:
    assert message("<received xmlns='urn:xmpp:receipts' id='1'/>").aside
    assert message("<body>x</body><reactions xmlns='urn:xmpp:reactions:0' id='1'/>").aside
    assert message("<encrypted xmlns='eu.siacs.conversations.axolotl'/><body>can't read</body>").encrypted
    assert not message("<body>hello</body>").aside


def test_a_message_that_came_back_says_why() -> None:
    error = "<error type='wait'><resource-constraint xmlns='{0}'/><text xmlns='{0}'>full</text></error>"
    said = message(error.format("urn:ietf:params:xml:ns:xmpp-stanzas"), type="error")
    assert said.fault == Fault(kind="wait", condition="resource-constraint", text="full")
    assert message("", type="error").fault == Fault(kind="cancel", condition="undefined-condition")


def test_an_unknown_kind_is_a_normal_message_and_an_odd_time_is_none() -> None:
    said = message("<body>x</body><delay xmlns='urn:xmpp:delay' stamp='yesterday'/>", type="odd")
    assert (said.kind, said.delayed_at) == ("normal", None)


def test_a_carbon_holds_what_our_other_client_did() -> None:
    said = "<message xmlns='jabber:client' from='a@b/c'><body>x</body></message>"
    inner = f"<forwarded xmlns='urn:xmpp:forward:0'>{said}</forwarded>"
    for kind in ("received", "sent"):
        copy = carbon(
            fromstring(f"<message xmlns='jabber:client'><{kind} xmlns='urn:xmpp:carbons:2'>{inner}</{kind}></message>")
        )
        assert copy is not None
        assert (copy[0], heard(copy[1]).body) == (kind, "x")
    assert carbon(fromstring(REPLY)) is None


def test_an_archive_tells_when_a_message_came() -> None:
    result = (
        "<message xmlns='jabber:client'><result xmlns='urn:xmpp:mam:2' id='a1'><forwarded xmlns='urn:xmpp:forward:0'>"
        "<delay xmlns='urn:xmpp:delay' stamp='2026-11-24T13:00:00+01:00'/><message xmlns='jabber:client' from='a@b'>"
        "<body>x</body></message></forwarded></result></message>"
    )
    item = archived(fromstring(result))
    assert item is not None
    assert (item.id, item.heard.body) == ("a1", "x")
    assert item.heard.delayed_at == datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert archived(fromstring(REPLY)) is None
