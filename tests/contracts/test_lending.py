"""Every sentence that ports.Lending promises, over the flow's own with a computer on its line, and the fake."""

import asyncio

import pytest
from msgspec import Struct
from msgspec.structs import replace

from hub.errors import ToolError, Unsure
from hub.flow.lending import Computer, FlowLending
from hub.lent import Answer, Call, Command, Folder, ListFolder, RunCommand, Withdrawn, WriteFile
from hub.ports import Add, Lending, ToolCall
from hub.records import HOME, OWNER, PersonId, Taint, TenantId
from hub.store.memory import MemoryStore
from hub.testing import NOON, FakeLending, a_task

NOTES = ListFolder(folder="notes")
TASK = a_task(title="What's in my\n  notes folder?")
CALL = ToolCall(tool="computer_list", arguments={}, key="1", tenant=HOME, person=OWNER, agent="default", task=TASK.id)


class Line:
    """A computer's end of the line: it answers as the test wants, or keeps silent."""

    def __init__(self) -> None:
        self.heard: list[Call | Withdrawn] = []
        self.computer: Computer | None = None
        self.outcome = "done"
        self.silent = False
        self.broken = False

    async def send(self, frame: Call | Withdrawn) -> None:
        if self.broken:
            raise OSError("gone")
        self.heard.append(frame)
        if isinstance(frame, Call) and not self.silent and self.computer:
            self.computer.answered(Answer(id=frame.id, outcome=self.outcome, text="Here."))  # type: ignore[arg-type]


class Stage(Struct):
    """A flow's lending with one computer."""

    lending: FlowLending
    store: MemoryStore
    line: Line
    computer: Computer


async def a_stage(name: str = "laptop", person: PersonId = OWNER) -> Stage:
    store, line = MemoryStore(), Line()
    await store.commit(Add(TASK))
    lending = FlowLending(store)
    folders = (Folder(name="notes", writable=True), Folder(name="papers"))
    commands = (Command(name="greet", words="echo hello {whom}", takes=("whom",)),)
    line.computer = Computer(HOME, person, name, folders=folders, commands=commands, since=NOON, send=line.send)
    lending.join(line.computer)
    return Stage(lending, store, line, line.computer)


@pytest.fixture(params=["flow", "fake"])
async def lending(request: pytest.FixtureRequest) -> Lending:
    return (await a_stage()).lending if request.param == "flow" else FakeLending()


def test_what_is_lent_is_told_to_its_person_alone(lending: Lending) -> None:
    (lent,) = lending.lent(HOME, OWNER)

    assert lent.computer == "laptop"
    assert [(folder.name, folder.writable) for folder in lent.folders] == [("notes", True), ("papers", False)]
    assert lent.commands[0].takes == ("whom",)
    for tenant, person in ((HOME, PersonId("bob")), (TenantId("other"), OWNER)):
        assert list(lending.lent(tenant, person)) == []
    assert {"notes", "papers", "greet"} <= lending.names()


async def test_a_computer_is_asked_for_its_own_person_only(lending: Lending) -> None:
    assert await lending.ask(CALL, "laptop", NOTES)
    for stranger in (replace(CALL, person=PersonId("bob")), replace(CALL, tenant=TenantId("other"))):
        with pytest.raises(ToolError, match="isn't connected"):
            await lending.ask(stranger, "laptop", NOTES)
    with pytest.raises(ToolError, match="isn't connected"):
        await lending.ask(CALL, "tower", NOTES)


async def test_what_is_not_lent_is_refused(lending: Lending) -> None:
    for wish in (ListFolder(folder="etc"), RunCommand(command="rm")):
        with pytest.raises(ToolError, match="lends no"):
            await lending.ask(CALL, "laptop", wish)


async def test_a_folder_that_is_to_be_read_only_is_not_even_asked_to_be_written() -> None:
    stage = await a_stage()

    with pytest.raises(ToolError, match="read only"):
        await stage.lending.ask(CALL, "laptop", WriteFile(folder="papers", path="a", text="b"))
    assert stage.line.heard == []


async def test_the_computer_is_told_for_what_and_whether_its_task_is_tainted() -> None:
    stage = await a_stage()
    note = WriteFile(folder="notes", path="a", text="b")
    for source in ("computer_list", "computer_read", "web_fetch"):
        taint = Taint(tenant=HOME, task=TASK.id, source=source, detail="x", created_at=NOON)
        await stage.store.commit(Add(taint))
        await stage.lending.ask(CALL, "laptop", NOTES)
        await stage.lending.ask(CALL, "laptop", note)
    calls = [frame for frame in stage.line.heard if isinstance(frame, Call)]

    assert {(call.task, call.agent) for call in calls} == {(f"#{TASK.number} What's in my notes folder?", "default")}
    assert [call.tainted for call in calls] == [False, False, False, True, True, True]
    assert len({call.id for call in calls}) == 6


async def test_a_no_and_a_failure_are_told_as_such() -> None:
    stage = await a_stage()
    for outcome, words in (("refused", "didn't do it: Here."), ("failed", "laptop: Here.")):
        stage.line.outcome = outcome
        with pytest.raises(ToolError, match=words):
            await stage.lending.ask(CALL, "laptop", NOTES)


async def test_a_line_that_breaks_in_the_middle_is_unsure_only_if_something_would_be_changed() -> None:
    for wish, unsure in (
        (NOTES, False),
        (WriteFile(folder="notes", path="a", text="b"), True),
        (RunCommand(command="greet"), True),
    ):
        stage = await a_stage()
        stage.line.silent = True
        asking = asyncio.create_task(stage.lending.ask(CALL, "laptop", wish))
        while not stage.line.heard:
            await asyncio.sleep(0)
        stage.lending.leave(stage.computer)
        with pytest.raises(ToolError) as broken:
            await asking

        assert isinstance(broken.value, Unsure) == unsure
        assert stage.lending.lent(HOME, OWNER) == ()


async def test_a_caller_that_waits_no_more_has_it_withdrawn() -> None:
    stage = await a_stage()
    stage.line.silent = True
    asking = asyncio.create_task(stage.lending.ask(CALL, "laptop", NOTES))
    while not stage.line.heard:
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    call, withdrawn = stage.line.heard
    assert isinstance(call, Call)
    assert withdrawn == Withdrawn(id=call.id)


async def test_one_computer_has_a_few_calls_at_a_time_and_a_broken_line_is_told() -> None:
    stage = await a_stage()
    stage.line.silent = True
    asking = [asyncio.create_task(stage.lending.ask(CALL, "laptop", NOTES)) for _ in range(4)]
    while len(stage.line.heard) < 4:
        await asyncio.sleep(0)
    with pytest.raises(ToolError, match="to see to already"):
        await stage.lending.ask(CALL, "laptop", NOTES)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    stage.line.broken = True
    with pytest.raises(ToolError, match="broke"):
        await stage.lending.ask(CALL, "laptop", NOTES)


async def test_a_computer_of_the_same_name_takes_the_place_and_its_leaving_leaves_the_new_one() -> None:
    stage = await a_stage()
    second = Line()
    second.computer = Computer(HOME, OWNER, "laptop", folders=(Folder(name="other"),), since=NOON, send=second.send)
    stage.lending.join(second.computer)
    stage.lending.leave(stage.computer)

    assert [folder.name for folder in stage.lending.lent(HOME, OWNER)[0].folders] == ["other"]
