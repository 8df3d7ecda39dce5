"""Letting people in: strangers' requests, which the owner approves, and codes that link an account to a person."""

import logging
import re
from collections import OrderedDict
from datetime import timedelta

from msgspec.structs import replace

from hub.errors import BadRequest, NotAllowed, NotFound, Stranger
from hub.failpoints import reach
from hub.flow.codes import Tries, hashed, is_code, new_code
from hub.flow.journal import Journal
from hub.flow.links import Links
from hub.flow.notices import notice
from hub.flow.outbox import Outbox
from hub.ports import Add, Change, Clock, Remove, Save, Store
from hub.records import (
    OWNER,
    Address,
    Incoming,
    Link,
    Message,
    Pairing,
    PairingId,
    Person,
    PersonId,
    TenantId,
    Text,
    new_id,
)

log = logging.getLogger(__name__)

SPAN = timedelta(hours=1)
REFUSED_FOR = timedelta(days=1)
"""Whom the owner has refused isn't heard for so long."""
REQUESTS = 100
"""Open ones at most: who comes then is told nothing."""
LISTED = 1000
QUIET = 60.0
"""Seconds in which a stranger is told at most once."""
REMEMBERED = 1000


class Pairings:
    """Keeps requests and codes; what's open survives a restart."""

    def __init__(self, store: Store, journal: Journal, outbox: Outbox, links: Links, clock: Clock) -> None:
        self._store = store
        self._journal = journal
        self._outbox = outbox
        self._links = links
        self._clock = clock
        self._tries = Tries(clock)
        self._told: OrderedDict[tuple[TenantId, str, str], float] = OrderedDict()
        self._codes: dict[PairingId, str] = {}

    # --- strangers

    async def knock(self, incoming: Incoming) -> str | None:
        """Return what a stranger is told: their code and what to do with it. None: nothing.

        They have one open code each, and are told at most once a minute.
        """
        who = (incoming.tenant, incoming.address.bridge, incoming.sender)
        if self._clock.monotonic() - self._told.get(who, -QUIET) < QUIET:
            return None
        lasting = [pairing for pairing in await self._lasting(incoming.tenant) if pairing.kind == "request"]
        theirs = next((pairing for pairing in lasting if (pairing.bridge, pairing.sender) == who[1:]), None)
        is_open = [pairing for pairing in lasting if pairing.state == "open"]
        if theirs is None and len(is_open) >= REQUESTS:
            log.warning("%d requests to be let in are open: nobody new is told a code", len(is_open))
            return None
        if theirs is not None and theirs.state != "open":
            return None
        self._told[who] = self._clock.monotonic()
        self._told.move_to_end(who)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        if theirs is None:
            theirs = await self._request(incoming)
        return _told(theirs, self._codes.get(theirs.id))

    async def _request(self, incoming: Incoming) -> Pairing:
        code, now = new_code(), self._clock.now()
        pairing = Pairing(
            id=PairingId(new_id()),
            tenant=incoming.tenant,
            kind="request",
            hash=await hashed(incoming.tenant, code),
            state="open",
            created_at=now,
            expires_at=now + SPAN,
            bridge=incoming.address.bridge,
            sender=incoming.sender,
            chat=incoming.address.chat,
            name=incoming.name,
        )
        await self._store.commit(Add(pairing))
        self._remember(pairing, code)
        return pairing

    async def requests(self, tenant: TenantId) -> tuple[Pairing, ...]:
        """Return the requests that wait for an answer, oldest first."""
        lasting = await self._lasting(tenant)
        return tuple(p for p in reversed(lasting) if p.kind == "request" and p.state == "open")

    async def approve(self, tenant: TenantId, which: str, person: PersonId | None = None) -> Person:
        """Let a stranger in, by their code or their request's id, as a new person or as one who's known.

        They're told in their chat. Once more is no error. Raises NotFound, NotAllowed if it was refused before.
        """
        pairing = await self._found(tenant, which)
        if pairing.state == "denied":
            raise NotAllowed("that request was refused; a new one can be made in a day")
        if pairing.state == "approved" and pairing.person:
            return await self._person(tenant, pairing.person)
        known = await self._store.link(tenant, pairing.bridge, pairing.sender)
        wanted = person or (known.person if known else None)
        new = None if wanted else _new_person(pairing, self._clock)
        who = new or await self._person(tenant, wanted or OWNER)
        link = Link(
            tenant=tenant,
            bridge=pairing.bridge,
            sender=pairing.sender,
            person=who.id,
            created_at=self._clock.now(),
            chat=pairing.chat,
        )
        welcome = self._notice(pairing, who.id, "You're let in. Write to me as you would to a person; /help says more.")
        reach("pairing.before-commit")
        await self._journal.commit(
            *((Add(new),) if new else ()),
            Save(link) if known else Add(link),
            Save(replace(pairing, state="approved", person=who.id)),
            *self._outbox.say(welcome),
            wake=(self._outbox.lane(welcome),),
        )
        reach("pairing.after-commit")
        self._links.forget(tenant, pairing.bridge, pairing.sender)
        return who

    async def deny(self, tenant: TenantId, which: str) -> Pairing:
        """Refuse a stranger: they're told so once, and not heard for a day. Raises NotFound, NotAllowed."""
        pairing = await self._found(tenant, which)
        if pairing.state == "denied":
            return pairing
        if pairing.state != "open":
            raise NotAllowed("that request was approved already; unlink the account instead")
        denied = replace(pairing, state="denied", expires_at=self._clock.now() + REFUSED_FOR)
        refusal = self._notice(pairing, OWNER, "The owner of this hub doesn't let you in.")
        await self._journal.commit(Save(denied), *self._outbox.say(refusal), wake=(self._outbox.lane(refusal),))
        return denied

    # --- one person, several accounts

    async def code_for(self, tenant: TenantId, person: PersonId) -> str:
        """Return a code that links an account to a person, within the hour; their earlier one is void."""
        code, now = new_code(), self._clock.now()
        void = [
            Remove(pairing)
            for pairing in await self._lasting(tenant)
            if pairing.kind == "link" and pairing.state == "open" and pairing.person == person
        ]
        pairing = Pairing(
            id=PairingId(new_id()),
            tenant=tenant,
            kind="link",
            hash=await hashed(tenant, code),
            state="open",
            created_at=now,
            expires_at=now + SPAN,
            person=person,
        )
        await self._store.commit(*void, Add(pairing))
        return code

    async def redeem(self, incoming: Incoming) -> tuple[PersonId, tuple[Change, ...]] | None:
        """Return whom the code in a `/pair CODE` or `/start CODE` makes its sender, and what's to be kept with it.

        None for anything else. Raises NotAllowed for a wrong code, Stranger for one too many.
        """
        code = _code_in(incoming)
        if code is None:
            return None
        who = f"{incoming.address.bridge}:{incoming.sender}"
        if self._tries.too_many(who):
            raise Stranger("too many wrong codes; try again in an hour")
        pairing = await self._by_code(incoming.tenant, code)
        if pairing is None or pairing.kind != "link" or pairing.state != "open" or pairing.person is None:
            self._tries.failed(who)
            raise NotAllowed("I don't know that code, or its hour is over; write /pair where I know you for a new one")
        return pairing.person, await self._linked(pairing, pairing.person, incoming.address, incoming.sender)

    async def redeem_known(self, message: Message, code: str) -> Person | None:
        """Make the account that somebody who's known wrote from another person's, by that person's code.

        None if the code is no such code. The owner's own accounts stay the owner's: raises NotAllowed.
        """
        who = f"{message.address.bridge}:{message.sender}"
        pairing = None if self._tries.too_many(who) else await self._by_code(message.tenant, code)
        if pairing is None or pairing.kind != "link" or pairing.state != "open" or pairing.person is None:
            self._tries.failed(who)
            return None
        person = await self._person(message.tenant, pairing.person)
        if message.person == OWNER and person.id != OWNER:
            raise NotAllowed("this account is the owner's; unlink it first")
        await self._store.commit(*await self._linked(pairing, person.id, message.address, message.sender))
        self._links.forget(message.tenant, message.address.bridge, message.sender)
        return person

    async def _linked(self, pairing: Pairing, person: PersonId, at: Address, sender: str) -> tuple[Change, ...]:
        known = await self._store.link(pairing.tenant, at.bridge, sender)
        link = Link(
            tenant=pairing.tenant,
            bridge=at.bridge,
            sender=sender,
            person=person,
            created_at=self._clock.now(),
            chat=at.chat,
        )
        redeemed = replace(pairing, state="redeemed", bridge=at.bridge, sender=sender, chat=at.chat)
        self._links.forget(pairing.tenant, at.bridge, sender)
        return Save(link) if known else Add(link), Save(redeemed)

    async def redeemed(self, message: Message, code: str) -> bool:
        """Say whether a message has linked its sender by that code."""
        pairing = await self._by_code(message.tenant, code)
        here = (message.address.bridge, message.sender)
        return pairing is not None and pairing.state == "redeemed" and (pairing.bridge, pairing.sender) == here

    async def accounts(self, tenant: TenantId, person: PersonId) -> tuple[Link, ...]:
        """Return a person's accounts."""
        return await self._store.links(tenant, person)

    async def unlink(self, tenant: TenantId, bridge: str, sender: str) -> Link:
        """Take an account off its person: who writes from it is a stranger again. Raises NotFound."""
        link = await self._store.link(tenant, bridge, sender)
        if link is None:
            raise NotFound(f"there's no account {sender!r} on {bridge!r}")
        await self._store.commit(Remove(link))
        self._links.forget(tenant, bridge, sender)
        return link

    # --- below

    async def _lasting(self, tenant: TenantId) -> list[Pairing]:
        """Return the pairings that haven't expired, newest first."""
        now = self._clock.now()
        return [pairing for pairing in await self._store.pairings(tenant, LISTED) if pairing.expires_at > now]

    async def _found(self, tenant: TenantId, which: str) -> Pairing:
        pairing = await self._store.pairing(tenant, PairingId(which)) or await self._by_code(tenant, which)
        if pairing is None or pairing.kind != "request" or pairing.expires_at <= self._clock.now():
            raise NotFound("no request has that code, or its hour is over; have them write to me again")
        return pairing

    async def _by_code(self, tenant: TenantId, code: str) -> Pairing | None:
        if not is_code(code):
            return None
        pairing = await self._store.pairing_by_hash(tenant, await hashed(tenant, code))
        return pairing if pairing and (pairing.expires_at > self._clock.now() or pairing.state != "open") else None

    async def _person(self, tenant: TenantId, id: PersonId) -> Person:
        person = await self._store.person(tenant, id)
        if person is None or person.role == "group":
            raise BadRequest("person", f"there's nobody called {id!r}")
        return person

    def _remember(self, pairing: Pairing, code: str) -> None:
        self._codes[pairing.id] = code
        while len(self._codes) > REQUESTS:
            del self._codes[next(iter(self._codes))]

    def _notice(self, pairing: Pairing, person: PersonId, text: str) -> Message:
        to = Address(bridge=pairing.bridge, chat=pairing.chat)
        return notice(text, tenant=pairing.tenant, to=to, person=person, now=self._clock.now())


def _new_person(pairing: Pairing, clock: Clock) -> Person:
    name = pairing.name or pairing.sender
    return Person(id=PersonId(new_id()), tenant=pairing.tenant, name=name, created_at=clock.now())


def _code_in(incoming: Incoming) -> str | None:
    part = incoming.parts[0]
    if incoming.group is not None or not isinstance(part, Text):
        return None
    found = re.fullmatch(r"/(?:pair|start)(?:@\S+)?\s+(\S{4,20})", part.text.strip(), re.IGNORECASE)
    return found[1] if found else None


def _told(pairing: Pairing, code: str | None) -> str:
    if code is None:
        # Only its hash outlives a restart.
        return f"I don't know you yet. The code I gave you is good until {pairing.expires_at:%H:%M} UTC."
    return (
        f"Hello! I don't know you yet. Your code is {code}, good until {pairing.expires_at:%H:%M} UTC. Give it to the"
        f" owner of this hub, who lets you in with /approve {code}. If I know you elsewhere, write /pair to me there"
        " and send me here what I answer."
    )
