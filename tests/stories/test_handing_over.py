"""A person wants a human: an operator takes their chat over, answers in the agent's place, and hands it back."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from msgspec.structs import replace

from hub.config import HandoverConfig
from hub.errors import BadRequest, Decided, NotAllowed, NotFound
from hub.ports import Add, Save
from hub.records import (
    DESK,
    HOME,
    OWNER,
    Ask,
    DeskRules,
    Draft,
    Handover,
    Link,
    Message,
    PersonId,
    Text,
)
from hub.store.memory import MemoryStore
from hub.testing import NOON, FakeBridge, Hang, ScriptedLLM, a_person, a_task, hello
from tests.stories.day import Day, until

BEA, OLA, OTTO = PersonId("bea"), PersonId("ola"), PersonId("otto")
ASKED = "I've asked for a human; they'll answer you here. Until then, I do."


@asynccontextmanager
async def a_day(llm: ScriptedLLM, store: MemoryStore | None = None, **how: object) -> AsyncIterator[Day]:
    """Begin a day on which Bea writes from a chat platform, and Ola and Otto operate chats."""
    fresh, bridge = store is None, FakeBridge()
    async with Day(llm, store=store, bridges={"fake": bridge}, **how) as day:  # type: ignore[arg-type]
        if fresh:
            people = (("bea", "Bea", "member"), ("ola", "Ola", "operator"), ("otto", "Otto", "operator"))
            for id, name, role in people:
                link = Link(tenant=HOME, bridge="fake", sender=id, person=PersonId(id), created_at=NOON, chat=id)
                await day.store.commit(Add(a_person(id=PersonId(id), name=name, role=role)), Add(link))
        yield day


async def bea_says(day: Day, text: str) -> Message:
    """Say something as Bea and wait until everything that follows from it is done."""
    address = replace(hello().address, chat="bea")
    message, _ = await day.hub.inbox.keep(hello(text, sender="bea", address=address))
    await day.quiet()
    return await day.now(message)


def read(day: Day, chat: str = "bea") -> list[str]:
    """Return what's read in a chat."""
    bridge = day.hub.bridges["fake"]
    assert isinstance(bridge, FakeBridge)
    return [each.text for each in bridge.deliveries if each.message.address.chat == chat]


async def of_bea(day: Day) -> Handover:
    found = await day.store.handover_of(HOME, BEA)
    assert found is not None
    return found


async def drafts(day: Day, handover: Handover) -> Sequence[Draft]:
    return [each for each in await day.store.drafts(handover.id, limit=9) if each.state == "open"]


def words(draft: Draft) -> str:
    [part] = draft.parts
    assert isinstance(part, Text)
    return part.text


@pytest.mark.parametrize("said", ["/human", "I want to talk to a human", "/human my bill is wrong"])
async def test_a_person_asks_for_a_human_and_the_agent_answers_until_one_comes(said: str) -> None:
    async with a_day(ScriptedLLM("Very well.")) as day:
        await bea_says(day, said)
        assert read(day) == [ASKED]
        handover = await of_bea(day)
        assert (handover.by, handover.state) == ("person", "asked")
        await bea_says(day, "Hello, how are you?")
        assert read(day)[-1] == "Very well."
        assert (await bea_says(day, "/human")).state == "answered"
        assert read(day)[-1].startswith("A human was asked for already")
        [deed] = await day.store.deeds(HOME, limit=1, action="handover.asked")
        assert (deed.who, deed.way, deed.detail) == (BEA, "chat", "person")


async def test_who_answers_here_asks_nobody_and_plain_words_go_to_their_agent() -> None:
    async with a_day(ScriptedLLM("What about?")) as day:
        message = await day.says("/human")
        assert (await day.replies(message))[0].startswith("There's nobody else to ask")
        message = await day.says("I want to talk to a human")
        assert await day.replies(message) == ["What about?"]


async def test_words_for_a_human_go_to_the_agent_where_the_config_says_so() -> None:
    async with a_day(ScriptedLLM("What about?"), handover=HandoverConfig(words=False)) as day:
        await bea_says(day, "I want to talk to a human")
        assert read(day) == ["What about?"]


