"""An agent that writes code, is told what was wrong with it, and mends it."""

from collections.abc import AsyncIterator

import pytest

from hub.manifests import Agent
from hub.packages.code import computing
from hub.packages.hosts import Supplies
from hub.packages.scripts import Scripts
from hub.store.documents import MemoryDocuments
from hub.testing import ScriptedLLM
from hub.tools.code import RunPython
from tests.stories.day import Day

CODER = Agent(name="default", version="1.0.0", description="-", prompt="Compute.", tools=("run_python",))
WISH = "Compute the sum of all primes below 100."
WRONG = "import sympy\nsum(sympy.primerange(100))"
RIGHT = "sum(n for n in range(2, 100) if all(n % d for d in range(2, n)))"


@pytest.fixture
async def code() -> AsyncIterator[RunPython]:
    scripts = Scripts()
    yield RunPython(computing(scripts, MemoryDocuments(), Supplies()))
    await scripts.close()


def a_day(llm: ScriptedLLM, code: RunPython) -> Day:
    return Day(llm, agents={"default": CODER}, tools=[code])


async def test_code_that_fails_is_mended_and_its_result_told(code: RunPython) -> None:
    llm = ScriptedLLM("It's 1060.", decisions=["run_python"], fills=[{"code": WRONG}, {"code": RIGHT}])
    async with a_day(llm, code) as day:
        message = await day.says(WISH)

        assert await day.replies(message) == ["It's 1060."]
    first, second = [asked.text for asked in llm.asked if asked.method == "fill"]
    assert "sympy" not in first
    assert "That failed. Line 1: Cannot resolve imported module 'sympy'" in second
    assert second.rstrip().endswith("import sympy\nMend it.")
    assert [asked.method for asked in llm.asked] == ["decide", "fill", "fill", "chat"]
    assert 'What the run_python tool found: "1060"' in llm.prompts[0]
    assert "could not help" not in llm.prompts[0]


async def test_after_three_tries_the_agent_answers_without_a_result(code: RunPython) -> None:
    llm = ScriptedLLM("I can't work that out.", decisions=["run_python"], fills=[{"code": WRONG}] * 3)
    async with a_day(llm, code) as day:
        message = await day.says(WISH)

        assert await day.replies(message) == ["I can't work that out."]
    assert len([asked for asked in llm.asked if asked.method == "fill"]) == 3


async def test_a_message_that_is_all_code_is_run_and_answered_without_the_model(code: RunPython) -> None:
    llm = ScriptedLLM()
    async with a_day(llm, code) as day:
        good = await day.says("```python\nprint(2**64)\n```")

        assert await day.replies(good) == ["18446744073709551616"]
    assert [asked.method for asked in llm.asked if asked.method in {"fill", "chat"}] == []
