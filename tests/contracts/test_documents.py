"""Every sentence that ports.Documents promises, over every implementation."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from hub.errors import TooLarge
from hub.ports import Documents
from hub.store.documents import FileDocuments, MemoryDocuments
from hub.store.postgres_documents import PostgresDocuments


@pytest.fixture(params=["memory", "tinydb", "postgres"])
async def documents(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Documents]:
    match request.param:
        case "memory":
            yield MemoryDocuments(quota=5000)
        case "tinydb":
            yield FileDocuments(tmp_path / "documents", quota=5000)
        case _:
            shared = PostgresDocuments(make_url(request.getfixturevalue("hub_database")), quota=5000)
            yield shared
            await shared.close()


async def test_a_document_is_found_as_it_was_put(documents: Documents) -> None:
    await documents.put("ann", "home", {"city": "Köln", "plz": [50667, None], "deep": {"ok": True}})
    assert await documents.get("ann", "home") == {"city": "Köln", "plz": [50667, None], "deep": {"ok": True}}


async def test_what_was_not_put_is_none(documents: Documents) -> None:
    assert await documents.get("ann", "home") is None
    assert await documents.all("ann") == ()
    assert await documents.remove("ann", "home") is False


async def test_a_document_takes_the_place_of_one_with_its_id_whole(documents: Documents) -> None:
    await documents.put("ann", "home", {"city": "Bonn", "street": "Am Hof"})
    await documents.put("ann", "home", {"city": "Köln"})
    assert await documents.all("ann") == (("home", {"city": "Köln"}),)


async def test_documents_come_in_the_order_they_were_first_put(documents: Documents) -> None:
    for id in ("c", "a", "b", "a"):
        await documents.put("ann", id, {"id": id})
    assert [id for id, _ in await documents.all("ann")] == ["c", "a", "b"]


async def test_a_removed_document_is_gone(documents: Documents) -> None:
    await documents.put("ann", "a", {})
    await documents.put("ann", "b", {})
    assert await documents.remove("ann", "a") is True
    assert await documents.all("ann") == (("b", {}),)


@pytest.mark.parametrize("other", ["ANN", "ann/", "../ann", "ann ", "änn", "", "a" * 500, "ann.json"])
async def test_owners_never_see_each_others_documents(documents: Documents, other: str) -> None:
    await documents.put("ann", "id", {"of": "ann"})
    assert await documents.get(other, "id") is None
    await documents.put(other, "id", {"of": other})
    assert await documents.get("ann", "id") == {"of": "ann"}


async def test_more_than_the_quota_is_refused_and_changes_nothing(documents: Documents) -> None:
    await documents.put("ann", "a", {"text": "x" * 2000})
    with pytest.raises(TooLarge):
        await documents.put("ann", "b", {"text": "x" * 4000})
    assert [id for id, _ in await documents.all("ann")] == ["a"]
    await documents.put("bea", "b", {"text": "x" * 4000})


async def test_changes_at_the_same_time_all_count(documents: Documents) -> None:
    await asyncio.gather(*(documents.put("ann", str(number), {"n": number}) for number in range(20)))
    assert {id for id, _ in await documents.all("ann")} == {str(number) for number in range(20)}


async def test_a_cancelled_change_does_not_undo_anothers(documents: Documents) -> None:
    puts = [asyncio.ensure_future(documents.put("ann", str(number), {})) for number in range(10)]
    await asyncio.sleep(0)
    for put in puts[::2]:
        put.cancel()
    await asyncio.gather(*puts, return_exceptions=True)
    kept = {id for id, _ in await documents.all("ann")}
    assert kept >= {str(number) for number in range(1, 10, 2)}


# --- files


async def test_the_quota_is_the_same_whatever_keeps_them(documents: Documents) -> None:
    # As a readable file, this has exactly 5000 bytes.
    text = "x" * (5000 - len(json.dumps({"_default": {"1": {"id": "a", "document": {"t": ""}}}}, indent=1)))
    await documents.put("ann", "a", {"t": text})
    with pytest.raises(TooLarge):
        await documents.put("ann", "a", {"t": text + "x"})
    assert await documents.get("ann", "a") == {"t": text}


async def test_two_hubs_change_the_documents_of_one_owner_and_none_is_lost(hub_database: str) -> None:
    hubs = [PostgresDocuments(make_url(hub_database)) for _ in range(3)]
    await asyncio.gather(
        *(hub.put("ann", f"{name}{n}", {"n": n}) for n in range(20) for name, hub in zip("abc", hubs, strict=True))
    )
    assert len(await hubs[0].all("ann")) == 60
    for hub in hubs:
        await hub.close()


async def test_owners_are_those_who_have_documents_until_they_are_forgotten(documents: Documents) -> None:
    for owner in ("memory/home/default/ann", "uploads/home/bea"):
        await documents.put(owner, "one", {"kept": True})
    assert await documents.owners() == ("memory/home/default/ann", "uploads/home/bea")
    await documents.forget("uploads/home/bea")
    await documents.forget("nobody")

    assert await documents.owners() == ("memory/home/default/ann",)
    assert await documents.all("uploads/home/bea") == ()
    assert await documents.get("memory/home/default/ann", "one") == {"kept": True}
