"""Accounts of a registry: who signs in, by a password or a token, and what they may."""

import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, delete, insert, select, update

from hub.errors import BadRequest, Duplicate, NotAllowed, NotFound
from hub.passwords import MEMORY, Hashing
from hub.ports import Clock
from hub.records import new_id
from hub.registry.auditing import note
from hub.registry.names import check_name
from hub.registry.records import Account, AccountId, Publisher, Token
from hub.registry.shelf import Shelf, record, values
from hub.registry.tables import accounts, publishers, tokens

PREFIX = "ah_"
TOKEN = re.compile(r"ah_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
LIFETIME = timedelta(days=90)
LONGEST_LIFETIME = timedelta(days=366)
SESSION = timedelta(days=14)
SHORTEST, LONGEST = 10, 200
"""Characters of a password."""
EVERYTHING = "all"
"""The scope of a browser's session."""
SCOPE = re.compile(r"publish:[a-z0-9-]+/(\*|[a-z0-9-]+)|rate|report|moderate")
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
MANY = 100
"""Tokens of one account."""


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks, and what with."""

    account: Account
    token: str
    """The id of the token."""
    scopes: tuple[str, ...]
    admin: bool

    def may(self, scope: str) -> bool:
        """Say whether the token is good for something: publish:PUBLISHER/NAME, rate, report, moderate."""
        if EVERYTHING in self.scopes or scope in self.scopes:
            return True
        publisher, slash, _ = scope.partition("/")
        return bool(slash) and f"{publisher}/*" in self.scopes

    def check(self, scope: str) -> None:
        """Raise NotAllowed unless the token is good for something."""
        if not self.may(scope):
            raise NotAllowed(f"this token isn't good for {scope}; make one with that scope")

    @property
    def moderates(self) -> bool:
        """Whether they may decide about others' packages."""
        return (self.admin or self.account.role in {"moderator", "admin"}) and self.may("moderate")

    def check_moderates(self) -> None:
        """Raise NotAllowed for who isn't a moderator."""
        if not self.moderates:
            raise NotAllowed("only moderators may do that")


class Accounts:
    """Opens accounts, and tells by a token whose it is."""

    def __init__(self, shelf: Shelf, clock: Clock, admins: Sequence[str] = (), *, memory: int = MEMORY) -> None:
        self._shelf = shelf
        self._clock = clock
        self._admins = frozenset(admins)
        self._hashing = Hashing(memory)

    async def create(self, name: str, email: str, password: str, publisher: str) -> tuple[Account, str]:
        """Open an account that owns a publisher; return it with a session's token.

        Raises BadRequest for what won't do, or is taken.
        """
        check_name("name", name)
        check_name("publisher", publisher)
        if email and not EMAIL.fullmatch(email):
            raise BadRequest("email", f"{email[:80]!r} is none; leave it out, or write it as ann@example.org")
        check_password(password)
        now = self._clock.now()
        account = Account(
            id=AccountId(new_id()),
            name=name,
            email=email,
            password=await self._hashing.hashed(password),
            role="member",
            suspended=False,
            created_at=now,
        )
        token, told = _token(account.id, "sign-up", (EVERYTHING,), now, SESSION)

        def change(connection: Connection) -> None:
            if connection.execute(select(accounts.c.id).where(accounts.c.name == name)).first():
                raise BadRequest("name", f"{name!r} is taken; choose another")
            if connection.execute(select(publishers.c.name).where(publishers.c.name == publisher)).first():
                raise BadRequest("publisher", f"{publisher!r} is taken; choose another")
            connection.execute(insert(accounts).values(values(account)))
            owner = Publisher(name=publisher, account=account.id, created_at=now)
            connection.execute(insert(publishers).values(values(owner)))
            connection.execute(insert(tokens).values(values(token)))
            note(connection, now, account.id, "account.create", f"account:{name}", f"publisher {publisher}")

        try:
            await self._shelf.write(change)
        except Duplicate:
            raise BadRequest("name", f"{name!r} or {publisher!r} was taken just now; choose another") from None
        return account, told

    async def sign_in(self, name: str, password: str) -> tuple[Account, str]:
        """Return an account and a session's token; raises NotAllowed, which takes as long whatever is wrong."""
        row = await self._shelf.read(lambda each: each.execute(select(accounts).where(accounts.c.name == name)).first())
        account = record(Account, row) if row else None
        good = await self._is_password(password, account.password if account else "")
        if account is None or not good:
            raise NotAllowed("name or password is wrong")
        if account.suspended:
            raise NotAllowed("this account is suspended; write to the registry's admins")
        token, told = _token(account.id, "session", (EVERYTHING,), self._clock.now(), SESSION)
        await self._shelf.write(lambda each: each.execute(insert(tokens).values(values(token))) and None)
        return account, told

    async def caller(self, token: str) -> Caller | None:
        """Return who a token is of; None for one that isn't good, or not any more."""
        found = TOKEN.fullmatch(token)
        if found is None:
            return None

        def ask(connection: Connection) -> tuple[Token, Account] | None:
            kept = connection.execute(select(tokens).where(tokens.c.id == found[1])).first()
            if kept is None:
                return None
            owner = connection.execute(select(accounts).where(accounts.c.id == kept.account)).one()
            return record(Token, kept), record(Account, owner)

        both = await self._shelf.read(ask)
        if both is None or not hmac.compare_digest(both[0].hash, _hash(token)):
            return None
        if both[1].suspended or both[0].expires_at <= self._clock.now():
            return None
        admin = both[1].role == "admin" or both[1].name in self._admins
        return Caller(account=both[1], token=both[0].id, scopes=both[0].scopes, admin=admin)

    async def make_token(
        self, caller: Caller, name: str, scopes: Sequence[str], lifetime: timedelta = LIFETIME
    ) -> tuple[Token, str]:
        """Make a token that's good for less than its maker's or as much; return it, and what's shown once.

        Raises BadRequest, NotAllowed.
        """
        if not 1 <= len(name) <= 60:
            raise BadRequest("name", "takes 1 to 60 characters; say what the token is for")
        if not timedelta(0) < lifetime <= LONGEST_LIFETIME:
            raise BadRequest("days", f"must be 1 to {LONGEST_LIFETIME.days}")
        if not scopes:
            raise BadRequest("scopes", "empty; name what it's good for: publish:PUBLISHER/*, rate, report, moderate")
        for scope in scopes:
            if not SCOPE.fullmatch(scope):
                raise BadRequest(
                    "scopes", f"{scope[:60]!r} is none; take publish:PUBLISHER/NAME, rate, report, moderate"
                )
            caller.check(scope)
        now = self._clock.now()
        token, told = _token(caller.account.id, name, tuple(scopes), now, lifetime)

        def change(connection: Connection) -> None:
            _forget_old(connection, caller.account.id, now)
            kept = connection.execute(select(tokens.c.id).where(tokens.c.account == caller.account.id)).all()
            if len(kept) >= MANY:
                raise BadRequest("name", f"you have {MANY} tokens; revoke one first")
            connection.execute(insert(tokens).values(values(token)))
            note(connection, now, caller.account.id, "token.create", f"token:{token.id}", ", ".join(scopes))

        await self._shelf.write(change)
        return token, told

    async def tokens(self, caller: Caller) -> list[Token]:
        """Return an account's tokens, newest first, without those that are over."""
        mine = select(tokens).where(tokens.c.account == caller.account.id).order_by(tokens.c.created_at.desc())
        rows = await self._shelf.read(lambda each: each.execute(mine).all())
        now = self._clock.now()
        return [token for token in (record(Token, row) for row in rows) if token.expires_at > now]

    async def revoke(self, caller: Caller, token: str) -> None:
        """End one of an account's tokens; raises NotFound."""
        now = self._clock.now()

        def change(connection: Connection) -> None:
            mine = (tokens.c.id == token) & (tokens.c.account == caller.account.id)
            if not connection.execute(delete(tokens).where(mine)).rowcount:
                raise NotFound(f"token {token[:40]}: you have none of that id")
            note(connection, now, caller.account.id, "token.revoke", f"token:{token}", "")

        await self._shelf.write(change)

    async def change_password(self, caller: Caller, old: str, new: str) -> None:
        """Set another password, and end all sessions but this one; raises NotAllowed, BadRequest."""
        if not await self._is_password(old, caller.account.password):
            raise NotAllowed("the old password is wrong")
        check_password(new)
        fresh = replace(caller.account, password=await self._hashing.hashed(new))
        now = self._clock.now()

        def change(connection: Connection) -> None:
            mine = accounts.c.id == fresh.id
            connection.execute(update(accounts).where(mine).values(password=fresh.password))
            others = (tokens.c.account == fresh.id) & (tokens.c.id != caller.token)
            connection.execute(delete(tokens).where(others))
            note(connection, now, fresh.id, "account.password", f"account:{fresh.name}", "")

        await self._shelf.write(change)

    async def owns(self, caller: Caller, publisher: str) -> bool:
        """Say whether a publisher is an account's own."""
        query = select(publishers.c.account).where(publishers.c.name == publisher)
        row = await self._shelf.read(lambda each: each.execute(query).first())
        return row is not None and row.account == caller.account.id

    async def publishers(self, account: AccountId) -> list[str]:
        """Return the publishers that an account owns."""
        query = select(publishers.c.name).where(publishers.c.account == account).order_by(publishers.c.name)
        return [row.name for row in await self._shelf.read(lambda each: each.execute(query).all())]

    async def _is_password(self, password: str, kept: str) -> bool:
        [fits] = await self._hashing.fitting(password[: LONGEST + 1], [kept])
        return fits


def check_password(password: str) -> None:
    """Raise BadRequest for a password that won't do."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadRequest("password", f"takes {SHORTEST} to {LONGEST} characters; it has {len(password)}")


def _token(
    account: AccountId, name: str, scopes: tuple[str, ...], now: datetime, lifetime: timedelta
) -> tuple[Token, str]:
    id = secrets.token_hex(6)
    told = f"{PREFIX}{id}_{secrets.token_urlsafe(32)}"
    token = Token(
        id=id,
        account=account,
        name=name,
        hash=_hash(told),
        scopes=scopes,
        created_at=now,
        expires_at=now + lifetime,
    )
    return token, told


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _forget_old(connection: Connection, account: AccountId, now: datetime) -> None:
    connection.execute(delete(tokens).where((tokens.c.account == account) & (tokens.c.expires_at <= now)))
