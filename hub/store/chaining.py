"""Puts deeds behind a tenant's last one, in the transaction that does what they tell of."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from hub.records import Chain, Deed, TenantId, chained
from hub.store.deed_tables import chains, deeds
from hub.store.rows import row_of


def chain(connection: Connection, done: Sequence[Deed]) -> None:
    """Add deeds, each tenant's in their order. Until the commit nobody else adds to these tenants' chains."""
    # In the order of tenants, as every other writer does: two that lock the other way round wait for each other.
    for tenant in sorted({deed.tenant for deed in done}):
        head, rows = _held(connection, tenant), []
        for deed in done:
            if deed.tenant == tenant:
                link = chained(deed, head)
                head = Chain(tenant=tenant, seq=link.seq, hash=link.hash)
                rows.append(row_of(link))
        connection.execute(insert(deeds), rows)
        moved = update(chains).where(chains.c.tenant == tenant).values(seq=head.seq, hash=head.hash)
        connection.execute(moved)


def _held(connection: Connection, tenant: TenantId) -> Chain:
    """Return a chain's end, which nobody else moves meanwhile; a tenant's first deed begins it."""
    asked = select(chains.c.seq, chains.c.hash).where(chains.c.tenant == tenant).with_for_update()
    found = connection.execute(asked).first()
    if found is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(chains), row_of(Chain(tenant=tenant)))
        except IntegrityError:
            pass  # another hub began it at this very moment, and is done with it now
        found = connection.execute(asked).one()
    return Chain(tenant=tenant, seq=found.seq, hash=found.hash)
