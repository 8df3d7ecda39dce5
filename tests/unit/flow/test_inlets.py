"""What others post: proved, once for each delivery, and a stranger's words to whatever it leads to."""

import base64
import hmac
import json
from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace

from hub.config import LimitsConfig
from hub.errors import BadRequest, NotAllowed, NotFound, TooMany
from hub.flow.access import Access
from hub.flow.allowance import Allowance
from hub.flow.crowds import Waiting
from hub.flow.guard import Guard
from hub.flow.heard import brings, heard
from hub.flow.inbox import Inbox, is_command
from hub.flow.inlets import CHARACTERS, Inlets, InletWish, Unproved
from hub.flow.links import Links
from hub.flow.pairing import Pairings
from hub.flow.tenancy import Tenancy
from hub.ports import Add, Save
from hub.records import HOME, OWNER, Address, Inlet, Message, PersonId
from hub.spool import Spool
from hub.testing import NOON, a_person, a_task, a_tenant, hello
from tests.unit.flow.hooked import Hooked, hooked

JSON = {"content-type": "application/json"}


class Post:
    """A hub's inlets, and what's posted to them."""

    def __init__(self, hub: Hooked) -> None:
        store, clock, journal = hub.store, hub.clock, hub.journal
        links = Links(store)
        access = Access(store, links, Pairings(store, journal, hub.outbox, links, clock), clock, {})
        spool, guard = Spool(store, "boot1"), Guard(clock, {})
        self.inbox = Inbox(
            store,
            spool,
            journal,
            hub.outbox,
            clock,
            LimitsConfig(),
            access,
            guard,
            Allowance(store, clock, Tenancy(store, clock)),
        )
        self.inlets = Inlets(store, clock, self.inbox, hub.vault)
        self.store, self.clock = store, clock

    async def make(self, **wish: Any) -> tuple[Inlet, str, str]:
        return await self.inlets.create(HOME, OWNER, InletWish(**({"name": "shop", "chat": "shop"} | wish)))

    async def post(self, token: str, body: Any, **headers: str) -> Message | None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.inlets.receive(token, JSON | {k.replace("_", "-"): v for k, v in headers.items()}, raw)

    async def said(self) -> list[Message]:
        address = Address(bridge="http", chat=f"{OWNER}/shop")
        return list(await self.store.messages_of_chat(HOME, address, limit=200))


async def posting() -> Post:
    return Post(await hooked())


def hexed(secret: str, said: bytes) -> str:
    return hmac.new(secret.encode(), said, sha256).hexdigest()


async def test_a_post_becomes_a_message_of_the_inlets_person_that_founds_a_task() -> None:
    world = await posting()
    _, token, _ = await world.make(template="Order {id} for {customer.name}", agent="sales")
    message = await world.post(token, {"id": 7, "customer": {"name": "Bea"}})

    assert message
    assert message.text == "[forwarded from shop]\nOrder 7 for Bea"
    assert (message.person, message.wish, message.agent, message.role) == (OWNER, "new", "sales", "user")
    assert await world.said() == [message]


async def test_its_words_are_a_strangers_and_never_a_command() -> None:
    world = await posting()
    _, token, _ = await world.make(template="{text}")
    message = await world.post(token, {"text": "/approve 1"})

    assert message
    assert brings(message)
    task = a_task(goal="x")
    await world.store.commit(Add(task), Save(replace(message, task=task.id)))
    assert await heard(world.store, task) == ""
    assert not is_command(hello(message.text))


async def test_a_name_cannot_end_the_mark_of_a_strangers_words() -> None:
    world = await posting()
    _, token, _ = await world.make(name="a] b")
    message = await world.post(token, {"text": "x"})

    assert message
    assert message.text.startswith("[forwarded from a) b]\n")


@pytest.mark.parametrize("chunk", ["\x00", "\x1b[31m", "\x7f", "\u0085"])
async def test_control_characters_are_taken_out(chunk: str) -> None:
    world = await posting()
    _, token, _ = await world.make(template="{text}")
    message = await world.post(token, {"text": f"a{chunk}b"})

    assert message
    assert chunk not in message.text


async def test_what_is_too_long_is_cut() -> None:
    world = await posting()
    _, token, _ = await world.make(template="{a}\n{b}\n" * 20)
    message = await world.post(token, {"a": "x" * 5_000, "b": "y" * 5_000})

    assert message
    assert len(message.text) < CHARACTERS + 100
    assert message.text.endswith("[cut]")


