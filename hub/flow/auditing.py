"""The audit log: what's told it with each commit, how it's read, and how it's proved that nobody has changed it."""

import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, cast

from msgspec import Struct

from hub.chains import FIRST, digest
from hub.flow.deeds import deed, deeds_of
from hub.flow.doing import doer
from hub.ports import Add, Change, Clock, Remove, Save, Store
from hub.records import HOME, Checkpoint, Deed, Event, TenantId, hash_of

log = logging.getLogger(__name__)

PAGE = 500
PRUNED = "audit.pruned"
CONFIGURED = "config.used"
TENANTS = 200


def audited(store: Store, clock: Clock) -> Store:
    """Return a store that keeps, with all that the audit log tells of, that it was done; twice is the same as once."""
    return store if isinstance(store, _Audited) else cast("Store", _Audited(store, clock))


class _Audited:
    """A Store that adds to each commit what's to be told of it. All else is the other store's."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, *changes: Change) -> tuple[Event, ...]:
        """See Store."""
        return await self._store.commit(*changes, *deeds_of(changes, doer(), self._clock.now()))


class Proof(Struct, frozen=True, kw_only=True):
    """Whether a tenant's audit log is as it was written."""

    whole: bool
    first: int
    """The first deed that's kept; what came before was pruned."""
    last: int
    hash: str
    """The last deed's: noted elsewhere, it proves later that all up to it is still what it was."""
    fault: str = ""
    """What's wrong, and at which deed; the first such."""


class Audit:
    """Reads, proves and prunes audit logs."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def note(self, tenant: TenantId, action: str, object: str, detail: str = "", of: object = None) -> None:
        """Keep that something was done that changes no record: handed over, tried, looked for."""
        await self._store.commit(
            deed(action, object, tenant=tenant, by=doer(), at=self._clock.now(), detail=detail, of=of)
        )

    async def configured(self, config: str) -> None:
        """Keep that this config is used, unless the last one that was kept is the same."""
        last = await self._store.deeds(HOME, limit=1, action=CONFIGURED)
        if [each.digest for each in last] != [digest(config)]:
            await self.note(HOME, CONFIGURED, f"tenant/{HOME}", of=config)

    async def all(self, tenant: TenantId, since: datetime | None = None) -> AsyncIterator[Deed]:
        """Yield a tenant's deeds, oldest first, as far as they went when it began."""
        last = (await self._store.chain(tenant)).seq
        after = await self._store.last_deed(tenant, since) if since is not None else 0
        while after < last:
            page = await self._store.deeds(tenant, limit=PAGE, after=after)
            for each in page:
                if each.seq <= last:
                    yield each
            if not page:
                return
            after = page[-1].seq

    async def verify(self, tenant: TenantId, noted: tuple[int, str] | None = None) -> Proof:
        """Prove that no deed was altered, left out or added, or say which one; `noted` is a seq and its hash that were
        written down earlier, elsewhere.
        """
        for _ in range(3):
            begin = await self._store.checkpoint(tenant)
            proof = await self._verified(tenant, begin, noted)
            if proof.whole or begin == await self._store.checkpoint(tenant):
                return proof
        return proof  # it's pruned all the time: its fault is as good as any

    async def _verified(self, tenant: TenantId, begin: Checkpoint | None, noted: tuple[int, str] | None) -> Proof:
        end = await self._store.chain(tenant)
        seq, hash = (begin.seq, begin.hash) if begin else (0, FIRST)
        first, fault, pruned = seq + 1, "", begin is None
        while seq < end.seq and not fault:
            page = await self._store.deeds(tenant, limit=PAGE, after=seq)
            if not page:
                break
            for each in page:
                if fault := _fault(each, seq, hash) or _other(each.seq, each.hash, noted):
                    break
                seq, hash = each.seq, each.hash
                pruned = pruned or (begin is not None and _tells_of(each, begin))
                if seq == end.seq:
                    break
        if not fault and (seq, hash) != (end.seq, end.hash):
            fault = f"deed {seq + 1} is missing: the log ends before deed {end.seq}, which was its last"
        if not fault and not pruned and begin is not None:
            fault = f"deeds 1 to {begin.seq} are missing, and nothing in the log says that they were pruned"
        if not fault and noted is not None and not first - 1 <= noted[0] <= seq:
            known = "was pruned" if noted[0] < first else "is missing"
            fault = f"deed {noted[0]}, which was noted, {known}"
        return Proof(whole=not fault, first=first, last=end.seq, hash=end.hash, fault=fault)

    async def prune(self, keep: timedelta) -> int:
        """Forget all tenants' deeds that are older than this; what's left still proves itself. Return how many went."""
        gone, after = 0, None
        while tenants := await self._store.tenants(limit=TENANTS, after=after):
            for tenant in tenants:
                gone += await self._prune(tenant.id, self._clock.now() - keep)
            after = tenants[-1].id
        return gone

    async def forget(self, tenant: TenantId) -> None:
        """Remove a tenant's whole log: it's erased itself. May be called again after it was cut off."""
        while deeds := await self._store.deeds(tenant, limit=PAGE, after=0):
            await self._store.commit(*map(Remove, deeds))
        point = await self._store.checkpoint(tenant)
        rest = (Remove(await self._store.chain(tenant)), *((Remove(point),) if point else ()))
        await self._store.commit(*rest)

    async def _prune(self, tenant: TenantId, before: datetime) -> int:
        gone, upto = 0, await self._store.last_deed(tenant, before)
        begin = await self._store.checkpoint(tenant)
        while (begin.seq if begin else 0) < upto:
            page = await self._store.deeds(tenant, limit=PAGE, after=begin.seq if begin else 0)
            old = [each for each in page if each.seq <= upto]
            if not old:
                break
            at, last = self._clock.now(), old[-1]
            now = Checkpoint(tenant=tenant, seq=last.seq, hash=last.hash, at=at)
            told = deed(PRUNED, f"deed/{last.seq}", tenant=tenant, by=doer(), at=at, detail=last.hash)
            await self._store.commit(*map(Remove, old), Save(now) if begin else Add(now), told)
            gone, begin = gone + len(old), now
        return gone


def _fault(each: Deed, seq: int, hash: str) -> str:
    if each.seq != seq + 1:
        between = f"deeds {seq + 1} to {each.seq - 1} are" if each.seq > seq + 2 else f"deed {seq + 1} is"
        return f"{between} missing"
    if each.hash != hash_of(each):
        return f"deed {each.seq} was altered"
    return "" if each.previous == hash else f"deed {each.seq} doesn't follow deed {seq}: one of the two was altered"


def _other(seq: int, hash: str, noted: tuple[int, str] | None) -> str:
    return f"deed {seq} isn't the one that was noted" if noted and noted[0] == seq and noted[1] != hash else ""


def _tells_of(each: Deed, begin: Checkpoint) -> bool:
    return each.action == PRUNED and each.object == f"deed/{begin.seq}" and each.detail == begin.hash