async def test_an_operator_edits_the_draft_and_it_is_read_with_their_name() -> None:
    async with a_day(ScriptedLLM("I can't do refunds.", "Have a nice day.")) as day:
        desk = day.hub.desk
        await bea_says(day, "/human")
        handover = await desk.handing.take(HOME, (await of_bea(day)).id, OLA)
        await day.quiet()
        assert read(day)[-1] == "Ola answers you from here on."

        asked = await bea_says(day, "I want my money back")
        assert asked.state == "handed"
        assert len(read(day)) == 2
        [draft] = await drafts(day, handover)
        assert words(draft) == "I can't do refunds."

        sent = await desk.drafting.send(HOME, handover.id, OLA, "You have it back.", draft.id)
        await day.quiet()
        assert read(day)[-1] == "Ola: You have it back."
        assert (await day.now(sent)).text == "You have it back."
        assert (await day.now(asked)).state == "answered"
        assert await day.replies(asked) == ["You have it back."]
        assert await drafts(day, handover) == []
        assert (await of_bea(day)).answered_at is not None

        over = await desk.handing.resolve(HOME, handover.id, OLA)
        assert (over.state, over.holds) == ("resolved", None)
        await bea_says(day, "Thanks")
        assert read(day)[-2:] == ["The agent answers you again.", "Have a nice day."]
        steps = [deed.action for deed in await day.store.deeds(HOME, limit=99, object=f"handover/{handover.id}")]
        assert steps == ["handover.resolved", "handover.sent", "handover.taken", "handover.asked"]
        events = await day.store.events(HOME, DESK, after=0, limit=99)
        assert {event.handover for event in events} == {handover.id}


async def test_an_operator_sends_as_drafted_discards_or_says_something_of_their_own() -> None:
    async with a_day(ScriptedLLM("One.", "Two.")) as day:
        desk = day.hub.desk
        await bea_says(day, "Hello")
        handover = await desk.handing.begin(HOME, BEA, OLA, "she's new")
        await bea_says(day, "Again")
        [draft] = await drafts(day, handover)
        await desk.drafting.send(HOME, handover.id, OLA, None, draft.id)
        with pytest.raises(Decided):
            await desk.drafting.send(HOME, handover.id, OLA, None, draft.id)
        with pytest.raises(Decided):
            await desk.drafting.discard(HOME, handover.id, OLA, draft.id)
        await desk.drafting.send(HOME, handover.id, OLA, "I'm Ola.", None)
        await day.quiet()
        assert read(day)[-2:] == ["Ola: Two.", "Ola: I'm Ola."]
        for text in (None, " ", "a\x00b", "x" * 20_001):
            with pytest.raises(BadRequest):
                await desk.drafting.send(HOME, handover.id, OLA, text, None)


async def test_what_is_discarded_is_never_read() -> None:
    async with a_day(ScriptedLLM("Rude words.")) as day:
        desk = day.hub.desk
        await bea_says(day, "/human")
        handover = await desk.handing.take(HOME, (await of_bea(day)).id, OLA)
        await bea_says(day, "Hello")
        [draft] = await drafts(day, handover)
        for _ in range(2):
            assert (await desk.drafting.discard(HOME, handover.id, OLA, draft.id)).state == "discarded"
        await desk.handing.resolve(HOME, handover.id, OLA)
        await day.quiet()
        assert not any("Rude" in text for text in read(day))


async def test_people_do_not_see_who_answers_where_their_tenant_does_not_want_it() -> None:
    async with a_day(ScriptedLLM("Yes.")) as day:
        desk = day.hub.desk
        await desk.handing.set_rules(DeskRules(tenant=HOME, signed=False, first_minutes=1.0))
        await bea_says(day, "/human")
        handover = await desk.handing.take(HOME, (await of_bea(day)).id, OLA)
        assert handover.first_due_at == NOON + timedelta(minutes=1)
        await bea_says(day, "Are you there?")
        [draft] = await drafts(day, handover)
        await desk.drafting.send(HOME, handover.id, OLA, None, draft.id)
        await desk.handing.resolve(HOME, handover.id, OLA)
        await day.quiet()
        assert read(day) == [ASKED, "Yes."]


