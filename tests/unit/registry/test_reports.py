"""Reports hide nothing by their number, for accounts cost nothing: they weigh by who reports."""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from hub.records import new_id
from hub.registry.accounts import Caller
from hub.registry.parts import Parts
from hub.registry.records import Account, AccountId
from hub.registry.reporting import AGE, OPEN_REPORTS, REPORTED
from hub.registry.shelf import values
from hub.registry.tables import accounts, reports, versions
from tests.unit.registry.authoring import V1, Author, an_author, saying
from tests.unit.registry.conftest import Client

pytestmark = pytest.mark.usefixtures("scanning")
PUPPETS = 1_000


@pytest.fixture
async def ann(client: Client) -> Author:
    author = await an_author(client, "ann")
    await author.publish(saying("x"))
    return author


@pytest.fixture
async def admin(client: Client) -> Author:
    return await an_author(client, "root-admin")


async def test_a_thousand_new_accounts_hide_nothing(client: Client, parts: Parts, ann: Author) -> None:
    await flood(parts, await puppets(parts, timedelta(0)))

    assert (await client.get(f"{V1}/packages/ann/echo")).status_code == 200
    assert await state(parts) == "listed"


async def test_a_thousand_old_accounts_that_were_never_right_hide_nothing(
    client: Client, parts: Parts, ann: Author
) -> None:
    await flood(parts, await puppets(parts, timedelta(days=400)))

    assert await state(parts) == "listed"


async def test_a_few_that_were_right_before_have_a_moderator_look(
    client: Client, parts: Parts, ann: Author, admin: Author
) -> None:
    tried = [await a_reporter(client, parts, f"reporter-{at}", admin, AGE) for at in range(3)]
    seen = []
    for reporter in tried:
        await reporter.post("/packages/ann/echo/reports", reason="malware", text="It sends keys away.")
        seen.append(await state(parts))

    assert seen == ["listed", "listed", "held"]
    query = select(versions.c.reason).where(versions.c.publisher == "ann")
    assert await parts.shelf.read(lambda each: each.execute(query).scalar_one()) == REPORTED
    released = await admin.post("/packages/ann/echo/versions/1.0.0/release", reason="it doesn't")
    assert released.json()["state"] == "listed"


async def test_who_was_right_and_is_new_or_was_mostly_wrong_weighs_nothing(
    client: Client, parts: Parts, ann: Author, admin: Author
) -> None:
    new = [await a_reporter(client, parts, f"new-{at}", admin, timedelta(days=1)) for at in range(4)]
    wrong = [await a_reporter(client, parts, f"wrong-{at}", admin, AGE, dismissed=4) for at in range(4)]

    for reporter in (*new, *wrong):
        answer = await reporter.post("/packages/ann/echo/reports", reason="malware")
        assert answer.status_code == 201

    assert await state(parts) == "listed"


async def test_a_reason_is_asked_for_and_only_what_is_listed_can_be_reported(client: Client, ann: Author) -> None:
    bob = await an_author(client, "bob")
    statuses = [
        (await bob.post("/packages/ann/echo/reports", text="bad")).status_code,
        (await bob.post("/packages/ann/echo/reports", reason="because")).status_code,
        (await bob.post("/packages/ann/none/reports", reason="spam")).status_code,
        (await bob.post("/packages/ann/echo/reports", reason="spam", version="9.0.0")).status_code,
        (await bob.post("/packages/ann/echo/reports", reason="spam", version="1.0.0")).status_code,
        (await bob.post("/packages/ann/echo/reports", reason="malware")).status_code,
        (await client.post(f"{V1}/packages/ann/echo/reports", json={"reason": "spam"})).status_code,
    ]

    assert statuses == [400, 400, 404, 404, 201, 409, 401]


async def test_one_account_has_twenty_open_reports_and_no_more(client: Client, parts: Parts, admin: Author) -> None:
    bob = await an_author(client, "bob")
    for at in range(OPEN_REPORTS + 1):
        await admin.publish(saying("x", f"tool-{at}"))

    statuses = [
        (await bob.post(f"/packages/root-admin/tool-{at}/reports", reason="spam")).status_code
        for at in range(OPEN_REPORTS + 1)
    ]
    first = (await client.get(f"{V1}/reports", headers=admin.headers)).json()["items"][0]
    await admin.post(f"/reports/{first['id']}", state="dismissed")
    again = await bob.post(f"/packages/root-admin/tool-{OPEN_REPORTS}/reports", reason="spam")

    assert statuses == [201] * OPEN_REPORTS + [429]
    assert again.status_code == 201


