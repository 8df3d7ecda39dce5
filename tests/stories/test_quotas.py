"""What a tenant takes is counted, to the letter, and ends where its quotas say."""

import asyncio
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from hub.config import LimitsConfig
from hub.errors import OverQuota, Stranger, TooMany
from hub.ports import Add, Count, Save
from hub.records import (
    HOME,
    MICRO,
    OWNER,
    Address,
    Blocked,
    File,
    Incoming,
    KeyId,
    Message,
    Person,
    PersonId,
    Quotas,
    Taken,
    Tenant,
    TenantId,
    Text,
    new_id,
)
from hub.records.usage import KEPT
from hub.store.memory import MemoryStore
from hub.testing import FakeBridge, FakeClock, Hang, ScriptedLLM, hello
from tests.stories.day import Day

BEAS = TenantId("beas")
BEA = PersonId("bea")
TODAY = "2026-11-22"
KEY = KeyId("k1")
MEBIBYTE = 1024 * 1024
HOUR = 3600.0


async def a_store(**quotas: float | None) -> MemoryStore:
    """Return a store with Bea's tenant, which has these quotas."""
    store = MemoryStore()
    await store.open()
    tenant = Tenant(id=BEAS, name="Bea & Co", created_at=FakeClock().now(), quotas=Quotas(**quotas))  # type: ignore[arg-type]
    person = Person(id=BEA, tenant=BEAS, name="Bea", role="owner", created_at=FakeClock().now())
    await store.commit(Add(tenant), Add(person))
    return store


def said(text: str, **fields: object) -> Incoming:
    incoming = Incoming(
        tenant=BEAS,
        address=Address(bridge="http", chat="bea/main"),
        external_id=new_id(),
        sender=BEA,
        parts=(Text(text),),
        sent_at=FakeClock().now(),
        key=KEY,
        wish="new",
    )
    return replace(incoming, **fields)


async def says(day: Day, text: str, **fields: object) -> Message:
    """Have Bea say something, and wait until it's answered."""
    message, _ = await day.hub.inbox.keep(said(text, **fields))
    await day.quiet()
    return await day.now(message)


async def taken(day: Day, **names: str) -> Taken:
    """Return what Bea took today."""
    [row] = await day.store.taken_by(BEAS, "person", TODAY, TODAY, limit=9)
    return row


