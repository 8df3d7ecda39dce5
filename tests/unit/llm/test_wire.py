"""What one side says, the other understands; garbage ends the conversation."""

import io
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.llm import wire
from hub.ports import Said, Terms
from hub.records import TenantId

ASK = Terms(tenant=TenantId("home"), deadline=3.0)


@given(st.text(), st.text())
def test_an_order_arrives_as_it_was_sent(text: str, lead: str) -> None:
    order = wire.Decide(id=1, ask=ASK, prompt=(Said("user", text),), options=("a", "b"), lead=lead)

    assert wire.read_order(io.BytesIO(wire.frame(order)).read) == order


def test_a_report_arrives_as_it_was_sent() -> None:
    data = wire.frame(wire.Wrote(id=3, text="ü"))

    assert wire.length(data[:4]) == len(data) - 4
    assert wire.report(data[4:]) == wire.Wrote(id=3, text="ü")


@pytest.mark.parametrize("cut", [0, 3, 4, 10])
def test_a_stream_that_ends_is_the_end(cut: int) -> None:
    data = wire.frame(wire.Cancel(id=300_000))

    assert wire.read_order(io.BytesIO(data[:cut]).read) is None


def test_a_length_that_can_only_be_garbage_is_refused() -> None:
    with pytest.raises(ValueError, match="a frame of"):
        wire.length(b"\xff\xff\xff\xff")


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_never_more_than_that(body: bytes) -> None:
    with suppress(msgspec.DecodeError):
        wire.report(body)
