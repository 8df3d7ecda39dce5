"""The OpenAPI document: what it says of the API as a whole, and how what Litestar writes is made pleasant to read.

Programs are generated from it, so its names are promises: an operation is called TAG_FUNCTION (`messages_say`), and
none changes without a line in the CHANGELOG.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from litestar import Request, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme, Server, Tag

from hub.web.examples import DETAILS, EXAMPLES
from hub.web.problems import MEDIA_TYPE
from hub.web.replaying import HEADER

WORDS = """\
Say something to your agents, have things done, watch what happens: everything that a person has in a chat, over HTTP.

**Keys** go as `Authorization: Bearer KEY`; a browser that signed in has a session cookie instead. A key has scopes, and
speaks for one person of one tenant: what's another's isn't found.

**Errors** are `application/problem+json` (RFC 9457); `detail` names the field, the value and the way out. 429 and 503
carry `Retry-After`.

**Idempotency.** Any POST may carry `Idempotency-Key`: the same key with the same body is done once, and answered alike.

**Listings** are `{"items", "next"}`; `next` goes back as `?cursor=`, and is null at the end. Times are ISO 8601 with a
zone. Fields that aren't known are refused."""

TAGS: Mapping[str, str] = {
    "messages": "What's said and what's answered.",
    "files": "Files that go with messages.",
    "tasks": "What persons want done: states, plans, schedules, what was done and what it cost.",
    "account": "Signing in by name: password, second factor, sessions, and others' sign-in pages.",
    "brand": "What a tenant's pages are called, and how they look.",
    "usage": "What was used, by whom, and what may be.",
    "approvals": "What waits for somebody's leave or answer. Leave is for one tool call, to the byte.",
    "routes": "Which task each message went to, why, and how often that was right.",
    "events": "What happens, as server-sent events that can be taken up where they stopped. `/v1/ws` has the same.",
    "keys": "API keys, and whose this one is.",
    "people": "Who's known, their accounts and preferences, and who asks to be let in.",
    "computers": "What persons lend of their own computers. They connect at `/v1/local`.",
    "tenants": "The customers of one hub.",
    "embeds": "Chats for other sites' pages, and passes for whom those sites know.",
    "packages": "What's installed, and the agents and tools that there are by it.",
    "registries": "Where packages come from, and whose signatures count.",
    "handovers": "Chats that people take over from agents, by operators.",
    "audit": "What was done, by whom and how, in a chain that shows what's altered.",
    "webhooks": "Addresses that are told what happens.",
    "hooks": "Addresses by which other systems write.",
    "openai": "What OpenAI's clients speak; a model is an agent.",
    "sign-in": "Sessions for browsers.",
    "pause": "All turns and all that goes out, stopped and let go on.",
    "status": "How the hub is, for monitors and for whoever runs it.",
}
"""Each tag with what it's about; every operation has one of them."""

NAMED: Mapping[str, str] = {
    "people_listed": "people_invitations",
    "people_person": "people_read",
    "status_status": "status_read",
    "sign_in_sign_in": "sign_in",
    "sign_in_sign_out": "sign_out",
}
"""Operations whose tag and function don't make a good name."""
FILES: Mapping[str, tuple[str, ...]] = {
    "audit_export": ("text/csv",),
    "tasks_timeline": ("application/jsonl", "text/csv"),
    "usage_list": ("text/csv",),
    "usage_of_tenant": ("text/csv",),
}
"""Operations whose answer can be had as a file, with its media types."""
AFTER = (429, 503)
"""Errors after which one may come again."""

_PAGE = re.compile(r"Page_(?:\w+\.)*(\w+?)(?:View)?_")
_IDEMPOTENCY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same key and body again: the same answer, done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}


