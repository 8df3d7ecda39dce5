"""Files over HTTP: sent, named by messages, read by who may, and shown so that nothing in them runs."""

from typing import Any

import httpx
import pytest

from hub.config import Config, LimitsConfig
from hub.ports import Add
from hub.records import HOME, OWNER, Address, File, Person, PersonId, Text
from hub.testing import NOON, FakeClock, a_message
from tests.unit.web.world import World, a_world

PHOTO = b"\x89PNG\r\n\x1a\n not really"


async def send(client: httpx.AsyncClient, data: bytes = PHOTO, name: str = "photo.png", kind: str = "image/png") -> Any:
    answer = await client.post("/v1/files", files={"file": (name, data, kind)})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def key_of(world: World, name: str) -> str:
    person = Person(id=PersonId(name), tenant=HOME, name=name, created_at=NOON)
    await world.store.commit(Add(person))
    _, secret = await world.people.create_key(HOME, person.id, name, ("messages:read", "messages:write"))
    return secret


async def test_a_file_is_kept_and_its_sha256_told() -> None:
    world = await a_world()
    async with world.client() as client:
        kept = await send(client)

    assert (kept["name"], kept["media_type"], kept["size"], len(kept["sha256"])) == (
        "photo.png",
        "image/png",
        len(PHOTO),
        64,
    )


async def test_a_message_names_files_that_were_sent_before() -> None:
    world = await a_world()
    async with world.client() as client:
        kept = await send(client)
        parts = [{"type": "text", "text": "look"}, {"type": "file", "sha256": kept["sha256"], "name": "me.png"}]
        said = await client.post("/v1/messages", json={"parts": parts})
        message = (await client.get(f"/v1/messages/{said.json()['id']}")).json()

    assert said.status_code == 202
    file = {"type": "file", "name": "me.png", "media_type": "image/png", "size": len(PHOTO), "sha256": kept["sha256"]}
    assert message["parts"] == [{"type": "text", "text": "look"}, file]
    assert "me.png" in message["text"]
    assert "me.png" not in message["html"]


async def test_a_form_says_a_message_with_its_files_in_one_go() -> None:
    world = await a_world()
    async with world.client() as client:
        said = await client.post(
            "/v1/messages",
            data={"text": "look", "chat": "work"},
            files=[("file", ("a.png", PHOTO, "image/png")), ("file", ("b.txt", b"hello", "text/plain"))],
            headers={"Idempotency-Key": "once"},
        )
        message = (await client.get(f"/v1/messages/{said.json()['id']}")).json()

    assert said.status_code == 202, said.text
    assert [part.get("name") or part["text"] for part in message["parts"]] == ["look", "a.png", "b.txt"]
    assert message["chat"] == "work"


async def test_a_form_that_comes_again_with_the_same_key_is_one_message() -> None:
    world = await a_world()
    async with world.client() as client:
        said = [
            await client.post(
                "/v1/messages", files={"file": ("a.png", data, "image/png")}, headers={"Idempotency-Key": "once"}
            )
            for data in (PHOTO, PHOTO, b"another")
        ]

    assert [answer.status_code for answer in said] == [202, 202, 409], said[0].text
    assert said[0].json()["id"] == said[1].json()["id"]


async def test_who_sent_a_file_reads_it_back_and_a_picture_is_shown_in_its_place() -> None:
    world = await a_world()
    async with world.client() as client:
        kept = await send(client, name='we "two".png')
        read = await client.get(f"/v1/files/{kept['sha256']}")

    assert read.content == PHOTO
    assert read.headers["content-type"] == "image/png"
    assert read.headers["content-disposition"] == "inline; filename*=UTF-8''we%20%22two%22.png"
    assert read.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in read.headers["content-security-policy"]
    assert "private" in read.headers["cache-control"]


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/pdf", "nonsense", "image/png\r\nx: y"])
async def test_whatever_could_run_is_saved_and_not_shown(kind: str) -> None:
    world = await a_world()
    file = await world.services.uploads.keep(HOME, OWNER, "x.html", kind, b"<script>alert(1)</script>")
    async with world.client() as client:
        read = await client.get(f"/v1/files/{file.sha256}")

    assert read.headers["content-disposition"].startswith("attachment")
    assert read.headers["content-type"] == "application/octet-stream"


