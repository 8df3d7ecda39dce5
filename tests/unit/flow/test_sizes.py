"""How long prompts are."""

from collections.abc import Sequence

from hub.config import LimitsConfig
from hub.errors import LLMTimeout
from hub.flow.sizes import Sizes
from hub.flow.toolbox import Toolbox
from hub.loading import SHIPPED_AGENTS
from hub.manifests import load_agents
from hub.ports import Said
from hub.testing import ScriptedLLM
from hub.tools.calculate import Calculate


class Counting(ScriptedLLM):
    """Counts how often it's asked to count."""

    counted = 0

    async def count(self, prompt: Sequence[Said]) -> int:
        self.counted += 1
        return await super().count(prompt)


class Mute(ScriptedLLM):
    """Never comes to an end of its counting."""

    async def count(self, prompt: Sequence[Said]) -> int:
        raise LLMTimeout("too busy")


def sizes(llm: ScriptedLLM) -> Sizes:
    agent = load_agents([SHIPPED_AGENTS])["default"]
    return Sizes(llm, llm, Toolbox([Calculate()], llm), agent, LimitsConfig())


async def test_prompts_are_measured_once_and_stay_small() -> None:
    llm = Counting()
    measuring = sizes(llm)

    found = await measuring.measured()
    counted = llm.counted

    assert found is not None
    assert 0 < found.router < 1000
    assert 0 < found.supervisor < 1000
    assert 0 < found.agent < 1000
    assert await measuring.measured() == found
    assert llm.counted == counted > 0


async def test_while_no_model_counts_there_are_no_sizes() -> None:
    down = ScriptedLLM()
    down.go_down()

    assert await sizes(down).measured() is None
    assert await sizes(Mute()).measured() is None
