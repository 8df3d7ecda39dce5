"""A registry as its own users ask it from the command line: with a token of theirs, about packages of theirs."""

import os
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

import httpx
import msgspec
import rich_click as click
from msgspec import Struct

from hub.cli.client import Trouble
from hub.cli.place import config_options
from hub.config import Config
from hub.sections import Secret

Kind = TypeVar("Kind")
TOKEN = "AGENTHOST_REGISTRY_TOKEN"  # noqa: S105 - the variable's name
BASE = "/registry/v1"


class Problem(Struct, frozen=True):
    """RFC 9457's, as far as it's shown."""

    title: str = ""
    detail: str = ""


class Registry:
    """A registry, asked; everything raises Trouble with the way out."""

    def __init__(self, url: str, token: Secret) -> None:
        self.url = url
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(60.0, connect=10.0),
            follow_redirects=False,
        )

    async def __aenter__(self) -> "Registry":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(self, path: str, kind: type[Kind]) -> Kind:
        """Fetch something."""
        return self._read(await self._ask("GET", path), kind)

    async def find(self, path: str, kind: type[Kind]) -> Kind | None:
        """Fetch something that may not be there."""
        answer = await self._ask("GET", path, missing=True)
        return None if answer.status_code == 404 else self._read(answer, kind)

    async def post(self, path: str, body: Mapping[str, object], kind: type[Kind]) -> Kind:
        """Have something done."""
        return self._read(await self._ask("POST", path, json=msgspec.to_builtins(body)), kind)

    async def put(self, path: str, body: Mapping[str, object], kind: type[Kind]) -> Kind:
        """Put something in place of what's there."""
        return self._read(await self._ask("PUT", path, json=msgspec.to_builtins(body)), kind)

    async def upload(self, path: str, parts: Mapping[str, bytes], kind: type[Kind]) -> Kind:
        """Put files there, each by its name."""
        files = {name: (name, data, "application/octet-stream") for name, data in parts.items()}
        return self._read(await self._ask("PUT", path, files=files), kind)

    async def _ask(self, method: str, path: str, *, missing: bool = False, **what: Any) -> httpx.Response:
        try:
            answer = await self._http.request(method, f"{BASE}{path}", **what)
        except httpx.HTTPError as error:
            raise Trouble(f"{self.url}: no registry answers ({error or type(error).__name__}).") from None
        if answer.is_success or (missing and answer.status_code == 404):
            return answer
        raise Trouble(self._told(answer))

    def _told(self, answer: httpx.Response) -> str:
        try:
            problem = msgspec.json.decode(answer.content, type=Problem)
        except msgspec.MsgspecError:
            return f"{self.url} answered {answer.status_code}, but not as a registry does; look at the address."
        text = (problem.detail or problem.title).rstrip(".") + "."
        if answer.status_code == 401:
            text += f" Give a token by --token or {TOKEN}; its account's page makes one."
        if after := answer.headers.get("Retry-After"):
            text += f" Try again in {after} seconds."
        return text

    def _read(self, answer: httpx.Response, kind: type[Kind]) -> Kind:
        if kind is type(None):
            return None
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.MsgspecError as error:
            raise Trouble(f"{self.url} answered something else than a registry does ({error}).") from None


def registry_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--registry`, `--token`, `--config` and `--data`; it's called with `registry` and `config`."""

    @click.option("--registry", "url", help="The registry's address [the first of the config's]")
    @click.option("--token", help=f"A token of your account there [{TOKEN}]")
    @config_options
    @wraps(function)
    def command(config: Config, url: str | None, token: str | None, **rest: Any) -> Any:
        found = url or next((each.url for each in config.registries), "")
        if not found:
            raise click.UsageError("name a registry with --registry URL, or under [[registries]] in the config file")
        registry = Registry(found.rstrip("/"), Secret(token or os.environ.get(TOKEN, "")))
        return function(registry=registry, config=config, **rest)

    return command
