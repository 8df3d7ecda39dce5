"""An operation of the API, described once and called through either client: `Call` gives each what it can do with it.

A group's method says what's asked (`Ask`), never how that's sent. Read from a `Client` it returns the answer; from an
`AsyncClient` it returns a coroutine of it. Listings become iterators alike.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from functools import wraps
from typing import Any, Concatenate, Generic, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, overload

import msgspec
from msgspec import Struct

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Given = ParamSpec("Given")
Kind = TypeVar("Kind")
Via = TypeVar("Via", "Sync", "Async")


class Upload(Struct, frozen=True, kw_only=True):
    """A file on its way to the hub."""

    name: str
    data: bytes
    media_type: str


class Ask(Struct, frozen=True, kw_only=True):
    """What an operation is asked: parts of its path, its query, its body. What's None is left out."""

    path: Mapping[str, str | int] = {}
    query: Mapping[str, object] = {}
    body: Mapping[str, object] | None = None
    upload: Upload | None = None
    key: str | None = None
    """The idempotency key; None: one is made up."""
    seconds: float = 0.0
    """So long the hub may take beyond what every answer may."""
    until_done: bool = False
    """A 202 isn't the answer yet: the same is asked again, under the same key."""


class Page(Struct, Generic[Kind], frozen=True, kw_only=True):
    """A piece of a listing; `next` is the cursor of the following one."""

    items: tuple[Kind, ...]
    next: str | None = None


class Request(Generic[Kind]):
    """One operation with what it's asked: all that a transport needs to know."""

    def __init__(self, method: Method, template: str, ask: Ask, kind: Any) -> None:
        self.method = method
        self.template = template
        self.ask = ask
        self.kind = kind

    def decode(self, content: bytes) -> Kind:
        """Return the answer; raises msgspec.MsgspecError."""
        if self.kind is None:
            return None  # type: ignore[return-value]
        if self.kind is bytes:
            return content  # type: ignore[return-value]
        return msgspec.json.decode(content, type=self.kind)  # type: ignore[no-any-return]

    def after(self, cursor: str) -> "Request[Kind]":
        """Return what asks for the piece of a listing that a cursor leads to."""
        query = {**self.ask.query, "cursor": cursor}
        return Request(self.method, self.template, msgspec.structs.replace(self.ask, query=query), self.kind)


class Sync(Protocol):
    """What sends requests, and waits for them."""

    def do(self, request: Request[Kind]) -> Kind:
        """Send it, and return the answer."""

    def all(self, request: Request[Page[Kind]], *, backwards: bool = False) -> Iterator[Kind]:
        """Yield the items of a listing, each page turned round if it's `backwards`."""


class Async(Protocol):
    """What sends requests while other things go on."""

    async def do(self, request: Request[Kind]) -> Kind:
        """Send it, and return the answer."""

    def all(self, request: Request[Page[Kind]], *, backwards: bool = False) -> AsyncIterator[Kind]:
        """Yield the items of a listing, each page turned round if it's `backwards`."""


class Group(Generic[Via]):
    """Operations that belong together, as one client offers them."""

    def __init__(self, client: Via) -> None:
        self._client: Via = client


class Operation:
    """What `Call` and `Listing` have in common: where in the API they are."""

    def __init__(self, method: Method, template: str, kind: Any) -> None:
        self.method = method
        self.template = template
        self.kind = kind


class Call(Operation, Generic[Given, Kind]):
    """A method of a group: one operation, one answer."""

    def __init__(
        self, method: Method, template: str, kind: Any, describe: Callable[Concatenate[Any, Given], Ask]
    ) -> None:
        super().__init__(method, template, kind)
        self._describe = describe

    @overload
    def __get__(self, group: None, owner: Any = None) -> "Call[Given, Kind]": ...
    @overload
    def __get__(self, group: Group[Sync], owner: Any = None) -> Callable[Given, Kind]: ...
    @overload
    def __get__(self, group: Group[Async], owner: Any = None) -> Callable[Given, Coroutine[Any, Any, Kind]]: ...
    def __get__(self, group: Any, owner: Any = None) -> Any:
        """Return the operation as the group's client does it."""
        if group is None:
            return self

        @wraps(self._describe)
        def call(*args: Any, **given: Any) -> Any:
            ask = self._describe(group, *args, **given)
            return group._client.do(Request(self.method, self.template, ask, self.kind))

        return call


class Listing(Operation, Generic[Given, Kind]):
    """A method of a group: all items of a listing, fetched piece by piece as they're looked at."""

    def __init__(
        self, template: str, kind: Any, backwards: bool, describe: Callable[Concatenate[Any, Given], Ask]
    ) -> None:
        super().__init__("GET", template, Page[kind])
        self._backwards = backwards
        self._describe = describe

    @overload
    def __get__(self, group: None, owner: Any = None) -> "Listing[Given, Kind]": ...
    @overload
    def __get__(self, group: Group[Sync], owner: Any = None) -> Callable[Given, Iterator[Kind]]: ...
    @overload
    def __get__(self, group: Group[Async], owner: Any = None) -> Callable[Given, AsyncIterator[Kind]]: ...
    def __get__(self, group: Any, owner: Any = None) -> Any:
        """Return the listing as the group's client reads it."""
        if group is None:
            return self

        @wraps(self._describe)
        def listing(*args: Any, **given: Any) -> Any:
            ask = self._describe(group, *args, **given)
            request = Request[Any](self.method, self.template, ask, self.kind)
            return group._client.all(request, backwards=self._backwards)

        return listing


def call(
    method: Method, template: str, kind: type[Kind]
) -> Callable[[Callable[Concatenate[Any, Given], Ask]], Call[Given, Kind]]:
    """Make a method that describes what's asked into an operation whose answer is of a kind."""
    return lambda describe: Call(method, template, kind, describe)


def act(method: Method, template: str) -> Callable[[Callable[Concatenate[Any, Given], Ask]], Call[Given, None]]:
    """Make a method that describes what's asked into an operation without an answer."""
    return lambda describe: Call(method, template, None, describe)


def listing(
    template: str, kind: type[Kind], *, backwards: bool = False
) -> Callable[[Callable[Concatenate[Any, Given], Ask]], Listing[Given, Kind]]:
    """Make a method that describes what's asked into a listing of items of a kind.

    `backwards`: the API gives the newest piece first, but the oldest item first in each; the listing is newest first.
    """
    return lambda describe: Listing(template, kind, backwards, describe)


def put(**given: object) -> dict[str, object]:
    """Return what was given: what's None is left out."""
    return {name: value for name, value in given.items() if value is not None}
