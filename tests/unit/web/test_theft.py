"""Invitations that are used twice, raced for or stretched, and what a thief of the database gets; by their names."""

import asyncio
from pathlib import Path

import pytest

from hub.config import Config
from hub.records import HOME, OWNER
from hub.store.sql import SqlStore
from hub.vault import Vault
from tests.unit.web.signing import (
    ANN,
    BEA,
    OTHER,
    PASSWORD,
    acceptance,
    by_password,
    invited,
    session_of,
    signed_in,
    with_app,
    with_password,
    with_token,
)
from tests.unit.web.world import a_world


async def test_invitation_reuse_the_second_one_to_come_is_told_that_it_was_used() -> None:
    world = await a_world()
    async with world.client() as client:
        code = await invited(client)
    async with world.client("") as bea, world.client("") as mallory:
        first = await bea.post("/v1/invitations/accept", json=acceptance(code))
        second = await mallory.post("/v1/invitations/accept", json=acceptance(code, email="mallory@example.org"))
        looked = await mallory.post("/v1/invitations/look", json={"code": code})

    assert [answer.status_code for answer in (first, second, looked)] == [200, 404, 404]
    assert BEA not in second.text


async def test_invitation_race_of_twenty_clients_one_becomes_a_person(tmp_path: Path) -> None:
    store = SqlStore.in_folder(tmp_path)
    await store.open()
    world = await a_world(store=store)  # type: ignore[arg-type]  # it asks no more of it than Store has
    async with world.client() as client:
        code = await invited(client)

    async def accept(number: int) -> int:
        async with world.client("") as client:
            given = acceptance(code, email=f"p{number}@example.org", name=f"P{number}")
            return (await client.post("/v1/invitations/accept", json=given)).status_code

    statuses = await asyncio.gather(*(accept(number) for number in range(20)))
    people = await store.people(HOME)
    await store.close()

    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 404, 409}
    assert len(people) == 2


async def test_invitation_escalation_who_may_not_let_people_in_invites_nobody_and_a_program_no_admin() -> None:
    world = await a_world()
    async with world.client() as client:
        code = await invited(client)
    async with world.client(await world.key_with("people:write", "keys:write")) as program:
        admin = await program.post("/v1/invitations", json={"role": "admin"})
        operator = await program.post("/v1/invitations", json={"role": "operator"})
        member = await program.post("/v1/invitations", json={})
        owner = await program.post("/v1/invitations", json={"person": OWNER, "role": "member"})
    async with world.client("") as bea:
        await bea.post("/v1/invitations/accept", json=acceptance(code))
        await with_token(bea)
        own = [await bea.post("/v1/invitations", json={}), await bea.get("/v1/invitations")]

    assert [answer.status_code for answer in (admin, operator, member)] == [403, 403, 201]
    # That key is the owner's own; without the scope admin it gives its owner another way in and nobody else.
    assert owner.status_code == 403
    assert [answer.status_code for answer in own] == [403, 403]


async def test_invitations_of_another_tenant_are_not_there() -> None:
    world = await a_world()
    async with world.client() as client:
        ours = (await client.post("/v1/invitations", json={})).json()
        tenant = (await client.post("/v1/tenants", json={"name": "Bea & Co"})).json()
    async with world.client(tenant["key"]) as theirs:
        withdrawn = await theirs.delete(f"/v1/invitations/{ours['id']}")
        known = await theirs.post("/v1/invitations", json={"person": "owner-of-home"})
        listed = (await theirs.get("/v1/invitations")).json()["items"]

    assert (withdrawn.status_code, known.status_code, listed) == (404, 404, [])


# --- theft of the database


async def test_theft_of_the_database_a_copy_holds_nothing_to_sign_in_by(tmp_path: Path) -> None:
    """What's in it of passwords has to be guessed at 64 MiB a guess; of all else there's nothing to guess."""
    store = SqlStore.in_folder(tmp_path / "data")
    await store.open()
    world = await a_world(store=store)  # type: ignore[arg-type]  # it asks no more of it than Store has
    await with_password(world)
    async with world.client("") as client:
        await signed_in(client)
        secret, recovery = await with_app(client)
        code = await invited(client)
        session = session_of(client)
    await store.close()

    stolen = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    for each in (PASSWORD, secret, code, session, session.rpartition("_")[2], *recovery, recovery[0].replace("-", "")):
        assert each.encode() not in stolen, each
    login = next(iter(await logins_in(tmp_path / "data")))
    assert Vault.fresh().open(login, about=f"totp {HOME}/{OWNER}") is None


async def logins_in(folder: Path) -> list[str]:
    store = SqlStore.in_folder(folder)
    await store.open()
    found = [login.totp for login in await store.logins_by_email(ANN, limit=5)]
    await store.close()
    return found


async def test_theft_a_secret_moved_to_another_persons_row_is_not_opened(tmp_path: Path) -> None:
    vault = Vault.at(tmp_path / "sign-in.key")
    sealed = vault.seal(b"JBSWY3DPEHPK3PXP", about="totp home/owner")

    assert vault.open(sealed, about="totp home/mallory") is None


async def test_a_log_has_no_password_no_code_and_no_session(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    world = await a_world(Config())
    await with_password(world)
    async with world.client("") as client:
        await signed_in(client)
        secret, recovery = await with_app(client)
        code = await invited(client)
        session = session_of(client)
        await by_password(client, ANN, "a wrong password")
        await client.post("/v1/invitations/accept", json=acceptance(code))

    for each in (PASSWORD, OTHER, "a wrong password", secret, recovery[0], code, session, ANN, BEA):
        assert each not in caplog.text, each
