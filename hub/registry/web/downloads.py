"""/registry/v1/.../download: an archive, whole or in part, by what its bytes are."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, BinaryIO

from litestar import Controller, HttpMethod, Request, Response, route
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.response import Stream

from hub.errors import StatementError
from hub.registry.counting import Download
from hub.registry.parts import Parts
from hub.registry.reading import Archived
from hub.registry.web.auth import Registry, Visitor
from hub.registry.web.conditions import OutOfRange, is_same, part_of
from hub.registry.web.gate import QUOTA, who_of
from hub.registry.web.packages import VERSION
from hub.registry.web.refusals import refusals
from hub.releases import read_fetch
from hub.statements import id_of, public_of
from hub.web.problems import MEDIA_TYPE, Problem

HUB, FETCH = "AgentHost-Hub", "AgentHost-Fetch"
NOTED = "AgentHost-Fetch-Noted"
"""In the answer: ?1 if the proof holds, ?0 if it doesn't."""
ZIP = "application/zip"
PIECE = 64 * 1024
SKEW = timedelta(minutes=10)
"""Between a hub's clock and the registry's."""
BYTES = ResponseSpec(bytes, description="The archive.", media_type=ZIP, generate_examples=False)
NOTHING = ResponseSpec(None, description="You have these bytes.", generate_examples=False)


class DownloadsController(Controller):
    """Archives."""

    tags = ("packages",)

    @route(
        f"{VERSION}/download",
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        responses={**refusals(404, 416, 451), 200: BYTES, 206: BYTES, 304: NOTHING},
        opt={QUOTA: "downloads"},
    )
    async def download(
        self,
        request: Request[Any, Any, Any],
        publisher: FromPath[str],
        name: FromPath[str],
        version: FromPath[str],
        visitor: Visitor,
        parts: Registry,
    ) -> Response[Any]:
        """Give a version's archive: its ETag is its SHA-256, and parts of it may be asked for."""
        found = await parts.reading.fetchable(publisher, name, version, visitor)
        tag, asked = f'"{found.sha256}"', request.headers
        headers = _headers(found, tag)
        if is_same(asked.get("if-none-match"), tag):
            return Response(None, status_code=304, headers=headers)
        if request.method == "HEAD":
            return Response(b"", headers={**headers, "Content-Length": str(found.size), "Content-Type": ZIP})
        try:
            part = part_of(asked.get("range"), asked.get("if-range"), tag, found.size)
        except OutOfRange:
            return _out_of_range(request, found)
        start, stop = part or (0, found.size)
        if part:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{found.size}"
        archive = await parts.reading.archive(found)
        if start == 0:
            who = f"account:{visitor.account.id}" if visitor else who_of(request)
            headers |= _noted(request, parts, found, who)
        status = 206 if part else 200
        if isinstance(archive, bytes):
            return Response(archive[start:stop], status_code=status, headers=headers, media_type=ZIP)
        headers["Content-Length"] = str(stop - start)
        return Stream(_pieces(archive, start, stop), status_code=status, headers=headers, media_type=ZIP)


def _headers(version: Archived, tag: str) -> dict[str, str]:
    digest = base64.b64encode(bytes.fromhex(version.sha256)).decode()
    # The bytes never change, but whether they're given out may: each use asks, and is told so in a few bytes.
    shared = "public" if version.state == "listed" else "private"
    return {
        "ETag": tag,
        "Repr-Digest": f"sha-256=:{digest}:",
        "Accept-Ranges": "bytes",
        "Cache-Control": f"{shared}, no-cache",
        "Content-Disposition": f'attachment; filename="{version.publisher}-{version.name}-{version.version}.zip"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


def _noted(request: Request[Any, Any, Any], parts: Parts, version: Archived, who: str) -> dict[str, str]:
    """Note that an archive is fetched, and by which hub if it proves it; return what the answer says of the proof."""
    now = parts.clock.now()
    hub = _hub(request, parts, version)
    parts.counting.note(
        Download(
            who=who,
            publisher=version.publisher,
            name=version.name,
            version=version.version,
            sha256=version.sha256,
            hub=hub or "",
            at=now,
        )
    )
    return {} if hub is None else {NOTED: "?1" if hub else "?0"}


def _hub(request: Request[Any, Any, Any], parts: Parts, version: Archived) -> str | None:
    """Return the id of the key of the hub that asks; empty if its proof doesn't hold, None if it sends none."""
    told, proof = request.headers.get(HUB), request.headers.get(FETCH)
    if told is None or proof is None:
        return None
    try:
        public = public_of(told)
        fetch = read_fetch(base64.b64decode(proof, validate=True), public)
    except (StatementError, binascii.Error, ValueError):
        return ""
    ours = {parts.url} if parts.config.url else {parts.url, str(request.base_url).rstrip("/")}
    where = fetch.registry.rstrip("/").removesuffix("/registry")
    fits = fetch.sha256 == version.sha256 and abs(fetch.time - parts.clock.now()) <= SKEW
    return id_of(public) if fits and where in {each.removesuffix("/registry") for each in ours} else ""


def _out_of_range(request: Request[Any, Any, Any], version: Archived) -> Response[Any]:
    text = f"Range: the archive has {version.size} bytes; ask for some of them"
    problem = Problem(title="Range Not Satisfiable", status=416, detail=text, field="Range", instance=request.url.path)
    headers = {"Content-Range": f"bytes */{version.size}"}
    return Response(problem, status_code=416, media_type=MEDIA_TYPE, headers=headers)


async def _pieces(file: BinaryIO, start: int, stop: int) -> AsyncIterator[bytes]:
    with file:
        file.seek(start)
        while start < stop and (piece := await asyncio.to_thread(file.read, min(PIECE, stop - start))):
            start += len(piece)
            yield piece