async def test_moderators_decide_reports_once(client: Client, ann: Author, admin: Author) -> None:
    bob = await an_author(client, "bob")
    report = (await bob.post("/packages/ann/echo/reports", reason="spam", text="Nothing works.")).json()
    path = f"/reports/{report['id']}"

    denied = await bob.post(path, state="upheld")
    upheld, twice = await admin.post(path, state="upheld"), await admin.post(path, state="dismissed")
    unknown, odd = await admin.post("/reports/none", state="upheld"), await admin.post(path, state="open")
    now = {
        state: len((await client.get(f"{V1}/reports", params={"state": state}, headers=admin.headers)).json()["items"])
        for state in ("open", "upheld", "dismissed")
    }

    assert [answer.status_code for answer in (denied, upheld, twice, unknown, odd)] == [403, 200, 409, 404, 400]
    assert upheld.json()["state"] == "upheld"
    assert now == {"open": 0, "upheld": 1, "dismissed": 0}


async def test_reports_are_paged_in_their_order(
    client: Client, parts: Parts, ann: Author, admin: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.registry.reporting.PAGE", 3)
    monkeypatch.setattr("hub.registry.web.moderation.REPORTS", 3)
    await flood(parts, (await puppets(parts, timedelta(0)))[:8])
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"cursor": cursor} if cursor else {}
        page = (await client.get(f"{V1}/reports", params=params, headers=admin.headers)).json()
        seen += [report["id"] for report in page["items"]]
        cursor = page["next"]

    assert len(seen) == len(set(seen)) == 8


async def puppets(parts: Parts, age: timedelta) -> list[Account]:
    """Make accounts; by their rows, for a thousand passwords take their time."""
    made = [
        Account(
            id=AccountId(new_id()),
            name=f"puppet-{at}",
            email="",
            password="",
            role="member",
            suspended=False,
            created_at=parts.clock.now() - age,
        )
        for at in range(PUPPETS)
    ]
    rows = [values(account) for account in made]
    await parts.shelf.write(lambda each: each.execute(insert(accounts), rows) and None)
    return made


async def flood(parts: Parts, reporters: list[Account]) -> None:
    """Have each report a package; all but the last few by their rows, for a thousand commits take their time."""
    *most, _, _, _, _ = reporters
    rows = [
        {"id": new_id(), "publisher": "ann", "name": "echo", "version": "", "account": account.id, "text": "bad"}
        | {"reason": "malware", "state": "open", "created_at": parts.clock.now()}
        for account in most
    ]
    await parts.shelf.write(lambda each: each.execute(insert(reports), rows) and None)
    for account in reporters[len(most) :]:
        caller = Caller(account=account, token="", scopes=("report",), admin=False)
        await parts.reports.report(caller, "ann", "echo", version="", reason="malware", text="bad")
    query = select(func.count()).select_from(reports).where(reports.c.state == "open")
    assert await parts.shelf.read(lambda each: each.execute(query).scalar_one()) == len(reporters)


async def a_reporter(
    client: Client, parts: Parts, name: str, admin: Author, age: timedelta, dismissed: int = 0
) -> Author:
    """Return somebody of whose reports moderators upheld three, about three publishers."""
    reporter = await an_author(client, name)
    for at in range(3 + dismissed):
        owner = f"owner-{at}"
        if (await client.get(f"{V1}/publishers/{owner}")).status_code == 404:
            await (await an_author(client, owner)).publish(saying("x"))
        report = await reporter.post(f"/packages/{owner}/echo/reports", reason="spam")
        assert report.status_code == 201, report.text
        decided = await admin.post(f"/reports/{report.json()['id']}", state="upheld" if at < 3 else "dismissed")
        assert decided.status_code == 200
    older = update(accounts).where(accounts.c.name == name).values(created_at=parts.clock.now() - age)
    await parts.shelf.write(lambda each: each.execute(older) and None)
    return reporter


async def state(parts: Parts) -> str:
    query = select(versions.c.state).where(versions.c.publisher == "ann")
    return await parts.shelf.read(lambda each: each.execute(query).scalar_one())
