"""What an account may: its role, and whether it's suspended, with all that it published."""

from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, delete, select, update

from hub.errors import BadRequest, Decided, NotAllowed, NotFound
from hub.ports import Clock
from hub.registry.accounts import Caller
from hub.registry.auditing import note
from hub.registry.listings import listed_changed
from hub.registry.records import Account, Role, Version
from hub.registry.shelf import Shelf, hold, record
from hub.registry.tables import accounts, tokens, versions
from hub.registry.verdicts import SUSPENDED, UNSEEN, settle
from hub.registry.withdrawing import checked_reason
from hub.shelves import ShelfConfig


class Standing:
    """Suspends and restores accounts, and gives them roles."""

    def __init__(self, shelf: Shelf, clock: Clock, config: ShelfConfig) -> None:
        """From admins that the config names nobody takes anything."""
        self._shelf = shelf
        self._clock = clock
        self._config = config

    async def account(self, caller: Caller, name: str) -> Account:
        """Return an account as it stands; raises NotAllowed for who isn't a moderator, NotFound."""
        caller.check_moderates()

        def ask(connection: Connection) -> Account:
            row = connection.execute(select(accounts).where(accounts.c.name == name)).one_or_none()
            if row is None:
                raise NotFound(f"account {name[:60]!r}: there's none of that name")
            return record(Account, row)

        return await self._shelf.read(ask)

    async def suspend(self, caller: Caller, name: str, reason: str) -> Account:
        """End an account's tokens, let it sign in no more, and hold what's listed of it.

        Raises NotAllowed, NotFound, BadRequest, Decided if it's suspended.
        """
        caller.check_moderates()
        told, now = checked_reason(reason), self._clock.now()

        def change(connection: Connection) -> Account:
            account = self._account(connection, caller, name, "suspend")
            if account.suspended:
                raise Decided(f"account {name} is suspended already")
            connection.execute(update(accounts).where(accounts.c.id == account.id).values(suspended=True))
            connection.execute(delete(tokens).where(tokens.c.account == account.id))
            listed = (versions.c.account == account.id) & (versions.c.state == "listed")
            self._move(connection, caller, listed, ("held", SUSPENDED, "version.hold"), now)
            note(connection, now, caller.account.id, "account.suspend", f"account:{name}", told)
            return replace(account, suspended=True)

        return await self._shelf.write(change)

    async def restore(self, caller: Caller, name: str, reason: str) -> Account:
        """Undo a suspension, and list again what was held for it; raises NotAllowed, NotFound, BadRequest, Decided.

        Its tokens stay ended.
        """
        caller.check_moderates()
        told, now = checked_reason(reason), self._clock.now()

        def change(connection: Connection) -> Account:
            account = self._account(connection, caller, name, "restore")
            if not account.suspended:
                raise Decided(f"account {name} isn't suspended")
            connection.execute(update(accounts).where(accounts.c.id == account.id).values(suspended=False))
            held = (versions.c.account == account.id) & (versions.c.state == "held")
            self._move(connection, caller, held & (versions.c.reason == SUSPENDED), ("listed", "", "version.list"), now)
            self._look_again(connection, held & (versions.c.reason == UNSEEN), now)
            note(connection, now, caller.account.id, "account.restore", f"account:{name}", told)
            return replace(account, suspended=False)

        return await self._shelf.write(change)

    async def set_role(self, caller: Caller, name: str, role: Role) -> Account:
        """Give an account a role; raises NotAllowed for who isn't an admin, NotFound."""
        if not caller.admin or not caller.may("moderate"):
            raise NotAllowed("only admins give roles")
        now = self._clock.now()

        def change(connection: Connection) -> Account:
            account = self._account(connection, caller, name, "change")
            connection.execute(update(accounts).where(accounts.c.id == account.id).values(role=role))
            note(connection, now, caller.account.id, "account.role", f"account:{name}", f"{account.role} to {role}")
            return replace(account, role=role)

        return await self._shelf.write(change)

    def _account(self, connection: Connection, caller: Caller, name: str, what: str) -> Account:
        id = connection.execute(select(accounts.c.id).where(accounts.c.name == name)).scalar()
        if id is None:
            raise NotFound(f"account {name[:60]!r}: there's none of that name")
        hold(connection, f"account:{id}")
        account = record(Account, connection.execute(select(accounts).where(accounts.c.id == id)).one())
        if account.id == caller.account.id:
            raise BadRequest("name", f"{name!r} is your own account; have another do that")
        if name in self._config.admins:
            raise NotAllowed(f"{name} is an admin by the config file; to {what} it, change that first")
        if account.role != "member" and not caller.admin:
            raise NotAllowed(f"{name} is a {account.role}; only an admin may {what} it")
        return account

    def _look_again(self, connection: Connection, which: ColumnElement[bool], now: datetime) -> None:
        """Hold for its own reasons what was looked into while its account was suspended, or list it."""
        for version in [record(Version, row) for row in connection.execute(select(versions).where(which)).all()]:
            hold(connection, f"package:{version.publisher}/{version.name}")
            settle(connection, version, "held", now, self._config, "its account was restored")

    def _move(
        self,
        connection: Connection,
        caller: Caller,
        which: ColumnElement[bool],
        to: tuple[str, str, str],
        now: datetime,
    ) -> None:
        state, reason, action = to
        query = select(versions.c.publisher, versions.c.name, versions.c.version).where(which)
        found = connection.execute(query.order_by(versions.c.publisher, versions.c.name, versions.c.version)).all()
        for package in dict.fromkeys((row.publisher, row.name) for row in found):
            hold(connection, f"package:{package[0]}/{package[1]}")
        connection.execute(update(versions).where(which).values(state=state, reason=reason))
        for package in dict.fromkeys((row.publisher, row.name) for row in found):
            listed_changed(connection, *package)
        for row in found:
            whole = f"{row.publisher}/{row.name}@{row.version}"
            note(connection, now, caller.account.id, action, whole, reason or "its account was restored")
