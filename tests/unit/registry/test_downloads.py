"""Archives as they're fetched: by their digest, whole, in part or not again; and counted once a day for each."""

import base64
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from hub.registry.archives import Archives
from hub.registry.counting import Counting, Download
from hub.registry.parts import Parts
from hub.registry.tables import archives, downloaders, downloads, fetches, salts
from hub.statements import SigningKey
from hub.testing import FakeClock
from tests.unit.registry.conftest import ON_SQLITE, Client, signed_up
from tests.unit.registry.publishing import a_plugin, fetching, published, put_in

PATH = "/registry/v1/packages/ann/echo/versions/1.0.0/download"


@pytest.fixture
async def ann(client: Client) -> dict[str, str]:
    return await signed_up(client, "ann")


@pytest.fixture
async def archive(client: Client, parts: Parts, ann: dict[str, str]) -> bytes:
    data = a_plugin("echo", "1.0.0")
    await published(parts, archive=data)
    return data


async def test_an_archive_comes_with_its_digest_and_is_not_sent_again(client: Client, archive: bytes) -> None:
    answer = await client.get(PATH)
    tag = answer.headers["etag"]
    again = await client.get(PATH, headers={"If-None-Match": f'"other", W/{tag}'})

    assert answer.content == archive
    assert tag == f'"{sha256(archive).hexdigest()}"'
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(sha256(archive).digest()).decode()}:"
    assert answer.headers["content-disposition"] == 'attachment; filename="ann-echo-1.0.0.zip"'
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


async def test_head_tells_the_size_without_the_bytes(client: Client, archive: bytes) -> None:
    answer = await client.head(PATH)
    unknown = await client.head(PATH.replace("1.0.0", "9.9.9"))

    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", str(len(archive)))
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-9", 0, 10), ("bytes=5-", 5, None), ("bytes=-7", -7, None), ("bytes=3-99999999", 3, None)],
)
async def test_a_part_is_sent_if_one_is_asked_for(
    client: Client, archive: bytes, asked: str, start: int, stop: int | None
) -> None:
    answer = await client.get(PATH, headers={"Range": asked})

    part = archive[start:stop]
    first = start % len(archive)
    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(part) - 1}/{len(archive)}"


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=0-1,4-5", "bytes=-", "lines=1-2", "bytes=x-y", ""])
async def test_what_is_no_single_range_gets_the_whole(client: Client, archive: bytes, asked: str) -> None:
    answer = await client.get(PATH, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (200, archive)


async def test_a_part_of_other_bytes_is_not_continued(client: Client, archive: bytes) -> None:
    tag = f'"{sha256(archive).hexdigest()}"'

    same = await client.get(PATH, headers={"Range": "bytes=4-", "If-Range": tag})
    weak = await client.get(PATH, headers={"Range": "bytes=4-", "If-Range": f"W/{tag}"})
    other = await client.get(PATH, headers={"Range": "bytes=4-", "If-Range": '"other"'})

    assert [same.status_code, weak.status_code, other.status_code] == [206, 200, 200]
    assert other.content == archive


@pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=-0"])
async def test_a_part_that_is_not_there_is_refused(client: Client, archive: bytes, asked: str) -> None:
    answer = await client.get(PATH, headers={"Range": asked})

    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(archive)}")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_what_a_moderator_took_away_is_told_why(client: Client, parts: Parts, ann: dict[str, str]) -> None:
    version = await published(parts)
    for state in ("quarantined", "revoked"):
        await put_in(parts, version, state, "steals passwords")

        for path in ("download", "files", "files/plugin.py"):
            answer = await client.get(PATH.replace("download", path), headers=ann)
            assert answer.status_code == 451
            assert "steals passwords" in answer.json()["detail"]


