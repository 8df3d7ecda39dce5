"""Measures how many small packages a registry gives out, over HTTP from this machine, and what each costs it."""

import asyncio
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

from hub.cli.bench_figures import Figure, cpu_seconds, line_of, p50_and, process
from hub.cli.publish import Published, seeded
from hub.cli.registries import BASE, Registry
from hub.loading import SHIPPED_PLUGINS
from hub.sections import Secret

CONFIG = """\
[registry]
listed_after_days = 0
new_packages = 1000
new_versions = 1000
downloads_per_minute = 1000000
reads_per_minute = 1000000
"""
AIM = 500
CONNECTIONS = 16
SECONDS = 60.0
"""That one answer may take."""


class Taken(Struct, frozen=True, kw_only=True):
    """A package to be fetched."""

    request: bytes
    sha256: str


@asynccontextmanager
async def registry(folder: Path) -> AsyncGenerator[tuple[Process, str], None]:
    """Serve a registry on a folder, and yield it with its address."""
    config = _laid(folder)
    run = ("-m", "hub", "registry", "--config", str(config), "--data", str(folder / "registry"), "--port", "0")
    async with process(*run, log=folder / "registry.log") as started:
        line = await line_of(started)
        yield started, line.split(" is at ")[1].removesuffix("/registry/")


async def fetching(folder: Path, *, seconds: float) -> list[Figure]:
    """Publish the plugins that come along, and have them fetched over and over, each answer held against its digest."""
    async with registry(folder) as (started, url):
        wanted = await _published(folder, url)
        await _fetch(url, wanted, 1.0)
        before, began = cpu_seconds(started.pid), time.perf_counter()
        times = await _fetch(url, wanted, seconds)
        took, spent = time.perf_counter() - began, cpu_seconds(started.pid) - before
    return [
        Figure(
            name=f"downloads of small packages, {CONNECTIONS} connections",
            value=len(times) / took,
            unit="/s",
            aim=AIM,
            better="more",
            note=f"{len(times):,} in {took:.1f} s, {spent:.1f} s of a core",
        ),
        *p50_and(99, "one of these downloads", times, (None, None)),
        Figure(name="the registry's processor time for one", value=spent / len(times) * 1000, unit="ms"),
    ]


async def _published(folder: Path, url: str) -> list[Taken]:
    folders = sorted(path.parent for path in SHIPPED_PLUGINS.glob("*/plugin.toml"))
    async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
        body = {"name": "bench", "password": "only for this measurement"}
        opened = await client.post(f"{BASE}/accounts", json=body)
        opened.raise_for_status()
    told = Registry(url, Secret(opened.json()["token"]))
    found = await seeded(told, folders, "bench", folder / "bench.key")
    return [_taken(url, name, each) for name, each in found if each.state == "listed"]


def _laid(folder: Path) -> Path:
    folder.mkdir(parents=True)
    config = folder / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    return config


def _taken(url: str, name: str, published: Published) -> Taken:
    path = f"{BASE}/packages/{name}/versions/{published.version}/download"
    return Taken(
        request=f"GET {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n\r\n".encode(), sha256=published.sha256
    )


async def _fetch(url: str, wanted: list[Taken], seconds: float) -> list[float]:
    """Return how long each download took, of as many as there's time for; raises RuntimeError for other bytes."""
    address, until, times = urlsplit(url), time.perf_counter() + seconds, list[float]()

    async def go_on(which: int) -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            while (began := time.perf_counter()) < until:
                which = (which + 1) % len(wanted)
                async with asyncio.timeout(SECONDS):
                    writer.write(wanted[which].request)
                    body = await _body(reader)
                times.append(time.perf_counter() - began)
                if sha256(body).hexdigest() != wanted[which].sha256:
                    raise RuntimeError(f"{wanted[which].request.decode()} gave other bytes")
        finally:
            writer.close()

    async with asyncio.TaskGroup() as group:
        for number in range(CONNECTIONS):
            group.create_task(go_on(number))
    return times


async def _body(reader: asyncio.StreamReader) -> bytes:
    # A client of a few lines: a whole one would take more of the processor than the registry does.
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    if " 200 " not in head.partition("\r\n")[0]:
        raise RuntimeError(f"the registry answered {head.partition(chr(13))[0]}")
    length = next(line.partition(":")[2] for line in head.split("\r\n") if line.startswith("content-length:"))
    return await reader.readexactly(int(length))
