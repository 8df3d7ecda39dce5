"""Where other systems write: each post becomes one message, that goes the way of all, marked as a stranger's words."""

import re
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Protocol

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from hub.errors import BadRequest, NotAllowed, NotFound, TooMany
from hub.flow.heard import FORWARDED
from hub.flow.inbox import CONTROL
from hub.flow.inlet_proofs import proved
from hub.flow.inlet_templates import TEMPLATES, Body, check_template, filled, kind_of, read
from hub.flow.webhook_signing import bytes_of, fresh_secret
from hub.ports import Add, Change, Clock, Remove, Save, Store
from hub.records import (
    Address,
    Incoming,
    Inlet,
    InletId,
    InletProof,
    InletSource,
    Message,
    PersonId,
    TaskId,
    TenantId,
    Text,
    new_id,
)
from hub.vault import Vault

HTTP = "http"
MOST = 100
"""Inlets of a tenant."""
CHARACTERS = 8_000
"""Of a message that's made of a post."""
WINDOW = timedelta(minutes=10)
"""So long the same words without an id are the same delivery."""
REMEMBERED = 10_000
LONGEST_ID = 200
IDS: Mapping[InletSource, tuple[str, ...]] = {
    "generic": ("idempotency-key", "webhook-id", "x-delivery-id"),
    "github": ("x-github-delivery",),
    "gitlab": ("x-gitlab-event-uuid", "idempotency-key"),
    "sentry": ("request-id",),
    "standard": ("webhook-id",),
}
"""The headers that say which delivery it is, the best one first."""
GENERATED: frozenset[InletProof] = frozenset({"bearer", "github", "gitlab", "standard", "stripe", "sentry"})


USUAL: Mapping[InletSource, InletProof] = {
    "github": "github",
    "gitlab": "gitlab",
    "stripe": "stripe",
    "sentry": "sentry",
    "standard": "standard",
}
SECRET = re.compile("auth|cookie|key|secret|signature|token")
"""Headers that no template shows."""


class Keeping(Protocol):
    """Keeps messages: the inbox."""

    async def keep(self, incoming: Incoming, *beside: Change) -> tuple[Message, bool]:
        """See Inbox."""


class Unproved(Exception):
    """A post doesn't prove that it's from whom the inlet is for."""