async def test_one_operator_has_it_and_only_they_answer_hand_it_on_or_give_it_back() -> None:
    async with a_day(ScriptedLLM("Hm.")) as day:
        handing, drafting = day.hub.desk.handing, day.hub.desk.drafting
        await bea_says(day, "/human")
        id = (await of_bea(day)).id
        with pytest.raises(Decided):
            await handing.release(HOME, id, OLA)
        await handing.take(HOME, id, OLA)
        await handing.take(HOME, id, OLA)
        with pytest.raises(Decided, match="another operator has it"):
            await handing.take(HOME, id, OTTO)
        for step in (handing.release, handing.resolve):
            with pytest.raises(NotAllowed):
                await step(HOME, id, OTTO)
        with pytest.raises(NotAllowed):
            await drafting.send(HOME, id, OTTO, "Me too", None)
        with pytest.raises(BadRequest):
            await handing.transfer(HOME, id, OLA, BEA)
        assert (await handing.transfer(HOME, id, OLA, OTTO)).operator == OTTO
        assert (await handing.release(HOME, id, OTTO)).state == "asked"
        await bea_says(day, "Hello?")
        assert read(day)[-1] == "Hm."
        assert (await handing.resolve(HOME, id, OLA)).state == "resolved"
        with pytest.raises(Decided, match="is over"):
            await handing.take(HOME, id, OLA)
        with pytest.raises(NotFound):
            await handing.take(HOME, "nothing", OLA)


async def test_operators_themselves_are_not_taken_over_nor_who_never_said_anything() -> None:
    async with a_day(ScriptedLLM()) as day:
        for person in (OLA, OWNER):
            with pytest.raises(BadRequest):
                await day.hub.desk.handing.begin(HOME, person, OTTO, "")
        with pytest.raises(BadRequest):
            await day.hub.desk.handing.begin(HOME, BEA, OTTO, "")
        with pytest.raises(NotFound):
            await day.hub.desk.handing.begin(HOME, PersonId("gone"), OTTO, "")


async def test_a_turn_that_was_begun_before_the_operator_came_ends_as_a_draft() -> None:
    llm = ScriptedLLM(Hang("Thinking"))
    async with a_day(llm) as day:
        await bea_says_at_once(day, "/human")
        await until(lambda: bool(read(day)), "no answer to /human")
        await bea_says_at_once(day, "What now?")
        await day.working()
        handover = await day.hub.desk.handing.take(HOME, (await of_bea(day)).id, OLA)
        [task] = day.hub.turns.running
        await day.hub.turns.stop(task)
        await day.quiet()
        [draft] = await drafts(day, handover)
        assert words(draft) == "Thinking"
        assert "Thinking" not in str(read(day))


async def bea_says_at_once(day: Day, text: str) -> None:
    address = replace(hello().address, chat="bea")
    await day.hub.inbox.keep(hello(text, sender="bea", address=address))


async def test_a_draft_is_there_once_after_a_crash() -> None:
    store = MemoryStore()
    async with a_day(ScriptedLLM(Hang("Wh")), store) as day:
        for id, role in (("bea", "member"), ("ola", "operator")):
            link = Link(tenant=HOME, bridge="fake", sender=id, person=PersonId(id), created_at=NOON, chat=id)
            await day.store.commit(Add(a_person(id=PersonId(id), name=id.title(), role=role)), Add(link))
        await bea_says(day, "/human")
        handover = await day.hub.desk.handing.take(HOME, (await of_bea(day)).id, OLA)
        await bea_says_at_once(day, "Hello")
        await day.working()
    async with a_day(ScriptedLLM("Hi, Bea."), store) as day:
        await day.quiet()
        [draft] = await drafts(day, handover)
        assert words(draft) == "Hi, Bea."


async def test_operators_are_told_once_of_what_is_late_in_their_own_chats() -> None:
    async with a_day(ScriptedLLM()) as day:
        desk = day.hub.desk
        await bea_says(day, "/human my secret trouble")
        await desk.overdue.look()
        assert read(day, "ola") == []
        await day.clock.advance(15 * 60)
        for _ in range(3):
            await desk.overdue.look()
        await day.quiet()
        late = "Bea waits for a human since 12:00 UTC: nobody has answered yet. /desk on the web site has it."
        assert (read(day, "ola"), read(day, "otto")) == ([late], [late])
        handover = await desk.handing.take(HOME, (await of_bea(day)).id, OTTO)
        assert handover.late == ("first",)
        await day.clock.advance(8 * 3600)
        for _ in range(3):
            await desk.overdue.look()
        await day.quiet()
        assert len(read(day, "ola")) == 1
        assert read(day, "otto")[1:] == [late.replace("nobody has answered yet", "it isn't over yet")]
        told = await day.store.deeds(HOME, limit=9, action="handover.late")
        assert [deed.detail for deed in told] == ["end", "first"]


