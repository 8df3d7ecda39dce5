"""How pages look: the hub's own look, a tenant's over it, by whose host name or session; and what's refused."""

import base64
import re

import httpx

from hub.config import Config, HubConfig
from hub.records import HOME, OWNER, TenantId
from hub.sites import SiteConfig
from tests.unit.web.test_embeds import SHOP
from tests.unit.web.test_tenants import a_tenant
from tests.unit.web.world import World, a_world

PAGES = ("/", "/tasks", "/people", "/desk", "/packages", "/packages/find", "/webhooks", "/keys", "/usage", "/look")
MORE = ("/status", "/sign-in", "/invitation", "/account")
RED, GREEN = "#7c2d12", "#14532d"
LOGO = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" onload="x()"><script>x()</script><path d="M0 0"/></svg>'
)


async def a_branded_tenant(world: World, **fields: object) -> tuple[TenantId, str]:
    """Return id and key of a tenant at shop.example whose pages are called Bea's."""
    async with world.client() as client:
        tenant, key = await a_tenant(client, hosts=["Shop.Example."])
    async with world.client(key) as theirs:
        wish = {"name": "Bea’s", "accent": RED, "logo": base64.b64encode(LOGO).decode(), **fields}
        changed = await theirs.patch("/v1/brand", json=wish)
        assert changed.status_code == 200, changed.text
    return tenant, key


def style_of(page: str) -> str:
    return str(re.findall(r'href="(/brand/\w+/look\.css)"', page)[0])


async def test_pages_of_a_hub_that_goes_by_a_name_of_its_own_nowhere_say_ours() -> None:
    world = await a_world(Config(site=SiteConfig(name="Bea’s place", accent=RED)))
    async with world.client("") as client:
        pages = {path: (await client.get(path)).text for path in (*PAGES, *MORE)}
        style = (await client.get(style_of(pages["/"]))).text

    for path, page in pages.items():
        assert "agenthost" not in page.lower(), path
        assert re.search(r"<title>[^<]*Bea’s place</title>", page), path
    assert f"--accent: {RED}; --on-accent: #ffffff" in style
    assert f'content="{RED}"' in pages["/"]


async def test_a_hub_without_one_looks_as_ever_and_loads_nothing_more() -> None:
    world = await a_world()
    async with world.client("") as client:
        page = (await client.get("/sign-in")).text

    assert "/brand/" not in page
    assert "Sign in to AgentHost" in page


async def test_a_tenant_is_shown_by_its_host_name_before_anybody_signs_in_and_by_its_session_anywhere() -> None:
    world = await a_world()
    tenant, _ = await a_branded_tenant(world)
    person = await world.store.person(tenant, OWNER)
    assert person
    _, session = await world.people.open_session(person, "")
    async with world.client("") as client:
        by_name = (await client.get("/sign-in", headers={"Host": "shop.example:8080"})).text
        elsewhere = (await client.get("/sign-in")).text
        by_session = (await client.get("/", headers={"Cookie": f"agenthost_session={session}"})).text
        style = await client.get(style_of(by_name), headers={"Host": "shop.example"})
        stale = await client.get("/brand/0123456789ab/look.css")

    assert "Sign in to Bea’s" in by_name
    assert "Sign in to AgentHost" in elsewhere
    assert "<span>Bea’s</span>" in by_session
    assert RED in style.text
    assert "immutable" in style.headers["cache-control"]
    assert (RED in stale.text, stale.headers["cache-control"]) == (False, "no-cache")


async def test_a_logo_is_a_picture_and_can_do_nothing_even_if_it_is_opened_by_itself() -> None:
    world = await a_world()
    _, key = await a_branded_tenant(world)
    async with world.client(key) as client:
        look = (await client.get("/v1/brand")).json()
        logo = await client.get(look["logo"])

    assert logo.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in logo.headers["content-security-policy"]
    assert "script" not in logo.text
    assert "onload" not in logo.text
    assert look["own"] == ["name", "accent", "logo"]
    assert look["hosts"] == ["shop.example"]


async def test_without_a_logo_a_name_of_ones_own_has_its_first_letter_and_not_the_hubs_logo() -> None:
    world = await a_world()
    _, key = await a_branded_tenant(world)
    async with world.client() as client:
        await client.patch("/v1/brand", json={"name": "Hub", "logo": base64.b64encode(LOGO).decode()})
    async with world.client(key) as client:
        gone = (await client.patch("/v1/brand", json={"logo": ""})).json()
        letter = (await client.get(gone["logo"])).text
        nameless = (await client.patch("/v1/brand", json={"name": ""})).json()
        hubs = (await client.get(nameless["logo"])).text

    assert ">B</text>" in letter
    assert nameless["name"] == "Hub"
    assert "<path" in hubs


