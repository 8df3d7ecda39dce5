"""The product's own router over labelled streams."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hub.config import LimitsConfig
from hub.evals.lines import DataError
from hub.evals.routing import Answered, Budget, Mode, answers, figures, predictions
from hub.evals.streams import Item, replay, streams
from hub.flow.weigher import Weigher
from hub.testing import ScriptedLLM
from tests.unit.evals.data import CAKE, TRIP, a_stream, write

LIMITS = LimitsConfig()


async def routed(path: Path, mode: Mode, llm: ScriptedLLM, limits: LimitsConfig = LIMITS) -> list[Answered]:
    budget = Budget(1.0)
    found = [one async for one in answers(Weigher(llm, limits), streams(path), mode, limits, budget)]
    return [answered for stream in found for answered in stream]


def places(path: Path, choose: Callable[[Item], int], *, forced: bool) -> list[Item]:
    """Replay a file's only stream with these choices."""
    (stream,) = streams(path)
    walk = replay(stream, forced=forced, limits=LIMITS)
    found = [next(walk)]
    try:
        while True:
            found.append(walk.send(choose(found[-1])))
    except StopIteration:
        return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "own.jsonl", a_stream(twin_open=True))


def test_teacher_forced_the_history_is_set_right_after_a_wrong_answer(path: Path) -> None:
    items = places(path, lambda item: len(item.roster), forced=True)

    assert [len(item.roster) for item in items] == [0, 1, 2, 2]
    assert [item.right for item in items] == [(0,), (1,), (0,), (1,)]
    assert [text for _, text, _ in items[-1].roster[0].lines][-1].startswith("Then take pumpkin seeds")


def test_on_line_the_router_lives_with_what_it_chose(path: Path) -> None:
    items = places(path, lambda item: 0, forced=False)

    assert [len(item.roster) for item in items] == [0, 1, 1, 1]
    # The cake went into the trip's task, so no task is the cake's.
    assert [item.right for item in items] == [(0,), (1,), (), (0,)]


def test_on_line_each_task_that_a_gold_task_founded_is_right(path: Path) -> None:
    items = places(path, lambda item: len(item.roster), forced=False)

    assert [len(item.roster) for item in items] == [0, 1, 2, 3]
    assert [item.label(place) for item in items for place in item.right] == ["R1", "R2", "R2", "R1"]


def test_a_task_that_asked_waits_for_its_person_and_another_is_done(path: Path) -> None:
    (cake, trip) = places(path, lambda item: 0, forced=True)[3].roster

    assert (cake.asked, cake.task.state) == (False, "completed")
    assert (trip.asked, trip.task.state) == (True, "input-required")


def test_a_task_that_was_done_long_ago_is_not_offered_but_one_that_asked_is(tmp_path: Path) -> None:
    stream = a_stream()
    for message in stream["messages"][6:]:
        message["t"] += 30 * 3600
    path = write(tmp_path / "own.jsonl", stream)

    assert [seen.task.goal for seen in places(path, lambda item: 0, forced=True)[3].roster] == [
        "I'm looking for a train from Bonn to Berlin."
    ]


async def test_without_a_model_the_router_answers_and_says_so(path: Path) -> None:
    llm = ScriptedLLM()
    llm.go_down()

    found = await routed(path, "teacher-forced", llm)

    assert [answered.rule for answered in found] == ["first", "fallback", "fallback", "fallback"]
    assert figures("teacher-forced", [found]).without_model == 3


async def test_the_model_is_asked_the_way_the_hub_asks_it(path: Path) -> None:
    llm = ScriptedLLM()

    found = await routed(path, "on-line", llm)

    assert [asked.method for asked in llm.asked] == ["score"] * 3
    assert all(answered.tokens > 0 for answered in found[1:])


async def test_a_question_is_answered_by_the_labels_and_counts_as_right(path: Path) -> None:
    sure_of_nothing = LimitsConfig(ask_below=1.0)

    found = await routed(path, "asking", ScriptedLLM(), sure_of_nothing)

    assert [answered.right for answered in found] == [True] * 4
    assert [answered.asked for answered in found] == [False, True, True, True]
    assert [answered.task for answered in found] == ["R1", "R2", "R2", "R1"]


def test_no_more_is_asked_than_the_share_of_the_messages_so_far() -> None:
    budget = Budget(0.25)

    asked = [budget.may_ask(unsure=True) for _ in range(12)]

    assert [at for at, asks in enumerate(asked, start=1) if asks] == [4, 8, 12]


async def test_accuracy_is_told_by_kind_and_by_flag(path: Path) -> None:
    found = figures("asking", [await routed(path, "asking", ScriptedLLM(), LimitsConfig(ask_below=1.0))])

    assert found.counts == {"all": 4, "new": 2, "stay": 1, "switch": 1, "short": 0, "twin_open": 1, "shift": 0}
    assert found.accuracy["all"] == found.accuracy["twin_open"] == found.stream_exact == 1.0
    assert found.accuracy["shift"] is None
    assert (found.one_to_one, found.asked) == (1.0, 0.75)


async def test_predictions_name_tasks_alike_wherever_a_task_is_meant(path: Path) -> None:
    found = await routed(path, "teacher-forced", ScriptedLLM(), LimitsConfig(ask_below=1.0))

    lines = predictions("teacher-forced", found)
    assert [line.i for line in lines] == [0, 2, 4, 6]
    assert {line.mode for line in lines} == {"teacher-forced"}
    right = {answered.gold: answered.task for answered in found if answered.right}
    assert right[TRIP] != right.get(CAKE)


def test_gzipped_or_not_and_without_kinds_a_stream_is_the_same(tmp_path: Path) -> None:
    bare = a_stream()
    for message in bare["messages"]:
        message.pop("kind", None)
    whole = write(tmp_path / "whole.jsonl.gz", a_stream())
    path = write(tmp_path / "bare.jsonl", bare, "\n")

    kinds = [item.kind for item in places(path, lambda item: 0, forced=True)]
    assert kinds == ["new", "new", "stay", "switch"]
    assert [item.kind for item in places(whole, lambda item: 0, forced=True)] == kinds


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"stream": "x"}\n', "missing required field `messages`"),
        ("{nonsense\n", "JSON is malformed"),
        ('{"stream": "x", "messages": []}\n', "begins with a user's message"),
        ("[" * 100_000 + "\n", "line 2"),
    ],
)
def test_a_bad_line_is_named_with_its_number(tmp_path: Path, line: str, fault: str) -> None:
    path = write(tmp_path / "own.jsonl", a_stream(), line)

    with pytest.raises(DataError, match=r"own\.jsonl, line 2") as error:
        list(streams(path))
    assert fault in str(error.value)


def test_a_file_that_is_no_gzip_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl.gz"
    path.write_text("plain")

    with pytest.raises(DataError, match=r"own\.jsonl\.gz: can't be read"):
        list(streams(path))
