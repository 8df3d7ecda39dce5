"""The OpenAPI document as the hub serves it; made once, for that takes a second."""

from typing import Any

from tests.unit.web.world import a_world

Document = dict[str, Any]
_made: list[Document] = []


async def the_document() -> Document:
    if not _made:
        world = await a_world()
        async with world.client("") as client:
            _made.append((await client.get("/schema/openapi.json")).json())
    return _made[0]