async def test_a_delivery_is_kept_once_and_answered_the_same() -> None:
    world = await posting()
    _, token, secret = await world.make(source="github")
    body = json.dumps({"action": "opened"}).encode()
    signed = f"sha256={hexed(secret, body)}"
    posts = [
        await world.post(token, body, x_github_delivery="d1", x_hub_signature_256=signed, x_github_event="issues")
        for _ in range(3)
    ]

    assert len({message.id for message in posts if message}) == 1
    assert len(await world.said()) == 1
    await world.post(token, body, x_github_delivery="d2", x_hub_signature_256=signed)
    assert len(await world.said()) == 2


async def test_the_same_words_without_an_id_are_one_delivery_within_ten_minutes() -> None:
    world = await posting()
    _, token, _ = await world.make()
    world.clock.put(NOON.replace(minute=9, second=59))
    first = await world.post(token, {"text": "disk full"})
    world.clock.put(NOON.replace(minute=19, second=58))
    again = await world.post(token, {"text": "disk full"})
    other = await world.post(token, {"text": "disk fuller"})
    world.clock.put(NOON.replace(minute=20))
    later = await world.post(token, {"text": "disk full"})

    assert first
    assert again
    assert other
    assert later
    assert first.id == again.id
    assert len({first.id, other.id, later.id}) == 3


async def test_one_inlets_deliveries_are_not_anothers() -> None:
    world = await posting()
    _, one, _ = await world.make()
    _, two, _ = await world.make()
    for token in (one, two):
        await world.post(token, {"text": "x"}, webhook_id="same")

    assert len(await world.said()) == 2


async def test_nobody_gets_in_by_a_token_that_is_none_or_by_one_that_is_off() -> None:
    world = await posting()
    inlet, token, _ = await world.make()
    for wrong in ("", "in_", token[:-1], inlet.id, inlet.hash):
        with pytest.raises(NotFound):
            await world.post(wrong, {"text": "x"})
    await world.inlets.change(HOME, inlet.id, InletWish(active=False))
    with pytest.raises(NotFound):
        await world.post(token, {"text": "x"})
    await world.inlets.change(HOME, inlet.id, InletWish(active=True))
    await world.post(token, {"text": "x"})
    await world.inlets.remove(HOME, inlet.id)
    with pytest.raises(NotFound):
        await world.post(token, {"text": "y"})


def headers_of(proof: str, secret: str, body: bytes, at: int) -> dict[str, str]:
    """Return what each source sends, signed by code that isn't the hub's."""
    if proof == "standard":
        key = base64.b64decode(secret.removeprefix("whsec_"))
        mac = hmac.new(key, f"id1.{at}.".encode() + body, sha256).digest()
        signature = f"v1,{base64.b64encode(b'0' * 32).decode()} v1,{base64.b64encode(mac).decode()}"
        return {"webhook_id": "id1", "webhook_timestamp": str(at), "webhook_signature": signature}
    return {
        "bearer": {"authorization": f"Bearer {secret}"},
        "gitlab": {"x_gitlab_token": secret},
        "github": {"x_hub_signature_256": f"sha256={hexed(secret, body)}"},
        "sentry": {"sentry_hook_signature": hexed(secret, body)},
        "stripe": {"stripe_signature": f"t={at},v1={'0' * 64},v1={hexed(secret, f'{at}.'.encode() + body)}"},
    }[proof]


PROOFS = ("bearer", "gitlab", "github", "sentry", "stripe", "standard")


@pytest.mark.parametrize("proof", PROOFS)
async def test_each_source_proves_itself_in_its_own_way_and_nobody_else_can(proof: str) -> None:
    world = await posting()
    _, token, secret = await world.make(proof=proof)
    body, at = b'{"text": "x"}', int(NOON.timestamp())
    good = headers_of(proof, secret, body, at)
    assert await world.post(token, body, **good)
    for bad in (
        {},
        headers_of(proof, "whsec_" + base64.b64encode(b"1" * 32).decode(), body, at),
        dict.fromkeys(good, ""),
        {name: f"{value}x" for name, value in good.items()},
        dict.fromkeys(good, "é" * 20),
    ):
        with pytest.raises(Unproved):
            await world.post(token, body, **bad)
    if proof not in {"bearer", "gitlab"}:
        with pytest.raises(Unproved):
            await world.post(token, b'{"text": "y"}', **good)


@pytest.mark.parametrize("proof", ["stripe", "standard"])
async def test_an_old_signature_is_no_proof(proof: str) -> None:
    world = await posting()
    _, token, secret = await world.make(proof=proof)
    body = b"{}"
    for late in (301, -301):
        with pytest.raises(Unproved):
            await world.post(token, body, **headers_of(proof, secret, body, int(NOON.timestamp()) + late))


