"""Texts are given vectors a few at a time, the more urgent request first."""

from collections.abc import Sequence

import pytest

from hub.llm import wire
from hub.llm.jobs import TooLong
from hub.llm.vectors import STEP, Vectors
from hub.ports import Priority, Terms
from hub.records import TenantId


class FakePooler:
    """A text's tokens are its letters, and its row is their count and their sum."""

    at_once = 4
    longest = 512

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.broken_off = False

    def tokens(self, text: str) -> list[int]:
        return list(map(ord, text))

    def rows(self, texts: Sequence[Sequence[int]]) -> list[list[float]] | None:
        assert 0 < len(texts) <= self.at_once
        assert sum(map(len, texts)) <= max(STEP, len(texts[0]))
        self.asked.append(len(texts))
        if self.broken_off:
            self.broken_off = False
            return None
        return [[float(len(tokens)), float(sum(tokens))] for tokens in texts]


class Desk:
    def __init__(self) -> None:
        self.pooler = FakePooler()
        self.said: list[wire.Answer] = []
        self.vectors = Vectors(self.pooler, self.said.append)

    def ask(self, id: int, *texts: str, priority: Priority = Priority.CHAT, deadline: float = 100.0) -> None:
        ask = Terms(tenant=TenantId("a"), priority=priority, deadline=deadline)
        self.vectors.submit(wire.Embed(id=id, texts=texts, ask=ask))

    def run(self) -> None:
        for _ in range(100):
            if self.vectors.idle:
                return
            self.vectors.step(lambda ids: True)
        raise AssertionError("it never comes to an end")


def test_each_text_has_its_vector_of_length_one_in_order() -> None:
    desk = Desk()
    desk.ask(1, *(chr(97 + n) * (n + 1) for n in range(10)))
    desk.run()

    (found,) = desk.said
    assert isinstance(found, wire.Vectors)
    assert found.tokens == 55
    assert [round(97 + n) for n in range(10)] == [round(vector[1] / vector[0]) for vector in found.vectors]
    assert all(vector[0] ** 2 + vector[1] ** 2 == pytest.approx(1) for vector in found.vectors)


def test_the_more_urgent_is_served_first_and_what_is_broken_off_again() -> None:
    desk = Desk()
    desk.ask(1, *["slow"] * 12, priority=Priority.BACKGROUND)
    desk.vectors.step(lambda ids: True)
    desk.pooler.broken_off = True
    desk.ask(2, "quick", priority=Priority.DECISION)
    desk.run()

    assert [answer.id for answer in desk.said] == [2, 1]


def test_a_cancelled_or_late_request_is_dropped() -> None:
    desk = Desk()
    desk.ask(1, "never")
    desk.ask(2, "late", deadline=0.0)
    desk.vectors.cancel(1)
    desk.run()

    assert desk.said == [wire.Late(id=2)]
    assert desk.pooler.asked == []


def test_a_text_that_is_too_long_is_refused_whole() -> None:
    desk = Desk()

    with pytest.raises(TooLong):
        desk.ask(1, "a", "a" * 513)
    assert desk.vectors.idle
