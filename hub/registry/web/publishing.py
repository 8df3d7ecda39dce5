"""What owners do: name their keys, publish versions, yank them, delete a package."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, delete, post, put
from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hub.errors import BadRequest, TooLarge
from hub.packages.archive import Bounds
from hub.registry.publishing import STATEMENT, Upload
from hub.registry.web.auth import Asker, Registry
from hub.registry.web.views import KeyView, VersionView, key_view, version_view
from hub.statements import Envelope
from hub.web.problems import MEDIA_TYPE, PROBLEMS, Problem, shown

PACKED = Bounds().packed
UPLOAD = PACKED + STATEMENT + 64 * 1024
"""The most bytes of an upload: an archive, its statement and what frames them."""
REFUSED = {
    **PROBLEMS,
    422: ResponseSpec(
        Problem,
        description="The package or its statement is faulty; says how to mend it.",
        media_type=MEDIA_TYPE,
        generate_examples=False,
    ),
}
TAKEN = {
    **REFUSED,
    200: ResponseSpec(VersionView, description="It was there, with the same bytes.", generate_examples=False),
}


class NewKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that a publisher is to sign by."""

    public: Annotated[str, Meta(max_length=200)]
    """32 bytes of Ed25519, in base64."""
    rotation: Envelope | None = None
    """What the key before states of this one; null: it's the first one, or an admin lets it in."""


class Reason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why something is done."""

    reason: Annotated[str, Meta(max_length=2_000)]


@dataclass
class Uploading(Operation):
    """An operation that takes an archive and a statement as a form."""

    def __post_init__(self) -> None:
        """Say what may be sent."""
        binary = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        form = Schema(
            type=OpenAPIType.OBJECT,
            properties={"archive": binary, "statement": binary},
            required=["archive", "statement"],
        )
        self.request_body = RequestBody({"multipart/form-data": OpenAPIMediaType(schema=form)}, required=True)


class PublishingController(Controller):
    """What owners do."""

    tags = ("publishing",)

    @post(
        "/publishers/{publisher:str}/keys", responses={**REFUSED, 200: ResponseSpec(KeyView, generate_examples=False)}
    )
    async def add_key(
        self, publisher: FromPath[str], data: JSONBody[NewKey], caller: Asker, parts: Registry
    ) -> Response[KeyView]:
        """Name a publisher's first key, or the one that takes its place by the old one's own statement."""
        rotation = msgspec.json.encode(data.rotation) if data.rotation else None
        key, fresh = await parts.keys.add(caller, publisher, data.public, rotation)
        return Response(key_view(key), status_code=201 if fresh else 200)

    @put(
        "/packages/{publisher:str}/{name:str}/versions/{version:str}",
        status_code=201,
        responses=TAKEN,
        operation_class=Uploading,
        request_max_body_size=UPLOAD,
    )
    async def publish(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        version: FromPath[str],
        request: Request[Any, Any, Any],
        caller: Asker,
        parts: Registry,
    ) -> Response[VersionView]:
        """Publish a version: its zip file as `archive`, its publisher's signed statement as `statement`.

        It's looked into first: until then it's pending, and what's odd about it waits for a moderator. The same bytes
        again are no error; other bytes for a version that's there never are taken.
        """
        await parts.publishing.check(caller, publisher, name, version)
        archive, statement = await _form(request)
        # What's larger than a megabyte waits on the disk, not in memory.
        async with parts.publishing.turn():
            upload = Upload(
                publisher=publisher,
                name=name,
                version=version,
                archive=await _bytes(archive),
                envelope=await _bytes(statement),
            )
            kept, fresh = await parts.publishing.publish(caller, upload)
        del upload
        if not fresh:
            return Response(version_view(kept), status_code=200)
        return Response(version_view(await parts.publishing.looked_into(kept)), status_code=201)

    @post("/packages/{publisher:str}/{name:str}/versions/{version:str}/yank", status_code=200, responses=PROBLEMS)
    async def yank(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        version: FromPath[str],
        data: JSONBody[Reason],
        caller: Asker,
        parts: Registry,
    ) -> VersionView:
        """Take a version back: from now on only who asks for just this one gets it."""
        return version_view(await parts.withdrawing.yank(caller, publisher, name, version, data.reason))

    @post("/packages/{publisher:str}/{name:str}/versions/{version:str}/unyank", status_code=200, responses=PROBLEMS)
    async def unyank(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        version: FromPath[str],
        caller: Asker,
        parts: Registry,
    ) -> VersionView:
        """Give a version out again that was yanked."""
        return version_view(await parts.withdrawing.unyank(caller, publisher, name, version))

    @delete("/packages/{publisher:str}/{name:str}", status_code=204, responses=PROBLEMS)
    async def delete(self, publisher: FromPath[str], name: FromPath[str], caller: Asker, parts: Registry) -> None:
        """Delete a package with all its versions, for good; nobody gets its name again."""
        await parts.withdrawing.delete(caller, publisher, name)


async def _form(request: Request[Any, Any, Any]) -> tuple[UploadFile | str, UploadFile | str]:
    """Return the archive and the statement; raises BadRequest, TooLarge."""
    if request.content_type[0] != "multipart/form-data":
        kind = shown(request.content_type[0])
        raise BadRequest("Content-Type", f"is {kind}; send a form (multipart/form-data) with archive and statement")
    try:
        form = await request.form()
    except (UnicodeError, LookupError):
        raise BadRequest("body", "isn't a form in UTF-8; send multipart/form-data") from None
    except HTTPException as error:
        if error.status_code == 413:
            raise TooLarge(f"archive: has more than {PACKED:,} bytes; that's the most that's taken") from None
        raise
    odd = sorted({name for name, _ in form.multi_items()} - {"archive", "statement"})
    if odd:
        raise BadRequest(odd[0][:60], "isn't known in this form; it has archive and statement")
    return _part(form.getall("archive", []), "archive"), _part(form.getall("statement", []), "statement")


def _part(found: list[Any], name: str) -> UploadFile | str:
    if len(found) != 1:
        raise BadRequest(name, "is there more than once" if found else "is missing; send it as a file of the form")
    return found[0] if isinstance(found[0], UploadFile) else str(found[0])


async def _bytes(part: UploadFile | str) -> bytes:
    return await part.read() if isinstance(part, UploadFile) else part.encode()
