"""Every sentence that ports.Store promises of commits, over every store."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from hub.errors import Conflict, Duplicate, StoreError
from hub.ports import Add, Change, Remove, Save, Store
from hub.records import (
    HOME,
    OWNER,
    CommandExits,
    Done,
    Embed,
    EmbedId,
    File,
    FileExists,
    Limits,
    MessageId,
    PersonId,
    Point,
    Quotas,
    Schedule,
    TaskId,
    TenantId,
    UrlAnswers,
    Usage,
)
from hub.testing import (
    NOON,
    a_correction,
    a_follow,
    a_key,
    a_link,
    a_message,
    a_pairing,
    a_person,
    a_posting,
    a_replay,
    a_route,
    a_step,
    a_task,
    a_tenant,
    a_thread,
    a_turn,
    an_address,
    an_embed,
    an_entry,
    an_event,
)
from tests.contracts.people import BEA, OTHERS, SOON, add

# --- commit


async def test_what_was_added_is_found_as_it_was(store: Store) -> None:
    task = a_task(
        due_at=SOON,
        run_at=SOON,
        checks=(FileExists(path="out.txt"), UrlAnswers(url="https://example.org")),
        proposed=(CommandExits(command=("true",)),),
        plan=(Point(text="Look", state="done"), Point(text="Tell")),
        parent=TaskId("0"),
        depth=1,
        progress=MessageId("1"),
        schedule=Schedule(cron="0 7 * * *", zone="Europe/Berlin", missed="all", jitter=30.0),
        verdict=Done(summary="Found"),
        limits=Limits(turns=3),
        used=Usage(tokens=9),
    )
    message = a_message(
        "Grüße 🌍\nline two\x00",
        address=an_address(thread="7"),
        parts=(File(name="a.png", media_type="image/png", size=3, sha256="0" * 64),),
        task=task.id,
        route=a_route(task),
        created_at=NOON + timedelta(microseconds=1),
    )
    await add(store, task, message)
    assert await store.task(task.id) == task
    assert await store.message(message.id) == message


async def test_every_kind_of_record_is_found_as_it_was(store: Store) -> None:
    person, link, key, task, message = a_person(), a_link(), a_key(), a_task(), a_message()
    turn = a_turn(task, messages=(message.id,), ended_at=SOON, verdict=Done(summary="x"), ms=1.5)
    step, entry = a_step(turn, failed=True), an_entry(message, due_at=SOON, boot="b", error="e", attempts=2, deaths=1)
    correction, replay = a_correction(message, task, task), a_replay(key)
    pairing, posting, thread, follow = a_pairing(person=OWNER), a_posting(message), a_thread(task), a_follow(task)
    await add(store, person, link, key, task, message, turn, step, entry, correction, replay)
    await add(store, pairing, posting, thread, follow)
    assert await store.person(HOME, OWNER) == person
    assert await store.link(HOME, "fake", "ann") == link
    assert await store.key(HOME, key.id) == key
    assert await store.turn(turn.id) == turn
    assert await store.steps(turn.id) == (step,)
    assert await store.entry(entry.id) == entry
    assert await store.corrections(HOME, 9) == (correction,)
    assert await store.replay(key.id, replay.name) == replay
    assert await store.pairing(HOME, pairing.id) == pairing
    assert await store.postings(message.id) == (posting,)
    assert await store.thread(HOME, an_address(thread="7")) == thread
    assert await store.follows(task.id) == (follow,)


async def test_what_is_not_kept_is_none(store: Store) -> None:
    assert await store.person(HOME, OWNER) is None
    assert await store.link(HOME, "fake", "ann") is None
    assert await store.key_by_hash("x") is None
    assert await store.key(HOME, a_key().id) is None
    assert await store.message(a_message().id) is None
    assert await store.message_by_external(HOME, an_address(), "x") is None
    assert await store.task(a_task().id) is None
    assert await store.task_by_number(HOME, OWNER, 1) is None
    assert await store.turn(a_turn(a_task()).id) is None
    assert await store.entry(an_entry(a_message()).id) is None
    assert await store.entry_of("inbox", a_message().id) is None
    assert await store.replay(a_key().id, "x") is None
    assert await store.next_due() is None
    assert await store.last_number(HOME, OWNER) == 0
    assert await store.last_event() == 0
    assert await store.counts() == {}


async def test_a_commit_of_nothing_does_nothing(store: Store) -> None:
    assert await store.commit() == ()


async def test_all_changes_are_done_or_none(store: Store) -> None:
    kept, fresh, task = a_message(), a_message(), a_task()
    await add(store, kept, task)
    failing: list[Change] = [
        Add(fresh),
        Add(an_event()),
        Add(an_entry(fresh)),
        Save(replace(task, title="changed")),
        Remove(kept),
        Add(replace(task, number=2)),
    ]
    with pytest.raises(Duplicate):
        await store.commit(*failing)
    assert await store.message(fresh.id) is None
    assert await store.message(kept.id) == kept
    assert await store.task(task.id) == task
    assert await store.events(HOME, OWNER, after=0, limit=9) == ()
    assert await store.last_event() == 0
    assert await store.counts() == {}


async def test_changes_are_done_in_their_order(store: Store) -> None:
    task, message = a_task(), a_message()
    saved = replace(task, title="second")
    await store.commit(Add(task), Save(saved), Save(replace(saved, title="third", revision=1)))
    assert await store.task(task.id) == replace(task, title="third", revision=2)
    await store.commit(Add(message), Remove(message), Add(replace(message, state="routed")))
    found = await store.message(message.id)
    assert found
    assert found.state == "routed"


async def test_added_events_come_back_with_growing_seqs(store: Store) -> None:
    first = await store.commit(
        Add(an_event(message=MessageId("1"))), Add(a_message()), Add(an_event(message=MessageId("2")))
    )
    second = await store.commit(Add(an_event(message=MessageId("3"))))
    assert [event.message for event in first + second] == ["1", "2", "3"]
    seqs = [event.seq for event in first + second]
    assert seqs == sorted(set(seqs))
    assert min(seqs) > 0
    assert await store.last_event() == seqs[-1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("id", a_message()),
        ("id", a_task()),
        ("id", a_key()),
        ("id", a_person()),
        ("id", an_entry(a_message())),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_the_same_id_twice_is_a_duplicate(store: Store, one: str, other: object) -> None:
    await add(store, other)
    with pytest.raises(Duplicate):
        await add(store, other)


def natural_twins() -> list[tuple[object, object]]:
    message, task, key = a_message(), a_task(), a_key()
    turn = a_turn(task)
    return [
        (message, a_message(external_id=message.external_id)),
        (message, a_message(external_id=message.external_id, address=an_address(thread="other"))),
        (task, a_task()),
        (turn, a_turn(task)),
        (a_step(turn), a_step(turn, name="other")),
        (a_link(), a_link(person=BEA)),
        (key, a_key(hash=key.hash)),
        (a_replay(key), a_replay(key, body="other")),
    ]


@pytest.mark.parametrize(("first", "twin"), natural_twins(), ids=lambda record: type(record).__name__)
async def test_the_same_natural_key_twice_is_a_duplicate(store: Store, first: object, twin: object) -> None:
    await add(store, first)
    with pytest.raises(Duplicate):
        await add(store, twin)


async def test_the_same_external_id_elsewhere_is_another_message(store: Store) -> None:
    message = a_message(external_id="7")
    await add(store, message)
    await add(store, a_message(external_id="7", address=an_address("bea")))
    await add(store, a_message(external_id="7", address=an_address(bridge="other")))
    await add(store, a_message(external_id="7", tenant=OTHERS))


async def test_the_same_key_twice_in_one_commit_is_a_duplicate(store: Store) -> None:
    with pytest.raises(Duplicate):
        await add(store, a_message(external_id="7"), a_message(external_id="7"))


async def test_saving_into_anothers_natural_key_is_a_duplicate(store: Store) -> None:
    one, other = a_message(), a_message()
    await add(store, one, other)
    with pytest.raises(Duplicate):
        await store.commit(Save(replace(other, external_id=one.external_id)))
    assert await store.message(other.id) == other


async def test_a_saved_record_takes_the_place_of_the_old(store: Store) -> None:
    message, key, turn = a_message(), a_key(), a_turn(a_task())
    await add(store, message, key, turn)
    saved = replace(message, state="answered", task=TaskId("t"), external_id="new")
    await store.commit(Save(saved), Save(replace(key, revoked_at=SOON)), Save(replace(turn, state="done")))
    assert await store.message(message.id) == saved
    assert await store.message_by_external(HOME, message.address, message.external_id) is None
    assert await store.message_by_external(HOME, message.address, "new") == saved
    assert await store.key_by_hash(key.hash) == replace(key, revoked_at=SOON)
    assert await store.turn(turn.id) == replace(turn, state="done")


@pytest.mark.parametrize(
    "record",
    [a_person(), a_link(), a_key(), a_message(), a_task(), a_turn(a_task()), an_entry(a_message()), an_event(seq=5)],
    ids=lambda record: type(record).__name__,
)
async def test_saving_what_is_not_kept_is_a_conflict(store: Store, record: object) -> None:
    with pytest.raises(Conflict):
        await store.commit(Save(record))  # type: ignore[arg-type]  # a test's own records


async def test_a_save_gives_the_next_revision(store: Store) -> None:
    task, message = a_task(), a_message()
    entry = an_entry(message)
    await add(store, task, message, entry)
    await store.commit(Save(replace(task, title="new")), Save(replace(entry, attempts=1)))
    assert await store.task(task.id) == replace(task, title="new", revision=1)
    assert await store.entry(entry.id) == replace(entry, attempts=1, revision=1)


async def test_a_save_over_a_newer_revision_is_a_conflict(store: Store) -> None:
    task, message = a_task(), a_message()
    entry = an_entry(message)
    await add(store, task, message, entry)
    await store.commit(Save(task), Save(entry))
    for stale in (task, entry, replace(task, revision=2)):
        with pytest.raises(Conflict):
            await store.commit(Save(stale))


async def test_of_two_saves_at_once_one_wins(store: Store) -> None:
    task = a_task()
    await add(store, task)
    saves = [store.commit(Save(replace(task, title=str(number)))) for number in range(10)]
    results = await asyncio.gather(*saves, return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in results) == 9
    found = await store.task(task.id)
    assert found
    assert found.revision == 1


async def test_a_removed_record_is_gone_and_may_come_again(store: Store) -> None:
    message, link, key = a_message(), a_link(), a_key()
    replay = a_replay(key)
    await add(store, message, link, key, replay)
    await store.commit(Remove(message), Remove(link), Remove(key), Remove(replay))
    assert await store.message(message.id) is None
    assert await store.link(HOME, "fake", "ann") is None
    assert await store.replay(key.id, replay.name) is None
    await add(store, message, link, key, replay)


async def test_removing_what_is_not_kept_is_harmless(store: Store) -> None:
    assert await store.commit(Remove(a_message())) == ()


async def test_commits_at_the_same_time_fail_on_their_own(store: Store) -> None:
    taken = a_message(external_id="taken")
    await add(store, taken)

    async def commit(number: int) -> bool:
        external = "taken" if number % 5 == 0 else str(number)
        message = a_message(external_id=external)
        try:
            await store.commit(Add(message), Add(an_entry(message)), Add(an_event(message=MessageId(str(number)))))
        except Duplicate:
            return False
        return await store.message(message.id) == message

    kept = await asyncio.gather(*map(commit, range(60)))
    assert kept == [number % 5 != 0 for number in range(60)]
    assert await store.counts() == {"inbox.ready": 48}
    events = await store.events(HOME, OWNER, after=0, limit=99)
    assert len(events) == 48
    assert len({event.seq for event in events}) == 48


async def test_of_the_same_message_at_once_one_is_kept(store: Store) -> None:
    commits = [store.commit(Add(a_message(external_id="same"))) for _ in range(20)]
    results = await asyncio.gather(*commits, return_exceptions=True)
    assert sum(isinstance(result, Duplicate) for result in results) == 19


async def test_a_cancelled_caller_spoils_nobody_elses_commit(store: Store) -> None:
    messages = [a_message() for _ in range(40)]
    commits = [asyncio.ensure_future(store.commit(Add(message), Add(an_entry(message)))) for message in messages]
    await asyncio.sleep(0)
    for commit in commits[::2]:
        commit.cancel()
    await asyncio.gather(*commits, return_exceptions=True)
    for number, message in enumerate(messages):
        found, entry = await store.message(message.id), await store.entry_of("inbox", message.id)
        assert (found is None) == (entry is None)
        assert found or number % 2 == 0
    await add(store, a_message())


async def test_a_closed_store_does_nothing_more(store: Store) -> None:
    await store.close()
    with pytest.raises(StoreError):
        await add(store, a_message())
    with pytest.raises(StoreError):
        await store.message(a_message().id)


async def test_tenants_are_listed_by_id_page_by_page(store: Store) -> None:
    tenants = [a_tenant(), a_tenant(quotas=Quotas(messages=5, money=0.5)), a_tenant(agents=("cook",))]
    await add(store, *tenants)
    assert await store.tenant(tenants[1].id) == tenants[1]
    assert await store.tenant(TenantId("nobody")) is None
    assert await store.tenants(limit=2) == tuple(tenants[:2])
    assert await store.tenants(limit=2, after=tenants[1].id) == (tenants[2],)


async def test_embeds_are_found_by_id_and_listed_by_tenant_page_by_page(store: Store) -> None:
    ours = sorted([an_embed(), an_embed(agent="cook", origins=("https://a.example", "http://b.example:81"))], key=_id)
    theirs = an_embed(tenant=OTHERS)
    await add(store, *ours, theirs)
    assert [await store.embed(each.id) for each in (*ours, theirs)] == [*ours, theirs]
    assert await store.embed(EmbedId("nobody")) is None
    assert await store.embeds(HOME, limit=1) == (ours[0],)
    assert await store.embeds(HOME, limit=5, after=ours[0].id) == (ours[1],)


async def test_embeds_of_a_suspended_tenant_are_not_shown(store: Store) -> None:
    ours, theirs = sorted([an_embed(), an_embed()], key=_id), an_embed(tenant=OTHERS)
    others = a_tenant(id=OTHERS)
    await add(store, a_tenant(id=HOME), others, *ours, theirs)
    assert await store.embeds_shown(9) == tuple(sorted([*ours, theirs], key=_id))
    await store.commit(Save(replace(others, suspended_at=NOON)))
    assert await store.embeds_shown(9) == tuple(ours)
    assert await store.embeds_shown(1) == (ours[0],)


def _id(embed: Embed) -> str:
    return embed.id


async def test_a_tenants_own_name_for_a_person_is_one_persons(store: Store) -> None:
    ann = a_person(external="customer-1")
    await add(store, ann, a_person(id=PersonId("bea")), a_person(id=PersonId("cid")))
    await add(store, replace(ann, tenant=OTHERS))
    assert await store.person_by_external(HOME, "customer-1") == ann
    assert await store.person_by_external(HOME, "customer-2") is None
    with pytest.raises(Duplicate):
        await add(store, a_person(id=PersonId("dan"), external="customer-1"))
