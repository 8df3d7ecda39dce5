"""MCP's own inspector, from npm, runs as it comes against a hub that's served."""

import asyncio
import json
from typing import Any

from hub.manifests import Agent
from hub.testing import FakeTool, ScriptedLLM
from tests.servers.bundles import MODULES
from tests.servers.test_reference_servers import needs_npm
from tests.stories.day import Day
from tests.stories.serving import Served, served

INSPECTOR = MODULES / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"


async def inspect(hub: Served, *words: str) -> Any:
    """Run the inspector in CLI mode and return what it prints."""
    running = await asyncio.create_subprocess_exec(
        *("node", INSPECTOR, "--cli", f"{hub.url}/mcp", "--transport", "http"),
        *("--header", f"Authorization: Bearer {hub.key}", "--method", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await asyncio.wait_for(running.communicate(), 60)
    assert running.returncode == 0, error.decode()
    return json.loads(out)


@needs_npm
async def test_the_inspector_lists_and_calls_tools_and_reads_resources() -> None:
    agent = Agent(name="default", version="1.0.0", description="Helps.", prompt="Help.", tools=("look",))
    day = Day(ScriptedLLM("Hello yourself.", decisions=["none"] * 9), tools=[FakeTool()], agents={"default": agent})
    async with served(day) as hub:
        listed = await inspect(hub, "tools/list")
        looked = await inspect(hub, "tools/call", "--tool-name", "look", "--tool-arg", "at=the moon")
        said = await inspect(hub, "tools/call", "--tool-name", "send_message", "--tool-arg", "text=Hello")
        read = await inspect(hub, "resources/read", "--uri", "agenthost://tasks/1/transcript")

    assert [tool["name"] for tool in listed["tools"]][0::6] == ["send_message", "look"]
    assert looked["content"][0]["text"] == "Looked."
    assert said["structuredContent"]["answer"] == "Hello yourself."
    assert "Hello yourself." in read["contents"][0]["text"]