async def test_messages_turns_tokens_and_money_are_counted_for_person_key_agent_and_tenant() -> None:
    async with Day(ScriptedLLM("Hello Bea", "Bye Bea", price=0.25), store=await a_store()) as day:
        await says(day, "Hello")
        await says(day, "Good bye")
        await says(day, "/tasks")

        row, total = await taken(day), await day.store.taken(BEAS, TODAY, TODAY)
        turns = [turn for task in await day.store.tasks(BEAS) for turn in await day.store.turns(task.id)]
        assert (row.messages, row.turns, row.money) == (2, 2, MICRO // 2)
        assert row.tokens_in == sum(turn.tokens_in for turn in turns) > 0
        assert row.tokens_out == sum(turn.tokens_out for turn in turns) == 4
        assert replace(row, person="") == replace(total, day="")
        assert [each.key for each in await day.store.taken_by(BEAS, "key", TODAY, TODAY, limit=9)] == [KEY]
        by_agent = await day.store.taken_by(BEAS, "agent", TODAY, TODAY, limit=9)
        assert [(each.agent, each.turns) for each in by_agent] == [("", 0), ("default", 2)]
        assert await day.store.taken(HOME, TODAY, TODAY) == Taken(tenant=HOME, day=TODAY)


async def test_what_comes_twice_is_counted_once() -> None:
    async with Day(ScriptedLLM("Hi"), store=await a_store()) as day:
        again = said("Hello")
        for _ in range(3):
            await day.hub.inbox.keep(again)
        await day.quiet()

        assert (await taken(day)).messages == 1


async def test_a_turn_that_was_stopped_counts_what_its_steps_took() -> None:
    async with Day(ScriptedLLM(Hang("One two")), store=await a_store()) as day:
        message, _ = await day.hub.inbox.keep(said("Count"))
        await day.working()
        [task] = await day.store.tasks(BEAS)
        await day.hub.tasks.stop(task)

        assert ((await taken(day)).messages, (await taken(day)).turns) == (1, 1)
        assert (await day.now(message)).state == "stopped"


async def test_files_count_while_they_are_kept() -> None:
    photo = File(name="a.png", media_type="image/png", size=3 * MEBIBYTE, sha256="a" * 64)
    async with Day(ScriptedLLM("Nice", "Good"), store=await a_store(storage_mb=5)) as day:
        message = await says(day, "", parts=(Text("Look"), photo))
        with pytest.raises(OverQuota, match="5 MB of files") as refused:
            await says(day, "", parts=(Text("Look"), replace(photo, sha256="b" * 64)))
        assert refused.value.quota == "storage"
        with pytest.raises(OverQuota):
            await day.hub.business.allowance.room(BEAS, 3 * MEBIBYTE)
        await says(day, "Without a file")

        assert (await taken(day)).bytes == 3 * MEBIBYTE
        assert (await day.store.taken(BEAS, KEPT, KEPT)).bytes == 3 * MEBIBYTE
        await day.hub.leaving._forgetting.message(message)  # as retention does
        assert (await day.store.taken(BEAS, KEPT, KEPT)).bytes == 0
        assert (await taken(day)).bytes == 3 * MEBIBYTE


async def test_more_messages_than_a_day_has_are_refused_until_midnight_and_commands_never() -> None:
    async with Day(ScriptedLLM(*["Hi"] * 9), store=await a_store(messages=2)) as day:
        kept = [said("One"), said("Two")]
        for incoming in kept:
            await day.hub.inbox.keep(incoming)
        with pytest.raises(OverQuota, match="2 messages a day") as over:
            await day.hub.inbox.keep(said("Three"))
        assert (over.value.quota, over.value.limit) == ("messages", 2)
        assert over.value.again_at == datetime(2026, 11, 23, tzinfo=UTC)
        assert over.value.after == 12 * 3600
        # What came before is kept before, and commands always work.
        assert (await day.hub.inbox.keep(kept[0]))[1] is False
        assert (await day.replies(await says(day, "/tasks"))) != []
        await day.says("Our own tenant isn't held to it")

        await day.clock.advance(12 * HOUR)
        await says(day, "Four")
        assert (await day.store.taken(BEAS, "2026-11-23", "2026-11-23")).messages == 1


async def test_many_at_once_exceed_nothing() -> None:
    async with Day(ScriptedLLM(*["Hi"] * 30), store=await a_store(messages=20)) as day:
        results = await asyncio.gather(
            *(day.hub.inbox.keep(said(f"Number {number}")) for number in range(60)), return_exceptions=True
        )
        await day.quiet()

        assert sum(isinstance(result, OverQuota) for result in results) == 40
        assert (await taken(day)).messages == 20


async def test_on_a_chat_platform_it_is_told_once_in_words() -> None:
    bridge = FakeBridge()
    store = await a_store()
    async with Day(ScriptedLLM("Hi"), store=store, bridges={"fake": bridge}) as day:
        home = await store.tenant(HOME)
        assert home
        await store.commit(Save(replace(home, quotas=Quotas(messages=1))))
        day.hub.business.tenancy.forget(HOME)
        await day.hub.inbox.accept(hello("One"))
        with pytest.raises(OverQuota, match="wasn't kept; there are more from 2026-11-23"):
            await day.hub.inbox.accept(hello("Two"))
        for _ in range(3):
            with pytest.raises(Stranger):
                await day.hub.inbox.accept(hello("Three"))
        await day.clock.advance(12 * HOUR)
        await day.hub.inbox.accept(hello("Four"))
        with pytest.raises(OverQuota):
            await day.hub.inbox.accept(hello("Five"))


async def test_the_last_answer_is_bounded_by_what_is_left_and_then_the_door_is_shut() -> None:
    async with Day(ScriptedLLM(" ".join(["word"] * 300), "Of ours"), store=await a_store(tokens=100)) as day:
        first = await says(day, "Write much")
        took = await taken(day)
        with pytest.raises(OverQuota, match="100 tokens a day"):
            await day.hub.inbox.keep(said("More"))

        assert (first.state, took.tokens_in + took.tokens_out) == ("answered", 100)
        assert (await day.says("Others go on")).state == "answered"


async def test_a_turn_under_way_meets_the_quota_and_its_task_waits_for_its_person() -> None:
    store = await a_store(tokens=60)
    async with Day(ScriptedLLM("never said", "Here it is"), store=store) as day:
        await store.commit(*_counts(tokens_in=59))
        message = await says(day, "Hello there")
        [task] = await store.tasks(BEAS)

        assert (task.state, task.due_at) == ("input-required", None)
        assert isinstance(task.verdict, Blocked)
        [told] = await day.replies(message)
        assert "60 tokens a day of Bea & Co are used up" in told
        assert f"/resume {task.number}" in told
        assert day.llm.prompts == []
        await day.clock.advance(13 * HOUR)
        day.llm.say("Here it is")
        await day.hub.tasks.resume(task)
        await day.quiet()
        assert day.llm.prompts != []


async def test_turns_side_by_side_cannot_each_take_the_rest() -> None:
    store = await a_store(tokens=400)
    async with Day(ScriptedLLM(*[" ".join(["word"] * 400)] * 8), store=store) as day:
        for number in range(8):
            await day.hub.inbox.keep(said(f"Number {number}", address=Address(bridge="http", chat=f"bea/{number}")))
        await day.quiet()
        took = await taken(day)
        turns = [turn for task in await store.tasks(BEAS) for turn in await store.turns(task.id)]
        one_turn = max(turn.tokens_in + turn.tokens_out for turn in turns)

        assert took.messages == 8
        assert took.tokens_in + took.tokens_out <= 400 + one_turn
        assert sum(isinstance(task.verdict, Blocked) for task in await store.tasks(BEAS)) >= 5


async def test_a_months_money_ends_too_and_is_there_again_the_next_month() -> None:
    store = await a_store(money=1.0)
    async with Day(ScriptedLLM(*["Hi"] * 9, price=0.6), store=store) as day:
        await says(day, "One")
        await says(day, "Two")
        with pytest.raises(OverQuota, match="budget of 1 a month") as over:
            await says(day, "Three")
        assert over.value.again_at == datetime(2026, 12, 1, tzinfo=UTC)
        assert (await taken(day)).money == 1_200_000
        await day.clock.advance(10 * 24 * HOUR)
        await says(day, "In December")


async def test_what_waits_for_a_tenants_owner_is_not_counted_for_anothers() -> None:
    """Each tenant's owner has the same id: what one floods mustn't have the other refused."""
    store = await a_store()
    owner = Person(id=OWNER, tenant=BEAS, name="Bea", role="owner", created_at=FakeClock().now())
    await store.commit(Add(owner))
    limits = LimitsConfig(waiting_per_person=2)
    async with Day(ScriptedLLM("Hi", "Hi", "Hi"), store=store, limits=limits) as day:
        day.llm.go_down()
        at = {"address": Address(bridge="http", chat="owner/main"), "sender": OWNER}
        for number in range(2):
            await day.hub.inbox.keep(said(f"Number {number}", **at))
        with pytest.raises(TooMany, match="2 of your messages wait"):
            await day.hub.inbox.keep(said("One more", **at))
        ours = await day.sends("Not mine")
        day.llm.come_up()
        await day.quiet()

        assert (await day.now(ours)).state == "answered"


def _counts(tokens_in: int) -> tuple[Count, ...]:
    row = Taken(tenant=BEAS, day=TODAY, person=BEA, tokens_in=tokens_in)
    return Count(row), Count(replace(row, person=""))
