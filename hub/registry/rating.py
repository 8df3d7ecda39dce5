"""What people think of packages: one rating of each account, and only of what they verifiably installed.

A hub's receipt says which archive it installed, and for which account; that it's no hub of the moment, the registry
knows from when it fetched that archive. Neither keeps somebody with patience from being many. So ratings that come in
a burst are held until a moderator has looked at them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, literal, select, tuple_, update

from hub.errors import BadRequest, Decided, Duplicate, NotAllowed, NotFound, StatementError
from hub.ports import Clock
from hub.registry.accounts import Caller
from hub.registry.alarm import Coming, is_burst
from hub.registry.auditing import note
from hub.registry.counting import Counting
from hub.registry.records import Account, AccountId, Listing, Rating
from hub.registry.shelf import Shelf, hold, record, values
from hub.registry.summaries import Usual
from hub.registry.tables import accounts, fetches, listings, publishers, ratings, versions
from hub.releases import Install, read_install
from hub.shelves import ShelfConfig
from hub.statements import id_of, public_of

SKEW = timedelta(minutes=10)
"""Between a hub's clock and the registry's."""
FRESH = timedelta(days=7)
"""An older receipt doesn't say that the hub still has it."""
TEXT = 4_000
"""Characters."""


class Opinion(Struct, frozen=True, kw_only=True):
    """What somebody says of a package, and what they prove by that they have it."""

    stars: int
    text: str
    version: str
    hub: str
    """The hub's public key, in base64."""
    receipt: bytes
    """The envelope of its `Install`."""


class Shown(Struct, frozen=True, kw_only=True):
    """A rating with the name of whose it is."""

    rating: Rating
    account: str

    @property
    def place(self) -> str:
        """What a listing goes on behind."""
        return f"{self.rating.publisher}/{self.rating.name}/{self.account}"


class Asked(Struct, frozen=True, kw_only=True):
    """Which ratings somebody asks for."""

    publisher: str = ""
    """Empty: of all packages."""
    name: str = ""
    counted: bool
    """False: those that are held back."""
    after: str | None
    """The place of the one before; None: from the start."""
    limit: int


