"""What a goal says plainly about files isn't left to a small model."""

from typing import Any

import pytest

from hub.flow.filling import fill
from hub.flow.paperwork import bound, first, source, unwritten, wanted
from hub.ports import Priority, Said, Terms
from hub.records import HOME, FileExists, Step, Task, TurnId
from hub.testing import FakeTool, FilingTool, ScriptedLLM, a_task

READ, WRITE, OTHER = FilingTool("read"), FilingTool("write", effect="idempotent"), FakeTool()
BOTH = (OTHER, READ, WRITE)
COUNT = "Count the lines of log.txt that contain ERROR and write the count into errors.txt."


def assigned(goal: str = COUNT, **fields: Any) -> Task:
    return a_task(goal, kind="assignment", **fields)


def called(name: str, path: str = "", *, failed: bool = False) -> Step:
    return Step(
        turn=TurnId("t"), number=1, kind="tool", name=name, request=f'{{"path":"{path}"}}', result="", failed=failed
    )


def test_a_goal_names_what_is_to_be_written_and_what_it_is_made_from() -> None:
    assert (wanted(assigned()), source(assigned())) == (("errors.txt",), "log.txt")
    agreed = assigned("Make a report", checks=(FileExists(path="report.md"),))
    assert (wanted(agreed), source(agreed)) == (("report.md",), "")
    assert source(assigned("Compare a.txt and b.txt and write the result into c.txt")) == "", "either may come first"
    assert wanted(a_task(COUNT)) == (), "a conversation is no assignment"


def test_what_is_to_be_read_is_read_before_it_is_written_about() -> None:
    assert first(assigned(), WRITE, BOTH, ()) is READ
    assert first(assigned(), None, BOTH, ()) is READ
    assert first(assigned(), WRITE, BOTH, (called("read", "log.txt"),)) is None
    assert first(assigned(), OTHER, BOTH, ()) is None, "another tool may know a better way"


def test_nobody_answers_before_what_was_asked_for_is_written() -> None:
    read = called("read", "log.txt")
    assert first(assigned(), None, BOTH, (read,)) is WRITE
    assert first(assigned(), None, BOTH, (read, called("write", "errors.txt"))) is None
    assert first(assigned(), None, BOTH, (read, called("write", "errors.txt", failed=True))) is None, "it was tried"
    assert first(a_task(COUNT), None, BOTH, (read,)) is None
    assert first(assigned(), None, (OTHER,), ()) is None


def test_which_file_it_is_cannot_be_got_wrong() -> None:
    assert bound(assigned(), READ, ()) == {"path": "log.txt"}
    assert bound(assigned(), WRITE, ()) == {"path": "errors.txt"}
    assert bound(assigned(), WRITE, (called("write", "errors.txt"),)) == {}, "then it may write what it likes"
    assert bound(assigned(), OTHER, ()) == {}
    assert unwritten(assigned("Write it into a.txt and save it as b.txt"), (), {}) == ("a.txt", "b.txt")
    assert bound(assigned("Write it into a.txt and save it as b.txt"), WRITE, ()) == {}


async def test_the_llm_is_shown_what_was_found_and_can_name_no_other_file() -> None:
    llm = ScriptedLLM(fills=[{"path": "errors.txt", "text": "3"}])
    schema = {
        "type": "object",
        "properties": {"path": {"type": "string"}, "text": {"type": "string"}},
        "required": ["path", "text"],
    }
    tool = FilingTool("write", effect="idempotent", schema=schema)
    found = Step(turn=TurnId("t"), number=1, kind="tool", name="read", request="{}", result="3 lines with ERROR")
    terms = Terms(tenant=HOME, priority=Priority.DECISION)

    filled = await fill(llm, [Said("user", COUNT)], tool, terms, (), (found,), {"path": "errors.txt"})

    (asked,) = llm.asked
    assert asked.text.endswith("Found for it:\nread: 3 lines with ERROR")
    assert asked.schema is not None
    assert asked.schema["properties"]["path"]["enum"] == ["errors.txt"]  # type: ignore[index]
    assert '"text":"3"' in filled.json


@pytest.mark.parametrize(
    "goal", ["Sum it up.", "Write to bob@example.org", "Version 1.2 is out", "See example.org/a.b"]
)
def test_what_is_no_file_is_not_taken_for_one(goal: str) -> None:
    assert wanted(assigned(goal)) == ()
