"""A2A 1.0, asked by the official SDK's client as it comes, over both bindings."""

import pytest
from a2a.client.errors import A2AClientError
from a2a.types import (
    CancelTaskRequest,
    GetTaskPushNotificationConfigRequest,
    GetTaskRequest,
    ListTasksRequest,
    Part,
    Role,
    SendMessageConfiguration,
    StreamResponse,
    SubscribeToTaskRequest,
    TaskState,
)
from a2a.utils.errors import (
    ContentTypeNotSupportedError,
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)

from hub.flow.direct import Program
from hub.ports import Add
from hub.records import HOME, OWNER, Address, Ask, Choice, TaskId
from hub.testing import Hang, MemoryWorkspaces, OutwardTool, ScriptedLLM, a_message, a_task
from tests.stories.a2a_client import BOTH, Stepwise, a_day, answer_of, client, naming, says, sent
from tests.stories.day import until
from tests.stories.serving import served

# --- messages


@BOTH
async def test_a_message_is_answered_as_a_task_with_its_answer_and_history(binding: str) -> None:
    async with (
        served(a_day(ScriptedLLM("Hello yourself."))) as hub,
        client(hub, binding=binding, streaming=False) as a2a,
    ):
        task = await sent(a2a, says("Hello", id="mine-1"))
        read = await a2a.get_task(GetTaskRequest(id=task.id))
        short = await a2a.get_task(GetTaskRequest(id=task.id, history_length=1))

    assert task.status.state == TaskState.TASK_STATE_COMPLETED
    assert answer_of(task) == "Hello yourself."
    assert [(each.role, each.parts[0].text) for each in task.history] == [
        (Role.ROLE_USER, "Hello"),
        (Role.ROLE_AGENT, "Hello yourself."),
    ]
    assert task.history[0].message_id == "mine-1"
    assert read == task
    assert [each.parts[0].text for each in short.history] == ["Hello yourself."]


