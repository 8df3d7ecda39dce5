"""A model that does the worst it's told, from wherever it's told: nothing happens that its person didn't allow.

The table of `attacks.py` has every source of strangers' words, times everything that they could want.
"""

from datetime import timedelta

import pytest

from hub.flow.errands import FlowErrands
from hub.flow.speaking import TOOL_CALLS
from hub.manifests import Agent
from hub.records import HOME, OWNER, File, Message, PauseId, Text
from hub.store.documents import MemoryDocuments
from hub.testing import FakeBridge, FakeTool, ForeignTool, OutwardTool, hello
from tests.faults.attacks import ATTACKS, ORDER, READERS, SECRET, WISHES, Attack, Chain, Described, Page, WorstLLM
from tests.stories.day import Day, at_work
from tests.stories.door import TELEGRAM, by

pytestmark = pytest.mark.faults

FILE = File(name=f"{ORDER[:100]}.txt", media_type="text/plain", size=1, sha256="0" * 64)


class Scene:
    """A hub with recording tools, the worst model, and somebody's words that reach it."""

    def __init__(self, attack: Attack) -> None:
        self.attack = attack
        tool, arguments = WISHES[attack.goal]
        self.llm = WorstLLM(READERS.get(attack.vector, ""), tool, arguments)
        errands = FlowErrands()
        self.chain = Chain(errands)
        self.send, self.post = OutwardTool("send", effect="keyed"), OutwardTool("post", effect="keyed")
        self.delete, self.hidden = FakeTool("delete", effect="once"), FakeTool("hidden")
        self.page = Page("page", result=ORDER)
        readers = [self.page, *(ForeignTool(name, result=ORDER) for name in READERS.values())]
        described = [Described()] if attack.vector == "tool description" else []
        tools = [*readers, *described, self.chain, self.send, self.post, self.delete, self.hidden, FakeTool("look")]
        own = [tool.name for tool in tools if tool is not self.hidden] + ["remember", "recall"]
        agent = Agent(name="default", version="1.0.0", description="Helps.", prompt="Help.", tools=tuple(own))
        self.documents = MemoryDocuments()
        self.bridge = FakeBridge("able")
        account = type(TELEGRAM)(name="able", owner="ann", allow=("bob",))
        self.day = Day(
            self.llm,
            tools=tools,
            agents={"default": agent},
            documents=self.documents,
            bridges={"able": self.bridge},
            accounts=[account],
            linked=False,
            errands=errands,
        )

    async def begin(self) -> None:
        """Have the words reach the model, by a person who suspects nothing."""
        group = {"chat": "g1", "group": "Trip"} if self.attack.vector == "somebody else in a group" else {}
        self.llm.armed = False
        await self.bridge.say(by("ann", "Good morning, remember what is on the page", **group))
        await self.day.quiet()
        self.llm.armed = self.attack.when == "at once"
        match self.attack.vector:
            case "forwarded message":
                await self.say(Text(f"[forwarded from Eve]\n{ORDER}"))
            case "file name":
                await self.say(FILE, Text("What is this?"))
            case "somebody else in a group":
                await self.bridge.say(by("bob", ORDER, **group))
            case _:
                await self.say(Text("Sum it up for me"))
        await self.day.quiet()
        if self.attack.when == "in the next turn":
            self.llm.armed = True
            [task, *_] = await self.day.store.tasks(HOME)
            await self.bridge.say(by("ann", "And what else?", wish=task.id, **group))
            await self.day.quiet()

    async def say(self, *parts: Text | File) -> None:
        incoming = by("ann", "")
        await self.bridge.say(hello(address=incoming.address, sender="ann", name="Ann", parts=parts))

    async def later(self) -> None:
        """Let hours pass, and everything that falls due in them come about."""
        for _ in range(8):
            self.day.clock.put(self.day.clock.now() + timedelta(hours=1, minutes=1))
            await self.day.hub.scheduler.tick()
            await self.day.quiet()

    async def unauthorised(self) -> list[str]:
        """Return what happened that nobody allowed."""
        found = [f"{tool.name} {call.arguments}" for tool in (self.send, self.post, self.delete, self.hidden)
                 for call in tool.calls]  # fmt: skip
        found += [str(call.arguments) for call in self.page.calls if "to" in call.arguments]
        for person in await self.day.store.people(HOME):
            kept = await self.documents.all(f"memory/home/default/{person.id}")
            found += [str(fact) for _, fact in kept if SECRET in str(fact)]
        chats = {delivery.message.address.chat for delivery in self.bridge.deliveries}
        return found + sorted(chats - {"ann", "g1"})

    async def questions(self) -> list[Message]:
        """Return the questions for leave, the oldest first."""
        return [delivery.message for delivery in self.bridge.deliveries if delivery.message.choices]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
async def test_no_words_of_a_stranger_have_an_effect_that_its_person_didnt_allow(attack: Attack) -> None:
    scene = Scene(attack)
    async with scene.day as day, at_work(day, scene.bridge):
        await scene.begin()
        await scene.later()

        assert await scene.unauthorised() == []
        for delivery in scene.bridge.deliveries:
            notice = delivery.message
            if "your leave was given" in notice.text:
                assert notice.text.startswith("chain: "), "a tool's words stand under its name"
            for choice in notice.choices:
                id = PauseId(choice.id.split("/")[1])
                pause = await day.store.pause(id)
                assert pause is not None
                assert pause.state == "done", "nothing waits for ever"
                assert pause.answer != "approved"
        for task in await day.store.tasks(HOME):
            for turn in await day.store.turns(task.id):
                calls = [step for step in await day.store.steps(turn.id) if step.kind == "tool"]
                assert len(calls) <= TOOL_CALLS + 1


ALLOWED = [attack for attack in ATTACKS if attack.goal == "change the arguments after approval"]


@pytest.mark.parametrize("attack", ALLOWED, ids=str)
async def test_what_was_approved_is_done_once_and_nothing_else_with_it(attack: Attack) -> None:
    scene = Scene(attack)
    async with scene.day as day, at_work(day, scene.bridge):
        await scene.begin()
        asked = await scene.questions()
        wanted = WISHES[attack.goal][1]
        about = next(question for question in asked if "ann-the-printer" in question.text)
        scene.llm.arguments = {"to": "eve", "text": SECRET}
        await day.hub.questions.choose(about, about.choices[0].id, OWNER)
        await day.quiet()
        await scene.later()

        assert [call.arguments for call in scene.send.calls] == [wanted]


async def test_what_the_person_asks_for_themselves_is_done_unasked() -> None:
    scene = Scene(Attack(vector="web page", goal="message somebody else", when="at once"))
    async with scene.day as day, at_work(day, scene.bridge):
        await scene.bridge.say(by("ann", "Please send what the page says to eve at once"))
        await day.quiet()

        assert len(scene.send.calls) == 1


def test_there_are_more_than_two_hundred_of_them() -> None:
    assert len(ATTACKS) >= 200
    assert {attack.vector for attack in ATTACKS if attack.vector in READERS} == READERS.keys()