class Ratings:
    """Takes ratings, and keeps what they come to with their package."""

    def __init__(self, shelf: Shelf, clock: Clock, config: ShelfConfig, counting: Counting, usual: Usual) -> None:
        self._shelf = shelf
        self._usual = usual
        self._clock = clock
        self._counting = counting
        self._had_for = timedelta(hours=config.rate_after_hours)
        self._old_enough = timedelta(days=config.rate_after_days)

    async def rate(self, caller: Caller, publisher: str, name: str, opinion: Opinion) -> Rating:
        """Keep what somebody thinks of a package, in place of what they thought before.

        Raises NotFound, NotAllowed, BadRequest for a receipt that proves nothing, Decided while a burst is looked into.
        """
        caller.check("rate")
        if not 1 <= opinion.stars <= 5:
            raise BadRequest("stars", f"must be 1 to 5; it is {opinion.stars}")
        if len(opinion.text) > TEXT:
            raise BadRequest("text", f"takes {TEXT:,} characters; it has {len(opinion.text):,}")
        now = self._clock.now()
        hub, install = _proved(opinion, caller.account, f"{publisher}/{name}", now)
        # A hub that fetched it a moment ago is told when it may come, not that it never fetched it.
        await self._counting.keep()
        self._check_age(caller.account, now)
        usual = await self._usual.mean()

        def change(connection: Connection) -> Rating:
            hold(connection, f"rating:{publisher}/{name}")
            self._check_right(connection, caller, publisher, name, opinion.version, install)
            self._check_fetched(connection, hub, install, now)
            return _keep(connection, _rating(caller.account, publisher, name, opinion, hub, now), caller.account, usual)

        try:
            return await self._shelf.write(change)
        except Duplicate:
            raise _other_account(publisher, name) from None

    async def withdraw(self, caller: Caller, publisher: str, name: str) -> None:
        """Delete one's rating; raises NotFound."""
        caller.check("rate")
        now = self._clock.now()

        def change(connection: Connection) -> None:
            hold(connection, f"rating:{publisher}/{name}")
            kept = _of(connection, publisher, name, caller.account.id)
            if kept is None:
                raise NotFound(f"rating of {publisher}/{name}: you have given none")
            connection.execute(delete(ratings).where(_mine(publisher, name, caller.account.id)))
            if kept.counted:
                _add(connection, publisher, name, -kept.stars, -1)
            _note(connection, now, caller.account, "rating.delete", kept)

        await self._shelf.write(change)

    async def listed(self, asked: Asked) -> Sequence[Shown]:
        """Return ratings, the latest first; raises BadRequest for a cursor that's none."""
        return await self._shelf.read(lambda connection: _listed(connection, asked))

    async def count(self, moderator: Caller, publisher: str, name: str, account: str, *, counted: bool) -> None:
        """Let a rating count, or hold it back; raises NotAllowed, NotFound."""
        moderator.check_moderates()
        now = self._clock.now()

        def change(connection: Connection) -> None:
            hold(connection, f"rating:{publisher}/{name}")
            whose = connection.execute(select(accounts.c.id).where(accounts.c.name == account)).scalar_one_or_none()
            kept = _of(connection, publisher, name, whose) if whose else None
            if kept is None:
                raise NotFound(f"rating of {publisher}/{name} by {account[:60]!r}: there's none")
            if kept.counted == counted:
                return
            query = update(ratings).where(_mine(publisher, name, kept.account)).values(counted=counted)
            connection.execute(query)
            sign = 1 if counted else -1
            _add(connection, publisher, name, sign * kept.stars, sign)
            action = "rating.count" if counted else "rating.hold"
            note(connection, now, moderator.account.id, action, f"{publisher}/{name}", f"by account:{account}")

        await self._shelf.write(change)

    def _check_age(self, account: Account, now: datetime) -> None:
        if now - account.created_at < self._old_enough:
            days = self._old_enough / timedelta(days=1)
            raise NotAllowed(f"your account is too new to rate: it may {days:g} days after it was opened")

    def _check_right(
        self, connection: Connection, caller: Caller, publisher: str, name: str, version: str, install: Install
    ) -> None:
        of_package = and_(versions.c.publisher == publisher, versions.c.name == name, versions.c.state == "listed")
        query = select(versions.c.sha256).where(of_package, versions.c.version == version)
        digest = connection.execute(query).scalar_one_or_none()
        if digest is None:
            raise NotFound(f"version {f'{publisher}/{name}@{version}'[:160]!r}: there's none that can be rated")
        if install.subject[0].digest.get("sha256") != digest:
            raise BadRequest("receipt", f"is of another archive than {publisher}/{name}@{version}; rate what you have")
        owner = connection.execute(select(publishers.c.account).where(publishers.c.name == publisher)).scalar_one()
        if owner == caller.account.id:
            raise NotAllowed("nobody rates what they published themselves")
        whose = select(accounts.c.suspended).where(accounts.c.id == caller.account.id)
        if connection.execute(whose).scalar_one():
            raise NotAllowed("this account is suspended; write to the registry's admins")

    def _check_fetched(self, connection: Connection, hub: str, install: Install, now: datetime) -> None:
        digest = install.subject[0].digest["sha256"]
        query = select(fetches.c.at).where(fetches.c.hub == hub, fetches.c.sha256 == digest)
        at = connection.execute(query).scalar_one_or_none()
        if at is None:
            raise NotAllowed("this hub never proved that it fetched this archive; install it again, and rate it later")
        hours = self._had_for / timedelta(hours=1)
        if max(at, install.predicate.enabled_at) > now - self._had_for:
            raise NotAllowed(
                f"your hub has had this version for too short a time; rate it after {hours:g} hours of use"
            )


def _proved(opinion: Opinion, account: Account, package: str, now: datetime) -> tuple[str, Install]:
    """Return the id of the hub's key and what its receipt says, if that's of this package, account and time."""
    try:
        public = public_of(opinion.hub)
    except StatementError as error:
        raise BadRequest("hub", str(error)) from None
    try:
        install = read_install(opinion.receipt, public)
    except StatementError as error:
        raise BadRequest("receipt", str(error)) from None
    told = install.predicate
    if len(install.subject) != 1 or install.subject[0].name != package or told.version != opinion.version:
        raise BadRequest("receipt", f"isn't of {package}@{opinion.version[:64]}; have your hub make one of it")
    if told.account != account.name:
        raise BadRequest("receipt", f"is for the account {told.account[:60]!r}, and you are {account.name!r}")
    if not now - FRESH <= told.time <= now + SKEW:
        raise BadRequest("receipt", "is too old, or of a time to come; have your hub make another")
    return id_of(public), install


