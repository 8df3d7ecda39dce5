"""The client and the OpenAPI document agree: every operation is covered or left out on purpose, with all its fields."""

from typing import Any, get_args, get_origin

import msgspec
import pytest
from agenthost_client import Client
from agenthost_client.calls import Group, Operation, Page
from agenthost_client.events import KINDS
from agenthost_client.records import Accepted, Task

from hub.records import EventKind
from tests.unit.web.documents import Document, the_document

LEFT_OUT = {
    "registries_": "whoever runs the hub chooses registries and keys: by the command line and the web page",
    "sign_in": "browsers sign in, programs have keys",
    "sign_out": "browsers sign out, programs revoke keys",
    "account_": "people sign in by a password, programs have keys",
    "people_accept": "who's invited does it in a browser",
    "people_look": "who's invited does it in a browser",
    "handovers_": "operators have the desk, in a browser",
    "brand_": "chosen once, in the browser",
    "audit_": "`agenthost audit` lists, verifies and exports it",
    "webhooks_": "set up once, in the browser or by hand",
    "hooks_": "as webhooks",
    "approvals_waiting": "it's what a page shows; programs ask for approvals and tasks themselves",
    "approvals_count": "as what waits",
    "approvals_settled": "as what waits",
    "approvals_answer": "as what waits",
    "routes_": "it's what a page shows; `agenthost eval routing --history` measures the same",
    "openai_": "OpenAI's own clients speak it",
    "pause_": "whoever runs the hub does it: `agenthost pause all`",
    "status_": "monitors read them over plain HTTP",
    "packages_check": "installing is the command line's and the web page's: `agenthost install`",
    "packages_grant": "as installing",
    "packages_install": "as installing",
    "packages_installation": "as installing",
    "packages_link": "as installing",
    "packages_roll_back": "as installing",
    "packages_update": "as installing",
    "packages_plugins": "`packages.list` has them, and `packages.tools` what they can do",
    "packages_scripts": "as plugins",
    "packages_servers": "as plugins",
    "packages_skills": "as plugins",
}
"""What operations' ids begin with, and why the client hasn't got them."""
ELSEWHERE = {"GET /v1/events": "Client.events and AsyncClient.events"}


@pytest.fixture
async def document() -> Document:
    return await the_document()


def covered() -> list[Operation]:
    with Client("http://127.0.0.1:9", "ah_key") as api:
        groups = [type(group) for group in vars(api).values() if isinstance(group, Group)]
    return [each for group in groups for each in vars(group).values() if isinstance(each, Operation)]


def operations(document: Document) -> dict[str, Document]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


async def test_every_operation_is_covered_or_left_out_for_a_reason(document: Document) -> None:
    ours = {f"{each.method} {each.template}" for each in covered()} | ELSEWHERE.keys()
    theirs = operations(document)

    missing = {name: operation["operationId"] for name, operation in theirs.items() if name not in ours}
    assert {id for id in missing.values() if not id.startswith(tuple(LEFT_OUT))} == set()
    assert ours - theirs.keys() == set()
    idle = [prefix for prefix in LEFT_OUT if not any(id.startswith(prefix) for id in missing.values())]
    assert idle == []


async def test_every_record_has_the_fields_that_the_hub_sends_and_needs_none_that_it_may_leave_out(
    document: Document,
) -> None:
    faults: list[str] = []
    for each in covered():
        where, kind = f"{each.method} {each.template}", each.kind
        if kind in (None, bytes) or (where == "POST /v1/messages" and kind is Accepted):
            continue  # no JSON, or one of two answers that others have alone
        answers = operations(document)[where]["responses"]
        told = next(answers[status] for status in ("200", "201", "202") if status in answers)
        content = told["content"]["application/json"]["schema"]
        if get_origin(kind) is Page:
            content = resolved(document, content)["properties"]["items"]["items"]
            (kind,) = get_args(kind)
        faults += compare(document, content, kind, where, set())

    assert sorted(set(faults)) == []


def test_every_kind_of_event_is_known() -> None:
    # Those of handovers go to operators alone, by a stream of their own.
    assert {*get_args(EventKind), "hello", "delta"} - {"handover"} == set(KINDS)


def compare(document: Document, schema: Document, kind: Any, where: str, seen: set[str]) -> list[str]:
    """Say what a record lacks, or asks for in vain."""
    kinds = [
        each for each in (get_args(kind) or (kind,)) if isinstance(each, type) and issubclass(each, msgspec.Struct)
    ]
    options = [resolved(document, each) for each in schema.get("oneOf", [schema])]
    if get_origin(kind) is tuple:
        options = [resolved(document, each["items"]) for each in options if "items" in each]
    options = [option for each in options for option in flattened(document, each)]
    if not kinds or not options or "properties" not in options[0] or kinds[0].__name__ in seen:
        return []
    (record,) = kinds
    fields = {field.encode_name: field for field in msgspec.structs.fields(record)}
    told = {name for option in options for name in option["properties"]}
    always = set.intersection(*(set(option.get("required", ())) for option in options))
    asked = {name for name, field in fields.items() if field.required}
    faults = [f"{record.__name__} lacks {name} ({where})" for name in told - fields.keys()]
    faults += [f"{record.__name__}.{name} isn't always sent ({where})" for name in asked - always]
    for name, field in fields.items():
        for option in options:
            if name in option["properties"]:
                faults += compare(document, option["properties"][name], field.type, where, seen | {record.__name__})
    return faults


def flattened(document: Document, option: Document) -> list[Document]:
    found = [resolved(document, each) for each in option.get("oneOf", [option])]
    return [each for each in found if each.get("type") != "null"]


def resolved(document: Document, schema: Document) -> Document:
    if "$ref" not in schema:
        return schema
    found: Document = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


async def test_the_comparison_sees_a_field_that_is_missing(document: Document) -> None:
    lame = msgspec.defstruct("Task", [("id", str), ("colour", str)])
    schema = {"$ref": "#/components/schemas/TaskView"}

    assert not compare(document, schema, Task, "here", set())
    faults = compare(document, schema, lame, "here", set())
    assert "Task lacks title (here)" in faults
    assert "Task.colour isn't always sent (here)" in faults
