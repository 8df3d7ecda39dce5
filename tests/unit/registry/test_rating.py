"""Ratings: of what was verifiably installed, one of each account and hub, and never moved by a crowd of puppets."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, insert, select, update

from hub.errors import BadRequest, Decided, NotAllowed
from hub.records import new_id
from hub.registry.accounts import EVERYTHING, Caller
from hub.registry.auditing import fault
from hub.registry.parts import Parts
from hub.registry.rating import Opinion
from hub.registry.records import Account, AccountId, Version
from hub.registry.shelf import values
from hub.registry.summaries import bayesian, usual
from hub.registry.tables import accounts, audit, fetches, listings
from hub.registry.tables import ratings as ratings_table
from hub.statements import SigningKey, shown
from hub.testing import FakeClock
from tests.unit.registry.conftest import ON_SQLITE, Client, signed_up
from tests.unit.registry.publishing import fetching, published, put_in, receipt

ECHO = "/registry/v1/packages/ann/echo"
DAY = timedelta(days=1)


@pytest.fixture
async def version(client: Client, parts: Parts) -> Version:
    await signed_up(client, "ann")
    return await published(parts)


@pytest.fixture
async def bob(client: Client) -> dict[str, str]:
    return await signed_up(client, "bob")


async def installed(client: Client, parts: Parts, clock: FakeClock, version: Version, hub: SigningKey) -> None:
    """Have a hub fetch a version, and two days go by."""
    path = f"/registry/v1/packages/{version.publisher}/{version.name}/versions/{version.version}/download"
    answer = await client.get(path, headers=fetching(parts, hub, version))
    assert answer.headers["agenthost-fetch-noted"] == "?1"
    await parts.counting.keep()
    await clock.advance(timedelta(days=2).total_seconds())


def said(
    parts: Parts, hub: SigningKey, version: Version, account: str, stars: int = 4, **changed: object
) -> dict[str, Any]:
    envelope = msgspec.json.decode(receipt(parts, hub, version, account, **changed))
    return {
        "stars": stars,
        "text": "Useful.",
        "version": version.version,
        "hub": shown(hub.public),
        "receipt": envelope,
    }


async def test_who_installed_a_package_rates_it_changes_their_mind_and_takes_it_back(
    client: Client, parts: Parts, clock: FakeClock, version: Version, bob: dict[str, str]
) -> None:
    hub = SigningKey.fresh()
    await installed(client, parts, clock, version, hub)

    first = await client.put(f"{ECHO}/rating", json=said(parts, hub, version, "bob", 4), headers=bob)
    listed = (await client.get(f"{ECHO}/ratings")).json()["items"]
    await client.put(f"{ECHO}/rating", json=said(parts, hub, version, "bob", 2), headers=bob)
    changed = (await client.get(ECHO)).json()["rating"]
    gone = await client.delete(f"{ECHO}/rating", headers=bob)
    again = await client.delete(f"{ECHO}/rating", headers=bob)

    assert (first.status_code, first.json()["counted"]) == (200, True)
    assert [(each["account"], each["stars"], each["text"]) for each in listed] == [("bob", 4, "Useful.")]
    assert changed == {"mean": round((5 * 3 + 2) / 6, 2), "n": 1}
    assert (gone.status_code, again.status_code) == (204, 404)
    assert (await client.get(ECHO)).json()["rating"] == {"mean": None, "n": 0}
    rows = await parts.shelf.read(lambda each: each.execute(select(audit.c.action)).scalars().all())
    assert [row for row in rows if row.startswith("rating.")] == ["rating.add", "rating.edit", "rating.delete"]
    assert await parts.shelf.read(fault) == ""


async def test_a_hub_that_fetched_it_just_now_or_never_rates_nothing(
    client: Client, parts: Parts, clock: FakeClock, version: Version, bob: dict[str, str]
) -> None:
    hub, other = SigningKey.fresh(), SigningKey.fresh()
    await client.get(f"{ECHO}/versions/1.0.0/download", headers=fetching(parts, hub, version))
    await clock.advance(timedelta(hours=23).total_seconds())

    early = await client.put(f"{ECHO}/rating", json=said(parts, hub, version, "bob"), headers=bob)
    never = await client.put(f"{ECHO}/rating", json=said(parts, other, version, "bob"), headers=bob)
    await clock.advance(timedelta(hours=2).total_seconds())
    now = await client.put(f"{ECHO}/rating", json=said(parts, hub, version, "bob"), headers=bob)

    assert [early.status_code, never.status_code, now.status_code] == [403, 403, 200]
    assert "24 hours" in early.json()["detail"]
    assert "never proved" in never.json()["detail"]


async def test_a_hub_rates_a_package_for_one_account(
    client: Client, parts: Parts, clock: FakeClock, version: Version, bob: dict[str, str]
) -> None:
    eve, hub = await signed_up(client, "eve"), SigningKey.fresh()
    await installed(client, parts, clock, version, hub)

    one = await client.put(f"{ECHO}/rating", json=said(parts, hub, version, "bob"), headers=bob)
    other = await client.put(f"{ECHO}/rating", json=said(parts, hub, version, "eve"), headers=eve)

    assert [one.status_code, other.status_code] == [200, 403]
    assert "another account" in other.json()["detail"]


async def test_a_receipt_proves_only_what_it_says(
    client: Client, parts: Parts, clock: FakeClock, version: Version, bob: dict[str, str]
) -> None:
    hub, other = SigningKey.fresh(), SigningKey.fresh()
    await installed(client, parts, clock, version, hub)
    good = said(parts, hub, version, "bob")
    elsewhere = replace(version, name="ocho")
    bad: dict[str, dict[str, Any]] = {
        "of another account": said(parts, hub, version, "eve"),
        "of another archive": said(parts, hub, replace(version, sha256="0" * 64), "bob"),
        "of another package": {**said(parts, hub, elsewhere, "bob")},
        "of another version": {**said(parts, hub, replace(version, version="2.0.0"), "bob"), "version": "1.0.0"},
        "by another key": {**good, "hub": shown(other.public)},
        "by no key": {**good, "hub": "none"},
        "of a week ago": said(parts, hub, version, "bob", time=clock.now() - timedelta(days=8)),
        "of tomorrow": said(parts, hub, version, "bob", time=clock.now() + DAY),
        "of a fetch": {**good, "receipt": {**good["receipt"], "payloadType": "application/vnd.agenthost.fetch+json"}},
    }

    told = {why: (await client.put(f"{ECHO}/rating", json=body, headers=bob)).status_code for why, body in bad.items()}
    enabled = said(parts, hub, version, "bob", enabled_at=clock.now() - timedelta(hours=1))
    late = await client.put(f"{ECHO}/rating", json=enabled, headers=bob)

    assert set(told.values()) == {400}, told
    assert late.status_code == 403
    assert (await client.get(ECHO)).json()["rating"]["n"] == 0


async def test_nobody_rates_their_own_package_nor_one_that_is_not_listed(
    client: Client, parts: Parts, clock: FakeClock, version: Version, bob: dict[str, str]
) -> None:
    session = await client.post("/registry/v1/session", json={"name": "ann", "password": "correct horse battery"})
    client.cookies.clear()
    ann, hub = {"Authorization": f"Bearer {session.json()['token']}"}, SigningKey.fresh()
    await installed(client, parts, clock, version, hub)

    own = await client.put(f"{ECHO}/rating", json=said(parts, hub, version, "ann"), headers=ann)
    await put_in(parts, version, "quarantined", "odd")
    hidden = await client.put(f"{ECHO}/rating", json=said(parts, hub, version, "bob"), headers=bob)

    assert [own.status_code, hidden.status_code] == [403, 404]


async def test_an_account_rates_once_it_is_old_enough(
    client: Client, parts: Parts, clock: FakeClock, version: Version
) -> None:
    parts.ratings._old_enough = timedelta(days=7)
    bob, hub = await signed_up(client, "bob"), SigningKey.fresh()
    await installed(client, parts, clock, version, hub)

    early = await client.put(f"{ECHO}/rating", json=said(parts, hub, version, "bob"), headers=bob)
    await clock.advance(timedelta(days=6).total_seconds())
    later = await client.put(f"{ECHO}/rating", json=said(parts, hub, version, "bob"), headers=bob)

    assert [early.status_code, later.status_code] == [403, 200]
    assert "7 days" in early.json()["detail"]


async def test_a_token_for_publishing_rates_nothing(
    client: Client, parts: Parts, clock: FakeClock, version: Version, bob: dict[str, str]
) -> None:
    body = {"name": "ci", "scopes": ["publish:bob/*"]}
    token = (await client.post("/registry/v1/tokens", json=body, headers=bob)).json()["token"]

    answer = await client.put(
        f"{ECHO}/rating",
        json=said(parts, SigningKey.fresh(), version, "bob"),
        headers={"Authorization": f"Bearer {token}"},
    )

    assert answer.status_code == 403


# --- crowds


async def people(parts: Parts, count: int, name: str = "puppet") -> list[Caller]:
    """Open accounts, a month old, without hashing a password for each."""
    made = [
        Account(
            id=AccountId(new_id()),
            name=f"{name}-{number}",
            email="",
            password="",
            role="member",
            suspended=False,
            created_at=parts.clock.now() - timedelta(days=30),
        )
        for number in range(count)
    ]
    rows = [values(account) for account in made]
    await parts.shelf.write(lambda connection: connection.execute(insert(accounts), rows) and None)
    return [Caller(account=account, token="", scopes=(EVERYTHING,), admin=False) for account in made]


async def fetched(parts: Parts, version: Version, hubs: Sequence[SigningKey], at: datetime) -> None:
    """Have hubs fetched a version at a time."""
    rows = [{"hub": hub.id, "sha256": version.sha256, "at": at} for hub in hubs]
    await parts.shelf.write(lambda connection: connection.execute(insert(fetches), rows) and None)


async def rate(parts: Parts, caller: Caller, hub: SigningKey, version: Version, stars: int) -> bool:
    envelope = receipt(parts, hub, version, caller.account.name)
    opinion = Opinion(stars=stars, text="", version=version.version, hub=shown(hub.public), receipt=envelope)
    return (await parts.ratings.rate(caller, version.publisher, version.name, opinion)).counted


async def a_well_liked(parts: Parts, clock: FakeClock, version: Version, count: int, days: int) -> None:
    """Have so many honest ratings come over so many days, evenly: 4 and 5 stars."""
    honest, hubs = await people(parts, count, "honest"), [SigningKey.fresh() for _ in range(count)]
    await fetched(parts, version, hubs, clock.now() - timedelta(days=3))
    for number, (caller, hub) in enumerate(zip(honest, hubs, strict=True)):
        assert await rate(parts, caller, hub, version, 4 + number % 2)
        await clock.advance(DAY.total_seconds() * days / count)


async def mean(parts: Parts, version: Version) -> float:
    """Return what's shown, unrounded."""

    def ask(connection: Connection) -> float:
        row = connection.execute(select(listings).where(listings.c.name == version.name)).one()
        return bayesian(row.stars, row.ratings, 4.0)

    return await parts.shelf.read(ask)


