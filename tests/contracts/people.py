"""Who and when in the stores' suites."""

from datetime import timedelta

from hub.ports import Add, Store
from hub.records import (
    PersonId,
    TenantId,
)
from hub.testing import (
    NOON,
)

BEA = PersonId("bea")
OTHERS = TenantId("others")
SOON = NOON + timedelta(minutes=5)


async def add(store: Store, *records: object) -> None:
    await store.commit(*(Add(record) for record in records))  # type: ignore[arg-type]  # a test's own records
