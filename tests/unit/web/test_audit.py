"""/v1/audit: what was done is told to who may know, and proved."""

import csv
import io
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from hub.chains import FIRST
from hub.flow.auditing import Audit
from hub.flow.clearing import Clearing
from hub.flow.forgetting import Forgetting
from hub.flow.people import new_secret
from hub.flow.tenancy import Tenancy
from hub.ports import Add, Remove, Save
from hub.records import HOME, Chain, Deed, Person, PersonId, TenantId, hash_of
from hub.store.documents import MemoryDocuments
from hub.testing import NOON, FakeClock, a_tenant
from tests.unit.web.world import World, a_world

ANN = PersonId("ann")


async def some_deeds(world: World, number: int = 6) -> None:
    """Have the owner make keys."""
    async with world.client() as owner:
        for nth in range(number):
            made = await owner.post("/v1/keys", json={"name": f"k{nth}", "scopes": ["messages:read"]})
            assert made.status_code == 201


async def test_what_is_done_by_a_key_is_told_with_who_did_it_and_how() -> None:
    world = await a_world()
    async with world.client() as owner:
        made = (await owner.post("/v1/keys", json={"name": "My secret name", "scopes": ["audit:read"]})).json()
        await owner.delete(f"/v1/keys/{made['id']}")
        told = (await owner.get("/v1/audit")).json()["items"]
    assert [(each["action"], each["object"], each["who"], each["way"], each["key"]) for each in told[:2]] == [
        ("key.revoked", f"key/{made['id']}", "owner", "key", "owner"),
        ("key.made", f"key/{made['id']}", "owner", "key", "owner"),
    ]
    assert told[1]["detail"] == "person/owner audit:read"
    assert "My secret name" not in str(told)


async def test_it_is_read_by_who_has_the_scope_and_of_their_tenant_alone() -> None:
    world = await a_world()
    other = TenantId("other")
    await world.services.store.commit(
        Add(a_tenant(id=other)), Add(Person(id=ANN, tenant=other, name="A", role="owner", created_at=NOON))
    )
    _, theirs = await world.people.create_key(other, ANN, "k", ["audit:read"])
    async with world.client(await world.key_with("messages:read")) as stranger:
        for path in ("", "/verify", "/export"):
            assert (await stranger.get(f"/v1/audit{path}")).status_code == 403
    async with world.client(theirs) as ann:
        told = (await ann.get("/v1/audit")).json()["items"]
        assert {each["tenant"] for each in told} == {"other"}
        assert (await ann.get("/v1/audit/verify")).json()["whole"]
        assert {msgspec.json.decode(line)["tenant"] for line in (await ann.get("/v1/audit/export")).text.splitlines()}


async def test_it_is_read_page_by_page_and_filtered() -> None:
    world = await a_world()
    await some_deeds(world)
    async with world.client() as owner:
        first = (await owner.get("/v1/audit", params={"limit": 4, "action": "key.made"})).json()
        rest = (await owner.get("/v1/audit", params={"action": "key.made", "cursor": first["next"]})).json()
        seqs = [each["seq"] for each in (*first["items"], *rest["items"])]
        assert seqs == sorted(seqs, reverse=True)
        assert len(seqs) == 7
        assert rest["next"] is None
        assert (await owner.get("/v1/audit", params={"who": "nobody"})).json()["items"] == []
        assert (await owner.get("/v1/audit", params={"cursor": "x"})).status_code == 400
        assert (await owner.get("/v1/audit", params={"since": "2999-01-01T00:00:00Z"})).json()["items"] == []
        assert (await owner.get("/v1/audit", params={"since": "2999-01-01T00:00:00"})).status_code == 400
        assert (await owner.get("/v1/audit", params={"since": "0.0"})).status_code == 400
        assert (await owner.get("/v1/audit/export", params={"since": "7"})).json()["field"] == "since"