@BOTH
async def test_an_answer_streams_as_it_is_written_and_ends_with_the_state(binding: str) -> None:
    llm, told = Stepwise("Once upon a time."), list[StreamResponse]()
    async with served(a_day(llm)) as hub, client(hub, binding=binding) as a2a:
        async for update in a2a.send_message(says("Tell me a story")):
            told.append(update)
            llm.go.release()

    assert told[0].HasField("task")
    kinds = [update.WhichOneof("payload") for update in told]
    pieces = [update.artifact_update for update in told if update.HasField("artifact_update")]
    assert kinds[-1] == "status_update"
    assert told[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED
    assert {piece.artifact.artifact_id for piece in pieces} == {pieces[0].artifact.artifact_id}
    assert (pieces[-1].last_chunk, pieces[-1].append) == (True, False)
    assert pieces[-1].artifact.parts[0].text == "Once upon a time."
    assert [piece.append for piece in pieces] == [False, True, True, True, False]
    assert "".join(piece.artifact.parts[0].text for piece in pieces[:-1]) == "Once upon a time."


async def test_the_same_message_id_is_one_message_however_often_it_comes() -> None:
    async with served(a_day(ScriptedLLM("Done."))) as hub, client(hub, streaming=False) as a2a:
        first, again = await sent(a2a, says("Do it")), await sent(a2a, says("Do it"))
        in_context = await sent(a2a, says("Do it", context=first.context_id))
        with pytest.raises(InvalidParamsError, match="came before with other parts"):
            await sent(a2a, says("Do that"))
        kept = await hub.day.store.tasks(HOME, OWNER)

    assert first.id == again.id == in_context.id
    assert len(kept) == 1


async def test_a_message_can_be_left_to_be_worked_on() -> None:
    async with served(a_day(ScriptedLLM(Hang(), "x"))) as hub, client(hub, streaming=False) as a2a:
        task = await sent(a2a, says("Think", configuration=SendMessageConfiguration(return_immediately=True)))
        canceled = await a2a.cancel_task(CancelTaskRequest(id=task.id))

    assert task.status.state in (TaskState.TASK_STATE_SUBMITTED, TaskState.TASK_STATE_WORKING)
    assert canceled.status.state == TaskState.TASK_STATE_CANCELED


async def test_a_context_goes_on_with_its_conversation_and_another_is_apart() -> None:
    async with served(a_day(ScriptedLLM("I'm Ann.", "Still Ann.", "Bob."))) as hub, client(hub, streaming=False) as a2a:
        first = await sent(a2a, says("Who are you?", id="m1"))
        second = await sent(a2a, says("And now?", id="m2", context=first.context_id))
        third = await sent(a2a, says("Who are you?", id="m3", context="another"))
        listed = await a2a.list_tasks(ListTasksRequest(context_id="another"))

    assert second.id == first.id
    assert answer_of(second) == "Still Ann.", "the answer is the newest one"
    assert len(second.history) == 4
    assert (third.context_id, third.id == first.id) == ("another", False)
    assert [task.id for task in listed.tasks] == [third.id]


async def test_what_a_task_asks_is_answered_in_it() -> None:
    async with served(a_day(ScriptedLLM("Blue, then."))) as hub, client(hub, streaming=False) as a2a:
        asks = a_task(id="asks", number=1, person=OWNER, state="input-required", verdict=Ask(question="Which colour?"))
        said = a_message("Which colour?", id="0", task=TaskId("asks"), role="agent", state="sent")
        await hub.day.store.commit(Add(asks), Add(said))
        before = await a2a.get_task(GetTaskRequest(id="asks"))
        after = await sent(a2a, says("Blue", task="asks"))

    assert before.status.state == TaskState.TASK_STATE_INPUT_REQUIRED
    assert before.status.message.parts[0].text == "Which colour?"
    assert (after.id, after.status.state) == ("asks", TaskState.TASK_STATE_COMPLETED)
    assert answer_of(after) == "Blue, then."


async def test_files_come_as_bytes_data_as_json_and_nothing_is_fetched() -> None:
    async with served(a_day(llm := ScriptedLLM("Seen."))) as hub, client(hub, streaming=False) as a2a:
        data = Part()
        data.data.struct_value.update({"rows": 3})
        raw = Part(raw=b"\x00\x01", filename="../a.bin", media_type="application/x-thing")
        task = await sent(a2a, says(parts=[Part(text="Look"), raw, data]))
        with pytest.raises(ContentTypeNotSupportedError, match="aren't fetched"):
            await sent(a2a, says(id="m2", parts=[Part(url="http://127.0.0.1:1/secret")]))
        with pytest.raises(InvalidParamsError, match="one of text, raw, url and data"):
            await sent(a2a, says(id="m3", parts=[Part()]))
        (look, file, data) = task.history[0].parts
        async with hub.client() as http:
            read = await http.get(file.url)

    assert (look.text, file.filename, file.media_type) == ("Look", "a.bin", "application/x-thing")
    assert '"rows": 3' in data.text
    assert read.content == b"\x00\x01"
    assert '"rows": 3' in llm.prompts[0]


async def test_what_a_task_has_made_are_its_artifacts() -> None:
    workspaces = MemoryWorkspaces()
    day = a_day(ScriptedLLM("Written."), workspaces=workspaces)
    async with served(day) as hub, client(hub, streaming=False) as a2a, hub.client() as http:
        task = await sent(a2a, says("Write it down"))
        await workspaces.write(HOME, TaskId(task.id), "note.txt", b"remember")
        await workspaces.write(HOME, TaskId(task.id), "big.bin", b"x" * 200_000)
        found = {each.name: each for each in (await a2a.get_task(GetTaskRequest(id=task.id))).artifacts}
        big = await http.get(found["big.bin"].parts[0].url)

    assert {*found} == {"answer", "big.bin", "note.txt"}
    assert (found["note.txt"].parts[0].raw, found["note.txt"].parts[0].media_type) == (b"remember", "text/plain")
    assert len(big.content) == 200_000


# --- tasks


async def test_tasks_are_listed_page_by_page_and_by_state() -> None:
    async with served(a_day(ScriptedLLM("One.", "Two.", "Three."))) as hub, client(hub, streaming=False) as a2a:
        ids = [(await sent(a2a, says("Hello", id=f"m{n}"))).id for n in range(3)]
        first = await a2a.list_tasks(ListTasksRequest(page_size=2))
        rest = await a2a.list_tasks(ListTasksRequest(page_size=2, page_token=first.next_page_token))
        working = await a2a.list_tasks(ListTasksRequest(status=TaskState.TASK_STATE_WORKING))
        rejected = await a2a.list_tasks(ListTasksRequest(status=TaskState.TASK_STATE_REJECTED))
        whole = await a2a.list_tasks(ListTasksRequest(history_length=9, include_artifacts=True))
        with pytest.raises(InvalidParamsError, match="pageToken"):
            await a2a.list_tasks(ListTasksRequest(page_token="x"))

    assert {task.id for task in (*first.tasks, *rest.tasks)} == set(ids)
    assert (len(first.tasks), first.total_size, rest.next_page_token) == (2, 3, "")
    assert [len(task.history) + len(task.artifacts) for task in first.tasks] == [0, 0]
    assert [len(task.history) for task in whole.tasks] == [2, 2, 2]
    assert {answer_of(task) for task in whole.tasks} == {"One.", "Two.", "Three."}
    assert ([*working.tasks], [*rejected.tasks]) == ([], [])


@BOTH
async def test_a_task_is_followed_until_it_rests(binding: str) -> None:
    async with served(a_day(ScriptedLLM(Hang("Wait"), "There."))) as hub, client(hub, binding=binding) as a2a:
        begun = says("Think", configuration=SendMessageConfiguration(return_immediately=True))
        async with client(hub, streaming=False) as other:
            task = await sent(other, begun)
        await until(lambda: bool(hub.day.hub.turns.running), "no turn was begun")
        stream = a2a.subscribe(SubscribeToTaskRequest(id=task.id))
        first = await anext(stream)
        async with hub.client() as http:
            await http.post(f"/v1/tasks/{task.id}/cancel")
        rest = [update async for update in stream]
        with pytest.raises(UnsupportedOperationError, match="canceled"):
            await anext(a2a.subscribe(SubscribeToTaskRequest(id=task.id)))

    assert first.task.id == task.id
    assert rest[-1].status_update.status.state == TaskState.TASK_STATE_CANCELED


@BOTH
async def test_what_cant_be_done_is_told_by_its_name(binding: str) -> None:
    async with served(a_day(ScriptedLLM("Done."))) as hub, client(hub, binding=binding, streaming=False) as a2a:
        task = await sent(a2a, says("Do it"))
        with pytest.raises(TaskNotCancelableError):
            await a2a.cancel_task(CancelTaskRequest(id=task.id))
        with pytest.raises(UnsupportedOperationError, match="the context goes on"):
            await sent(a2a, says("More", id="m2", task=task.id))
        with pytest.raises(InvalidParamsError, match="contextId"):
            await sent(a2a, says("More", id="m3", task=task.id, context="another"))
        with pytest.raises(InvalidParamsError, match="contextId"):
            await sent(a2a, says("More", id="m4", context="a b"))
        with pytest.raises(TaskNotFoundError):
            await a2a.get_task(GetTaskRequest(id="nobody"))
        with pytest.raises(TaskNotFoundError):
            await sent(a2a, says("More", id="m5", task="nobody"))
        with pytest.raises(InvalidParamsError, match="there's no 'nobody'"):
            await sent(a2a, naming("nobody", says("More", id="m6")))
        with pytest.raises(PushNotificationNotSupportedError):
            await a2a.get_task_push_notification_config(GetTaskPushNotificationConfigRequest(task_id=task.id, id="1"))


async def test_a_program_can_neither_command_nor_give_leave() -> None:
    send = OutwardTool("send")
    async with served(a_day(None, send)) as hub, client(hub, streaming=False) as a2a:
        task = a_task(id="t", number=1, person=OWNER, state="input-required")
        offers = (Choice(id="leave/p/approve", text="Approve"), Choice(id="leave/p/deny", text="Deny"))
        here = Address(bridge="http", chat="owner/program:a2a.talk")
        asked = a_message("May I?", id="q", task=task.id, role="notice", state="sent", choices=offers, address=here)
        await hub.day.store.commit(Add(task), Add(asked))
        read = await a2a.get_task(GetTaskRequest(id="t"))
        with pytest.raises(InvalidParamsError, match="commands are for people"):
            await sent(a2a, says("/approve 1"))
        with pytest.raises(A2AClientError, match="403"):
            await sent(a2a, says("Approve", context="talk"))

    assert read.status.state == TaskState.TASK_STATE_AUTH_REQUIRED
    assert read.status.message.parts[0].text == "May I?"


async def test_who_follows_a_task_is_told_when_it_has_leave_and_what_came_of_it() -> None:
    async with served(a_day(ScriptedLLM("Eve has it."), OutwardTool("send"))) as hub, client(hub) as a2a:
        by = Program(tenant=HOME, person=OWNER, name="it", address=Address(bridge="http", chat="owner/program:mcp"))
        (lent,) = hub.day.hub.direct.lent(["default"])
        asked = await hub.day.hub.direct.call(by, lent, {"to": "eve"})
        assert asked.task is not None
        assert asked.asked is not None
        stream = a2a.subscribe(SubscribeToTaskRequest(id=asked.task.id))
        first = await anext(stream)
        await hub.day.hub.leave.decide(HOME, asked.asked.id, OWNER, approve=True)
        rest = [update async for update in stream]

    states = [update.status_update.status.state for update in rest if update.HasField("status_update")]
    assert first.task.status.state == TaskState.TASK_STATE_AUTH_REQUIRED
    assert (states[-1], set(states[:-1]) - {TaskState.TASK_STATE_WORKING}) == (TaskState.TASK_STATE_COMPLETED, set())
    assert [u.artifact_update.artifact.parts[0].text for u in rest if u.artifact_update.last_chunk] == ["Eve has it."]
