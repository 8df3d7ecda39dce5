"""The SQL stores answer as the memory store does, whatever is committed: one set at a time, and several at once.

Sets committed at once may be done in any order, but the outcome must be that of one of the orders.
"""

import asyncio
import copy
import shutil
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from hub.errors import StoreError
from hub.ports import Add, Change, Remove, Save, Store
from hub.records import (
    HOME,
    OPEN,
    OWNER,
    Edition,
    EntryId,
    InstallationId,
    InvitationId,
    KeyId,
    MessageId,
    PairingId,
    PauseId,
    PersonId,
    Record,
    TaskId,
    TurnId,
)
from hub.store.memory import MemoryStore
from hub.store.postgres import PostgresStore
from hub.store.sql import SqlStore
from hub.testing import (
    NOON,
    a_correction,
    a_follow,
    a_key,
    a_link,
    a_login,
    a_message,
    a_package,
    a_pairing,
    a_pause,
    a_person,
    a_pin,
    a_posting,
    a_replay,
    a_step,
    a_taint,
    a_task,
    a_thread,
    a_turn,
    an_address,
    an_entry,
    an_event,
    an_installation,
    an_invitation,
)
from tests.postgres.server import Server

IDS = ("0", "1", "2")
PEOPLE = (OWNER, PersonId("bea"))
CHATS = (an_address(), an_address("bea"), an_address(thread="t"))
TIMES = (NOON, NOON + timedelta(minutes=1), NOON + timedelta(minutes=2))
NOW = TIMES[1]

ids = st.sampled_from(IDS)
maybe_ids = st.none() | ids
people = st.sampled_from(PEOPLE)
chats = st.sampled_from(CHATS)
times = st.sampled_from(TIMES)
maybe_times = st.none() | times
numbers = st.integers(1, 3)
revisions = st.integers(0, 1)

messages = st.builds(
    a_message,
    id=ids,
    external_id=ids,
    address=chats,
    person=people,
    task=maybe_ids,
    turn=maybe_ids,
    answers=maybe_ids,
    role=st.sampled_from(["user", "agent"]),
    state=st.sampled_from(["accepted", "answered", "moved", "sent"]),
    copy_of=maybe_ids,
)
tasks = st.builds(
    a_task,
    id=ids,
    number=numbers,
    person=people,
    origin=chats,
    due_at=maybe_times,
    updated_at=times,
    revision=revisions,
    state=st.sampled_from(["submitted", "working", "input-required", "completed", "failed"]),
)
entries = st.builds(
    an_entry,
    messages,
    id=ids,
    lane=ids,
    due_at=maybe_times,
    boot=maybe_ids,
    revision=revisions,
    queue=st.sampled_from(["inbox", "outbox"]),
    state=st.sampled_from(["ready", "held", "done", "dead"]),
)
turns = st.builds(a_turn, tasks, id=ids, number=numbers)
keys = st.builds(a_key, id=ids, hash=ids, kind=st.sampled_from(["api", "session"]), created_at=times)
kept: st.SearchStrategy[Record] = st.one_of(
    messages,
    tasks,
    entries,
    turns,
    keys,
    st.builds(a_step, turns, number=numbers),
    st.builds(a_person, id=people, created_at=times),
    st.builds(a_link, sender=ids, person=people),
    st.builds(a_replay, keys, name=ids),
    st.builds(a_correction, messages, tasks, tasks, id=ids),
    st.builds(a_login, person=people, email=ids, revision=revisions),
    st.builds(an_invitation, id=ids, hash=ids, expires_at=times, revision=revisions),
    st.builds(a_pairing, id=ids, hash=ids, expires_at=times),
    st.builds(a_package, id=ids, created_at=times, before=st.sampled_from([None, Edition(version="1", digest="a")])),
    st.builds(an_installation, id=ids, revision=revisions),
    st.builds(a_pin, tasks, package=ids),
    st.builds(
        a_pause,
        turns,
        id=ids,
        person=people,
        state=st.sampled_from(["asked", "approved", "done"]),
        expires_at=times,
        revision=revisions,
    ),
    st.builds(a_taint, tasks, source=ids),
    st.builds(a_posting, messages, external_id=ids, number=numbers),
    st.builds(a_thread, tasks, thread=ids),
    st.builds(a_follow, tasks, chat=ids, created_at=times),
)
changes: st.SearchStrategy[Change] = st.one_of(
    st.builds(Add, kept),
    st.builds(Add, kept),
    st.builds(Add, st.builds(an_event, person=people, message=ids)),
    st.builds(Save, kept),
    st.builds(Remove, kept),
)
change_sets = st.lists(changes, min_size=1, max_size=4)


