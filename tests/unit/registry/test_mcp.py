"""Servers, as clients of MCP registries read them: held against what the API's specification says of each field.

SCHEMA tells in our words what https://github.com/modelcontextprotocol/registry (docs/reference/api/openapi.yaml of
2025-12-01, docs/reference/server-json/server.schema.json of 2025-12-11) asks of what we send.
"""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from hub.testing import FakeClock
from tests.unit.packages.zipping import zipped
from tests.unit.registry.authoring import an_author
from tests.unit.registry.conftest import Client
from tests.unit.registry.shelves import Shelved

WHEN = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
}
PACKAGE = {
    "type": "object",
    "required": ["registryType", "identifier", "transport", "fileSha256"],
    "properties": {
        "registryType": {"const": "mcpb"},
        "identifier": {"type": "string", "pattern": "^https?://"},
        "version": {"type": "string", "minLength": 1, "not": {"const": "latest"}},
        "fileSha256": {"type": "string", "pattern": "^[a-f0-9]{64}$"},
        "transport": {"type": "object", "required": ["type"], "properties": {"type": {"const": "stdio"}}},
    },
    "additionalProperties": False,
}
DETAIL = {
    "type": "object",
    "required": ["name", "description", "version"],
    "properties": {
        "$schema": {"const": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"},
        "name": {"type": "string", "minLength": 3, "maxLength": 200, "pattern": "^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$"},
        "description": {"type": "string", "minLength": 1, "maxLength": 100},
        "version": {"type": "string", "maxLength": 255},
        "websiteUrl": {"type": "string", "pattern": "^https?://"},
        "packages": {"type": "array", "items": PACKAGE},
    },
    "additionalProperties": False,
}
OFFICIAL = {
    "type": "object",
    "required": ["status", "publishedAt", "isLatest"],
    "properties": {
        "status": {"enum": ["active", "deprecated", "deleted"]},
        "statusMessage": {"type": "string", "maxLength": 500},
        "statusChangedAt": WHEN,
        "publishedAt": WHEN,
        "updatedAt": WHEN,
        "isLatest": {"type": "boolean"},
    },
    "additionalProperties": False,
}
RESPONSE = {
    "type": "object",
    "required": ["server", "_meta"],
    "properties": {
        "server": DETAIL,
        "_meta": {"type": "object", "properties": {"io.modelcontextprotocol.registry/official": OFFICIAL}},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["servers"],
    "properties": {
        "servers": {"type": "array", "items": RESPONSE},
        "metadata": {
            "type": "object",
            "properties": {"nextCursor": {"type": "string", "minLength": 1}, "count": {"type": "integer"}},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
WHERE = "/registry/v0.1/servers"
MCP = "io.modelcontextprotocol.registry/official"


async def listed(client: Client, where: str = WHERE, **asked: str) -> dict[str, Any]:
    """Return a page that's as the specification has it."""
    answer = await client.get(where, params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    jsonschema.validate(found, SCHEMA)
    return found


def told(found: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    return [
        (
            each["server"]["name"],
            each["server"]["version"],
            each["_meta"][MCP]["status"],
            each["_meta"][MCP]["isLatest"],
        )
        for each in found["servers"]
    ]


@pytest.fixture
async def servers(shelved: Shelved, clock: FakeClock) -> Shelved:
    """Some servers, and what isn't one."""
    await shelved.add("mail", "1.0.0", kind="server", description="M" * 200)
    await shelved.add("mail", "1.1.0", kind="server")
    await shelved.add("mail", "2.0.0", kind="server", state="held")
    await shelved.add("news", "1.0.0", kind="server", state="revoked")
    await shelved.add("files", "0.1.0", kind="server", publisher="bob")
    await shelved.add("weather", kind="plugin")
    await shelved.add("gone", kind="server")
    await shelved.remove("gone")
    await shelved.change("mail", "1.0.0", yanked_at=clock.now(), yanked="loses mail")
    return shelved


async def test_each_listed_version_of_a_server_is_an_entry_with_its_standing(client: Client, servers: Shelved) -> None:
    found = await listed(client)

    assert told(found) == [
        ("ann/mail", "1.0.0", "deprecated", False),
        ("ann/mail", "1.1.0", "active", True),
        ("bob/files", "0.1.0", "active", True),
    ]
    assert found["metadata"] == {"count": 3}
    assert found["servers"][0]["_meta"][MCP]["statusMessage"] == "loses mail"
    assert len(found["servers"][0]["server"]["description"]) == 100


async def test_entries_are_narrowed_down_as_the_specification_says(
    client: Client, servers: Shelved, clock: FakeClock
) -> None:
    assert told(await listed(client, search="MAI", version="latest")) == [("ann/mail", "1.1.0", "active", True)]
    assert told(await listed(client, search="b/f")) == [("bob/files", "0.1.0", "active", True)]
    assert told(await listed(client, search="%")) == []
    assert told(await listed(client, version="1.0.0")) == [("ann/mail", "1.0.0", "deprecated", False)]
    revoked = ("ann/news", "1.0.0", "deleted", False)
    assert revoked in told(await listed(client, include_deleted="true"))
    later = (clock.now() + timedelta(days=1)).isoformat()
    assert told(await listed(client, updated_since=later)) == [revoked]


async def test_pages_follow_each_other(client: Client, servers: Shelved) -> None:
    seen, cursor = [], ""
    while True:
        found = await listed(client, limit="1", **({"cursor": cursor} if cursor else {}))
        seen += told(found)
        cursor = found["metadata"].get("nextCursor", "")
        if not cursor:
            break

    assert seen == told(await listed(client))
    assert (await client.get(WHERE, params={"cursor": "nobody's"})).status_code == 400


async def test_a_server_is_asked_for_by_its_name_however_its_slash_is_written(client: Client, servers: Shelved) -> None:
    for name in ("ann/mail", "ann%2Fmail"):
        for root in ("/registry/v0.1", "/v0.1"):
            assert [version for _, version, *_ in told(await listed(client, f"{root}/servers/{name}/versions"))] == [
                "1.1.0",
                "1.0.0",
            ]
            for asked, version in (("latest", "1.1.0"), ("1.0.0", "1.0.0")):
                answer = await client.get(f"{root}/servers/{name}/versions/{asked}")
                jsonschema.validate(answer.json(), RESPONSE)
                assert answer.json()["server"]["version"] == version
    assert answer.headers["access-control-allow-origin"] == "*"
    for missing in ("ann/none/versions", "ann/mail/versions/2.0.0", "ann/weather/versions", "ann/news/versions/1.0.0"):
        assert (await client.get(f"{WHERE}/{missing}")).status_code == 404, missing


@pytest.mark.usefixtures("scanning")
async def test_a_bundle_comes_with_its_download_and_digest_and_what_is_for_hubs_alone_without(client: Client) -> None:
    author = await an_author(client, "ann")
    manifest = {
        "manifest_version": "0.3",
        "name": "echo",
        "version": "1.0.0",
        "description": "Says it again.",
        "author": {"name": "Ann"},
        "server": {
            "type": "python",
            "entry_point": "server.py",
            "mcp_config": {"command": "python", "args": ["${__dirname}/server.py"]},
        },
    }
    bundle = zipped({"manifest.json": json.dumps(manifest), "server.py": "print()"})
    below = zipped({"top/manifest.json": json.dumps(manifest | {"version": "1.1.0"}), "top/server.py": "print()"})
    assert (await author.publish(bundle)).status_code == 201
    assert (await author.publish(below)).status_code == 201

    nested, whole = (each["server"] for each in (await listed(client, f"{WHERE}/ann/echo/versions"))["servers"])

    [package] = whole["packages"]
    fetched = await client.get(package["identifier"])
    assert fetched.content == bundle
    assert zipfile.ZipFile(io.BytesIO(fetched.content)).read("manifest.json")
    assert fetched.headers["etag"].strip('"') == package["fileSha256"]
    assert "packages" not in nested
