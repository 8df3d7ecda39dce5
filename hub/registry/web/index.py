"""/registry/v1/index and /key: what the registry has, signed, and whom to believe."""

from hashlib import sha256
from typing import Any

from litestar import Controller, Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from msgspec import Struct

from hub.registry.web.auth import Registry
from hub.registry.web.conditions import is_same
from hub.registry.web.refusals import refusals
from hub.releases import IndexedPackage
from hub.statements import Envelope, shown

JSON = "application/json"
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, no-cache"
"""A cache may keep it, but asks each time: an older index after a newer one would look like a roll-back."""
AN_HOUR = "public, max-age=3600"
NOTHING = ResponseSpec(None, description="You have these bytes.", generate_examples=False)


class Key(Struct, frozen=True, kw_only=True):
    """The key that the index is signed by."""

    id: str
    public: str
    """Ed25519, 32 bytes in base64."""


class IndexController(Controller):
    """The signed index."""

    tags = ("index",)

    @get(
        "/index",
        responses={
            **refusals(),
            200: ResponseSpec(Envelope, description="The index, in its envelope.", generate_examples=False),
            304: NOTHING,
        },
    )
    async def index(self, request: Request[Any, Any, Any], parts: Registry) -> Response[bytes | None]:
        """Give the signed index: its serial, its time, and the SHA-256 of each of its shards."""
        made = await parts.indexing.current()
        return _given(request, made.envelope, sha256(made.envelope).hexdigest(), ASK_AGAIN)

    @get(
        "/index/{digest:str}",
        responses={
            **refusals(404),
            200: ResponseSpec(list[IndexedPackage], description="The shard.", generate_examples=False),
            304: NOTHING,
        },
    )
    async def shard(
        self, request: Request[Any, Any, Any], digest: FromPath[str], parts: Registry
    ) -> Response[bytes | None]:
        """Give a shard of the index by the SHA-256 of its bytes: packages with their versions."""
        return _given(request, await parts.indexing.shard(digest), digest, FOR_EVER)

    @get("/key", responses=refusals())
    async def key(self, parts: Registry) -> Response[Key]:
        """Tell the key that the index is signed by; a hub keeps the first that it's told."""
        key = Key(id=parts.signer.id, public=shown(parts.signer.public))
        return Response(key, headers={"Cache-Control": AN_HOUR})


def _given(request: Request[Any, Any, Any], data: bytes, digest: str, caching: str) -> Response[bytes | None]:
    tag = f'"{digest}"'
    headers = {"ETag": tag, "Cache-Control": caching}
    if is_same(request.headers.get("if-none-match"), tag):
        return Response(None, status_code=304, headers=headers)
    return Response(data, headers=headers, media_type=JSON)
