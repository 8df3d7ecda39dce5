"""People over HTTP: who asks to be let in, who's known by which accounts, and codes for one more."""

from urllib.parse import unquote

from hub.ports import Add, BridgeInfo
from hub.records import HOME, OWNER, Address, Link, Person, PersonId
from hub.testing import NOON, FakeBridge, hello
from tests.unit.web.world import World, a_world


def a_bridge(name: str = "telegram", **info: str) -> FakeBridge:
    bridge = FakeBridge(name)
    bridge.info = BridgeInfo(name=name, kind=name, **info)  # type: ignore[arg-type]
    return bridge


async def a_knock(world: World, name: str = "Bea", sender: str = "4711") -> str:
    """Have a stranger write, and return the code that they were told."""
    here = Address(bridge="telegram", chat=sender)
    words = await world.services.pairings.knock(hello("hi", address=here, sender=sender, name=name))
    assert words
    return words.partition("code is ")[2][:8]


async def a_person(world: World, name: str) -> tuple[PersonId, str]:
    person = Person(id=PersonId(name), tenant=HOME, name=name, created_at=NOON)
    await world.store.commit(Add(person))
    _, secret = await world.people.create_key(HOME, person.id, name, ("messages:read",))
    return person.id, secret


async def test_who_asks_to_be_let_in_is_listed_without_their_code() -> None:
    world = await a_world(bridges=[a_bridge()])
    code = await a_knock(world)
    async with world.client() as client:
        listed = await client.get("/v1/pairings")
        status = (await client.get("/v1/status")).json()

    (request,) = listed.json()["items"]
    assert (request["name"], request["sender"], request["kind"]) == ("Bea", "4711", "telegram")
    assert code not in listed.text
    assert status["requests"] == 1


async def test_a_request_is_approved_by_its_id_or_by_the_code_and_makes_a_person_with_that_account() -> None:
    world = await a_world(bridges=[a_bridge()])
    code = await a_knock(world)
    await a_knock(world, "Cid", "4712")
    async with world.client() as client:
        second = (await client.get("/v1/pairings")).json()["items"][1]["id"]
        by_code = await client.post(f"/v1/pairings/{code.lower()}/approve")
        by_id = await client.post(f"/v1/pairings/{second}/approve", json={})
        left = (await client.get("/v1/pairings")).json()["items"]
        people = (await client.get("/v1/people")).json()["items"]

    assert (by_code.status_code, by_id.status_code, left) == (200, 200, [])
    named = {person["name"]: [account["sender"] for account in person["accounts"]] for person in people}
    assert named == {"Owner": [], "Bea": ["4711"], "Cid": ["4712"]}


async def test_a_request_can_be_one_more_account_of_somebody_known() -> None:
    world = await a_world(bridges=[a_bridge()])
    ann, _ = await a_person(world, "ann")
    code = await a_knock(world)
    async with world.client() as client:
        approved = await client.post(f"/v1/pairings/{code}/approve", json={"person": ann})

    assert approved.json()["id"] == ann
    assert [account["sender"] for account in approved.json()["accounts"]] == ["4711"]


async def test_only_an_admin_makes_an_account_the_owners() -> None:
    world = await a_world(bridges=[a_bridge()])
    code = await a_knock(world)
    async with world.client(await world.key_with("people:write")) as client:
        refused = await client.post(f"/v1/pairings/{code}/approve", json={"person": OWNER})
    async with world.client() as client:
        taken = await client.post(f"/v1/pairings/{code}/approve", json={"person": OWNER})

    assert (refused.status_code, taken.status_code) == (403, 200)


async def test_who_is_refused_is_not_listed_any_more() -> None:
    world = await a_world(bridges=[a_bridge()])
    code = await a_knock(world)
    async with world.client() as client:
        denied = await client.post(f"/v1/pairings/{code}/deny")
        left = (await client.get("/v1/pairings")).json()["items"]
        unknown = await client.post("/v1/pairings/ABCDEFGH/approve")

    assert (denied.status_code, denied.json()["name"], left, unknown.status_code) == (200, "Bea", [], 404)


