"""Several hubs count on the same rows of one PostgreSQL, and lose and double nothing."""

import asyncio

from sqlalchemy import make_url

from hub.ports import Add, Count
from hub.records import HOME, PersonId
from hub.records.usage import total
from hub.store.postgres import PostgresStore
from hub.testing import a_message, a_taken, an_event

DAY = "2026-11-22"
HUBS, EACH = 3, 60


async def test_hubs_that_count_the_same_things_at_once_agree_in_the_end(hub_database: str) -> None:
    stores = [PostgresStore(make_url(hub_database)) for _ in range(HUBS)]
    for store in stores:
        await store.open()

    async def one(store: PostgresStore, number: int) -> None:
        took = a_taken(person=PersonId(f"p{number % 4}"), money=number)
        # Some have no event: then nothing else puts the hubs in a row.
        event = [Add(an_event())] if number % 2 else []
        await store.commit(Add(a_message()), *event, Count(total(took)), Count(took))

    await asyncio.gather(*(one(store, number) for store in stores for number in range(EACH)))
    sums = [await store.taken(HOME, DAY, DAY) for store in stores]
    people = await stores[0].taken_by(HOME, "person", DAY, DAY, limit=9)
    for store in stores:
        await store.close()

    assert {(each.messages, each.money) for each in sums} == {(HUBS * EACH, HUBS * sum(range(EACH)))}
    assert [each.messages for each in people] == [HUBS * EACH // 4] * 4
