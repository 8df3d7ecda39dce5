"""OpenAI's own package from npm, unchanged, against a served hub."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from hub.testing import ScriptedLLM
from tests.openai.served import KEY, served
from tests.servers.bundles import MODULES
from tests.servers.test_reference_servers import needs_npm

SCRIPT = Path(__file__).with_name("client.cjs")


@needs_npm
async def test_their_package_for_javascript_works_unchanged() -> None:
    if not (MODULES / "openai").is_dir():
        pytest.fail(f"{MODULES}: openai isn't there; run make test")
    llm = ScriptedLLM(
        *("It is 20 degrees.", "Something is said.", "More.", "Even more."),
        decisions=["A", "B"],
        fills=[{"city": "Paris"}],
    )
    async with served(llm) as hub:
        environ = {"PATH": os.environ["PATH"], "HUB": hub.url, "KEY": KEY, "MODULES": str(MODULES)}
        node = await asyncio.create_subprocess_exec(
            *("node", str(SCRIPT)), env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(60):
            said, complained = await node.communicate()
    assert node.returncode == 0, complained.decode()
    told = json.loads(said)

    assert told["call"] == ["tool_calls", "get_weather", {"city": "Paris"}]
    assert told["answer"] == "It is 20 degrees."
    assert told["task"] is True
    assert told["streamed"] == "Something is said."
    assert told["pieces"] >= 1
    assert told["usage"] is True
    assert told["response"] == ["completed", "More."]
    assert told["read"] == "More."
    assert told["events"][0] == "response.created"
    assert told["events"][-1] == "response.completed"
    assert "default" in told["models"]
    assert told["vector"] == 26
    assert told["refused"] == [
        ["AuthenticationError", 401, "invalid_api_key", None],
        ["NotFoundError", 404, "model_not_found", "model"],
        ["BadRequestError", 400, None, "n"],
    ]
