"""What an agent reads before it answers."""

from hub.config import LLMConfig
from hub.dispatch.feed import LocalFeed
from hub.dispatch.local import LocalDispatcher
from hub.flow.journal import Journal
from hub.flow.ledger import Ledger
from hub.flow.speaking import Speaker
from hub.flow.toolbox import Toolbox
from hub.flow.work import Work
from hub.manifests import Agent
from hub.ports import Add
from hub.store.memory import MemoryStore
from hub.testing import FakeClock, ScriptedLLM, a_message, a_task, a_turn

AGENT = Agent(name="default", version="0.1.0", description="Helps.", prompt="You help.")


async def test_a_message_that_waits_for_the_next_turn_isnt_read_in_this_one() -> None:
    """Else it would be answered twice: it comes between the last look at what waits and the reading of the history."""
    store, clock, llm = MemoryStore(), FakeClock(), ScriptedLLM("Paris.")
    await store.open()
    task = a_task("Tell me the capital of France")
    turn = a_turn(task)
    asked = a_message("Tell me the capital of France", task=task.id, state="routed")
    waiting = a_message("And of Spain?", task=task.id, state="routed")
    await store.commit(Add(task), Add(turn), Add(asked), Add(waiting))
    speaker = Speaker(store, LocalFeed(), clock, llm, Toolbox((), llm), LLMConfig(), "UTC")
    journal = Journal(store, LocalFeed(), LocalDispatcher(clock), clock)
    ledger = await Ledger.open(store, journal, clock, turn.id)

    await speaker.speak(AGENT, Work(task, turn, [], [asked]), ledger, _nobody_joins)

    assert "Spain" not in llm.prompts[0]


async def _nobody_joins(_: Work) -> None:
    pass
