"""What an agent reads before it answers."""

from msgspec.structs import replace

from hub.config import LLMConfig
from hub.dispatch.feed import LocalFeed
from hub.dispatch.local import LocalDispatcher
from hub.flow.calling import Calls
from hub.flow.journal import Journal
from hub.flow.ledger import Ledger
from hub.flow.prompts import conversation
from hub.flow.rights import Rights
from hub.flow.speaking import Speaker
from hub.flow.toolbox import Toolbox
from hub.flow.work import Work
from hub.manifests import Agent
from hub.ports import Add, Image
from hub.records import File, Text
from hub.store.files import MemoryFiles
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
    box = Toolbox((), llm)
    speaker = Speaker(
        store,
        MemoryFiles(),
        LocalFeed(),
        clock,
        llm,
        box,
        Calls(store, clock, box, Rights(store, clock), 10.0),
        LLMConfig(),
        "UTC",
    )
    journal = Journal(store, LocalFeed(), LocalDispatcher(clock), clock)
    ledger = await Ledger.open(store, journal, clock, turn.id)

    await speaker.speak(AGENT, Work(task, turn, [], [asked]), ledger, _nobody_joins)

    assert "Spain" not in llm.prompts[0]


async def test_a_message_longer_than_the_context_is_read_with_its_middle_left_out() -> None:
    store, clock, llm = MemoryStore(), FakeClock(), ScriptedLLM("Yes.", context=900)
    await store.open()
    long = "The first words. " + "and so on " * 2000 + "The last words?"
    task = a_task(long)
    turn = a_turn(task)
    asked = a_message(long, task=task.id, state="routed")
    await store.commit(Add(task), Add(turn), Add(asked))
    box = Toolbox((), llm)
    speaker = Speaker(
        store,
        MemoryFiles(),
        LocalFeed(),
        clock,
        llm,
        box,
        Calls(store, clock, box, Rights(store, clock), 10.0),
        LLMConfig(),
        "UTC",
    )
    journal = Journal(store, LocalFeed(), LocalDispatcher(clock), clock)
    ledger = await Ledger.open(store, journal, clock, turn.id)

    await speaker.speak(AGENT, Work(task, turn, [], [asked]), ledger, _nobody_joins)

    assert "The first words." in llm.prompts[0]
    assert "The last words?" in llm.prompts[0]


async def test_images_come_along_with_the_words_they_were_sent_with() -> None:
    store, files, clock, llm = MemoryStore(), MemoryFiles(), FakeClock(), ScriptedLLM("A cat.")
    await store.open()
    sha256, size = await files.put(b"the bytes of a picture", limit=1000)
    photo = File(name="cat.png", media_type="image/png", size=size, sha256=sha256)
    lost = replace(photo, name="lost.png", sha256="0" * 64)
    page = File(name="page.pdf", media_type="application/pdf", size=9, sha256="1" * 64)
    task = a_task("What's this?")
    turn = a_turn(task)
    asked = a_message(parts=(Text("What's this?"), photo, lost, page), task=task.id, state="routed")
    await store.commit(Add(task), Add(turn), Add(asked))
    box = Toolbox((), llm)
    speaker = Speaker(
        store,
        files,
        LocalFeed(),
        clock,
        llm,
        box,
        Calls(store, clock, box, Rights(store, clock), 10.0),
        LLMConfig(),
        "UTC",
    )
    journal = Journal(store, LocalFeed(), LocalDispatcher(clock), clock)

    ledger = await Ledger.open(store, journal, clock, turn.id)

    await speaker.speak(AGENT, Work(task, turn, [], [asked]), ledger, _nobody_joins)

    said = llm.asked[-1].prompt[-1]
    assert said.images == (Image(name="cat.png", data=b"the bytes of a picture"),)
    assert "[file: lost.png]" in said.text
    assert "[file: page.pdf]" in said.text
    assert "cat.png" not in said.text


async def test_a_photo_without_words_is_seen_too() -> None:
    photo = File(name="cat.png", media_type="image/png", size=3, sha256="ab")
    asked = a_message(parts=(photo,))

    (said,) = conversation([asked], {asked.id: {"ab": b"..."}})

    assert (said.text, len(said.images)) == ("", 1)


async def _nobody_joins(_: Work) -> None:
    pass
