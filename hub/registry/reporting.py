"""Reports: what people find wrong with packages, for moderators to decide.

Nothing is hidden by how many report it: accounts cost nothing. What counts is who reports: an account that's old
enough, and of whose earlier reports moderators upheld enough. Several of those together have a version held until a
moderator looks.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Select, func, insert, select, update

from hub.errors import BadRequest, Decided, NotFound, TooMany
from hub.ports import Clock
from hub.records import new_id
from hub.registry.accounts import Caller
from hub.registry.auditing import note
from hub.registry.listings import listed_changed
from hub.registry.records import Report
from hub.registry.shelf import Shelf, hold, record, values
from hub.registry.tables import accounts, reports, versions
from hub.registry.verdicts import REGISTRY

Reason = Literal["malware", "impersonation", "secrets", "spam", "illegal", "other"]
Decision = Literal["upheld", "dismissed"]
OPEN_REPORTS = 20
"""That one account may have."""
TEXT = 2_000
"""Characters of what's told besides the reason."""
AGE = timedelta(days=30)
"""So old an account has to be before its reports weigh anything."""
UPHELD = 3
"""So many of its reports moderators must have upheld, about so many publishers."""
PRECISION = 0.7
"""And so many of all that were decided."""
ENOUGH = 2.0
"""What reports must weigh together for a version to be held: more than two people, however good."""
REPORTED = "people whose reports proved right before reported it; a moderator looks at it"
PAGE = 50


