"""A task is split into subtasks, waits for them at no cost, and gathers what came of them."""

from collections.abc import Iterator, Mapping, Sequence

from hub.manifests import Agent
from hub.ports import Add, Said
from hub.records import HOME, OWNER, Ask, Blocked, Done, ForTasks, Limits, PackageId, Pin, Spent, Wait
from hub.testing import ScriptedLLM
from tests.stories.cats import (
    GOAL,
    PARTS,
    Home,
    asks_once,
    assign,
    children,
    decides,
    home,
    later,
    said_to,
    says,
    split_into,
    text_of,
)
from tests.stories.day import CHAT

__all__ = ["home"]


async def test_a_task_splits_waits_and_gathers_and_only_its_own_answers_are_sent(home: Home) -> None:
    llm = ScriptedLLM(says, decisions=decides, fills=split_into(*PARTS))
    day = await home.day(llm)
    await assign(day)

    task, subtasks = await day.task(1), await children(day)
    assert [child.goal for child in subtasks] == PARTS
    assert {(child.state, child.kind, child.depth, child.parent) for child in subtasks} == {
        ("completed", "assignment", 1, task.id)
    }
    assert task.state == "completed"
    assert isinstance(task.verdict, Done)
    assert len(await day.store.turns(task.id)) == 2, "one that splits, one that gathers"
    gathered = llm.prompts[-1]
    assert f"#{subtasks[0].number} Praise the cat Tom: done: Tom purrs like no other cat." in gathered
    assert f"#{subtasks[1].number} Praise the cat Ada: done: Ada leaps like no other cat." in gathered
    own = next(prompt for prompt in llm.prompts if "My goal: Praise the cat Tom" in prompt)
    assert f"This is one part of what I want, which is: {GOAL}" in own, "else it knows of no cat"
    said = await said_to(day)
    begun = f"2 subtasks are begun: #{subtasks[0].number} Praise the cat Tom; #{subtasks[1].number} Praise the cat Ada."
    assert said == [begun, "Both are praised."]


async def test_a_task_that_waits_for_others_costs_nothing_and_says_what_for(home: Home) -> None:
    llm = ScriptedLLM(
        lambda prompt: "Who is Ada?" if "My goal: Praise the cat Ada" in text_of(prompt) else says(prompt),
        decisions=decides,
        fills=split_into(*PARTS),
    )
    day = await home.day(llm)
    await assign(day)
    task = await day.task(1)
    _, ada = await children(day)

    assert ada.state == "input-required"
    assert isinstance(task.verdict, Wait)
    assert task.verdict.on == ForTasks(tasks=(ada.id,), told=(ada.id,))
    assert task.verdict.why == f"waits for subtask #{ada.number}"
    turns = len(await day.store.turns(task.id))
    for _ in range(30):
        await later(day, 3600)
    assert len(await day.store.turns(task.id)) == turns


async def test_a_subtasks_question_is_put_to_the_person_and_its_answer_has_everything_go_on(home: Home) -> None:
    llm = ScriptedLLM(asks_once, decisions=decides, fills=split_into(*PARTS))
    day = await home.day(llm)
    await assign(day)
    _, ada = await children(day)
    assert isinstance(ada.verdict, Ask)
    [question] = [said for said in await day.store.messages_of_task(ada.id, limit=9) if said.role == "agent"]
    assert question.text == "Which Ada do you mean?"
    assert question.task == ada.id
    assert "asks the user: Which Ada do you mean?" in llm.prompts[-1], "the task that split it off is told, too"

    await day.says("The black one", wish=ada.id)
    await later(day)
    assert {child.state for child in await children(day)} == {"completed"}
    assert (await day.task(1)).state == "completed"