@dataclass(frozen=True, kw_only=True)
class InletWish:
    """How an inlet shall be; UNSET leaves it as it is, or as is usual."""

    name: str | UnsetType = UNSET
    source: InletSource | UnsetType = UNSET
    proof: InletProof | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    template: str | UnsetType = UNSET
    chat: str | UnsetType = UNSET
    agent: str | UnsetType | None = UNSET
    task: str | UnsetType = UNSET
    per_minute: int | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class Inlets:
    """Keeps inlets, and takes what's posted to them."""

    def __init__(self, store: Store, clock: Clock, inbox: Keeping, vault: Vault) -> None:
        self._store = store
        self._clock = clock
        self._inbox = inbox
        self._vault = vault
        self._rooms: OrderedDict[InletId, tuple[float, float]] = OrderedDict()
        """By inlet: how many posts there's room for, and when that was."""

    async def create(self, tenant: TenantId, person: PersonId, wish: InletWish) -> tuple[Inlet, str, str]:
        """Make an inlet; return it with the token of its address and its secret, both shown once.

        The secret is empty where the address is enough, or was given. Raises BadRequest, and TooMany beyond the most.
        """
        if len(await self._store.inlets(tenant)) >= MOST:
            raise TooMany(f"hooks: there are {MOST}, which is the most; remove one first", after=60.0)
        token, source = f"in_{secrets.token_urlsafe(32)}", wish.source if wish.source is not UNSET else "generic"
        inlet = Inlet(
            id=InletId(new_id()),
            tenant=tenant,
            person=person,
            name="",
            source=source,
            proof=usual(source),
            hash=_hash(token),
            template=TEMPLATES[source],
            chat="main",
            created_at=self._clock.now(),
        )
        inlet = await self._wished(inlet, wish)
        made = ""
        if inlet.proof in GENERATED and not inlet.secret:
            made = fresh_secret()
            inlet = self._locked(inlet, made)
        await self._store.commit(Add(inlet))
        return inlet, token, made

    async def named(self, tenant: TenantId, id: str) -> Inlet:
        """Return an inlet; raises NotFound."""
        found = await self._store.inlet(tenant, InletId(id))
        if found is None:
            raise NotFound(f"hook: there's no {id[:80]!r}; GET /v1/hooks/in lists them")
        return found

    async def change(self, tenant: TenantId, id: str, wish: InletWish) -> Inlet:
        """Change an inlet; its address stays. Raises NotFound and BadRequest."""
        inlet = await self._wished(await self.named(tenant, id), wish)
        if inlet.proof in GENERATED and not inlet.secret:
            raise BadRequest("secret", f"proof {inlet.proof} needs one; give it along")
        await self._store.commit(Save(inlet))
        return inlet

    async def remove(self, tenant: TenantId, id: str) -> None:
        """Forget an inlet; what was posted to it stays. Raises NotFound."""
        await self._store.commit(Remove(await self.named(tenant, id)))

    async def receive(self, token: str, headers: Mapping[str, str], body: bytes) -> Message | None:
        """Keep what was posted as a message, once for each delivery, and return it; None for a mere greeting.

        `headers` are by lower-case names. Raises NotFound for a token that's none or is off, Unproved, BadRequest,
        TooMany, NotAllowed where the inlet's person may not speak any more, StoreUnavailable.
        """
        inlet = await self._store.inlet_by_hash(_hash(token))
        if inlet is None or inlet.off_at is not None:
            raise NotFound("there's no such page")
        self._check_rate(inlet)
        secret = self._vault.open(inlet.secret, about=_about(inlet)) if inlet.secret else b""
        if secret is None or not proved(inlet.proof, secret.decode(), headers, body, self._clock.now()):
            raise Unproved
        await self._check_tenant(inlet)
        if inlet.source == "github" and headers.get("x-github-event") == "ping":
            return None
        posted = read(kind_of(headers.get("content-type", "application/json")), body)
        return await self._keep(inlet, posted, headers, body)

    # --- taking

    async def _keep(self, inlet: Inlet, posted: Body, headers: Mapping[str, str], body: bytes) -> Message:
        address = Address(bridge=HTTP, chat=f"{inlet.person}/{inlet.chat}")
        known = {name: value for name, value in headers.items() if not SECRET.search(name)}
        said = filled(inlet.template, posted, known, most=CHARACTERS)
        text = f"{FORWARDED}{inlet.name.replace(']', ')')}]\n{CONTROL.sub(' ', said)}"
        delivery = _delivery(inlet, posted, headers)
        external_id = f"in:{inlet.id}:{delivery}" if delivery else await self._alike(inlet, address, body)
        message, _ = await self._inbox.keep(
            Incoming(
                tenant=inlet.tenant,
                address=address,
                external_id=external_id,
                sender=inlet.person,
                parts=(Text(text),),
                sent_at=self._clock.now(),
                wish=await self._wish(inlet),
                agent=inlet.agent,
            )
        )
        return message

    async def _alike(self, inlet: Inlet, address: Address, body: bytes) -> str:
        """Return the name of a post without an id: that of the same words if they came within the window."""
        digest = sha256(body).hexdigest()
        number = int(self._clock.now().timestamp() // WINDOW.total_seconds())
        before = f"in:{inlet.id}:{digest}:{number - 1}"
        found = await self._store.message_by_external(inlet.tenant, address, before)
        recent = found is not None and self._clock.now() - found.created_at < WINDOW
        return before if recent else f"in:{inlet.id}:{digest}:{number}"

    async def _wish(self, inlet: Inlet) -> str | None:
        if inlet.task in {"new", "auto"}:
            return "new" if inlet.task == "new" else None
        task = await self._store.task(TaskId(inlet.task))
        theirs = task is not None and (task.tenant, task.person) == (inlet.tenant, inlet.person)
        return inlet.task if theirs else "new"

    async def _check_tenant(self, inlet: Inlet) -> None:
        tenant = await self._store.tenant(inlet.tenant)
        if tenant is not None and tenant.suspended_at is not None:
            raise NotFound("there's no such page")
        if tenant is not None and tenant.agents and inlet.agent not in {None, *tenant.agents}:
            raise NotAllowed(f"the agent {inlet.agent} isn't one of this tenant's any more; change the hook's agent")

    def _check_rate(self, inlet: Inlet) -> None:
        """Take one post's room, which comes back bit by bit; raises TooMany if there's none."""
        now, most = self._clock.monotonic(), float(inlet.per_minute)
        room, at = self._rooms.pop(inlet.id, (most, now))
        room = min(most, room + (now - at) * most / 60)
        self._rooms[inlet.id] = (max(room - 1, 0.0) if room >= 1 else room, now)
        if len(self._rooms) > REMEMBERED:
            self._rooms.popitem(last=False)
        if room < 1:
            raise TooMany(f"at most {inlet.per_minute} posts a minute are taken here", after=(1 - room) * 60 / most)

    # --- changing

    async def _wished(self, inlet: Inlet, wish: InletWish) -> Inlet:
        plain = {
            name: value
            for name in ("name", "proof", "chat", "agent", "per_minute")
            if (value := getattr(wish, name)) is not UNSET
        }
        inlet = replace(inlet, **plain)
        if wish.source is not UNSET and wish.source != inlet.source:
            inlet = replace(inlet, source=wish.source)
        if wish.template is not UNSET:
            check_template(wish.template)
            inlet = replace(inlet, template=wish.template)
        if wish.task is not UNSET:
            inlet = replace(inlet, task=await self._task(inlet, wish.task))
        if wish.secret is not UNSET:
            inlet = self._locked(inlet, wish.secret)
        if wish.active is not UNSET:
            inlet = replace(inlet, off_at=None if wish.active else inlet.off_at or self._clock.now())
        return inlet

    def _locked(self, inlet: Inlet, secret: str) -> Inlet:
        if inlet.proof == "standard" and bytes_of(secret) is None:
            raise BadRequest("secret", "must be whsec_ and 24 to 64 bytes in base64")
        return replace(inlet, secret=self._vault.seal(secret.encode(), about=_about(inlet)))

    async def _task(self, inlet: Inlet, wish: str) -> str:
        if wish in {"new", "auto"}:
            return wish
        task = await self._store.task(TaskId(wish))
        if task is None or (task.tenant, task.person) != (inlet.tenant, inlet.person):
            raise BadRequest("task", f"there's no {wish[:80]!r}; give new, auto, or an id from GET /v1/tasks")
        return task.id


def usual(source: InletSource) -> InletProof:
    """Return how posts of a source are proved unless somebody wishes otherwise."""
    return USUAL.get(source, "token")


def _delivery(inlet: Inlet, posted: Body, headers: Mapping[str, str]) -> str:
    """Return which delivery it is, as its sender calls it; empty if it doesn't say."""
    if inlet.source == "stripe":
        found = posted.get("id")
        given = found if isinstance(found, str) else ""
    else:
        given = next((headers[name] for name in IDS.get(inlet.source, ()) if headers.get(name)), "")
    return given if len(given) <= LONGEST_ID and re.fullmatch(r"[!-~]+", given) else _hash(given) if given else ""


def _about(inlet: Inlet) -> str:
    return f"inlet/{inlet.tenant}/{inlet.id}"


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
