"""What people and agents say isn't in the log, at its most talkative, whatever goes wrong on the way."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from mcp.shared.exceptions import MCPError

from hub.errors import DeliveryDelayed, DeliveryRefused, DeliveryUncertain, LLMUnavailable, ToolError
from hub.log import configure
from hub.ports import Delivered, Outgoing, ToolCall
from hub.records import Address
from hub.testing import AbleBridge, FakeBridge, FakeTool, ScriptedLLM, hello
from tests.stories.a2a_client import client as a2a_client
from tests.stories.a2a_client import says, updates
from tests.stories.day import Day, at_work
from tests.stories.serving import served
from tests.stories.test_mcp import a_day as mcp_day
from tests.stories.test_mcp import client as mcp_client

CANARY = "canary-0193"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that's logged, as lines of JSON."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    configure("json", "debug", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def read(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


async def test_the_whole_path_of_a_message_says_nothing_of_its_words(log: io.StringIO) -> None:
    """Routes, turns, tools, questions, commands, retractions, deliveries, with each kind of fault."""
    faults = [DeliveryDelayed("later", 1.0), DeliveryUncertain("lost"), None, DeliveryRefused("gone")]
    bridge, tool = AbleBridge(faults=faults), FakeTool(result=f"Found {CANARY}", effect="once")
    answers: Iterator[str | LLMUnavailable] = iter([f"{CANARY}?", f"More {CANARY}", LLMUnavailable("died")])
    llm = ScriptedLLM(lambda prompt: next(answers, f"Again {CANARY}"))
    async with Day(llm, bridges={"able": bridge}, tools=[tool]) as day, at_work(day, bridge):
        for number in range(4):
            await bridge.say(
                hello(f"Please look {CANARY} {number}", address=_address(), external_id=str(number), name=CANARY)
            )
            await day.clock.advance(120)
            await day.quiet()
        for command in (
            f"/new {CANARY}",
            f"/schedule {CANARY}",
            f"/move {CANARY}",
            f"/agent {CANARY}",
            f"/tasks {CANARY}",
        ):
            await bridge.say(hello(command, address=_address()))
            await day.quiet()
        await bridge.say(hello(f"Edited {CANARY}", address=_address(), corrects="1"))
        await day.clock.advance(120)
        await day.quiet()

    assert llm.prompts
    assert read(log)
    assert CANARY not in log.getvalue()


async def test_a_fault_of_ours_tells_its_ids_and_not_the_words_at_hand(log: io.StringIO) -> None:
    class Faulty(FakeTool):
        """A tool that stumbles over its arguments."""

        async def call(self, call: ToolCall) -> str:
            raise ToolError(f"{CANARY} isn't known")

    class Broken(ScriptedLLM):
        """An LLM with a fault in it."""

        async def count(self, prompt: object) -> int:
            raise RuntimeError("a fault of ours")

    async with Day(Broken("Hi!"), tools=[Faulty()]) as day:
        message = await day.says(f"Please look at {CANARY}")

    assert message.state == "failed"
    told = [line for line in read(log) if line["level"] == "error"]
    assert told
    assert {"lane", "task", "turn"} <= told[0].keys()
    assert CANARY not in log.getvalue()


async def test_a_bridge_that_stumbles_over_a_message_is_named_and_its_words_are_not(log: io.StringIO) -> None:
    class Faulty(FakeBridge):
        """A bridge with a fault in it."""

        async def deliver(self, outgoing: Outgoing) -> Delivered:
            raise RuntimeError("a fault of ours")

    bridge = Faulty("fake")
    async with Day(ScriptedLLM(CANARY), bridges={"fake": bridge}) as day, at_work(day, bridge):
        await bridge.say(hello(CANARY))
        await day.quiet()

    assert [line["message"] for line in read(log) if line["level"] == "error"]
    assert CANARY not in log.getvalue()


def _address() -> Address:
    return Address(bridge="able", chat="ann")


async def test_what_programs_say_over_mcp_and_a2a_isnt_logged_either(log: io.StringIO) -> None:
    llm = ScriptedLLM(*[f"Said {CANARY}"] * 4, decisions=["none"] * 9)
    async with served(mcp_day(llm, FakeTool(result=f"Found {CANARY}"))) as hub:
        for mode in ("auto", "legacy"):
            async with mcp_client(hub, mode=mode) as mcp:
                for tool, arguments in (("look", {"at": CANARY}), ("send_message", {"task": "new"}), (CANARY, {})):
                    await mcp.call_tool(tool, {**arguments, "text": f"Say {CANARY}"})
                with pytest.raises(MCPError):
                    await mcp.read_resource(f"agenthost://{CANARY}")
        async with a2a_client(hub) as a2a, hub.client(headers={"A2A-Version": "1.0"}) as http:
            await updates(a2a, says(f"Tell {CANARY}"))
            await http.post("/a2a", json={"jsonrpc": "2.0", "method": CANARY, "id": CANARY, "params": {"x": CANARY}})

    assert CANARY not in log.getvalue()
    assert hub.key not in log.getvalue()