async def test_a_subtask_that_is_stuck_is_told_to_its_parent_and_not_to_the_person(home: Home) -> None:
    def stuck(prompt: Sequence[Said]) -> str:
        return (
            "Ada is a cat."
            if "Praise the cat Ada" in text_of(prompt) and "became" not in text_of(prompt)
            else says(prompt)
        )

    def judged(prompt: Sequence[Said], options: Sequence[str]) -> str | Sequence[float]:
        no = "none" not in options and "Claim: Ada is a cat." in text_of(prompt)
        return (0.1, 0.85, 0.05) if no else decides(prompt, options)

    llm = ScriptedLLM(stuck, decisions=judged, fills=split_into(*PARTS))
    day = await home.day(llm)
    await assign(day)
    for _ in range(4):
        await later(day)
    _, ada = await children(day)

    assert isinstance(ada.verdict, Blocked)
    assert "Praise the cat Ada: blocked:" in llm.prompts[-1]
    assert await day.store.messages_of_task(ada.id, limit=9) == ()
    task = await day.task(1)
    assert not isinstance(task.verdict, Done), "that both are praised is said, and not so"
    await day.hub.tasks.finish(task)
    assert [child.state for child in await children(day)] == ["completed", "canceled"], "none is left over"


async def test_canceling_a_task_cancels_its_subtasks_and_stopping_it_stops_them_until_it_goes_on(home: Home) -> None:
    llm = ScriptedLLM(asks_once, decisions=decides, fills=split_into(*PARTS))
    day = await home.day(llm)
    task = await assign(day)
    await day.hub.tasks.cancel(task)
    assert [child.state for child in await children(day)] == ["completed", "canceled"]

    at_work = await home.store.task(task.id)
    assert at_work is not None
    assert at_work.state == "canceled"


async def test_stopped_subtasks_go_on_with_their_parent(home: Home) -> None:
    no = (0.1, 0.85, 0.05)

    def unfinished(prompt: Sequence[Said], options: Sequence[str]) -> str | Sequence[float]:
        return no if "none" not in options and not done else decides(prompt, options)

    done: list[bool] = []
    llm = ScriptedLLM(
        lambda prompt: says(prompt) if done or "became" in text_of(prompt) else f"I think of {text_of(prompt)[-20:]}.",
        decisions=unfinished,
        fills=split_into(*PARTS),
    )
    day = await home.day(llm)
    task = await assign(day)
    assert {child.state for child in await children(day)} == {"working"}

    await day.hub.tasks.stop(task)
    assert {child.state for child in await children(day)} == {"input-required"}
    turns = len(llm.prompts)
    await later(day)
    assert len(llm.prompts) == turns

    done.append(True)
    await day.hub.tasks.resume(await day.task(1))
    await later(day)
    await later(day)
    assert (await day.task(1)).state == "completed"
    assert {child.state for child in await children(day)} == {"completed"}


async def test_a_subtask_that_its_person_gives_up_is_told_to_its_parent(home: Home) -> None:
    llm = ScriptedLLM(asks_once, decisions=decides, fills=split_into(*PARTS))
    day = await home.day(llm)
    await assign(day)
    _, ada = await children(day)
    await day.hub.tasks.cancel(ada)
    await day.quiet()

    assert "Praise the cat Ada: given up" in llm.prompts[-1]
    assert (await day.task(1)).state == "completed"


async def test_a_hub_that_dies_as_the_last_subtask_ends_goes_on_with_the_parent(home: Home) -> None:
    llm = ScriptedLLM(asks_once, decisions=decides, fills=split_into(*PARTS))
    day = await home.day(llm)
    await assign(day)
    _, ada = await children(day)
    day.hub.dispatcher.wake = lambda *lanes: None  # type: ignore[method-assign]  # nobody is woken any more
    await day.hub.tasks.cancel(ada)

    task = await day.task(1)
    assert task.due_at == home.clock.now(), "it's due by the very commit that ended the last one"
    again = await home.day(ScriptedLLM(says, decisions=decides))
    await again.hub.scheduler.tick()
    await again.quiet()
    assert (await again.task(1)).state == "completed"


async def test_what_subtasks_cost_counts_for_the_parent_and_is_no_more_than_it_had_left(home: Home) -> None:
    day = await home.day(ScriptedLLM(says, decisions=decides, fills=split_into(*PARTS)))
    task = await assign(day, limits=Limits(turns=10, tokens=10_000, minutes=20.0))
    subtasks = await children(day)

    assert all(child.limits.turns == 4 for child in subtasks), "ten, less one to split and one to gather, by two"
    assert sum(child.limits.tokens for child in subtasks) <= 9_000
    task = await day.task(1)
    assert task.used.subtasks == Spent(
        turns=2,
        tokens=sum(child.used.tokens for child in subtasks),
        minutes=sum(child.used.minutes for child in subtasks),
    )
    assert task.used.turns == 4


