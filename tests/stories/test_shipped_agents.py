"""The agents that ship do their work to the end: with pages, files, plans and programs, over the tools that ship."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hub.flow.aiming import FlowAims
from hub.flow.errands import FlowErrands
from hub.flow.humans import FlowHumans
from hub.loading import SHIPPED_AGENTS, SHIPPED_SCRIPTS
from hub.manifests import load_agents, load_scripts
from hub.packages.code import computing
from hub.packages.hosts import Supplies
from hub.packages.plugins import plugin_tools
from hub.packages.scripts import Scripts
from hub.ports import Fetched
from hub.records import HOME, OWNER, File, Incoming, Message, Schedule, Text, new_id
from hub.store.documents import MemoryDocuments
from hub.testing import FakeEgress, MemoryWorkspaces, ScriptedLLM
from hub.times.zones import Zones
from hub.tools.code import RunPython
from hub.tools.shipped import Shipped
from tests.stories.day import CHAT, Day
from tests.unit.tools.test_extract import a_pdf
from tests.unit.tools.world import NEWS, PAGE

AGENTS = load_agents([SHIPPED_AGENTS])


class Office:
    """A day with the tools that ship, over stand-ins for the web."""

    def __init__(self, stack: AsyncExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self.workspaces = MemoryWorkspaces()
        self.egress = FakeEgress(
            {NEWS: Fetched(url=NEWS, status=200, headers={"content-type": "text/html"}, body=PAGE)}
        )

    async def day(self, agent: str, llm: ScriptedLLM) -> Day:
        """Begin a day on which the owner's tasks are an agent's."""
        errands, aims, documents, scripts = FlowErrands(), FlowAims(), MemoryDocuments(), Scripts()
        day = await self._stack.enter_async_context(Day(llm, errands=errands, aims=aims, documents=documents))
        self._stack.push_async_callback(scripts.close)
        shipped = Shipped(
            clock=day.clock,
            zones=Zones(documents, "UTC"),
            store=day.store,
            files=day.hub.files,
            workspaces=self.workspaces,
            egress=self.egress,
            errands=errands,
            aims=aims,
            humans=FlowHumans(),
            outlining=errands,
            splits=errands,
            search=self._folder / "search",
        )
        self._stack.push_async_callback(shipped.close)
        supplies = Supplies(workspaces=shipped.workspaces, errands=errands)
        code = RunPython(computing(scripts, documents, supplies))
        programs = plugin_tools(load_scripts([SHIPPED_SCRIPTS]), (), scripts, documents, supplies)
        day.hub.toolbox.equip((*shipped.tools, code, *programs))
        await day.hub.business.choosing.choose(HOME, OWNER, agent)
        return day


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        yield Office(stack, tmp_path)


async def sends(day: Day, text: str, *files: tuple[str, str, bytes], wish: str | None = None) -> Message:
    """Say something with files, and wait until all that follows is done."""
    parts: list[Text | File] = [Text(text)]
    for name, media_type, data in files:
        parts.append(await day.hub.uploads.keep(HOME, OWNER, name, media_type, data))
    incoming = Incoming(
        address=CHAT, external_id=new_id(), sender=OWNER, parts=tuple(parts), sent_at=day.clock.now(), wish=wish
    )
    message, _ = await day.hub.inbox.keep(incoming)
    await day.quiet()
    return await day.now(message)


def methods(day: Day) -> Sequence[str]:
    return [asked.method for asked in day.llm.asked]


async def test_the_researcher_reads_a_page_and_answers_from_it_and_the_task_is_tainted(office: Office) -> None:
    day = await office.day("researcher", ScriptedLLM("A new bridge was opened on Monday (example.org)."))
    asked = await sends(day, f"Summarise {NEWS} please")

    assert await day.replies(asked) == ["A new bridge was opened on Monday (example.org)."]
    assert "The new bridge over the Rhine" in day.llm.prompts[0]
    assert methods(day) == ["chat"], "no model chose the tool or wrote its arguments"
    task = await day.task(1)
    assert (task.agent, task.state) == ("researcher", "completed")
    assert [taint.source for taint in await day.store.taints(task.id)] == ["web_fetch"]


async def test_the_researcher_finds_a_passage_in_what_was_sent_and_keeps_a_note(office: Office) -> None:
    lease = a_pdf("The flat has two rooms.", "The notice period is three months.")
    day = await office.day("researcher", ScriptedLLM("Thank you."))
    await sends(day, "This is my contract.", ("lease.pdf", "application/pdf", lease))
    found = await sends(day, "Search my documents for notice period", wish="new")
    task = await day.task(2)
    noted = await sends(day, 'Save "three months" as notice.txt', wish=task.id)

    assert await day.replies(found) == ["lease.pdf, page 2: The notice period is three months."]
    assert await day.replies(noted) == ["I have written notice.txt (12 bytes)."]
    assert await office.workspaces.read(HOME, task.id, "notice.txt") == b"three months"


async def test_the_planner_plans_a_reminder_and_says_it_in_time_without_a_model(office: Office) -> None:
    day = await office.day("planner", ScriptedLLM())
    asked = await sends(day, "Remind me tomorrow at 9 to call Ann")

    [told] = await day.replies(asked)
    assert "Reminder: call Ann" in told
    assert "2026-11-23 09:00" in told
    for _ in range(2):
        await day.clock.advance(21 * 3600 / 2 + 1)
        await day.hub.scheduler.tick()
        await day.quiet()

    planned = await day.task(2)
    assert (planned.agent, planned.state) == ("planner", "completed")
    said = [message.text for message in await day.store.messages_of_task(planned.id, limit=9)]
    assert said[-1] == "Reminder: call Ann"
    assert methods(day) == []


async def test_a_reminder_that_comes_again_is_said_each_time_without_a_model(office: Office) -> None:
    day = await office.day("planner", ScriptedLLM())
    await sends(day, "Remind me every day at 13:00 to water the plants")
    for seconds in (3601, *[86_400] * 24):
        await day.clock.advance(seconds)
        await day.hub.scheduler.tick()
        await day.quiet()

    assert await day.transcript(2) == ["Reminder: water the plants"] * 25
    assert (await day.task(2)).state == "submitted"
    assert methods(day) == []


async def test_the_planner_has_work_come_again(office: Office) -> None:
    day = await office.day("planner", ScriptedLLM("A fish walks into a bar.", decisions=["yes"]))
    asked = await sends(day, "Tell me a joke every day at 13:00")
    assert "next Sun 2026-11-22 13:00" in (await day.replies(asked))[0]
    await day.clock.advance(3601)
    await day.hub.scheduler.tick()
    await day.quiet()

    planned = await day.task(2)
    assert (planned.goal, planned.schedule, planned.state) == (
        "Tell me a joke",
        Schedule(cron="0 13 * * *", zone="UTC"),
        "submitted",
    )
    assert "A fish walks into a bar." in await day.transcript(2)


async def test_the_coder_writes_a_program_over_a_file_and_answers_with_what_it_found(office: Office) -> None:
    code = "sum(int(line.split(',')[1]) for line in (await read_file('attachments/km.csv')).splitlines()[1:])"
    llm = ScriptedLLM("You ran 8 km.", decisions=["run_python", "none"], fills=[{"code": code}])
    day = await office.day("coder", llm)
    asked = await sends(
        day, "Compute with a program: the sum of km in km.csv", ("km.csv", "text/csv", b"day,km\nMon,3\nTue,5")
    )

    assert await day.replies(asked) == ["You ran 8 km."]
    assert 'What the run_python tool found: "8"' in llm.prompts[-1]


@pytest.mark.parametrize("name", ["researcher", "planner", "coder"])
def test_an_agent_has_few_words_and_only_tools_that_there_are(office: Office, name: str, tmp_path: Path) -> None:
    agent = AGENTS[name]
    known = {"clock", "calculate", "remember", "recall", "run_python", "csv_summary"}
    known |= {
        "web_fetch",
        "search_documents",
        "read_file",
        "list_files",
        "write_file",
        "schedule",
        "remind",
        "plan",
        "split",
        "propose_checks",
        "wait_for",
    }

    assert len(agent.prompt.split()) <= 60
    assert set(agent.tools) <= known
    assert agent.description
