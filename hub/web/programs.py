"""What programs that speak for a person have in common, whatever their protocol."""

from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from msgspec import Struct

from hub.errors import BadRequest, NotAllowed
from hub.flow.asking import pause_of
from hub.flow.questions import LOOK_BACK, chosen
from hub.records import Address, Message, TenantId
from hub.web.auth import Caller, caller_of, services_of
from hub.web.services import Services
from hub.web.shield import check_origin


class Visit(Struct, frozen=True, kw_only=True):
    """Who asks, of which hub, and where people reach it."""

    services: Services
    caller: Caller
    base: str


def visit_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Visit:
    """Return who asks; raises an error for who has no key of their own.

    A browser's page may only if it's the hub's own, whatever key it has.
    """
    caller = caller_of(connection)
    if caller is None or caller.by != "bearer":
        raise NotAuthorizedException(detail="Authorization: this takes keys only; send 'Authorization: Bearer KEY'")
    check_origin(connection.headers.get("host", ""), connection.headers.get("origin"), None)
    return Visit(services=services_of(connection), caller=caller, base=base_of(connection))


def base_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return where people reach the hub, without a / at the end: as the config says, else as whoever asks did.

    The Host was found to be one of ours before.
    """
    told = services_of(connection).config.hub.url.rstrip("/")
    if told:
        return told
    scheme = "https" if connection.scope.get("scheme") == "https" else "http"
    return f"{scheme}://{urlsplit('//' + connection.headers.get('host', '')).netloc}"


def leave_words(base: str, number: int | None) -> str:
    """Return where a person gives leave for a call of a task."""
    if number is None:
        return f"A person must give leave, at {base}/tasks; no program can."
    return f"A person must give leave: at {base}/tasks/{number}, or by /approve {number} in a chat. No program can."


async def check_words(services: Services, tenant: TenantId, address: Address, text: str, base: str) -> None:
    """Raise an error for words that are a person's to say: commands, and those that would give leave for a call.

    Whoever talks a program's model into something mustn't have it agree to that in the same breath.
    """
    words = text.strip()
    if words.startswith("/") and words[1:2].isalpha():
        raise BadRequest("text", "commands are for people; there are other ways here to list, read and cancel tasks")
    for message in await services.store.messages_of_chat(tenant, address, limit=LOOK_BACK):
        if pause_of(message.choices) and chosen(message.choices, words):
            check_leave(message, base)


def check_leave(question: Message, base: str) -> None:
    """Raise NotAllowed if a question asks for leave: a person's decision, which no program takes."""
    if pause_of(question.choices):
        raise NotAllowed(f"leave: {leave_words(base, None)}")