class Reports:
    """Takes reports, and lets moderators decide them."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock

    async def report(
        self, caller: Caller, publisher: str, name: str, *, version: str, reason: str, text: str
    ) -> Report:
        """Keep a report; `version` is empty if it's about all of them.

        Raises NotFound for what isn't listed, BadRequest, TooMany, Decided for a second report while the first is open.
        """
        caller.check("report")
        if reason not in get_args(Reason):
            raise BadRequest("reason", f"{reason[:40]!r} is none; take one of {', '.join(get_args(Reason))}")
        if len(text) > TEXT:
            raise BadRequest("text", f"has {len(text)} characters; {TEXT} are the most")
        now = self._clock.now()
        fresh = Report(
            id=new_id(),
            publisher=publisher,
            name=name,
            version=version,
            account=caller.account.id,
            reason=reason,  # type: ignore[arg-type]  # it was looked up above
            text=text,
            state="open",
            created_at=now,
        )

        def change(connection: Connection) -> Report:
            hold(connection, f"account:{caller.account.id}")
            hold(connection, f"package:{publisher}/{name}")
            self._check(connection, fresh)
            connection.execute(insert(reports).values(values(fresh)))
            held = self._weigh(connection, fresh, now)
            whole = f"{publisher}/{name}@{version}" if version else f"{publisher}/{name}"
            note(connection, now, caller.account.id, "report.open", whole, f"{reason}: {text}")
            for each in held:
                note(connection, now, REGISTRY, "version.hold", f"{publisher}/{name}@{each}", REPORTED)
            return fresh

        return await self._shelf.write(change)

    async def found(self, caller: Caller, state: str, after: str | None = None) -> Sequence[Report]:
        """Return reports in a state, the oldest first, behind another one; raises NotAllowed, BadRequest."""
        caller.check_moderates()
        query = select(reports).where(reports.c.state == state).order_by(reports.c.created_at, reports.c.id)

        def ask(connection: Connection) -> list[Report]:
            rest = query
            if after is not None:
                last = connection.execute(select(reports).where(reports.c.id == after)).first()
                if last is None:
                    raise BadRequest("cursor", f"{after[:60]!r} isn't one; take what `next` said")
                # The same times in the same order: compared by the pair.
                rest = query.where(
                    (reports.c.created_at > last.created_at)
                    | ((reports.c.created_at == last.created_at) & (reports.c.id > last.id))
                )
            return [record(Report, row) for row in connection.execute(rest.limit(PAGE))]

        return await self._shelf.read(ask)

    async def decide(self, caller: Caller, id: str, state: Decision) -> Report:
        """Uphold or dismiss a report: so its reporter's next ones weigh more, or less. Raises NotFound, Decided."""
        caller.check_moderates()
        now = self._clock.now()

        def change(connection: Connection) -> Report:
            hold(connection, f"report:{id[:60]}")
            row = connection.execute(select(reports).where(reports.c.id == id)).first()
            if row is None:
                raise NotFound(f"report {id[:60]!r}: there's none")
            kept = record(Report, row)
            if kept.state != "open":
                raise Decided(f"report {id}: was {kept.state} before")
            connection.execute(update(reports).where(reports.c.id == id).values(state=state))
            what = f"report {id} by {kept.account}"
            note(connection, now, caller.account.id, f"report.{state}", f"{kept.publisher}/{kept.name}", what)
            return replace(kept, state=state)

        return await self._shelf.write(change)

    def _check(self, connection: Connection, fresh: Report) -> None:
        seen = _listed(fresh)
        if not connection.execute(select(versions.c.version).where(seen).limit(1)).first():
            raise NotFound(f"{fresh.publisher[:60]}/{fresh.name[:60]} {fresh.version[:60]}: nothing of that is listed")
        mine = (reports.c.account == fresh.account) & (reports.c.state == "open")
        same = mine & (reports.c.publisher == fresh.publisher) & (reports.c.name == fresh.name)
        if connection.execute(select(reports.c.id).where(same).limit(1)).first():
            raise Decided(f"you reported {fresh.publisher}/{fresh.name} already; a moderator will look at it")
        if connection.execute(select(func.count()).select_from(reports).where(mine)).scalar_one() >= OPEN_REPORTS:
            raise TooMany(
                f"{OPEN_REPORTS} of your reports wait for a moderator; report more when they're decided", 3600
            )

    def _weigh(self, connection: Connection, fresh: Report, now: datetime) -> list[str]:
        """Hold what was reported, if those who report it weigh enough together; return the versions."""
        about = (reports.c.publisher == fresh.publisher) & (reports.c.name == fresh.name) & (reports.c.state == "open")
        same = reports.c.version.in_((fresh.version, "")) if fresh.version else reports.c.version == ""
        if sum(weights(connection, select(reports.c.account).where(about, same), now).values()) <= ENOUGH:
            return []
        listed = _listed(fresh)
        found = [row.version for row in connection.execute(select(versions.c.version).where(listed))]
        connection.execute(update(versions).where(listed).values(state="held", reason=REPORTED))
        listed_changed(connection, fresh.publisher, fresh.name)
        return found


def weights(connection: Connection, reporters: Select[tuple[str]], now: datetime) -> Mapping[str, float]:
    """Return what reports weigh of those accounts that are old and tried enough: how often each was right."""
    old = select(accounts.c.id).where(accounts.c.created_at <= now - AGE, ~accounts.c.suspended)
    mine = reports.c.account.in_(reporters) & reports.c.account.in_(old) & (reports.c.state != "open")
    decided = select(reports.c.account, reports.c.state, func.count(), func.count(reports.c.publisher.distinct()))
    upheld: dict[str, tuple[int, int]] = {}
    every: Counter[str] = Counter()
    for account, state, count, owners in connection.execute(
        decided.where(mine).group_by(reports.c.account, reports.c.state)
    ):
        every[account] += count
        if state == "upheld":
            upheld[account] = (count, owners)
    found = {account: count / every[account] for account, (count, owners) in upheld.items() if owners >= UPHELD}
    return {account: precision for account, precision in found.items() if precision >= PRECISION}


def _listed(report: Report) -> ColumnElement[bool]:
    seen = (
        (versions.c.publisher == report.publisher) & (versions.c.name == report.name) & (versions.c.state == "listed")
    )
    return seen & (versions.c.version == report.version) if report.version else seen