@ON_SQLITE
async def test_a_thousand_puppets_without_a_verified_installation_move_a_rating_by_nothing(
    parts: Parts, clock: FakeClock, version: Version
) -> None:
    await a_well_liked(parts, clock, version, count=60, days=30)
    before = await mean(parts, version)
    puppets, refused = await people(parts, 1_000), 0

    # The half have no hub that fetched anything, the others share one that did.
    shared = SigningKey.fresh()
    await fetched(parts, version, [shared], clock.now() - timedelta(hours=2))
    for number, puppet in enumerate(puppets):
        try:
            await rate(parts, puppet, shared if number % 2 else SigningKey.fresh(), version, 1)
        except NotAllowed:
            refused += 1

    assert refused == 1_000
    assert await mean(parts, version) == before


@ON_SQLITE
@pytest.mark.parametrize(("count", "days", "crowd"), [(60, 30, 1_000), (60, 200, 30), (200, 50, 30)])
async def test_a_thousand_puppets_with_installations_move_a_rating_by_a_tenth_at_most_until_they_are_held(
    parts: Parts, clock: FakeClock, version: Version, count: int, days: int, crowd: int
) -> None:
    await a_well_liked(parts, clock, version, count=count, days=days)
    before = await mean(parts, version)
    puppets, hubs = await people(parts, crowd), [SigningKey.fresh() for _ in range(crowd)]
    await fetched(parts, version, hubs, clock.now() - timedelta(days=2))

    counted = [await rate(parts, puppet, hub, version, 1) for puppet, hub in zip(puppets, hubs, strict=True)]

    moved = before - await mean(parts, version)
    assert 0 < moved <= 0.1, moved
    assert counted.index(False) == sum(counted)
    assert await parts.shelf.read(lambda each: len(each.execute(select(ratings_table)).all())) == count + crowd


