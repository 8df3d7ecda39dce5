"""A hub on whatever has an HTTP API: what's asked, and where in the answer its state is, are in the config."""

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from msgspec import Struct

from hub.waker.providers import Described, ProviderFault, State
from hub.waker.providers.asking import Answered, Asking
from hub.waker.providers.pace import Pace

REQUEST = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (https?://\S+)")
HEADER = re.compile(r"[A-Za-z0-9-]+: \S.*")
WORD = re.compile(r"\s*(.+?)\s*=\s*(\w+)\s*")
SHOWN = 80


class HttpConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[hubs.http]: what's asked, as "METHOD URL"; `{secret}` stands for the secret in it, in headers and bodies."""

    state: str = ""
    """Tells how the machine is, in JSON; 404 is missing."""
    start: str = ""
    start_body: str = ""
    stop: str = ""
    stop_body: str = ""
    state_body: str = ""
    headers: tuple[str, ...] = ()
    """As "Authorization: Bearer {secret}"."""
    secret: str = ""
    secret_file: str = ""
    state_at: str = "/state"
    """A JSON pointer to the word that says how it is; "" is the whole answer."""
    states: tuple[str, ...] = ()
    """What the words mean, as "EXITED = stopped"; our own words needn't be told."""
    url_at: str = ""
    """A JSON pointer to where the hub answers; empty: where the config says."""
    price_at: str = ""
    """A JSON pointer to what an hour costs."""


def faults(config: HttpConfig) -> Iterator[str]:
    """Yield what's wrong with the section, each line starting with its key path."""
    for key in ("state", "start", "stop"):
        if not REQUEST.fullmatch(getattr(config, key)):
            yield f'http.{key}: write it as "POST https://api.example.com/machines/1/{key}"'
    for header in config.headers:
        if not HEADER.fullmatch(header):
            yield 'http.headers: write each as "Authorization: Bearer {secret}"'
    yield from _pointers(config)
    for word in config.states:
        found = WORD.fullmatch(word)
        if found is None or found[2] not in get_args(State):
            yield f'http.states: write each as "EXITED = stopped", of {", ".join(get_args(State))}; one is {word!r}'
    if config.secret and config.secret_file:
        yield "http.secret: give the secret itself, or in its place http.secret_file with the file that has it"
    elif config.secret_file and not os.access(Path(config.secret_file).expanduser(), os.R_OK):
        yield f"http.secret_file: {config.secret_file!r} can't be read; create it or mend its rights"


def _pointers(config: HttpConfig) -> Iterator[str]:
    for key in ("state_at", "url_at", "price_at"):
        if (pointer := getattr(config, key)) and not pointer.startswith("/"):
            yield f"http.{key}: a JSON pointer begins with /, as /runtime/state; it is {pointer!r}"


class HttpProvider:
    """One hub's machine behind an HTTP API."""

    def __init__(self, config: HttpConfig, now: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._pace = Pace(now)
        host = urlsplit(config.state.partition(" ")[2]).hostname or ""
        self._asking = Asking(host, config.secret)
        self._states: dict[str, State] = {word: word for word in get_args(State)}
        for word in config.states:
            if found := WORD.fullmatch(word):
                self._states[found[1]] = found[2]  # type: ignore[assignment] # the config's check saw to it

    async def describe(self) -> Described:
        return await self._pace.described(self._look)

    async def start(self) -> None:
        async def do() -> None:
            state = (await self._look()).state
            if state == "missing":
                raise ProviderFault("there's no machine; make it, and set hubs.http to where it is")
            if state not in {"running", "starting"}:
                await self._do("starting it", self._config.start, self._config.start_body)

        await self._pace.ask("start", do)

    async def stop(self) -> None:
        async def do() -> None:
            if (await self._look()).state in {"running", "starting"}:
                await self._do("stopping it", self._config.stop, self._config.stop_body)

        await self._pace.ask("stop", do)

    async def price(self) -> float | None:
        if not self._config.price_at:
            return None
        answer = await self._asked(self._config.state, self._config.state_body)
        if answer.status >= 400:
            return None
        found = _at(answer.json(), self._config.price_at)
        return float(found) if isinstance(found, int | float) and found >= 0 else None

    async def close(self) -> None:
        await self._asking.close()

    async def _look(self) -> Described:
        answer = await self._asked(self._config.state, self._config.state_body)
        if answer.status == 404:
            return Described(state="missing")
        if answer.status >= 400:
            raise self._asking.refused("asking how it is", answer)
        tree = answer.json()
        word = _at(tree, self._config.state_at)
        state = self._states.get(str(word))
        if state is None:
            raise ProviderFault(
                f"{str(word)[:SHOWN]!r} at {self._config.state_at!r}: a word that isn't known here; "
                "say in hubs.http.states what it means"
            )
        url = _at(tree, self._config.url_at) if self._config.url_at else ""
        good = isinstance(url, str) and url.startswith(("http://", "https://"))
        return Described(state=state, url=url if good else "", detail="" if state == word else str(word)[:SHOWN])

    async def _do(self, what: str, request: str, body: str) -> None:
        answer = await self._asked(request, body)
        if answer.status >= 400:
            raise self._asking.refused(what, answer)

    async def _asked(self, request: str, body: str) -> Answered:
        method, _, url = self._filled(request).partition(" ")
        headers = dict(line.split(": ", 1) for line in map(self._filled, self._config.headers))
        if body:
            headers.setdefault("Content-Type", "application/json")
        return await self._asking.ask(method, url, headers, self._filled(body).encode())

    def _filled(self, text: str) -> str:
        return text.replace("{secret}", self._config.secret)


def _at(tree: Any, pointer: str) -> Any:
    """Return what a JSON pointer leads to; None if that's nothing."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(tree, dict):
            tree = tree.get(key)
        elif isinstance(tree, list) and key.isdigit() and int(key) < len(tree):
            tree = tree[int(key)]
        else:
            return None
    return tree
