"""/v1/files: what comes along with messages, in and out."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.enums import RequestEncodingType
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Reference,
    RequestBody,
    Schema,
)
from litestar.params import FromPath
from msgspec import Struct

from hub.errors import BadRequest, NotFound, TooLarge
from hub.records import File
from hub.web.auth import Asker, Caller, Hub, caller_of, services_of
from hub.web.problems import PROBLEMS, JsonRequest, shown
from hub.web.services import Services

CHUNK = 256 * 1024
JSON_BODY = 1024 * 1024
"""The most bytes of JSON."""
LARGE = "large"
"""In an endpoint's `opt`: its JSON may hold files, in base64."""
AROUND = 1024 * 1024
"""Bytes of a form beside its files."""
SHOWN_INLINE = (
    *("image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"),
    *("audio/aac", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/wav", "audio/webm"),
)
"""What a browser shows without running anything; all else is saved."""
FORM = ("text", "task", "agent", "chat", "on_behalf_of", "reply_to")


class Kept(Struct, frozen=True, kw_only=True):
    """A file that's kept: a message's part of type "file" names it by its sha256."""

    sha256: str
    name: str
    media_type: str
    size: int


BYTES = ResponseSpec(bytes, description="Its bytes.", media_type="*/*", generate_examples=False)
BINARY = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)


@dataclass
class Sending(Operation):
    """An operation that takes a form with a file."""

    def __post_init__(self) -> None:
        """Say what may be sent."""
        form = Schema(type=OpenAPIType.OBJECT, properties={"file": BINARY}, required=["file"])
        self.request_body = RequestBody({"multipart/form-data": OpenAPIMediaType(schema=form)}, required=True)


@dataclass
class Saying(Operation):
    """An operation that takes a form with files in place of JSON."""

    def __post_init__(self) -> None:
        """Add the form to what may be sent."""
        if isinstance(self.request_body, RequestBody):
            files = Schema(type=OpenAPIType.ARRAY, items=BINARY, min_items=1, max_items=10)
            fields: dict[str, Reference | Schema] = {
                **dict.fromkeys(FORM, Schema(type=OpenAPIType.STRING)),
                "file": files,
            }
            form = Schema(type=OpenAPIType.OBJECT, properties=fields, required=["file"])
            self.request_body.content["multipart/form-data"] = OpenAPIMediaType(schema=form)


class FilesController(Controller):
    """What comes along with messages."""

    path = "/v1/files"
    tags = ("files",)

    @post(
        "/",
        status_code=201,
        opt={"scope": "messages:write"},
        operation_class=Sending,
        responses=PROBLEMS,
        summary="Send a file",
    )
    async def send(self, request: Request[Any, Any, Any], services: Hub, caller: Asker) -> Kept:
        """Keep a file; for a day your messages may name it, and once one does it stays."""
        file = (await request.form()).get("file")
        if not isinstance(file, UploadFile):
            raise BadRequest("file", "is missing; send a form (multipart/form-data) with a file in it")
        return _kept(await _upload(services, caller, file))

    @get(
        "/{sha256:str}",
        opt={"scope": "messages:read"},
        responses={
            **PROBLEMS,
            200: BYTES,
        },
        summary="Read a file",
    )
    async def read(self, services: Hub, caller: Asker, sha256: FromPath[str]) -> Response[bytes]:
        """Return the bytes of a file that you sent, or that's in a message which you may see."""
        file = await found(services, caller, sha256)
        if file is None:
            raise NotFound(f"file: there's no {shown(sha256)} that you may see")
        return answer_with(await services.uploads.read(file), file.name, file.media_type)


class HubRequest(JsonRequest):
    """A request that may say as a form, with files beside it, what others say in JSON."""

    async def form(self) -> FormMultiDict:
        """Return a form; raises BadRequest for one whose text can't be read."""
        try:
            return await super().form()
        except (UnicodeError, LookupError):
            raise BadRequest("body", "isn't a form in UTF-8; send multipart/form-data") from None

    async def json(self) -> Any:
        """Return the body's JSON, or a form as the JSON that says the same, its files kept; raises PersonError."""
        kind, _ = self.content_type
        if self.scope["path"].rstrip("/") == "/v1/messages" and kind == RequestEncodingType.MULTI_PART:
            return await _form(self)
        announced, most = self.headers.get("content-length", "0"), self._most()
        if (announced.isdecimal() and int(announced) > most) or len(await self.body()) > most:
            raise TooLarge(f"body: larger than {most // 1024**2} MiB; send less in one go")
        return await super().json()

    def _most(self) -> int:
        """Return how many bytes of JSON are taken."""
        large = self.route_handler.opt.get(LARGE)
        return in_base64(services_of(self).uploads.limit) if large else JSON_BODY


def in_base64(size: int) -> int:
    """Return how many bytes JSON may have that holds a file of this size."""
    return size * 4 // 3 + JSON_BODY


def answer_with(data: bytes, name: str, media_type: str) -> Response[bytes]:
    """Return a file's bytes so that a browser runs nothing of them."""
    inline = media_type in SHOWN_INLINE
    how = "inline" if inline else "attachment"
    headers = {
        "Content-Disposition": f"{how}; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=3600",
    }
    return Response(data, headers=headers, media_type=media_type if inline else "application/octet-stream")


async def found(services: Services, caller: Caller, sha256: str) -> File | None:
    """Return a file that this caller may see."""
    return await services.uploads.find(caller.tenant, caller.person, sha256, anybodys=caller.may("admin"))


async def _form(request: Request[Any, Any, Any]) -> dict[str, object]:
    caller, services = caller_of(request), services_of(request)
    form = await request.form()
    said: dict[str, object] = {}
    parts: list[dict[str, str]] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile) and name == "file" and caller:
            file = await _upload(services, caller, value)
            parts.append({"type": "file", "sha256": file.sha256, "name": file.name, "media_type": file.media_type})
        elif isinstance(value, str) and name in FORM:
            said[name] = value
        else:
            raise BadRequest(name, f"isn't known in a form; it may have file and {', '.join(FORM)}")
    if text := said.pop("text", None):
        parts.insert(0, {"type": "text", "text": str(text)})
    return {**said, "parts": parts}


async def _upload(services: Services, caller: Caller, upload: UploadFile) -> File:
    async def chunks() -> AsyncIterator[bytes]:
        while chunk := await upload.read(CHUNK):
            yield chunk

    return await services.uploads.keep(caller.tenant, caller.person, upload.filename, upload.content_type, chunks())


def _kept(file: File) -> Kept:
    return Kept(sha256=file.sha256, name=file.name, media_type=file.media_type, size=file.size)