async def test_an_export_has_every_deed_and_is_itself_told_of() -> None:
    world = await a_world()
    await some_deeds(world)
    async with world.client() as owner:
        lines = [msgspec.json.decode(line) for line in (await owner.get("/v1/audit/export")).text.splitlines()]
        answer = await owner.get("/v1/audit/export", params={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"].startswith("text/csv")
    assert [int(row["seq"]) for row in rows] == [*(line["seq"] for line in lines), lines[-1]["seq"] + 1]
    assert lines[-1]["action"] == "audit.exported"
    assert all(msgspec.convert(line, Deed).hash == hash_of(msgspec.convert(line, Deed)) for line in lines)


@pytest.mark.parametrize("harm", ["altered", "altered and hashed anew", "deleted"])
async def test_whichever_row_is_harmed_is_found_and_named(harm: str) -> None:
    world = await a_world()
    await some_deeds(world)
    store, audit = world.store, world.services.audit
    deeds = await store.deeds(HOME, limit=99, after=0)
    assert (await audit.verify(HOME)).whole
    for deed in deeds:
        if harm == "deleted":
            await store.commit(Remove(deed))
        else:
            bad = replace(deed, who=ANN)
            await store.commit(Save(replace(bad, hash=hash_of(bad)) if "anew" in harm else bad))
        proof = await audit.verify(HOME)
        assert not proof.whole
        last = deed.seq == deeds[-1].seq
        assert f"deed {deed.seq}" in proof.fault or (last and str(deed.seq) in proof.fault)
        # As it was: a removed one can't be added again with its own number but by the store's own table.
        world.store._kept[Deed][HOME, deed.seq] = deed
    assert (await audit.verify(HOME)).whole


async def test_a_log_that_was_written_anew_to_its_end_is_found_by_what_was_noted() -> None:
    world = await a_world()
    await some_deeds(world)
    audit = world.services.audit
    noted = await audit.verify(HOME)
    before = FIRST
    for deed in await world.store.deeds(HOME, limit=99, after=0):
        forged = replace(deed, who=ANN, previous=before)
        forged = replace(forged, hash=hash_of(forged))
        await world.store.commit(Save(forged))
        before = forged.hash
    await world.store.commit(Save(Chain(tenant=HOME, seq=noted.last, hash=before)))
    assert (await audit.verify(HOME)).whole
    async with world.client() as owner:
        asked: dict[str, str | int] = {"seq": noted.last, "hash": noted.hash}
        told = (await owner.get("/v1/audit/verify", params=asked)).json()
        assert told["fault"] == f"deed {noted.last} isn't the one that was noted"
        assert (await owner.get("/v1/audit/verify", params={"seq": 1})).status_code == 400
        late: dict[str, str | int] = {"seq": 99, "hash": FIRST}
        assert (await owner.get("/v1/audit/verify", params=late)).json()["fault"].endswith("is missing")


async def test_what_is_pruned_leaves_the_rest_proved_and_a_cut_that_was_not_pruned_is_found() -> None:
    clock = FakeClock()
    world = await a_world(clock=clock)
    await some_deeds(world)
    audit = Audit(world.services.store, clock)
    old = await audit.verify(HOME)
    await clock.advance(timedelta(days=2).total_seconds())
    await some_deeds(world, 2)

    assert await audit.prune(timedelta(days=1)) == old.last
    proof = await audit.verify(HOME)
    assert (proof.whole, proof.first) == (True, old.last + 1)
    assert await audit.prune(timedelta(days=1)) == 0
    assert (await audit.verify(HOME, (old.last, old.hash))).whole

    [first, *_] = await world.store.deeds(HOME, limit=9, after=0)
    point = await world.store.checkpoint(HOME)
    assert point is not None
    await world.store.commit(Remove(first), Save(replace(point, seq=first.seq, hash=first.hash)))
    assert "nothing in the log says that they were pruned" in (await audit.verify(HOME)).fault


async def test_signing_in_and_out_is_told_and_what_suspends_a_customer_in_both_logs() -> None:
    world = await a_world()
    async with world.client(new_secret()[1]) as nobody:
        assert (await nobody.get("/v1/audit")).status_code == 401
    async with world.client("") as browser:
        answer = await browser.post("/v1/sign-in", json={"code": world.people.new_code()})
        assert answer.status_code == 204
    async with world.client() as owner:
        tenant = (await owner.post("/v1/tenants", json={"name": "Acme"})).json()["id"]
        await owner.post(f"/v1/tenants/{tenant}/suspend")
        told = (await owner.get("/v1/audit")).json()["items"]
    actions = [(each["action"], each["who"], each["way"]) for each in told]
    assert actions[:3] == [
        ("tenant.changed", "owner", "key"),
        ("tenant.made", "owner", "key"),
        ("session.opened", "owner", "session"),
    ]
    theirs = await world.store.deeds(TenantId(tenant), limit=9)
    assert [each.action for each in theirs] == ["tenant.changed", "key.made", "person.added", "tenant.made"]


async def test_another_config_is_told_of_once() -> None:
    world = await a_world()
    for config in ("a", "a", "b", "b", "a"):
        await world.services.audit.configured(config)
    assert len(await world.store.deeds(HOME, limit=9, action="config.used")) == 3


async def test_a_customer_that_is_erased_takes_its_log_along_and_leaves_a_line_in_the_hubs_own() -> None:
    world = await a_world()
    async with world.client() as owner:
        tenant = (await owner.post("/v1/tenants", json={"name": "Acme"})).json()["id"]
        await owner.delete(f"/v1/tenants/{tenant}")
    clearing = Clearing(
        world.services.store,
        MemoryDocuments(),
        FakeClock(),
        world.people,
        Tenancy(world.services.store, FakeClock()),
        world.services.leaving,
        Forgetting(world.services.store),
        (world.services.audit.forget,),
    )
    [leaving] = await world.services.store.leaving_tenants()
    await clearing.finish(leaving)
    theirs = TenantId(tenant)
    assert await world.store.deeds(theirs, limit=9) == ()
    assert await world.store.chain(theirs) == Chain(tenant=theirs)
    told = await world.store.deeds(HOME, limit=9, object=f"tenant/{tenant}")
    assert [deed.action for deed in told] == ["tenant.erased", "tenant.leaving", "tenant.made"]
    assert (await world.services.audit.verify(HOME)).whole