async def test_what_was_answered_in_time_is_not_late() -> None:
    async with a_day(ScriptedLLM()) as day:
        desk = day.hub.desk
        await bea_says(day, "/human")
        handover = await desk.handing.take(HOME, (await of_bea(day)).id, OLA)
        await desk.drafting.send(HOME, handover.id, OLA, "I'm here.", None)
        await day.clock.advance(3600)
        await desk.overdue.look()
        await desk.handing.resolve(HOME, handover.id, OLA)
        await day.clock.advance(24 * 3600)
        await desk.overdue.look()
        assert await day.store.deeds(HOME, limit=9, action="handover.late") == ()


async def test_a_task_that_nobody_answers_gets_a_human_asked_for_once() -> None:
    async with a_day(ScriptedLLM(), handover=HandoverConfig(asking_minutes=30.0)) as day:
        asks = Ask(question="Which invoice?")
        task = a_task(person=BEA, state="input-required", verdict=asks, updated_at=NOON)
        mine = a_task(number=2, state="input-required", verdict=asks, updated_at=NOON)
        await day.store.commit(Add(task), Add(mine))
        await day.hub.desk.overdue.look()
        assert await day.store.handover_of(HOME, BEA) is None
        await day.clock.advance(31 * 60)
        await day.hub.desk.overdue.look()
        handover = await of_bea(day)
        assert (handover.by, handover.why, handover.task) == ("supervisor", "Which invoice?", task.id)
        await day.hub.desk.handing.resolve(HOME, handover.id, OLA)
        await day.hub.desk.overdue.look()
        assert await day.store.handover_of(HOME, BEA) is None


async def test_notes_are_seen_by_no_model_and_no_person() -> None:
    llm = ScriptedLLM("Hello.")
    async with a_day(llm) as day:
        await bea_says(day, "/human")
        handover = await of_bea(day)
        await day.hub.desk.handing.note(handover, OLA, "CANARY-NOTE: pays late")
        await bea_says(day, "Hello")
        assert "CANARY-NOTE" not in str(llm.prompts)
        assert "CANARY-NOTE" not in str(read(day))
        [note] = await day.store.notes(HOME, BEA, limit=9)
        assert note.by == OLA
        for text in ("", "x" * 4_001):
            with pytest.raises(BadRequest):
                await day.hub.desk.handing.note(handover, OLA, text)
        with pytest.raises(BadRequest):
            await day.hub.desk.handing.note(handover, OLA, "About it", a_task().id)


async def test_who_is_erased_leaves_no_handover_draft_or_note() -> None:
    async with a_day(ScriptedLLM("Rude words.")) as day:
        await bea_says(day, "/human why: CANARY-WHY")
        handover = await day.hub.desk.handing.take(HOME, (await of_bea(day)).id, OLA)
        await day.hub.desk.handing.note(handover, OLA, "CANARY-NOTE")
        await bea_says(day, "CANARY-WORD")
        person = await day.hub.leaving.begin(HOME, BEA)
        await day.hub.leaving.finish(person)
        assert await day.store.handovers(HOME, limit=9) == ()
        assert await day.store.drafts(handover.id, limit=9) == ()
        assert await day.store.notes(HOME, BEA, limit=9) == ()
        deeds = str(await day.store.deeds(HOME, limit=99))
        assert "CANARY" not in deeds
        assert "person.erased" in deeds
        assert (await day.hub.business.audit.verify(HOME)).whole


async def test_a_chat_that_was_taken_is_saved_over_what_was_read() -> None:
    """Two operators at the same moment: the store decides, and the second is told who has it."""
    async with a_day(ScriptedLLM()) as day:
        await bea_says(day, "/human")
        handover = await of_bea(day)
        await day.store.commit(Save(replace(handover, state="taken", operator=OTTO)))
        with pytest.raises(Decided):
            await day.hub.desk.handing.take(HOME, handover.id, OLA)