async def everything(store: Store) -> list[object]:
    """Return what the port's queries answer.

    `waiting` is left out: it counts by the person of an entry's message, and these entries have no message or one
    that comes and goes.
    """
    found: list[object] = [
        await store.people(HOME),
        await store.keys(HOME),
        [await store.tasks(HOME), await store.tasks(HOME, by="updated_at", limit=2, updated_since=NOW)],
        [
            await store.due_tasks(NOW, 2),
            await store.dues(NOW, 2),
            await store.next_due(),
            await store.held(NOW, 2),
            await store.begun(),
        ],
        [
            await store.lanes(NOW, 2),
            await store.counts(),
            await store.lengths("inbox"),
            await store.dead(HOME, 2),
            await store.last_event(),
        ],
        await store.corrections(HOME, 2),
        await store.pairings(HOME, 2),
        await store.packages(HOME),
        await store.invitations(HOME, limit=2),
        [await store.installations(HOME, 2), await store.pinned(HOME), await store.expired_pauses(NOW, 2)],
    ]
    for id in IDS:
        found += [await store.message(MessageId(id)), await store.replies(MessageId(id)), await store.task(TaskId(id))]
        found += [await store.messages_of_task(TaskId(id), limit=2), await store.turns(TaskId(id), limit=2)]
        found += [await store.messages_of_task(TaskId("1"), limit=2, after=MessageId(id))]
        found += [await store.messages_of_task(TaskId("1"), limit=2, before=MessageId(id))]
        found += [await store.turn(TurnId(id)), await store.steps(TurnId(id)), await store.key_by_hash(id)]
        found += [await store.key(HOME, KeyId(id)), await store.link(HOME, "fake", id)]
        found += [await store.entry(EntryId(id)), await store.entries(id, NOW, 2)]
        found += [await store.invitation(HOME, InvitationId(id)), await store.invitation_by_hash(id)]
        found += [await store.logins_by_email(id, limit=2)]
        found += [await store.pairing(HOME, PairingId(id)), await store.pairing_by_hash(HOME, id)]
        found += [await store.postings(MessageId(id)), await store.copies(MessageId(id))]
        found += [await store.threads(TaskId(id)), await store.follows(TaskId(id))]
        found += [await store.installation(HOME, InstallationId(id)), await store.pins(TaskId(id))]
        found += [await store.pause(PauseId(id)), await store.taints(TaskId(id))]
        found += [await store.pauses_of_task(TaskId(id), states=["asked", "done"], limit=2)]
        found += [await store.thread(HOME, an_address(thread=id))]
        found += [[await store.replay(KeyId(id), name) for name in IDS]]
    for person in PEOPLE:
        found += [await store.links(HOME, person), await store.login(HOME, person)]
        found += [await store.pauses(HOME, person, states=["asked", "approved"], limit=2)]
        found += [await store.person(HOME, person), await store.last_number(HOME, person)]
        found += [await store.events(HOME, person, after=1, limit=3), await store.task_by_number(HOME, person, 1)]
        found += [await store.tasks(HOME, person, states=OPEN, limit=2)]
    for chat in CHATS:
        found += [await store.messages_of_chat(HOME, chat, limit=2), await store.tasks(HOME, chat=chat, states=OPEN)]
        found += [await store.message_by_external(HOME, chat, "1")]
    return found


async def outcome(store: Store, sets: Sequence[Sequence[Change]]) -> list[object]:
    """Commit all at once; return what each came to."""
    results = await asyncio.gather(*(store.commit(*changes) for changes in sets), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, StoreError):
            raise result
    return [type(result) if isinstance(result, StoreError) else result for result in results]


async def in_some_order(memory: MemoryStore, sets: Sequence[Sequence[Change]], seen: object) -> MemoryStore | None:
    """Return the memory store as it is after the order of commits that leads to what was seen."""
    for order in permutations(range(len(sets))):
        tried = copy.deepcopy(memory)
        results = {number: (await outcome(tried, [sets[number]]))[0] for number in order}
        if ([results[number] for number in range(len(sets))], await everything(tried)) == seen:
            return tried
    return None


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty")

    async def make() -> None:
        store = SqlStore.in_folder(folder)
        await store.open()
        await store.close()

    asyncio.run(make())
    return folder


async def agree(sql: Store, groups: list[list[list[Change]]]) -> None:
    memory = MemoryStore()
    await sql.open()
    try:
        for sets in groups:
            seen = (await outcome(sql, sets), await everything(sql))
            after = await in_some_order(memory, sets, seen)
            assert after is not None, f"no order of these commits leads to {seen}"
            memory = after
    finally:
        await sql.close()


some_groups = st.lists(st.lists(change_sets, min_size=1, max_size=3), min_size=1, max_size=8)
some = settings(
    max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)  # shrinking takes minutes


@some
@given(groups=some_groups)
def test_sqlite_agrees(empty: Path, groups: list[list[list[Change]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(empty / "hub.db", folder)
        asyncio.run(agree(SqlStore.in_folder(Path(folder)), groups))


@some
@given(groups=some_groups)
def test_postgresql_agrees(postgres: Server, emptied: str, groups: list[list[list[Change]]]) -> None:
    postgres.empty(emptied)
    asyncio.run(agree(PostgresStore(make_url(emptied)), groups))
