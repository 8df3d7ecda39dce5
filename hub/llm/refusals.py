"""What a server's no means, in words that say who has to do what."""

import base64
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from hub.errors import AgentHostError, ContextOverflow, LLMAway, LLMRefused, LLMUnavailable
from hub.llm import openai

AGAIN = (408, 409, 425, 429, 500, 502, 503, 504, 529)
"""What may pass."""

NO_MONEY = ("insufficient_quota", "billing", "credit balance", "insufficient balance", "insufficient credits")
"""Words for it that come with a status that would else mean "too fast"."""


class Unsupported(LLMRefused):
    """The server doesn't take something that was in the request's body."""


class Unknown(Unsupported):
    """Nothing is at that address, or no model of that name: also what some say to something in the request."""


class Passing(LLMUnavailable):
    """A failure that may pass: another attempt may help after so many seconds."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class Away(Passing, LLMAway):
    """One that says nothing about the request, for the server didn't take it."""


def refusal(response: aiohttp.ClientResponse, body: bytes, setting: str) -> AgentHostError:
    """Return the error for an answer other than 200; `setting` is the config's section, as `llm`."""
    status, problem = response.status, openai.problem(body)
    if is_page(response, body):
        return _page(response, setting)
    said = f"{response.url.host} answers HTTP {status}: {_without_key(problem.message, response.request_info)[:300]}"
    if problem.overflow:
        return ContextOverflow(problem.n_prompt_tokens, problem.n_ctx)
    if status == 402 or (status in (400, 403, 429) and _is_about_money(problem)):
        return LLMRefused(f"the account at {response.url.host} has no money left; top it up ({said})")
    if status in (401, 403):
        return LLMRefused(f"the key is refused; mend {setting}.key or {setting}.key_file ({said})")
    if status == 404:
        return Unknown(f"{said}; if it's the model or the address that's unknown, mend {setting}.model or .url")
    return _by_status(status, said, wish(response))


def is_page(response: aiohttp.ClientResponse, body: bytes = b"") -> bool:
    """Say whether it's a web page, for people, instead of an API's answer."""
    return "html" in response.headers.get("Content-Type", "").lower() or body.lstrip()[:1] == b"<"


def page(response: aiohttp.ClientResponse, setting: str) -> str:
    """Say what a web page in place of an answer means."""
    return (
        f"{response.url.host} answers with a web page (HTTP {response.status}) instead of JSON: a proxy's or a"
        f" log-in page, or the address isn't an API's; look at it in a browser, and mend {setting}.url (it mostly ends"
        " in /v1)"
    )


def wish(response: aiohttp.ClientResponse) -> float:
    """Return how long the server wants us to wait: seconds, or a date."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _without_key(text: str, request: aiohttp.RequestInfo) -> str:
    """Return what a server said without the key that it was asked by: some repeat it, and many read this."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    told = {given}
    if kind.lower() == "basic":
        with suppress(ValueError):
            told.add(base64.b64decode(given).decode().partition(":")[2])
    for each in sorted(filter(None, told), key=len, reverse=True):
        text = text.replace(each, "[hidden]")
    return text


def _by_status(status: int, said: str, after: float) -> AgentHostError:
    if "image input is not supported" in said:  # llama-server's words, with HTTP 500
        return Unsupported(said)
    if status == 500:
        return Passing(said, after)  # it may be this very request that it stumbles over
    if status in AGAIN:
        return Away(f"too many requests at once ({said})" if status == 429 else said, after)
    return Unsupported(said) if status in (400, 415, 422, 501) else LLMRefused(said)


def _page(response: aiohttp.ClientResponse, setting: str) -> AgentHostError:
    # A proxy's page for a server that's starting passes; one that says "not found" doesn't.
    text = page(response, setting)
    passes = response.status in AGAIN or response.status < 400
    return Away(text, wish(response)) if passes else LLMRefused(text)


def _is_about_money(problem: openai.Problem) -> bool:
    said = f"{problem.code} {problem.type} {problem.message}".lower()
    return any(words in said for words in NO_MONEY)