async def test_people_who_turn_their_stars_all_at_once_are_a_burst_too(
    parts: Parts, clock: FakeClock, version: Version
) -> None:
    puppets, hubs = await people(parts, 100), [SigningKey.fresh() for _ in range(100)]
    await fetched(parts, version, hubs, clock.now() - timedelta(days=2))
    for puppet, hub in zip(puppets, hubs, strict=True):
        assert await rate(parts, puppet, hub, version, 5)
        await clock.advance(DAY.total_seconds())
    before, turned = await mean(parts, version), 0
    for puppet, hub in zip(puppets, hubs, strict=True):
        with suppress(Decided):
            turned += await rate(parts, puppet, hub, version, 1)

    assert turned < 5
    assert before - await mean(parts, version) <= 0.1


async def test_the_few_who_come_on_a_usual_day_are_never_held(parts: Parts, clock: FakeClock, version: Version) -> None:
    callers, hubs = await people(parts, 90), [SigningKey.fresh() for _ in range(90)]
    await fetched(parts, version, hubs, clock.now() - timedelta(days=2))

    for number, (caller, hub) in enumerate(zip(callers, hubs, strict=True)):
        assert await rate(parts, caller, hub, version, 3 + number % 3)
        if number % 3 == 2:
            await clock.advance(DAY.total_seconds())


