"""A conversation as events tell it."""

from typing import Any

import msgspec

from hub.cli.talk import Answer, Failure, Notice, Talk, You
from hub.cli.wire import Event, Said

TASK = {"id": "t1", "number": 1, "title": "Trip", "state": "working"}


def event(kind: str, data: object, id: str = "") -> Event:
    return Event(kind=kind, data=msgspec.json.encode(data).decode(), id=id)


def said(id: str, role: str = "user", text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"id": id, "role": role, "state": "accepted", "text": text, "created_at": "2026-11-22T10:00:00Z", **more}


def delta(text: str, *, whole: bool = False, turn: str = "u1", message: str | None = "m1") -> Event:
    return event("delta", {"task": "t1", "turn": turn, "message": message, "text": text, "whole": whole})


def test_an_answer_grows_piece_by_piece_and_is_shown_once_it_is_kept() -> None:
    talk = Talk("main")
    talk.sent("m1")
    talk.take(delta("Hel"))
    talk.take(delta("lo"))
    written = talk.writing["u1"].text
    shown = talk.take(event("reply", said("a1", "agent", "Hello.", turn="u1", task=TASK, answers="m1"), "7"))

    assert written == "Hello"
    assert [(type(one), one.text) for one in shown if isinstance(one, Answer)] == [(Answer, "Hello.")]
    assert not talk.busy


def test_a_piece_that_is_whole_takes_the_place_of_what_was_there() -> None:
    talk = Talk("main")
    talk.take(delta("Hel"))
    talk.take(delta("Hello, you", whole=True))

    assert talk.writing["u1"].text == "Hello, you"


def test_an_answer_to_nobodys_message_is_shown_as_it_grows() -> None:
    talk = Talk("main")
    talk.take(delta("Good luck", message=None))

    assert talk.writing["u1"].text == "Good luck"


def test_what_was_typed_here_is_not_shown_again_but_what_came_from_elsewhere_is() -> None:
    talk = Talk("main")
    talk.sent("m1")

    assert talk.take(event("message", said("m1"), "1")) == []
    assert talk.take(event("message", said("m2", text="from the web"), "2")) == [You("from the web")]


def test_the_same_event_twice_shows_once() -> None:
    talk = Talk("main")
    reply = event("reply", said("a1", "agent"), "7")

    assert len(talk.take(reply)) == 1
    assert talk.take(reply) == []


def test_other_chats_and_bridges_stay_where_they_are() -> None:
    talk = Talk("main")

    assert talk.take(event("message", said("m1", chat="other"), "1")) == []
    assert talk.take(event("reply", said("a1", "agent", bridge="telegram", chat="4711"), "2")) == []
    talk.take(delta("streamed elsewhere"))
    assert not talk.busy


def test_two_answers_grow_side_by_side() -> None:
    talk = Talk("main")
    talk.take(delta("one", turn="u1", message="m1"))
    talk.take(delta("two", turn="u2", message="m2"))

    assert [writing.text for writing in talk.writing.values()] == ["one", "two"]


def test_a_question_offers_its_choices_until_something_else_is_said() -> None:
    talk = Talk("main")
    choices = [{"id": "1", "text": "This"}, {"id": "new", "text": "A new one"}]
    shown = talk.take(event("notice", said("n1", "notice", "Which?", choices=choices), "3"))

    assert isinstance(shown[0], Notice)
    assert talk.question is not None
    talk.sent("m2")
    assert talk.question is None


def test_a_stopped_turn_is_told_once_and_its_text_comes_as_a_reply() -> None:
    talk = Talk("main")
    talk.take(delta("Half an ans"))
    turn = event("turn", {"id": "u1", "number": 1, "state": "stopped", "task": "t1", "messages": ["m1"]}, "2")

    assert talk.take(turn) == [Notice(None, "Stopped.")]
    assert talk.take(turn) == []
    assert not talk.busy


def test_a_failed_turn_that_answered_nobody_says_why() -> None:
    turn = {"id": "u1", "number": 1, "state": "failed", "task": "t1", "messages": [], "error": "no model"}

    assert Talk("main").take(event("turn", turn, "2")) == [Failure("no model")]


def test_a_reply_taken_back_says_so() -> None:
    shown = Talk("main").take(event("reply", {**said("a1", "agent", "Wrong"), "state": "moved"}, "2"))

    assert isinstance(shown[0], Answer)
    assert "taken back" in shown[0].note


def test_it_resumes_after_the_last_kept_event() -> None:
    talk = Talk("main")
    talk.take(event("hello", {"last": 41}))
    talk.take(event("message", said("m1"), "42"))
    talk.take(delta("x"))
    talk.take(event("hello", {"last": 50}))

    assert talk.after == "42"


def test_an_event_whose_record_is_gone_is_passed_over() -> None:
    assert Talk("main").take(Event(kind="task", data="null", id="9")) == []


def test_earlier_messages_are_recalled_with_what_still_waits() -> None:
    talk = Talk("main")
    talk.recall(msgspec.convert(said("m1"), Said, strict=False))

    assert list(talk.waiting) == ["m1"]
