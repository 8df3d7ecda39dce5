"""Every sentence that ports.SigningIn promises, over every store."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from hub.errors import Conflict, Duplicate
from hub.ports import Add, Save, Store
from hub.records import HOME, OWNER, KeyId
from hub.testing import NOON, a_login, a_passport, a_session, an_invitation
from tests.contracts.people import BEA, OTHERS, SOON, add

ANN = "ann@example.org"
DAY = timedelta(days=1)


async def test_a_login_is_a_persons_with_all_that_is_in_it(store: Store) -> None:
    login = a_login(
        password="$argon2id$...", totp="sealed", totp_at=NOON, totp_step=59_479_200, recovery=("a" * 64, "b" * 64)
    )
    await add(store, login, a_login(tenant=OTHERS))

    assert await store.login(HOME, OWNER) == login
    assert await store.login(HOME, BEA) is None


async def test_logins_by_email_are_of_all_tenants_and_of_one_only_once(store: Store) -> None:
    ours, theirs = a_login(), a_login(tenant=OTHERS, person=BEA)
    await add(store, theirs, ours, a_login(person=BEA, email="bea@example.org"))

    assert await store.logins_by_email(ANN, limit=10) == (ours, theirs)
    assert await store.logins_by_email(ANN, limit=1) == (ours,)
    assert await store.logins_by_email("nobody@example.org", limit=10) == ()
    with pytest.raises(Duplicate):
        await store.commit(Save(replace(ours, email="bea@example.org")))


async def test_of_two_changes_of_a_login_that_know_nothing_of_each_other_one_fails(store: Store) -> None:
    login = a_login()
    await add(store, login)
    await store.commit(Save(replace(login, totp_step=7)))

    with pytest.raises(Conflict):
        await store.commit(Save(replace(login, totp_step=7)))


async def test_a_passport_is_found_by_its_tenant_issuer_and_subject_alone(store: Store) -> None:
    ours, theirs = a_passport(used_at=SOON), a_passport(tenant=OTHERS, person=BEA)
    other = a_passport(issuer="https://a.example.org", email="other@example.org")
    await add(store, ours, theirs, other, a_passport(subject="7", person=BEA))

    assert await store.passport(HOME, ours.issuer, ours.subject) == ours
    assert await store.passport(HOME, ours.issuer, "8") is None
    assert await store.passport(HOME, "https://b.example.org", ours.subject) is None
    assert await store.passports(HOME, OWNER) == (other, ours)


async def test_an_invitation_is_its_tenants_and_anybodys_who_has_the_code(store: Store) -> None:
    ours, theirs = an_invitation(email=ANN, name="Ann"), an_invitation(tenant=OTHERS, person=BEA, role="admin")
    await add(store, ours, theirs)

    assert await store.invitation(HOME, ours.id) == ours
    assert await store.invitation(HOME, theirs.id) is None
    assert await store.invitation_by_hash(theirs.hash) == theirs
    assert await store.invitation_by_hash("another") is None


async def test_invitations_are_a_tenants_the_newest_first(store: Store) -> None:
    first, second = an_invitation(), an_invitation()
    await add(store, second, first, an_invitation(tenant=OTHERS))

    assert await store.invitations(HOME, limit=10) == (second, first)
    assert await store.invitations(HOME, limit=1) == (second,)


async def test_an_invitation_is_accepted_once(store: Store) -> None:
    invitation = an_invitation()
    await add(store, invitation)
    accepted = replace(invitation, state="accepted", accepted_by=BEA, accepted_at=SOON)
    await store.commit(Save(accepted), Add(a_login(person=BEA)))

    with pytest.raises(Conflict):
        await store.commit(Save(accepted), Add(a_login(person=OWNER, email="other@example.org")))
    assert await store.login(HOME, OWNER) is None


async def test_forget_invitations_removes_those_that_are_over(store: Store) -> None:
    old = [an_invitation(expires_at=NOON - DAY) for _ in range(150)]
    young = an_invitation(expires_at=NOON)
    await add(store, *old, young)

    assert await store.forget_invitations(NOON) == 150
    assert await store.invitations(HOME, limit=10) == (young,)


async def test_sessions_are_a_persons_the_oldest_first(store: Store) -> None:
    first, second = a_session(), a_session(seen_at=SOON, device="Safari on iPhone")
    await add(store, second, first, a_session(person=BEA), a_session(tenant=OTHERS))

    assert await store.sessions(HOME, OWNER) == (first, second)
    assert await store.session(second.id) == second
    assert await store.session(KeyId("another")) is None
