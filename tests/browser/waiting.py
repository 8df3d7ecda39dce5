"""What may wait for a hub's owner, put into its store as it would come to stand there."""

from datetime import UTC, datetime, timedelta

from hub.ports import Add
from hub.records import (
    HOME,
    OWNER,
    Address,
    Ask,
    Blocked,
    Candidate,
    Choice,
    FileExists,
    Limits,
    Message,
    Pause,
    PersonId,
    Task,
    TaskState,
    Usage,
    Verdict,
)
from hub.testing import a_draft, a_handover, a_message, a_pairing, a_pause, a_person, a_route, a_taint, a_task, a_turn
from hub.testing import an_entry as entry_of
from tests.browser.running import Running

BEA = PersonId("bea")
HTTP = Address(bridge="http", chat=f"{OWNER}/main")
MAIL = '{"body":"The offer is attached.","subject":"Our offer for March","to":"ann@example.org"}'


def now() -> datetime:
    return datetime.now(UTC)


async def a_resting_task(
    hub: Running,
    number: int,
    goal: str,
    verdict: Verdict | None,
    *,
    state: TaskState = "input-required",
    **more: object,
) -> Task:
    """Have a task of the owner rest, after one turn."""
    at = now() - timedelta(minutes=40 - number)
    task = a_task(
        goal,
        number=number,
        origin=HTTP,
        state=state,
        verdict=verdict,
        created_at=at,
        updated_at=at,
        **more,
    )
    await hub.parts.store.commit(Add(task), Add(a_turn(task, state="done", ended_at=at)))
    return task


async def a_waiting_call(hub: Running, task: Task, *, minutes: float = 9.5, **fields: object) -> Pause:
    """Have a call of a tool wait for leave."""
    turn = (await hub.parts.store.turns(task.id))[0]
    at = now()
    fields = {"person": task.person, "tool": "clock", "arguments": MAIL, **fields}
    pause = a_pause(turn, created_at=at, expires_at=at + timedelta(minutes=minutes), **fields)
    await hub.parts.store.commit(Add(pause), Add(a_taint(task, detail="https://example.org/prices")))
    return pause


async def a_message_asked_about(hub: Running, *tasks: Task) -> Message:
    """Have the owner be asked which of these tasks a message is about."""
    likely = [0.47, 0.31, 0.1]
    candidates = [
        Candidate(task=task.id, title=task.title, probability=share, evidence={"last": share})
        for task, share in zip(tasks, likely, strict=False)
    ]
    new = Candidate(task=None, title="a new task", probability=1 - sum(each.probability for each in candidates))
    route = a_route(
        tasks[0], rule="model", new=False, probability=0.47, candidates=(*candidates, new), tokens=61, ms=48.0
    )
    message = a_message("And please make it vegetarian", address=HTTP, state="asking", route=route, created_at=now())
    held = entry_of(message, state="held", lane="chat", due_at=now() + timedelta(minutes=8))
    await hub.parts.store.commit(Add(message), Add(held))
    return message


async def everything(hub: Running) -> None:
    """Have one of each kind wait."""
    store = hub.parts.store
    await store.commit(Add(a_person(id=BEA, name="Bea Bold", role="member")))
    offer = await a_resting_task(hub, 1, "Send Ann our offer for March", Ask(question="", why="leave is asked"))
    await a_waiting_call(hub, offer, minutes=2.5)
    await a_resting_task(
        hub, 2, "Plan the birthday party", Ask(question="How many children come, and is anybody allergic to nuts?")
    )
    more, finish = Choice(id="more", text="Go on"), Choice(id="finish", text="Leave it at that")
    await a_resting_task(
        hub,
        3,
        "Compare heat pumps for the house",
        Ask(
            question="20 turns are used up.\nDone: three makers compared. Left: prices.\nShall I go on?",
            choices=(more, finish),
        ),
        limits=Limits(turns=20, tokens=100_000, minutes=120),
        used=Usage(turns=20, tokens=61_300, minutes=14.2),
    )
    await a_resting_task(hub, 4, "Fetch the tide tables", Blocked(missing="tides.example.org doesn't answer"))
    await a_resting_task(
        hub, 5, "Write the minutes into minutes.md", None, state="submitted", proposed=(FileExists(path="minutes.md"),),
        due_at=now() + timedelta(days=2),
    )  # fmt: skip
    await a_message_asked_about(hub, *[task for task in await store.tasks(HOME, OWNER) if task.number in (2, 3)])
    await store.commit(
        Add(
            a_pairing(
                name="Carl Sommer",
                sender="@carl_s",
                bridge="telegram",
                created_at=now(),
                expires_at=now() + timedelta(hours=1),
            )
        )
    )
    handover = a_handover(
        person=BEA,
        state="taken",
        operator=OWNER,
        why="wants a refund",
        created_at=now(),
        first_due_at=now() + timedelta(minutes=9),
    )
    beas = a_task("A refund, please", number=1, person=BEA, created_at=now(), updated_at=now(), state="working")
    asked = a_message("I want my money back!", person=BEA, task=beas.id, state="handed", created_at=now())
    draft = a_draft(
        handover,
        beas,
        "I'm sorry to hear that. Which order is it about?",
        person=BEA,
        answers=asked.id,
        created_at=now(),
    )
    await store.commit(Add(handover), Add(beas), Add(asked), Add(draft))
