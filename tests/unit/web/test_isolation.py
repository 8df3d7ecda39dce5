"""The wall between tenants: whatever route is asked with another one's ids answers as to what isn't there.

A new route with an id in its path has to be put down here, by whose id it takes and with a body that it would do.
"""

import os
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest
from litestar.routes import HTTPRoute

from hub.config import Config, LimitsConfig
from hub.ports import Add
from hub.records import OWNER, File, PersonId, Record, TenantId, Text
from hub.store.memory import MemoryStore
from hub.testing import (
    a_brand,
    a_draft,
    a_handover,
    a_host_name,
    a_key,
    a_link,
    a_message,
    a_note,
    a_pairing,
    a_pause,
    a_person,
    a_reply,
    a_session,
    a_step,
    a_task,
    a_turn,
    a_webhook,
    a_webhook_delivery,
    an_embed,
    an_entry,
    an_event,
    an_inlet,
    an_invitation,
)
from hub.web.auth import WHOLE
from tests.unit.web.world import World, a_world

CANARY = "the-other-tenants-own"
OPERATIONS = int(os.environ.get("AGENTHOST_ISOLATION", "400"))
FIELDS = ("task", "reply_to", "on_behalf_of", "person", "to", "agent", "chat", "draft", "user", "external", "cursor")
STREAMS = ("/events", "/ws", ":stream", ":subscribe")
KINDS = {
    "/v1/messages/{id}": "message",
    "/v1/tasks/{id}": "task",
    "/v1/files/{sha256}": "file",
    "/v1/approvals/{id}": "pause",
    "/v1/waiting/{id}": "waiting",
    "/v1/handovers/{id}": "handover",
    "/v1/keys/{id}": "key",
    "/v1/embeds/{id}": "embed",
    "/v1/pairings/{id}": "pairing",
    "/v1/people/{id}": "person",
    "/v1/responses/{id}": "response",
    "/v1/sessions/{id}": "session",
    "/v1/invitations/{id}": "invitation",
    "/v1/dead/{id}": "entry",
    "/v1/webhooks/{id}": "webhook",
    "/v1/hooks/in/{id}": "inlet",
    "/a2a/tasks/{id}": "task",
}
"""Whose ids stand in which paths."""
OF_THE_HUB = ("/v1/models/", "/v1/account/oidc/", "/v1/sign-in/oidc/")
"""What's named there is the same for all tenants."""
BY_COOKIE = "/v1/sessions/"
"""No key may there at all."""
BODIES: dict[str, dict[str, Any]] = {
    "POST /v1/messages/{id}/choice": {"choice": "new"},
    "PUT /v1/messages/{id}/task": {"task": "new"},
    "PUT /v1/tasks/{id}/plan": {"points": [{"text": "Look"}]},
    "PUT /v1/tasks/{id}/schedule": {"schedule": {"cron": "0 8 * * *"}},
    "POST /v1/waiting/{id}": {"choice": "approve"},
    "POST /v1/handovers/{id}/notes": {"text": "x"},
    "POST /v1/handovers/{id}/send": {"text": "x"},
    "POST /v1/handovers/{id}/transfer": {"to": "owner"},
    "POST /v1/embeds/{id}/passes": {"external": "x"},
    "PATCH /v1/people/{id}": {"name": "x"},
    "POST /v1/webhooks/{id}/recover": {"since": "2026-11-22T12:00:00Z"},
}
QUERIES = {"DELETE /v1/people/{id}/accounts": {"bridge": "fake", "sender": "ann"}}


class Readable(MemoryStore):
    """A store that can be read through."""

    def of(self, tenant: TenantId) -> dict[str, bytes]:
        """Return all that's a tenant's, by kind and content."""
        every = [record for kind in self._kept.values() for record in kind.values()]
        told = [msgspec.json.encode(record) for record in every if getattr(record, "tenant", None) == tenant]
        return {f"{number}": each for number, each in enumerate(sorted(told))}