async def test_a_task_with_little_left_splits_nothing_and_does_it_itself(home: Home) -> None:
    llm = ScriptedLLM(says, decisions=decides, fills=split_into(*PARTS))
    day = await home.day(llm)
    await assign(day, limits=Limits(turns=3))

    assert await children(day) == ()
    assert "isn't enough for 2 subtasks" in llm.prompts[0]


async def test_subtasks_dont_crowd_what_a_message_may_be_about_nor_the_list_of_tasks(home: Home) -> None:
    llm = ScriptedLLM(asks_once, decisions=decides, fills=split_into(*PARTS))
    day = await home.day(llm)
    await assign(day)
    tom, ada = await children(day)
    said = await day.says("/tasks")
    listed = (await day.replies(said))[0].splitlines()
    assert [line.partition(" – ")[0] for line in listed] == [
        "#1 Say something nice about each of my cats, Tom and Ada, as …",
        f"  ↳ #{tom.number} Praise the cat Tom",
        f"  ↳ #{ada.number} Praise the cat Ada",
    ]
    message = await day.says("What about the weather?")
    assert message.route is not None
    weighed = {candidate.task for candidate in message.route.candidates}
    assert tom.id not in weighed
    assert ada.id in weighed, "it has asked something"


async def test_what_taints_a_task_taints_its_subtasks_and_what_they_read_taints_it(home: Home) -> None:
    def reads(prompt: Sequence[Said], options: Sequence[str]) -> str | Sequence[float]:
        if "page" in options and "Tom" in prompt[-1].text and "subtasks" not in prompt[-1].text:
            return "page"
        return decides(prompt, options)

    def fills(prompt: Sequence[Said], schema: Mapping[str, object]) -> Mapping[str, object]:
        return {} if "page" in text_of(prompt) else {"goals": PARTS}

    day = await home.day(ScriptedLLM(says, decisions=reads, fills=fills))
    await assign(day)
    task, (tom, ada) = await day.task(1), await children(day)

    assert [taint.source for taint in await day.store.taints(tom.id)] == ["page"]
    assert await day.store.taints(ada.id) == ()
    assert [(taint.source, taint.detail) for taint in await day.store.taints(task.id)] == [
        (f"subtask {tom.number}", "page")
    ]


async def test_subtasks_go_on_with_the_editions_that_their_parent_has(home: Home) -> None:
    llm = ScriptedLLM(asks_once, decisions=decides, fills=split_into(*PARTS))
    day = await home.day(llm)
    task, _ = await day.hub.tasks.assign(tenant=HOME, person=OWNER, address=CHAT, text=GOAL, external_id="api:1")
    pin = Pin(
        tenant=HOME, task=task.id, package=PackageId("units"), version="1.0.0", digest="d", created_at=day.clock.now()
    )
    await day.store.commit(Add(pin))
    await day.quiet()

    for child in await children(day):
        assert [(held.package, held.version) for held in await day.store.pins(child.id)] == [("units", "1.0.0")]


async def test_another_agent_has_the_subtasks_only_if_the_agents_manifest_names_it(home: Home) -> None:
    planner = Agent(
        name="default",
        version="1.0.0",
        description="Plans.",
        prompt="You plan.",
        tools=("split",),
        agents=("worker", "gone"),
    )
    worker = Agent(name="worker", version="1.0.0", description="Works.", prompt="You work.")
    other = Agent(name="other", version="1.0.0", description="Others.", prompt="You do.")
    agents = {"default": planner, "worker": worker, "other": other}
    wishes: Iterator[Mapping[str, object]] = iter([{"goals": PARTS, "agent": "other"}, {"goals": PARTS}])
    llm = ScriptedLLM(says, decisions=decides, fills=lambda *_: next(wishes))
    day = await home.day(llm, agents=agents)
    goal = "Say something nice about each of my cats; subtasks may help"
    await assign(day, goal)
    assert await children(day) == ()
    assert "there are: default, worker" in llm.prompts[0]

    await assign(day, f"{goal}, please")
    assert [child.agent for child in await children(day, 2)] == ["worker", "worker"]