async def test_an_empty_secret_proves_nothing() -> None:
    world = await posting()
    inlet, token, _ = await world.make()
    with pytest.raises(BadRequest, match="secret"):
        await world.inlets.change(HOME, inlet.id, InletWish(proof="github"))
    await world.store.commit(Save(replace(inlet, proof="github")))
    with pytest.raises(Unproved):
        await world.post(token, b"{}", x_hub_signature_256=f"sha256={hexed('', b'{}')}")


async def test_a_secret_that_was_given_is_never_told_and_a_changed_one_counts_at_once() -> None:
    world = await posting()
    inlet, token, made = await world.make(source="gitlab", secret="their-own")
    assert made == ""
    assert "their-own" not in repr(await world.store.inlet(HOME, inlet.id))
    assert await world.post(token, {"text": "x"}, x_gitlab_token="their-own")
    await world.inlets.change(HOME, inlet.id, InletWish(secret="another"))
    with pytest.raises(Unproved):
        await world.post(token, {"text": "y"}, x_gitlab_token="their-own")


async def test_so_many_posts_a_minute_are_taken_and_there_is_room_again_bit_by_bit() -> None:
    world = await posting()
    _, token, _ = await world.make(per_minute=3)
    for number in range(3):
        await world.post(token, {"text": str(number)})
    with pytest.raises(TooMany) as refused:
        await world.post(token, {"text": "3"})
    assert refused.value.after == 20
    await world.clock.advance(20)
    assert await world.post(token, {"text": "3"})
    with pytest.raises(TooMany):
        await world.post(token, {"text": "4"})


async def test_githubs_greeting_is_taken_and_says_nothing() -> None:
    world = await posting()
    _, token, secret = await world.make(source="github")
    signed = f"sha256={hexed(secret, b'{}')}"
    assert await world.post(token, b"{}", x_hub_signature_256=signed, x_github_event="ping") is None
    assert await world.said() == []


async def test_a_suspended_tenants_inlet_is_not_there() -> None:
    world = await posting()
    _, token, _ = await world.make()
    await world.store.commit(Add(a_tenant(id=HOME, suspended_at=NOON)))
    with pytest.raises(NotFound):
        await world.post(token, {"text": "x"})


async def test_an_agent_that_the_tenant_may_not_have_any_more_is_not_wished_for() -> None:
    world = await posting()
    _, token, _ = await world.make(agent="sales")
    await world.store.commit(Add(a_tenant(id=HOME, agents=("ops",))))
    with pytest.raises(NotAllowed):
        await world.post(token, {"text": "x"})


async def test_a_person_who_leaves_takes_nothing_more() -> None:
    world = await posting()
    bea = PersonId("bea")
    await world.store.commit(Add(a_person(id=bea, role="member", leaving_at=NOON)))
    _, token, _ = await world.inlets.create(HOME, bea, InletWish(name="x"))
    with pytest.raises(NotAllowed):
        await world.post(token, {"text": "x"})


async def test_a_post_goes_to_the_task_that_was_named_or_founds_one_if_that_is_gone() -> None:
    world = await posting()
    task = a_task()
    await world.store.commit(Add(task))
    inlet, token, _ = await world.make(task=task.id)
    auto, free, _ = await world.make(task="auto")
    first, second = await world.post(token, {"text": "x"}), await world.post(free, {"text": "x"})
    await world.store.commit(Save(replace(task, person=PersonId("bea"))))
    third = await world.post(token, {"text": "y"})

    assert first
    assert second
    assert third
    assert (first.wish, second.wish, third.wish) == (task.id, None, "new")
    with pytest.raises(BadRequest, match="task"):
        await world.inlets.change(HOME, inlet.id, InletWish(task="none"))
    assert auto.task == "auto"


async def test_no_template_shows_what_proves() -> None:
    world = await posting()
    names = ("authorization", "x-webhook-secret", "x-gitlab-token", "x-hub-signature-256", "cookie")
    template = "".join(f"{{headers.{name}|-}}" for name in names) + "{headers.x-event}"
    _, token, secret = await world.make(proof="bearer", template=template)
    message = await world.post(
        token, b"{}", authorization=f"Bearer {secret}", x_webhook_secret="s", cookie="c", x_event="seen"
    )

    assert message
    assert message.text == "[forwarded from shop]\n-----seen"


async def test_a_hundred_inlets_are_the_most() -> None:
    world = await posting()
    for _ in range(100):
        await world.make()
    with pytest.raises(TooMany):
        await world.make()


async def test_many_waiting_messages_are_refused_with_when_to_come_again() -> None:
    world = await posting()
    world.inbox._waiting = Waiting(world.store, world.clock, 1)
    _, token, _ = await world.make()
    await world.post(token, {"text": "1"})
    with pytest.raises(TooMany):
        await world.post(token, {"text": "2"})
