"""Prompts stay small, in the real model's tokens."""

import pytest

from hub.clock import SystemClock
from hub.config import Config, LimitsConfig, timezone
from hub.flow.sizes import Sizes
from hub.flow.toolbox import Toolbox
from hub.llm.llamacpp import LlamaCpp
from hub.loading import SHIPPED_AGENTS
from hub.manifests import load_agents
from hub.store.documents import MemoryDocuments
from hub.tools import built_in

pytestmark = pytest.mark.live


async def test_router_supervisor_and_default_agent_stay_below_1000_tokens_each(model: LlamaCpp) -> None:
    tools = built_in(SystemClock(), timezone(Config()), MemoryDocuments())
    agent = load_agents([SHIPPED_AGENTS])["default"]

    found = await Sizes(model, model, Toolbox(tools, model), agent, LimitsConfig()).measured()

    assert found is not None
    print(found)
    assert 300 < found.router < 1000
    assert 300 < found.supervisor < 1000
    assert 100 < found.agent < 1000