async def test_a_moderator_lets_held_ratings_count_or_takes_others_back(
    client: Client, parts: Parts, clock: FakeClock, version: Version, bob: dict[str, str]
) -> None:
    mod = await signed_up(client, "mod")
    raised = update(accounts).where(accounts.c.name == "mod").values(role="moderator")
    await parts.shelf.write(lambda connection: connection.execute(raised) and None)
    puppets, hubs = await people(parts, 8), [SigningKey.fresh() for _ in range(8)]
    await fetched(parts, version, hubs, clock.now() - timedelta(days=2))
    counted = [await rate(parts, puppet, hub, version, 5) for puppet, hub in zip(puppets, hubs, strict=True)]
    assert counted == [True] * 5 + [False] * 3

    held = (await client.get("/registry/v1/ratings/held?limit=2", headers=mod)).json()
    rest = (await client.get(f"/registry/v1/ratings/held?cursor={held['next']}", headers=mod)).json()
    for account, value in (("puppet-7", True), ("puppet-7", True), ("puppet-0", False), ("puppet-1", False)):
        path = f"/registry/v1/ratings/ann/echo/{account}"
        assert (await client.post(path, json={"counted": value}, headers=mod)).status_code == 204
    refused = await client.post("/registry/v1/ratings/ann/echo/puppet-6", json={"counted": True}, headers=bob)

    assert len(held["items"]) == 2
    assert {each["account"] for each in held["items"] + rest["items"]} == {"puppet-5", "puppet-6", "puppet-7"}
    assert (refused.status_code, (await client.get("/registry/v1/ratings/held", headers=bob)).status_code) == (403, 403)
    assert (await client.get(ECHO)).json()["rating"]["n"] == 4
    assert {each["account"] for each in (await client.get(f"{ECHO}/ratings")).json()["items"]} == {
        *("puppet-2", "puppet-3", "puppet-4", "puppet-7")
    }


async def test_what_is_shown_is_what_the_ratings_come_to(parts: Parts, clock: FakeClock, version: Version) -> None:
    callers, hubs = await people(parts, 12), [SigningKey.fresh() for _ in range(12)]
    await fetched(parts, version, hubs, clock.now() - timedelta(days=2))
    for number, (caller, hub) in enumerate(zip(callers, hubs, strict=True)):
        await rate(parts, caller, hub, version, 1 + number % 5)
        if number % 3 == 0:
            await parts.ratings.withdraw(caller, "ann", "echo")

    def ask(connection: Connection) -> tuple[tuple[int, int], tuple[int, int], float]:
        kept = connection.execute(select(ratings_table.c.stars).where(ratings_table.c.counted)).scalars().all()
        row = connection.execute(select(listings.c.stars, listings.c.ratings)).one()
        return (row.stars, row.ratings), (sum(kept), len(kept)), usual(connection)

    shown_sums, kept_sums, middle = await parts.shelf.read(ask)
    assert shown_sums == kept_sums
    assert middle == shown_sums[0] / shown_sums[1]


async def test_stars_are_one_to_five(parts: Parts, version: Version) -> None:
    (caller,) = await people(parts, 1)

    for stars in (0, 6):
        with pytest.raises(BadRequest, match="1 to 5"):
            await rate(parts, caller, SigningKey.fresh(), version, stars)