def _rating(account: Account, publisher: str, name: str, opinion: Opinion, hub: str, now: datetime) -> Rating:
    return Rating(
        publisher=publisher,
        name=name,
        account=account.id,
        version=opinion.version,
        stars=opinion.stars,
        text=opinion.text,
        hub=hub,
        counted=True,
        created_at=now,
        updated_at=now,
    )


def _keep(connection: Connection, rating: Rating, account: Account, usual: float) -> Rating:
    publisher, name = rating.publisher, rating.name
    other = and_(ratings.c.publisher == publisher, ratings.c.name == name, ratings.c.hub == rating.hub)
    if connection.execute(select(ratings.c.account).where(other, ratings.c.account != account.id)).first():
        raise _other_account(publisher, name)
    kept = _of(connection, publisher, name, account.id)
    if kept is not None:
        rating = replace(rating, counted=kept.counted, created_at=kept.created_at)
    coming = Coming(stars=rating.stars, before=kept.stars if kept and kept.counted else 0)
    listing = record(Listing, connection.execute(select(listings).where(_package(publisher, name))).one())
    # Many that turn their stars at once are a burst like many that come at once. Those of a held one count for nothing.
    alike = kept is not None and (kept.stars == rating.stars or not kept.counted)
    if not alike and is_burst(connection, listing, coming, usual, rating.updated_at):
        if kept is not None:
            raise Decided(f"{publisher}/{name} is being rated unusually often; change your rating in a day or two")
        rating = replace(rating, counted=False)
    if kept is None:
        connection.execute(insert(ratings).values(values(rating)))
    else:
        connection.execute(update(ratings).where(_mine(publisher, name, account.id)).values(values(rating)))
    if rating.counted:
        _add(connection, publisher, name, rating.stars - coming.before, 0 if coming.before else 1)
    _note(connection, rating.updated_at, account, "rating.edit" if kept else "rating.add", rating)
    return rating


def _add(connection: Connection, publisher: str, name: str, stars: int, count: int) -> None:
    sums = {"stars": listings.c.stars + stars, "ratings": listings.c.ratings + count}
    connection.execute(update(listings).where(_package(publisher, name)).values(sums))


def _note(connection: Connection, now: datetime, account: Account, action: str, rating: Rating) -> None:
    held = "" if rating.counted else ", held"
    what = f"{rating.stars} stars by account:{account.name} of {rating.version}, hub:{rating.hub}{held}"
    note(connection, now, account.id, action, f"{rating.publisher}/{rating.name}", what)


def _of(connection: Connection, publisher: str, name: str, account: AccountId) -> Rating | None:
    row = connection.execute(select(ratings).where(_mine(publisher, name, account))).first()
    return record(Rating, row) if row else None


def _listed(connection: Connection, asked: Asked) -> list[Shown]:
    whose = accounts.c.name.label("whose")
    every = select(ratings, whose).join(accounts, accounts.c.id == ratings.c.account)
    query = every.where(ratings.c.counted == asked.counted)
    if asked.publisher:
        query = query.where(ratings.c.publisher == asked.publisher, ratings.c.name == asked.name)
    place = (ratings.c.updated_at, ratings.c.publisher, ratings.c.name, ratings.c.account)
    if asked.after is not None:
        publisher, name, account, *_ = [*asked.after.split("/"), "", ""]
        before = every.where(ratings.c.publisher == publisher, ratings.c.name == name, accounts.c.name == account)
        row = connection.execute(before).first()
        if row is None:
            raise BadRequest("cursor", f"{asked.after[:60]!r} isn't one; take what `next` said")
        told = (row.updated_at, row.publisher, row.name, row.account)
        query = query.where(tuple_(*place) < tuple_(*map(literal, told, (each.type for each in place))))
    rows = connection.execute(query.order_by(*(each.desc() for each in place)).limit(asked.limit))
    return [_shown(row) for row in rows]


def _shown(row: Row[tuple[object, ...]]) -> Shown:
    told = dict(row._mapping)
    whose = str(told.pop("whose"))
    return Shown(rating=Rating(**told), account=whose)


def _package(publisher: str, name: str) -> ColumnElement[bool]:
    return and_(listings.c.publisher == publisher, listings.c.name == name)


def _mine(publisher: str, name: str, account: AccountId) -> ColumnElement[bool]:
    return and_(ratings.c.publisher == publisher, ratings.c.name == name, ratings.c.account == account)


def _other_account(publisher: str, name: str) -> NotAllowed:
    return NotAllowed(f"this hub has rated {publisher}/{name} for another account; each hub does so for one")
