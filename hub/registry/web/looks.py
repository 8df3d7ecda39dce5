"""/registry/v1/looks: what an archive holds and asks for, so that its publisher sees what they're about to sign."""

from dataclasses import dataclass
from typing import Any

from litestar import Controller, Request, post
from litestar.datastructures import UploadFile
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from hub.errors import BadRequest
from hub.packages.archive import Bounds
from hub.registry.looking import Look
from hub.registry.web.auth import Asker, Registry
from hub.registry.web.refusals import refusals

UPLOAD = Bounds().packed + 64 * 1024
"""The most bytes of a form with an archive in it."""


@dataclass
class WithArchive(Operation):
    """An operation that takes a form with an archive."""

    def __post_init__(self) -> None:
        """Say what may be sent."""
        binary = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        form = Schema(type=OpenAPIType.OBJECT, properties={"archive": binary}, required=["archive"])
        self.request_body = RequestBody({"multipart/form-data": OpenAPIMediaType(schema=form)}, required=True)


class LooksController(Controller):
    """Looks into archives before they're published."""

    tags = ("publishing",)

    @post(
        "/looks",
        status_code=200,
        operation_class=WithArchive,
        request_max_body_size=UPLOAD,
        responses=refusals(413, 422),
    )
    async def look(self, request: Request[Any, Any, Any], parts: Registry, caller: Asker) -> Look:
        """Say what an archive holds and asks for; nothing of it is kept. For whoever has an account."""
        upload = (await request.form()).get("archive")
        if not isinstance(upload, UploadFile):
            raise BadRequest("archive", "is missing; send a form (multipart/form-data) with the zip in it")
        return await parts.looking.look(await upload.read())