@dataclass
class Walls:
    """Two tenants: one that has everything, and the owner of the other, who asks."""

    world: World
    store: Readable
    theirs: TenantId
    key: str
    """Of the owner who asks."""
    their_key: str
    """Of the owner who has everything."""
    ids: dict[str, str]
    """Of what the other tenant has, by kind."""

    def client(self, key: str = "") -> httpx.AsyncClient:
        """A client of who asks, or of another key."""
        client = self.world.client(key or self.key)
        client.headers["A2A-Version"] = "1.0"
        return client


@pytest.fixture
async def walls() -> Walls:
    unhurried = LimitsConfig(requests_per_key=0, requests_per_person=0, requests_per_tenant=0)
    world = await a_world(Config(limits=unhurried), store=(store := Readable()))
    async with world.client() as client:
        made = [(await client.post("/v1/tenants", json={"name": name})).json() for name in ("Alder", "Birch")]
    theirs = TenantId(made[0]["id"])
    ids, records = has_everything(theirs)
    await store.commit(*map(Add, records))
    return Walls(world, store, theirs, made[1]["key"], made[0]["key"], ids)


def has_everything(tenant: TenantId) -> tuple[dict[str, str], Sequence[Record]]:
    """Return one of each that has an id, all of them a tenant's, and their ids."""
    ann, sha256 = PersonId("ann"), "a" * 64
    task = a_task(CANARY, tenant=tenant, person=ann)
    turn = a_turn(task, answer=CANARY)
    file = File(name=CANARY, media_type="text/plain", size=1, sha256=sha256)
    message = a_message(
        tenant=tenant, person=ann, task=task.id, turn=turn.id, parts=(Text(CANARY), file), state="answered"
    )
    entry = an_entry(message, state="dead", error=CANARY)
    pause, key = a_pause(turn, tenant=tenant, person=OWNER, why=CANARY), a_key(tenant=tenant, person=ann, name=CANARY)
    pairing = a_pairing(tenant=tenant, person=None, name=CANARY)
    handover = a_handover(tenant=tenant, person=ann, state="taken", why=CANARY)
    draft, hook = a_draft(handover, task, CANARY), a_webhook(tenant=tenant)
    delivery, inlet = a_webhook_delivery(hook), an_inlet(tenant=tenant, person=ann, name=CANARY)
    embed, invitation = an_embed(tenant=tenant, name=CANARY), an_invitation(tenant=tenant, name=CANARY)
    session = a_session(tenant=tenant, person=ann, device=CANARY)
    records: list[Record] = [
        a_person(tenant=tenant, id=ann, name=CANARY, role="member", external=CANARY), a_link(tenant=tenant, person=ann),
        task, turn, a_step(turn, result=CANARY), message, a_reply(message, CANARY), entry, pause, key, pairing,
        handover,
        draft, a_note(handover, CANARY), hook, delivery, inlet, embed, invitation, session,
        an_event(tenant=tenant, person=ann, message=message.id, task=task.id),
        a_brand(tenant=tenant, name=CANARY), a_host_name(tenant=tenant),
    ]  # fmt: skip
    ids: dict[str, str] = {
        "message": message.id, "task": task.id, "file": sha256, "pause": pause.id, "handover": handover.id,
        "draft": draft.id, "key": key.id, "embed": embed.id, "pairing": pairing.id, "person": ann, "entry": entry.id,
        "response": f"resp_{message.id}", "session": session.id, "invitation": invitation.id, "webhook": hook.id,
        "waiting": f"leave-{pause.id}", "delivery": delivery.id, "inlet": inlet.id, "sha256": sha256, "config": "c",
    }  # fmt: skip
    return ids, records


def routes(world: World) -> list[tuple[str, str, bool]]:
    """Return method and path of each endpoint with something to fill in, and whether it's about the whole hub."""
    return [
        (method, path, bool(handler.opt.get(WHOLE)))
        for route in world.app.routes
        if isinstance(route, HTTPRoute) and "{" in route.path
        if not (path := re.sub(r":\w+}", "}", route.path)).startswith(OF_THE_HUB)
        for handler in route.route_handlers
        if not handler.opt.get("open") and "pushNotification" not in path  # supported for nobody
        for method in sorted(handler.http_methods - {"HEAD", "OPTIONS"})
    ]