async def test_what_could_not_be_read_or_is_no_logo_is_refused_and_changes_nothing() -> None:
    world = await a_world()
    async with world.client() as client:
        refused = [
            (await client.patch("/v1/brand", json=wish)).json()
            for wish in (
                {"accent": "#ffe600"},
                {"accent": "red"},
                {"accent": RED, "accent_dark": "#000000"},
                {"accent_dark": "#ffe600"},
                {"name": "a\nb"},
                {"logo": base64.b64encode(b"GIF89a").decode()},
                {"logo": base64.b64encode(b"RIFF\0\0\0\0WEBP" + b"x" * 70_000).decode()},
            )
        ]
        look = (await client.get("/v1/brand")).json()

    assert [each["field"] for each in refused] == [
        "accent",
        "accent",
        "accent_dark",
        "accent_dark",
        "name",
        "logo",
        "logo",
    ]
    assert "take #7a6e00" in refused[0]["detail"]
    assert look["own"] == []


async def test_only_an_admin_changes_it_and_everybody_in_the_tenant_reads_it() -> None:
    world = await a_world()
    async with world.client(await world.key_with("messages:read", "keys:write")) as client:
        read = await client.get("/v1/brand")
        refused = [await client.patch("/v1/brand", json={"name": "x"}), await client.delete("/v1/brand")]

    assert read.json()["name"] == "AgentHost"
    assert [each.status_code for each in refused] == [403, 403]


async def test_forgotten_it_looks_as_the_hub_does_again() -> None:
    world = await a_world(Config(site=SiteConfig(name="Hub", accent=GREEN)))
    _, key = await a_branded_tenant(world)
    async with world.client(key) as client:
        before = (await client.get("/v1/brand")).json()
        after = (await client.delete("/v1/brand")).json()

    assert (before["name"], before["accent"]) == ("Bea’s", RED)
    assert (after["name"], after["accent"], after["own"]) == ("Hub", GREEN, [])


async def test_host_names_are_given_by_who_runs_the_hub_and_no_two_tenants_have_one() -> None:
    world = await a_world(Config(hub=HubConfig(url="https://hub.example")))
    tenant, key = await a_branded_tenant(world)
    async with world.client() as client:
        other, _ = await a_tenant(client)
        taken = await client.patch(f"/v1/tenants/{other}", json={"hosts": ["shop.example"]})
        bad = [
            (await client.patch(f"/v1/tenants/{other}", json={"hosts": [name]})).status_code
            for name in ("hub.example", "localhost", "x.localhost", "127.0.0.1", "https://a.example", "a b.example", "")
        ]
        idn = (await client.patch(f"/v1/tenants/{other}", json={"hosts": ["bücher.example"]})).json()
        moved = await client.patch(f"/v1/tenants/{tenant}", json={"hosts": []})
        gone = await client.get("/sign-in", headers={"Host": "shop.example"})
        come = await client.get("/sign-in", headers={"Host": "xn--bcher-kva.example"})
    async with world.client(key) as theirs:
        own = await theirs.patch("/v1/brand", json={"hosts": ["evil.example"]})

    assert taken.json()["field"] == "hosts"
    assert set(bad) == {400}
    assert idn["hosts"] == ["xn--bcher-kva.example"]
    assert (moved.json()["hosts"], gone.status_code, come.status_code) == ([], 400, 200)
    assert own.status_code == 400


async def test_an_invitation_made_at_a_tenants_own_address_leads_there() -> None:
    world = await a_world(Config(hub=HubConfig(url="https://hub.example")))
    _, key = await a_branded_tenant(world)
    async with world.client(key) as client:
        there = (await client.post("/v1/invitations", json={}, headers={"Host": "shop.example"})).json()["url"]
        here = (await client.post("/v1/invitations", json={})).json()["url"]

    assert there.startswith("https://shop.example/invitation#")
    assert here.startswith("https://hub.example/invitation#")


async def test_a_chat_in_a_page_has_its_tenants_look_unless_it_has_its_own() -> None:
    world = await a_world()
    _, key = await a_branded_tenant(world)

    async def settings(client: httpx.AsyncClient, **fields: str) -> dict[str, str]:
        made = (await client.post("/v1/embeds", json={"name": "inner name", "origins": [SHOP], **fields})).json()
        found = await client.get(f"/embed/{made['id']}/settings", headers={"Origin": SHOP})
        return {name: found.json()[name] for name in ("title", "colour", "ink")}

    async with world.client(key) as client:
        plain = await settings(client)
        own = await settings(client, title="Ask us", colour="#ffe600")

    assert plain == {"title": "Bea’s", "colour": RED, "ink": "#ffffff"}
    assert own == {"title": "Ask us", "colour": "#ffe600", "ink": "#000000"}


async def test_what_a_tenant_looks_like_is_told_in_its_audit_log_and_goes_with_it() -> None:
    world = await a_world()
    tenant, _ = await a_branded_tenant(world)
    told = [deed.action async for deed in world.services.audit.all(tenant)]
    async with world.client() as client:
        await client.delete(f"/v1/tenants/{tenant}")
    found = await world.store.tenant(tenant)
    assert found
    await world.services.business.clearing.finish(found)

    assert {"brand.changed", "host.given"} <= set(told)
    assert await world.store.brand(tenant) is None
    assert await world.store.host_name("shop.example") is None
    assert await world.store.brand(HOME) is None


async def test_pages_are_shown_while_the_store_is_away() -> None:
    world = await a_world(Config(site=SiteConfig(name="Hub", accent=GREEN)))
    await world.store.close()
    async with world.client("") as client:
        page = await client.get("/sign-in")

    assert page.status_code == 200
    assert "Sign in to Hub" in page.text
