"""The owner, keys, sessions and sign-in codes."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.errors import BadRequest, NotAllowed, NotFound, StartError
from hub.flow.people import KNOWN_FOR, OWNER_KEY, People, new_secret, owner_secret
from hub.ports import Add, Save
from hub.records import HOME, MAY, OWNER, KeyId, Person, PersonId, Role
from hub.store.memory import MemoryStore
from hub.testing import NOON, FakeClock

SECRET = "x" * 43


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def people(store: MemoryStore, clock: FakeClock) -> People:
    people = People(store, clock)
    await people.ensure_owner(SECRET)
    return people


async def test_the_owner_is_there_after_the_first_start_and_only_once(store: MemoryStore, people: People) -> None:
    again = await people.ensure_owner(SECRET)

    assert (again.id, again.role) == (OWNER, "owner")
    assert [again] == list(await store.people(HOME))
    assert [key.id for key in await store.keys(HOME)] == [OWNER_KEY]


async def test_the_owners_key_may_everything(people: People) -> None:
    key = await people.whose(SECRET)

    assert key is not None
    assert (key.person, key.scopes) == (OWNER, ("admin",))


async def test_a_new_owners_key_ends_the_old_one(people: People) -> None:
    assert await people.whose(SECRET)

    await people.ensure_owner("y" * 43)

    assert await people.whose(SECRET) is None
    assert await people.whose("y" * 43)


async def test_only_the_hash_of_a_secret_is_kept(store: MemoryStore, people: People) -> None:
    key, secret = await people.create_key(HOME, OWNER, "phone", ["messages:read"])

    assert secret.startswith(f"ah_{key.id}_")
    assert len(secret.removeprefix(f"ah_{key.id}_")) == 43
    assert secret not in repr(await store.keys(HOME))
    assert await people.whose(secret) == key


async def test_a_revoked_key_stops_working_at_once(people: People) -> None:
    key, secret = await people.create_key(HOME, OWNER, "phone", ["messages:read"])
    assert await people.whose(secret)

    revoked = await people.revoke(HOME, key.id)

    assert revoked.revoked_at == NOON
    assert await people.whose(secret) is None
    assert not await people.still_good(key)


async def test_a_key_revoked_by_another_process_stops_working_soon(
    store: MemoryStore, clock: FakeClock, people: People
) -> None:
    key, secret = await people.create_key(HOME, OWNER, "phone", ["messages:read"])
    assert await people.whose(secret)

    await People(store, clock).revoke(HOME, key.id)
    await clock.advance(KNOWN_FOR + 1)

    assert await people.whose(secret) is None


async def test_a_key_ends_when_its_time_has_come(clock: FakeClock, people: People) -> None:
    _, secret = await people.create_key(HOME, OWNER, "phone", ["messages:read"], NOON + timedelta(seconds=2))
    assert await people.whose(secret)

    await clock.advance(3)

    assert await people.whose(secret) is None


@pytest.mark.parametrize("secret", ["", "ah_owner_", "ah_nobody_" + "x" * 43, "\udcff", "\x00", "x" * 10_000])
async def test_an_unknown_secret_is_nobodys(people: People, secret: str) -> None:
    assert await people.whose(secret) is None


@pytest.mark.parametrize(
    ("scopes", "words"), [([], "empty"), (["messages:red"], "'messages:red' is unknown; choose from messages:read")]
)
async def test_a_key_needs_known_scopes(people: People, scopes: list[str], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        await people.create_key(HOME, OWNER, "phone", scopes)


async def test_a_key_cant_end_before_it_begins(people: People) -> None:
    with pytest.raises(BadRequest, match=r"expires_at: .* is past"):
        await people.create_key(HOME, OWNER, "phone", ["admin"], NOON)


async def test_a_key_is_somebodys(people: People) -> None:
    with pytest.raises(NotFound):
        await people.create_key(HOME, PersonId("nobody"), "phone", ["admin"])


async def test_the_owners_key_isnt_revoked_but_renewed(people: People) -> None:
    with pytest.raises(BadRequest, match=r"delete owner\.key"):
        await people.revoke(HOME, OWNER_KEY)


async def test_revoking_an_unknown_key_is_told(people: People) -> None:
    with pytest.raises(NotFound):
        await people.revoke(HOME, KeyId("nothing"))


async def test_a_code_opens_a_session_for_thirty_days(clock: FakeClock, people: People) -> None:
    person = await people.sign_in(people.new_code())

    assert person is not None
    key, secret = await people.open_session(person, "Firefox on Linux")
    assert (key.kind, key.person, key.expires_at) == ("session", OWNER, NOON + timedelta(days=30))
    assert await people.whose(secret) == key


async def test_a_code_is_good_for_an_hour(clock: FakeClock, people: People) -> None:
    code = people.new_code()

    await clock.advance(3600)

    assert await people.sign_in(code) is None


async def test_a_made_up_code_opens_nothing(people: People) -> None:
    people.new_code()

    assert await people.sign_in("made up") is None


async def test_the_oldest_codes_go_when_there_are_too_many(people: People) -> None:
    first, *_, last = [people.new_code() for _ in range(101)]

    assert await people.sign_in(first) is None
    assert await people.sign_in(last)


# --- owner.key


def test_the_first_start_makes_an_owners_key_that_nobody_else_may_read(tmp_path: Path) -> None:
    secret = owner_secret(tmp_path / "owner.key")

    assert secret.startswith("ah_owner_")
    assert oct((tmp_path / "owner.key").stat().st_mode & 0o777) == "0o600"
    assert owner_secret(tmp_path / "owner.key") == secret
    assert [path.name for path in tmp_path.iterdir()] == ["owner.key"]


def test_a_preset_owners_key_is_taken_and_written_down(tmp_path: Path) -> None:
    owner_secret(tmp_path / "owner.key")
    preset = new_secret()[1]

    assert owner_secret(tmp_path / "owner.key", preset) == preset
    assert owner_secret(tmp_path / "owner.key") == preset


@pytest.mark.parametrize("preset", ["", "short", "x" * 201, "with space " * 5])
def test_a_preset_key_thats_easy_to_guess_is_refused(tmp_path: Path, preset: str) -> None:
    with pytest.raises(StartError, match="AGENTHOST_OWNER_KEY: must have 32 to 200"):
        owner_secret(tmp_path / "owner.key", preset)


def test_an_owners_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    owner_secret(tmp_path / "owner.key")
    (tmp_path / "owner.key").chmod(0o644)

    with pytest.raises(StartError, match=r"mode 0644.*chmod 600"):
        owner_secret(tmp_path / "owner.key")


def test_an_empty_owners_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "owner.key").touch(0o600)

    with pytest.raises(StartError, match="holds no key; delete it"):
        owner_secret(tmp_path / "owner.key")


def test_a_folder_that_isnt_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="make the data folder writable"):
        owner_secret(tmp_path / "nowhere" / "owner.key")


async def a_member(store: MemoryStore, role: Role = "member") -> Person:
    person = Person(id=PersonId(role), tenant=HOME, name=role, role=role, created_at=NOON)
    await store.commit(Add(person))
    return person


async def test_a_key_is_never_more_than_who_holds_it(store: MemoryStore, people: People) -> None:
    member = await a_member(store)
    with pytest.raises(BadRequest, match="admin: more than member may"):
        await people.create_key(HOME, member.id, "k", ["admin"])

    _, secret = await people.create_key(HOME, OWNER, "k", ["admin", "people:write"])
    await store.commit(Save(replace(await people.ensure_owner(SECRET), role="member")))
    people.forget()
    key = await people.whose(secret)

    assert key is not None
    assert set(key.scopes) == set(MAY["member"])


async def test_a_connection_ends_when_its_person_may_less(store: MemoryStore, people: People) -> None:
    operator = await a_member(store, "operator")
    _, secret = await people.create_key(HOME, operator.id, "k", ["chats:operate"])
    key = await people.whose(secret)
    assert key is not None
    assert await people.still_good(key)

    await store.commit(Save(replace(operator, role="member")))

    assert not await people.still_good(key)


@pytest.mark.parametrize("role", ["service", "group"])
async def test_nobody_signs_in_as_a_program_or_a_group(store: MemoryStore, people: People, role: Role) -> None:
    person = await a_member(store, role)
    with pytest.raises(NotAllowed, match=role):
        await people.open_session(person, "Firefox on Linux")


# --- sessions


async def test_that_a_session_is_used_is_kept_every_few_minutes(
    clock: FakeClock, store: MemoryStore, people: People
) -> None:
    owner = await store.person(HOME, OWNER)
    assert owner
    key, secret = await people.open_session(owner, "Firefox on Linux")
    seen = []
    for seconds in (0, 60, 300, 3600):
        await clock.advance(seconds)
        assert await people.whose(secret)
        session = await store.session(key.id)
        assert session
        seen.append((session.seen_at - NOON).total_seconds())

    assert seen == [0, 0, 360, 3960]


async def test_a_store_that_is_full_keeps_nobody_from_being_known(store: MemoryStore, people: People) -> None:
    owner = await store.person(HOME, OWNER)
    assert owner
    _, secret = await people.open_session(owner, "Firefox on Linux")
    store.full = True

    assert await people.whose(secret)


async def test_a_revoked_session_is_not_brought_back_by_being_seen(store: MemoryStore, people: People) -> None:
    """Two hubs: one ends a session while the other keeps that it was used."""
    owner = await store.person(HOME, OWNER)
    assert owner
    key, secret = await people.open_session(owner, "Firefox on Linux")
    await people.revoke(HOME, key.id)

    assert await people.whose(secret) is None
    kept = await store.key(HOME, key.id)
    assert kept
    assert kept.revoked_at