async def test_a_large_archive_is_sent_from_a_file_and_mended_if_that_is_damaged(parts: Parts, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40
    digest = await kept(parts, data)

    for harm in (b"", b"\0"):
        lending = Archives(parts.shelf, tmp_path / "cache", small=100)
        for path in (tmp_path / "cache").glob("*"):
            path.write_bytes(path.read_bytes()[: -len(harm) or None] + harm)
        file = await lending.lend(digest, len(data))
        assert not isinstance(file, bytes)
        with file:
            assert file.read() == data
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [digest]


async def test_archives_in_memory_and_on_disk_have_bounds(parts: Parts, tmp_path: Path) -> None:
    lending = Archives(parts.shelf, tmp_path / "cache", small=100, in_memory=250, on_disk=2_500)
    for size in (90, 1_000):
        for number in range(5):
            data = bytes([number]) * size
            await kept(parts, data)
            found = await lending.lend(sha256(data).hexdigest(), size)
            if not isinstance(found, bytes):
                found.close()

    assert sum(len(data) for data in lending._kept.values()) == lending._bytes <= 250
    assert sum(path.stat().st_size for path in (tmp_path / "cache").iterdir()) <= 2_500


async def test_a_large_archive_comes_whole_and_in_part_over_http(
    client: Client, parts: Parts, ann: dict[str, str]
) -> None:
    noise = "".join(sha256(str(number).encode()).hexdigest() for number in range(40_000))
    data = a_plugin("echo", "1.0.0", more={"noise.txt": noise})
    assert len(data) > 1024 * 1024
    await published(parts, archive=data)

    whole = await client.get(PATH)
    part = await client.get(PATH, headers={"Range": "bytes=100000-1000000"})

    assert (whole.content, whole.headers["content-length"]) == (data, str(len(data)))
    assert (part.status_code, part.content) == (206, data[100_000:1_000_001])


async def test_a_download_counts_once_a_day_for_each(
    client: Client, parts: Parts, clock: FakeClock, archive: bytes, ann: dict[str, str]
) -> None:
    for _ in range(3):
        await client.get(PATH)
        await client.get(PATH, headers=ann)
        await parts.counting.keep()
    await client.head(PATH)
    await client.get(PATH, headers={"Range": "bytes=4-"})
    assert await shown(client) == (2, 0)

    await clock.advance(timedelta(days=1).total_seconds())
    await client.get(PATH)
    await parts.counting.keep()

    assert await shown(client) == (3, 0)
    assert await rows(parts, downloads) == 2


async def test_who_fetched_what_is_forgotten_the_day_after(
    client: Client, parts: Parts, clock: FakeClock, archive: bytes
) -> None:
    await client.get(PATH)
    await parts.counting.keep()
    assert (await rows(parts, downloaders), await rows(parts, salts)) == (1, 1)
    before = await parts.shelf.read(lambda each: each.execute(select(downloaders.c.who)).scalars().all())

    await clock.advance(timedelta(days=1).total_seconds())
    await client.get(PATH)
    await parts.counting.keep()
    after = await parts.shelf.read(lambda each: each.execute(select(downloaders.c.who)).scalars().all())

    assert (len(after), await rows(parts, salts)) == (1, 1)
    assert before != after


async def test_another_process_counts_nobody_twice(parts: Parts, clock: FakeClock, archive: bytes) -> None:
    one, other = Counting(parts.shelf, clock), Counting(parts.shelf, clock)
    for counting in (one, other):
        counting.note(a_download(archive, clock))
        await counting.keep()

    total = await parts.shelf.read(lambda each: each.execute(select(downloads.c.count)).scalars().all())
    assert total == [1]


async def test_a_hub_that_proves_its_key_counts_as_an_installation_once(
    client: Client, parts: Parts, ann: dict[str, str]
) -> None:
    version = await published(parts)
    hub = SigningKey.fresh()

    for _ in range(2):
        answer = await client.get(PATH, headers=fetching(parts, hub, version))
        assert answer.headers["agenthost-fetch-noted"] == "?1"
    await parts.counting.keep()

    newer = await published(parts, version="1.1.0")
    await client.get(PATH.replace("1.0.0", "1.1.0"), headers=fetching(parts, hub, newer))
    await parts.counting.keep()
    assert await shown(client) == (2, 1)
    assert await rows(parts, fetches) == 2


async def test_a_proof_of_something_else_is_not_noted(
    client: Client, parts: Parts, clock: FakeClock, ann: dict[str, str]
) -> None:
    version, hub, other = await published(parts), SigningKey.fresh(), SigningKey.fresh()
    bad = [
        fetching(parts, hub, version, sha256="0" * 64),
        fetching(parts, hub, version, registry="https://other.example"),
        fetching(parts, hub, version, time=clock.now() - timedelta(minutes=11)),
        {**fetching(parts, hub, version), "AgentHost-Hub": fetching(parts, other, version)["AgentHost-Hub"]},
        {**fetching(parts, hub, version), "AgentHost-Fetch": "e30="},
        {**fetching(parts, hub, version), "AgentHost-Hub": "none"},
    ]

    for headers in bad:
        answer = await client.get(PATH, headers=headers)
        assert (answer.status_code, answer.headers["agenthost-fetch-noted"]) == (200, "?0")
    await parts.counting.keep()

    assert await rows(parts, fetches) == 0


async def test_one_address_is_not_noted_as_many_hubs_on_a_day(
    client: Client, parts: Parts, ann: dict[str, str]
) -> None:
    version = await published(parts)

    for _ in range(30):
        await client.get(PATH, headers=fetching(parts, SigningKey.fresh(), version))
        await parts.counting.keep()

    assert await rows(parts, fetches) == 5


@ON_SQLITE
async def test_what_waits_to_be_counted_has_a_bound_and_outlasts_a_full_disk(
    parts: Parts, clock: FakeClock, archive: bytes
) -> None:
    counting = Counting(parts.shelf, clock)
    for number in range(25_000):
        counting.note(a_download(archive, clock, who=f"address:{number}"))
    assert len(counting._waiting) == 20_000

    await parts.shelf.close()
    with pytest.raises(Exception, match="isn't open"):
        await counting.keep()
    await parts.shelf.open()
    await counting.keep()

    assert await parts.shelf.read(lambda each: each.execute(select(downloads.c.count)).scalars().all()) == [20_000]


def a_download(archive: bytes, clock: FakeClock, who: str = "address:192.0.2.1") -> Download:
    digest = sha256(archive).hexdigest()
    return Download(who=who, publisher="ann", name="echo", version="1.0.0", sha256=digest, hub="", at=clock.now())


async def shown(client: Client) -> tuple[int, int]:
    answer = (await client.get("/registry/v1/packages/ann/echo")).json()
    return answer["downloads"], answer["installs"]


async def rows(parts: Parts, table: object) -> int:
    return len(await parts.shelf.read(lambda each: each.execute(select(table)).all()))  # type: ignore[call-overload]


async def kept(parts: Parts, data: bytes) -> str:
    digest = sha256(data).hexdigest()
    keep = insert(archives).values(sha256=digest, data=data)
    await parts.shelf.write(lambda connection: connection.execute(keep) and None)
    return digest