async def test_a_code_of_ones_own_comes_with_a_link_and_a_picture_for_each_platform() -> None:
    telegram = a_bridge("telegram", invite="https://t.me/hub_bot?start={code}")
    xmpp = a_bridge("xmpp", account="hub@example.org/agenthost")
    world = await a_world(bridges=[telegram, xmpp, a_bridge("other")])
    async with world.client() as client:
        made = await client.post("/v1/pairings", headers={"Idempotency-Key": "once"})
        again = await client.post("/v1/pairings", headers={"Idempotency-Key": "once"})

    code = made.json()["code"]
    first, second, third = made.json()["ways"]
    assert made.json()["say"] == f"/pair {code}"
    assert first["link"] == f"https://t.me/hub_bot?start={code}"
    assert unquote(second["link"]) == f"xmpp:hub@example.org?message;body=/pair {code}"
    assert first["qr"].startswith("data:image/svg+xml")
    assert (third["link"], third["qr"]) == ("", "")
    assert again.status_code == 409


async def test_a_code_links_the_account_that_writes_it() -> None:
    world = await a_world(bridges=[a_bridge()])
    ann, key = await a_person(world, "ann")
    async with world.client(key) as client:
        said = (await client.post("/v1/pairings")).json()["say"]
    incoming = hello(said, address=Address(bridge="telegram", chat="9"), sender="9")
    redeemed = await world.services.pairings.redeem(incoming)
    assert redeemed
    await world.store.commit(*redeemed[1])
    async with world.client(key) as client:
        me = (await client.get("/v1/people/me")).json()

    assert (redeemed[0], [account["sender"] for account in me["accounts"]]) == (ann, ["9"])


async def test_without_the_scope_one_sees_oneself_only() -> None:
    world = await a_world(bridges=[a_bridge()])
    ann, key = await a_person(world, "ann")
    async with world.client(key) as client:
        people = (await client.get("/v1/people")).json()["items"]
        answers = [await client.get(path) for path in (f"/v1/people/{ann}", f"/v1/people/{OWNER}", "/v1/pairings")]

    assert [person["id"] for person in people] == [ann]
    assert [answer.status_code for answer in answers] == [200, 404, 403]


async def test_an_account_is_unlinked_by_its_person_and_by_nobody_else() -> None:
    world = await a_world(bridges=[a_bridge()])
    ann, hers = await a_person(world, "ann")
    _, bobs = await a_person(world, "bob")
    await world.store.commit(Add(Link(tenant=HOME, bridge="telegram", sender="4711", person=ann, created_at=NOON)))
    account = {"bridge": "telegram", "sender": "4711"}
    async with world.client(hers) as client, world.client(bobs) as other:
        refused = await other.delete(f"/v1/people/{ann}/accounts", params=account)
        strange = await client.delete("/v1/people/me/accounts", params={**account, "sender": "4712"})
        gone = await client.delete("/v1/people/me/accounts", params=account)
        me = (await client.get("/v1/people/me")).json()

    assert (refused.status_code, strange.status_code, gone.status_code, me["accounts"]) == (404, 404, 204, [])


async def test_preferences_are_read_and_changed_one_by_one() -> None:
    world = await a_world()
    async with world.client() as client:
        before = (await client.get("/v1/people/me/preferences")).json()
        set_ = (await client.put("/v1/people/me/preferences", json={"quiet": "22-7 Europe/Berlin"})).json()
        both = (await client.put("/v1/people/me/preferences", json={"digest": "8"})).json()
        wrong = await client.put("/v1/people/me/preferences", json={"quiet": "", "digest": "dawn"})
        ended = (await client.put("/v1/people/me/preferences", json={"quiet": "", "digest": ""})).json()

    assert before == {"quiet": "", "zone": "UTC", "digest": "", "language": ""}
    assert set_ == {"quiet": "22:00-07:00", "zone": "Europe/Berlin", "digest": "", "language": ""}
    assert both == {"quiet": "22:00-07:00", "zone": "Europe/Berlin", "digest": "08:00", "language": ""}
    assert (wrong.status_code, wrong.json()["field"]) == (400, "digest")
    assert ended == before
