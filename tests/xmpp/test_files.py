"""Files in and out over the server's place for files, and what isn't fetched."""

import asyncio
import urllib.request
from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import web

from hub.errors import DeliveryRefused
from hub.records import Address, File, Text
from tests.xmpp.friend import Friend, friend
from tests.xmpp.running import NAME, a_desk, an_account, answer, running
from tests.xmpp.server import SHARED_BYTES, Prosody


def share(client: Friend, to: str, url: str) -> None:
    """Send a file as clients do: its address as text, and once more for machines."""
    message = client.make_message(mto=to, mbody=url, mtype="chat")
    message["oob"]["url"] = url
    message.send()


async def upload(client: Friend, name: str, data: bytes) -> str:
    """Put a file where the server keeps files."""
    plugin = client.plugin["xep_0363"]
    return await plugin.upload_file(name, size=len(data), content_type="image/png", input_file=BytesIO(data), timeout=5)


async def test_files_come_in_and_go_out_byte_by_byte(prosody: Prosody, name: str, folder: Path) -> None:
    """X7."""
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    data = bytes(range(256)) * 100
    async with (
        running(an_account(prosody, agent), folder, a_desk(ann)) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        share(client, agent, await upload(client, "cat.png", data))
        await hub.until(lambda: hub.kept)
        (part,) = hub.kept[0].parts
        assert isinstance(part, File)
        assert (part.name, part.media_type, part.size) == ("cat.png", "image/png", len(data))
        assert await hub.files.read(part.sha256) == data

        outgoing = answer("", hub.kept[0].address, parts=(Text(text="Here you are:"), part))
        delivered = await hub.bridge.deliver(outgoing)
        await client.until(lambda: len(client.heard) == 2)
        said, file = client.heard
        assert (said.body, file.body, len(delivered.ids)) == ("Here you are:", file.urls[0], 2)
        assert await asyncio.to_thread(get, file.urls[0]) == data


async def test_a_file_above_the_limit_becomes_words(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent, file_mb=1), folder, a_desk(ann)) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        share(client, agent, await upload(client, "film.png", bytes(2_500_000)))
        await hub.until(lambda: hub.kept)
        assert hub.texts == ["[file too large: film.png, 2 MB; the limit is 1 MB]"]


async def test_a_file_that_the_server_does_not_take_is_refused(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with running(an_account(prosody, agent), folder, a_desk(ann)) as hub:
        sha256, size = await hub.files.put(bytes(SHARED_BYTES + 1), limit=SHARED_BYTES + 1)
        large = File(name="large.bin", media_type="application/octet-stream", size=size, sha256=sha256)
        outgoing = answer("", Address(bridge=NAME, chat=ann), parts=(large,))
        with pytest.raises(DeliveryRefused, match=r"it has 3,000,001 bytes, the server takes 3,000,000"):
            await hub.bridge.deliver(outgoing)


async def test_a_very_long_answer_comes_as_a_file(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    long = "\n\n".join(f"{number} **bold** " + "word " * 100 for number in range(100))
    async with (
        running(an_account(prosody, agent), folder, a_desk(ann)) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        client.say(agent, "all of it, please")
        await hub.until(lambda: hub.kept)
        await hub.say(long, hub.kept[0])
        await client.until(lambda: len(client.heard) == 2)
        first, file = client.heard
        assert first.body.startswith("0 *bold* word")
        assert len(first.body) < 700
        assert (await asyncio.to_thread(get, file.urls[0])).decode() == long


async def test_nothing_is_fetched_from_within_nor_for_strangers(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann, eve = (prosody.add(f"{who}{name}") for who in ("agent", "ann", "eve"))
    asked: list[str] = []

    async def answer_all(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound("http://127.0.0.1:1/")

    runner = web.AppRunner(web.Application())
    runner.app.router.add_get("/{name}", answer_all)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with (
            running(an_account(prosody, agent), folder, a_desk(ann)) as hub,
            friend(ann, prosody.port, prosody.certificate) as client,
            friend(eve, prosody.port, prosody.certificate) as stranger,
        ):
            inside = [
                f"http://{host}:{port}/secret" for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]")
            ]
            inside += ["http://169.254.169.254/latest", "file:///etc/passwd", "ftp://example.org/x", "http://10.0.0.1/"]
            inside += [f"http://me@127.0.0.1:{prosody.http_port}/file_share/x", "http://2130706433/", "http://[/"]
            for url in inside:
                share(client, agent, url)
            await hub.until(lambda: len(hub.kept) == len(inside), 30)
            assert hub.texts == [f"[a file that couldn't be fetched: {url}]" for url in inside]
            share(stranger, agent, await upload(stranger, "cat.png", b"cat"))
            await hub.until(lambda: len(hub.kept) == len(inside) + 1)
            assert hub.texts[-1].startswith(f"http://127.0.0.1:{prosody.http_port}/file_share/")
            assert asked == []
    finally:
        await runner.cleanup()


def get(url: str) -> bytes:
    """Return what's at an address."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        data: bytes = answer.read()
        return data