async def test_nobody_else_reads_a_file_or_puts_it_into_a_message_whatever_they_know_of_it() -> None:
    world = await a_world()
    async with world.client() as owner, world.client(await key_of(world, "bea")) as bea:
        kept = await send(owner)
        read = await bea.get(f"/v1/files/{kept['sha256']}")
        named = await bea.post("/v1/messages", json={"parts": [{"type": "file", "sha256": kept["sha256"]}]})

    assert read.status_code == 404
    assert (named.status_code, named.json()["field"]) == (400, "parts[0].sha256")


async def test_a_file_in_a_message_is_read_by_its_person_and_by_an_admin_of_the_tenant() -> None:
    world = await a_world()
    bea = await key_of(world, "bea")
    sha256, size = await world.services.uploads._files.put(b"hello", limit=9)
    file = File(name="voice.ogg", media_type="audio/ogg", size=size, sha256=sha256)
    reply = a_message(person=PersonId("bea"), role="agent", address=Address(bridge="xmpp", chat="b"), parts=(file,))
    await world.store.commit(Add(reply))
    async with world.client(bea) as hers, world.client() as owner, world.client(await key_of(world, "cid")) as his:
        answers = [await client.get(f"/v1/files/{sha256}") for client in (hers, owner, his)]

    assert [answer.status_code for answer in answers] == [200, 200, 404]


async def test_another_tenants_file_is_not_there() -> None:
    world = await a_world()
    sha256, size = await world.services.uploads._files.put(b"hello", limit=9)
    file = File(name="a", media_type="text/plain", size=size, sha256=sha256)
    await world.store.commit(Add(a_message(tenant="others", parts=(Text("x"), file))))
    async with world.client() as client:
        assert (await client.get(f"/v1/files/{sha256}")).status_code == 404


async def test_a_file_too_large_is_refused_with_its_limit() -> None:
    world = await a_world(Config(limits=LimitsConfig(file_mb=1)))
    large = b"x" * (1024 * 1024 + 1)
    async with world.client() as client:
        sent = await client.post("/v1/files", files={"file": ("x", large)})
        said = await client.post("/v1/messages", files={"file": ("x", large)})
        huge = await client.post("/v1/files", files={"file": ("x", large * 3)})
        json = await client.post("/v1/messages", json={"text": "x" * 1_100_000})

    assert [answer.status_code for answer in (sent, said, huge, json)] == [413] * 4


async def test_a_form_without_a_file_or_with_what_nobody_knows_is_refused() -> None:
    world = await a_world()
    async with world.client() as client:
        empty = await client.post("/v1/files", data={"x": "y"})
        odd = await client.post("/v1/messages", data={"nope": "x"}, files={"file": ("x", b"y")})

    assert (empty.status_code, odd.status_code, odd.json()["field"]) == (400, 400, "nope")


@pytest.mark.parametrize("path", ["/v1/files", "/v1/messages"])
async def test_a_form_whose_text_is_not_text_is_refused(path: str) -> None:
    world = await a_world()
    body = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n\xff\xfe\r\n--x--\r\n'
    async with world.client() as client:
        answer = await client.post(path, content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.txt", "y.txt"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("..", "file"),
        ("", "file"),
    ],
)
async def test_a_name_has_no_folders_and_nothing_that_deceives(name: str, kept: str) -> None:
    world = await a_world()

    assert (await world.services.uploads.keep(HOME, OWNER, name, "text/plain", b"x")).name == kept


async def test_a_file_that_no_message_named_within_a_day_cannot_be_named_any_more() -> None:
    clock = FakeClock()
    world = await a_world(clock=clock)
    file = await world.services.uploads.keep(HOME, OWNER, "a", "text/plain", b"a")
    await clock.advance(25 * 3600)
    await world.services.uploads.keep(HOME, OWNER, "b", "text/plain", b"b")

    assert await world.services.uploads.find(HOME, OWNER, file.sha256) is None
