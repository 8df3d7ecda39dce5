"""Who may speak: everybody who's linked, and whom an account's policy lets in. Whoever else comes is a stranger."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from hub.accounts import Account
from hub.errors import NotAllowed, Stranger
from hub.flow.links import Links, of_group
from hub.flow.pairing import Pairings
from hub.ports import Add, Change, Clock, Save, Store
from hub.records import OWNER, Incoming, Link, Person, PersonId, TenantId, new_id

HTTP = "http"
SUSPENDED = "you're locked out here for now; ask whoever let you in"
UNKNOWN = "you aren't known here; ask the owner of this hub to let you in"


class Who(Struct, frozen=True, kw_only=True):
    """Whose a message is."""

    person: PersonId
    author: PersonId | None = None
    """Who wrote it, if `person` is a group."""
    beside: tuple[Change, ...] = ()
    """What's to be kept with the message."""


class Access:
    """Says whose a message is, by the policy of the account that it came to."""

    def __init__(
        self, store: Store, links: Links, pairings: Pairings, clock: Clock, accounts: Mapping[str, Account]
    ) -> None:
        self._store = store
        self._links = links
        self._pairings = pairings
        self._clock = clock
        self._accounts = accounts

    async def who(self, incoming: Incoming) -> Who:
        """Return whose a message is; raises Stranger, or NotAllowed with words for the sender.

        A stranger costs nothing but, where codes are given, one request of a bounded number.
        """
        if incoming.address.bridge == HTTP:
            return await self._of_http(incoming)
        author = await self._author(incoming)
        return await self._in_group(incoming, incoming.group, author) if incoming.group is not None else author

    def forget(self, incoming: Incoming) -> None:
        """Ask the store about a sender the next time: somebody else has just kept something about them."""
        self._links.forget(incoming.tenant, incoming.address.bridge, incoming.sender)
        self._links.forget(incoming.tenant, incoming.address.bridge, of_group(incoming.address.chat))

    async def _of_http(self, incoming: Incoming) -> Who:
        # Over HTTP the sender is the person whose key or session it is.
        known = await self._store.person(incoming.tenant, PersonId(incoming.sender))
        if known is None or not known.is_heard:
            raise NotAllowed(UNKNOWN if known is None or known.suspended_at is None else SUSPENDED)
        return Who(person=known.id)

    async def _author(self, incoming: Incoming) -> Who:
        account = self._accounts.get(incoming.address.bridge)
        link = await self._links.find(incoming.tenant, incoming.address.bridge, incoming.sender)
        if shuts_out(account, incoming.sender, incoming.handle):
            raise Stranger(UNKNOWN)
        if link is not None:
            await self._check_heard(link)
            is_owners = account is not None and _is(account.owner, incoming.sender, incoming.handle)
            return self._known(incoming, replace(link, person=OWNER) if is_owners else link, link)
        if account is None:
            raise NotAllowed(UNKNOWN)
        return await self._unknown(account, incoming)

    async def _check_heard(self, link: Link) -> None:
        person = await self._store.person(link.tenant, link.person)
        if person is not None and person.suspended_at is not None:
            raise NotAllowed(SUSPENDED)

    def _known(self, incoming: Incoming, link: Link, kept: Link) -> Who:
        """Return who it is; what has changed about their link is kept: whose it is by the config, their own chat."""
        link = link if incoming.group is not None else replace(link, chat=incoming.address.chat)
        if link == kept:
            return Who(person=link.person)
        self._links.forget(link.tenant, link.bridge, link.sender)
        return Who(person=link.person, beside=(Save(link),))

    async def _unknown(self, account: Account, incoming: Incoming) -> Who:
        """Let in whom the policy lets in, as the owner or a new person; raises for everybody else."""
        if found := await self._redeemed(account, incoming):
            return found
        if _is(account.owner, incoming.sender, incoming.handle):
            return Who(person=OWNER, beside=(Add(self._link(incoming, OWNER)),))
        if account.access == "open" or lets_in(account, incoming.sender, incoming.handle):
            person = self._person(incoming.tenant, incoming.name or incoming.sender)
            return Who(person=person.id, beside=(Add(person), Add(self._link(incoming, person.id))))
        told = None if incoming.group is not None else await self._pairings.knock(incoming)
        if told is None:
            raise Stranger(UNKNOWN)
        raise NotAllowed(told)

    async def _redeemed(self, account: Account, incoming: Incoming) -> Who | None:
        try:
            found = await self._pairings.redeem(incoming)
        except NotAllowed:
            # Whom the policy lets in anyway needn't hear of a wrong code here: the command answers.
            if account.access == "open" or lets_in(account, incoming.sender, incoming.handle):
                return None
            raise
        return Who(person=found[0], beside=found[1]) if found else None

    async def _in_group(self, incoming: Incoming, title: str, author: Who) -> Who:
        link = await self._links.find(incoming.tenant, incoming.address.bridge, of_group(incoming.address.chat))
        if link is not None:
            await self._check_heard(link)
            return Who(person=link.person, author=author.person, beside=author.beside)
        group = self._person(incoming.tenant, title or incoming.address.chat, group=True)
        bound = Link(
            tenant=incoming.tenant,
            bridge=incoming.address.bridge,
            sender=of_group(incoming.address.chat),
            person=group.id,
            created_at=group.created_at,
            chat=incoming.address.chat,
        )
        return Who(person=group.id, author=author.person, beside=(*author.beside, Add(group), Add(bound)))

    def _person(self, tenant: TenantId, name: str, *, group: bool = False) -> Person:
        return Person(
            id=PersonId(new_id()),
            tenant=tenant,
            name=name,
            role="group" if group else "member",
            created_at=self._clock.now(),
        )

    def _link(self, incoming: Incoming, person: PersonId) -> Link:
        return Link(
            tenant=incoming.tenant,
            bridge=incoming.address.bridge,
            sender=incoming.sender,
            person=person,
            created_at=self._clock.now(),
            chat="" if incoming.group is not None else incoming.address.chat,
        )


def lets_in(account: Account, sender: str, handle: str) -> bool:
    """Say whether an account's config names a sender: as its owner, outright, by their domain or public name."""
    return any(_is(entry, sender, handle) for entry in (account.owner, *account.allow))


def shuts_out(account: Account | None, sender: str, handle: str) -> bool:
    """Say whether an account's list leaves out a sender, whoever they are to the hub."""
    return account is not None and account.access == "list" and not lets_in(account, sender, handle)


def _is(entry: str, sender: str, handle: str) -> bool:
    entry, sender = entry.strip().casefold(), sender.casefold()
    if not entry:
        return False
    if entry.startswith("@"):
        # A public name where the platform has such, else the domain of an address; never both.
        return entry == handle.casefold() if handle else sender.partition("@")[1:] == ("@", entry[1:])
    return entry == sender