def described(version: str, url: str, cookie: str) -> OpenAPIConfig:
    """Return how the document is made; `url` is how people reach the hub, if that's configured."""
    return OpenAPIConfig(
        title="AgentHost",
        version=version,
        description=WORDS,
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        servers=[Server(url=url or "/", description="This hub.")],
        tags=[Tag(name=name, description=text) for name, text in TAGS.items()],
        use_handler_docstrings=True,
        operation_id_creator=operation_id,
        components=Components(
            security_schemes={
                "key": SecurityScheme(type="http", scheme="bearer", description="An API key: ah_..."),
                "session": SecurityScheme(
                    type="apiKey",
                    security_scheme_in="cookie",
                    name=cookie,
                    description="A browser that signed in; what changes something carries x-csrftoken as well.",
                ),
            }
        ),
        security=[{"key": []}, {"session": []}],
        render_plugins=[Document()],
        openapi_router=Router("/schema", route_handlers=[], opt={"open": True}, include_in_schema=False),
    )


def operation_id(handler: HTTPRouteHandler, method: object, path: Sequence[object]) -> str:
    """Return how an operation is called: its tag and its function, without saying the tag twice."""
    tag = next(iter(handler.resolve_tags()), "hub").replace("-", "_")
    name = handler.handler_name.removesuffix(f"_{tag}")
    id = f"{tag}_{ {tag.removesuffix('s'): 'read', tag: 'list', 'listed': 'list'}.get(name, name) }"
    return NAMED.get(f"{tag}_{name}", id)


class Document(JsonRenderPlugin):
    """Gives the document as JSON, made pleasant once."""

    def __init__(self) -> None:
        super().__init__()
        self._made: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the document."""
        if self._made is None:
            self._made = self.render_json(request, polished(openapi_schema))
        return self._made


def polished(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with plain names, examples that mean something, and what holds for every operation said."""
    made: dict[str, Any] = _plain(document)
    shared = made["components"].setdefault("responses", {})
    for item in made["paths"].values():
        for method, operation in item.items():
            if method == "post" and "security" not in operation:
                _add_idempotency(operation)
            _share_problems(operation, shared)
            _add_examples(operation)
            _add_files(operation)
    return made


def _plain(part: Any) -> Any:
    """Return a part of the document without invented examples, and with names of schemas that a person would give."""
    if isinstance(part, dict):
        kept = {name: value for name, value in part.items() if name != "examples" or not isinstance(value, list)}
        return {_name(name): _plain(value) for name, value in kept.items()}
    if isinstance(part, list):
        return [_plain(each) for each in part]
    return _name(part) if isinstance(part, str) else part


def _name(text: str) -> str:
    return _PAGE.sub(r"PageOf\1", text) if "Page_" in text else text


def _add_idempotency(operation: dict[str, Any]) -> None:
    others = [each for each in operation.get("parameters", ()) if each.get("name") != HEADER]
    operation["parameters"] = [*others, _IDEMPOTENCY]


def _share_problems(operation: dict[str, Any], shared: dict[str, Any]) -> None:
    """Keep an error that many operations have in one place, with what its answer looks like."""
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get(MEDIA_TYPE)
        if content is None or not status.isdigit():
            continue
        phrase, text = HTTPStatus(int(status)).phrase, response["description"]
        detail = DETAILS.get(int(status), text)
        content["example"] = {"type": "about:blank", "title": phrase, "status": int(status), "detail": detail}
        if int(status) in AFTER:
            response["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
        name = phrase.replace(" ", "")
        if shared.setdefault(name, response) == response:
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


def _add_examples(operation: dict[str, Any]) -> None:
    example = EXAMPLES.get(operation["operationId"])
    if example is None:
        return
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None and example.asked is not None:
        body["example"] = example.asked
    answer = operation["responses"].get(str(example.status), {}).get("content", {}).get("application/json")
    if answer is not None and example.answered is not None:
        answer["example"] = example.answered


def _add_files(operation: dict[str, Any]) -> None:
    """Say as what files an answer is given, too, where it's asked for so."""
    for kind in FILES.get(operation["operationId"], ()):
        operation["responses"]["200"]["content"].setdefault(kind, {"schema": {"type": "string"}})
