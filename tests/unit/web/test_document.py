"""The OpenAPI document: sound by the standard, and of use to whoever reads it."""

import re
from collections.abc import Iterator

import jsonschema
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from hub.config import Config, HubConfig
from hub.web.document import FILES, TAGS
from hub.web.examples import EXAMPLES
from tests.unit.web.documents import Document, the_document
from tests.unit.web.world import a_world, configured

MAIN = {
    "POST /v1/messages": "messages_say",
    "GET /v1/messages/{id}": "messages_read",
    "GET /v1/messages": "messages_chat",
    "POST /v1/tasks": "tasks_assign",
    "GET /v1/tasks": "tasks_list",
    "GET /v1/tasks/{id}": "tasks_read",
    "POST /v1/approvals/{id}/approve": "approvals_approve",
    "POST /v1/keys": "keys_make",
    "GET /v1/whoami": "keys_whoami",
    "POST /v1/tenants": "tenants_make",
    "GET /v1/people": "people_list",
    "GET /v1/people/{id}": "people_read",
    "GET /v1/packages": "packages_list",
    "POST /v1/tools/{id}/call": "packages_call",
    "GET /v1/status": "status_read",
    "GET /v1/events": "events_watch",
    "POST /v1/files": "files_send",
    "POST /v1/sign-in": "sign_in",
}
"""What programs were generated from: no release renames them in silence."""


@pytest.fixture
async def document() -> Document:
    return await the_document()


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def answer(document: Document, response: Document) -> Document:
    if "$ref" not in response:
        return response
    found: Document = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return found


async def test_it_is_valid_openapi_3_1(document: Document) -> None:
    """By the standard's own schema, and all that it refers to is in it."""
    jsonschema.Draft202012Validator(OPENAPI_31).validate(document)
    for kind, name in re.findall(r"#/components/(\w+)/([\w.]+)", str(document)):
        assert name in document["components"][kind]


async def test_every_operation_says_what_it_does_and_how_it_may_fail(document: Document) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"].endswith("."), name
        assert len(operation["tags"]) == 1, name
        faults = {int(status) for status in operation["responses"] if int(status) >= 400}
        assert faults or name == "GET /healthz", name
        for status, response in operation["responses"].items():
            told = answer(document, response)
            assert told["description"], (name, status)
            if operation["tags"] == ["openai"]:
                continue  # as OpenAI's clients want it: see tests/openai
            if int(status) >= 400 and name != "GET /readyz":
                example = told["content"]["application/problem+json"]["example"]
                assert example["status"] == int(status), (name, status)
                assert example["detail"], (name, status)


async def test_every_tag_is_described_and_used(document: Document) -> None:
    used = {tag for _, operation in operations(document) for tag in operation["tags"]}

    assert {tag["name"] for tag in document["tags"]} == used == set(TAGS)
    assert all(tag["description"] for tag in document["tags"])


async def test_operations_have_plain_names_that_stay(document: Document) -> None:
    names = {name: operation["operationId"] for name, operation in operations(document)}

    assert len(set(names.values())) == len(names)
    assert [id for id in names.values() if not re.fullmatch(r"[a-z]+(_[a-z]+){0,4}", id)] == []
    assert [id for id in names.values() if len(set(id.split("_"))) < len(id.split("_"))] == []
    assert MAIN.items() <= names.items()
    assert [name for name in document["components"]["schemas"] if "." in name or name.startswith("Page_")] == []


async def test_what_can_be_had_as_a_file_is_told_beside_the_json(document: Document) -> None:
    known = {operation["operationId"]: operation for _, operation in operations(document)}

    for id, kinds in FILES.items():
        assert set(kinds) < set(known[id]["responses"]["200"]["content"]), id


async def test_every_example_fits_its_schema_and_its_operation_is_there(document: Document) -> None:
    known = {operation["operationId"]: operation for _, operation in operations(document)}
    for id, example in EXAMPLES.items():
        operation = known[id]
        if example.asked is not None:
            content = operation["requestBody"]["content"]["application/json"]
            assert content["example"] == example.asked
            check(document, example.asked, content["schema"])
        content = operation["responses"][str(example.status)]["content"]["application/json"]
        assert content["example"] == example.answered
        check(document, example.answered, content["schema"])


def check(document: Document, value: object, schema: Document) -> None:
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(value)


async def test_every_post_with_a_key_takes_an_idempotency_key_and_waiting_is_told(document: Document) -> None:
    for name, operation in operations(document):
        headers = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
        if name.startswith("POST") and operation.get("security") != [{}]:
            assert "Idempotency-Key" in headers, name
    for name in ("TooManyRequests", "ServiceUnavailable"):
        assert "Retry-After" in document["components"]["responses"][name]["headers"]


async def test_it_names_the_server_as_people_reach_it(document: Document) -> None:
    elsewhere = configured(await a_world(), Config(hub=HubConfig(url="https://hub.example.org")))
    async with elsewhere.client("") as client:
        theirs = (await client.get("/schema/openapi.json", headers={"Host": "hub.example.org"})).json()

    assert [server["url"] for server in document["servers"]] == ["/"]
    assert [server["url"] for server in theirs["servers"]] == ["https://hub.example.org"]
    assert document["info"]["license"]["identifier"] == "Apache-2.0"
