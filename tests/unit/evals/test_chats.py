"""Our own chats, as people write them: their form, and that the evaluation runs over them."""

from collections import Counter
from pathlib import Path

import msgspec

from hub.config import LimitsConfig
from hub.evals.routing import Budget, answers, figures
from hub.evals.streams import Stream, replay, streams
from hub.flow.weigher import Weigher
from hub.testing import ScriptedLLM

CHATS = Path(__file__).parents[2] / "data" / "chats.jsonl"
FLOOR = 0.4
"""Without a model; measured: see docs/why/small-model.md. More than half below it, something is broken."""


def chats() -> list[Stream]:
    return list(streams(CHATS))


def test_there_are_enough_of_them_in_several_languages() -> None:
    raw = [msgspec.json.decode(line) for line in CHATS.read_bytes().splitlines()]
    said = [message for stream in chats() for message in stream.messages if message.role == "user"]

    assert len(raw) >= 25
    assert len(said) >= 250
    assert Counter(stream["lang"] for stream in raw).keys() >= {"en", "de", "es", "pt", "zh", "mix"}
    assert {stream["source"] for stream in raw} == {"own"}
    assert len({stream["stream"] for stream in raw}) == len(raw)


def test_people_and_agents_speak_by_turns_and_each_answer_is_about_its_message() -> None:
    for stream in chats():
        for at, message in enumerate(stream.messages):
            assert message.i == at
            assert message.role == ("agent" if at % 2 else "user")
            if at % 2:
                assert message.gold_task == stream.messages[at - 1].gold_task


def test_the_kinds_that_are_told_are_those_that_follow_from_the_tasks() -> None:
    for stream in chats():
        bare = msgspec.structs.replace(
            stream, messages=tuple(msgspec.structs.replace(message, kind=None) for message in stream.messages)
        )
        walk = replay(bare, forced=True, limits=LimitsConfig())
        item = next(walk)
        for message in stream.messages[::2]:
            assert message.kind == item.kind
            item = next((walk.send(0) for _ in "x" if message is not stream.messages[-2]), item)


def test_there_are_photos_and_stickers_without_a_word_and_small_questions_within_other_errands() -> None:
    texts = [message.text for stream in chats() for message in stream.messages if message.role == "user"]

    assert sum(text.startswith("[") and text.endswith("]") for text in texts) >= 4
    assert "What is 2+2?" in texts


async def test_the_router_runs_over_them_without_a_model_and_isnt_lost() -> None:
    llm = ScriptedLLM()
    llm.go_down()
    weigher, limits = Weigher(llm, LimitsConfig()), LimitsConfig()

    found = [one async for one in answers(weigher, chats(), "teacher-forced", limits, Budget(0.0))]

    told = figures("teacher-forced", found)
    assert told.messages == 315
    assert (told.accuracy["all"] or 0.0) > FLOOR