def nobodys(id: str) -> str:
    """Return an id of the same kind that nobody has."""
    other = re.sub(r"[0-9a-f]{28,}", lambda found: "0" * len(found[0]), id)
    return other if other != id else "nobody"


async def ask(walls: Walls, client: httpx.AsyncClient, method: str, path: str, *, nobody: bool) -> tuple[int, str]:
    """Ask with the other tenant's id, or with nobody's; return the status, and the answer without that id."""
    route = f"{method} {path}"
    kind = next((kind for prefix, kind in KINDS.items() if path.startswith(prefix)), "task")
    first = nobodys(walls.ids[kind]) if nobody else walls.ids[kind]
    where = re.sub(r"\{\w+\}", first, path, count=1)
    where = re.sub(r"\{(\w+)\}", lambda named: walls.ids.get(named[1], "x"), where)
    body = BODIES.get(route, {} if method in ("POST", "PUT", "PATCH") else None)
    answer = await client.request(method, where, json=body, params=QUERIES.get(route))
    return answer.status_code, answer.text.replace(first, "ID")


async def test_every_route_answers_to_anothers_ids_as_to_nobodys(walls: Walls) -> None:
    """Promise 8, over all routes that there are; nothing of the other tenant is changed by any of them."""
    before, found = walls.store.of(walls.theirs), routes(walls.world)
    async with walls.client() as client:
        for method, path, whole in found:
            status, told = await ask(walls, client, method, path, nobody=False)
            assert status == (403 if whole or path.startswith(BY_COOKIE) else 404), (method, path, told)
            assert CANARY not in told, (method, path)
            assert whole or any(path.startswith(prefix) for prefix in KINDS), f"say in KINDS whose id {path} takes"
            assert await ask(walls, client, method, path, nobody=True) == (status, told), (method, path)
    assert walls.store.of(walls.theirs) == before
    assert len(found) >= 80


async def test_these_ids_are_good_for_whose_they_are(walls: Walls) -> None:
    """Else the test above would pass with any ids at all."""
    # Files have no bytes here, and a response has to be a program's own: for these see test_files and tests/openai.
    but = ("/v1/responses/", "/v1/files/")
    gets = [path for method, path, whole in routes(walls.world) if method == "GET" and not whole]
    asked = [path for path in gets if not path.startswith(but) and "sha256" not in path]
    async with walls.client(walls.their_key) as client:
        for path in asked:
            status, told = await ask(walls, client, "GET", path, nobody=False)
            assert status == 200, (path, told)
    assert len(asked) >= 20


async def test_random_operations_with_anothers_ids_leak_nothing_and_change_nothing(walls: Walls) -> None:
    """S5: `AGENTHOST_ISOLATION=10000` makes as many as a night allows."""
    dice, before = random.Random(1), walls.store.of(walls.theirs)
    known = [*walls.ids.values(), "0" * 28, "owner", "1", "me", "default"]
    paths = [route.path for route in walls.world.app.routes if isinstance(route, HTTPRoute)]
    paths = [path for path in paths if path.startswith(("/v1/", "/a2a")) and not path.endswith(STREAMS)]
    async with walls.client() as client:
        for _ in range(OPERATIONS):
            method = dice.choice(("GET", "GET", "POST", "PUT", "PATCH", "DELETE"))
            path = re.sub(r"\{[^}]*\}", lambda _: dice.choice(known), dice.choice(paths))
            given = {name: dice.choice(known) for name in FIELDS if dice.random() < 0.25}
            body = {"text": "x", "name": "x", **given} if method in ("POST", "PUT", "PATCH") else None
            answer = await client.request(method, path, json=body, params=None if body else given)
            assert CANARY not in answer.text, (method, path, given)
            assert answer.status_code != 429
            assert answer.status_code < 500, (method, path, given, answer.text)
    assert walls.store.of(walls.theirs) == before
