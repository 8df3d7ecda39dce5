"""What happens, as a stream: what was missed, from the store; then what comes, from the feed; without gap or double."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import get_args

import msgspec
from msgspec import Struct

from hub.ports import Delta, News
from hub.records import Event, Message, MessageId, Pause, PauseState, PersonId, TaskId, TenantId, TurnId
from hub.web.auth import Caller
from hub.web.resources import view_changed, view_message
from hub.web.services import Services
from hub.web.turns import view_approval, view_turn

KEEP_ALIVE = 15.0
PAGE = 100
PAUSES = 1_000
SETTLED = ("answered", "stopped", "failed", "asking")
"""States of a person's message in which it waits for nothing from the hub."""


class Hello(Struct, frozen=True, kw_only=True):
    """The first frame: the id of the newest event that's kept."""

    last: int


class DeltaView(Struct, frozen=True, kw_only=True):
    """Some more of an answer that's being written, or all of it so far."""

    task: TaskId
    turn: TurnId
    message: MessageId | None
    """The message that's being answered; none where the task goes on by itself."""
    text: str
    whole: bool


class Frame(Struct, frozen=True, kw_only=True):
    """One event as clients see it; only kept ones have an id. Without a name it's only a sign of life."""

    event: str
    data: bytes = b""
    id: int | None = None


ALIVE = Frame(event="")
Frames = AsyncGenerator[tuple[Frame, ...], None]
"""Frames as they come: those that are there at one moment go out together."""


class Watch:
    """News from a feed, asked for with patience: a wait that ends without news loses none."""

    def __init__(self, news: News, closing: asyncio.Event) -> None:
        self._news = news
        self._closing = asyncio.ensure_future(closing.wait())
        self._next: asyncio.Future[Event | Delta | None] | None = None

    async def next(self, seconds: float) -> Event | Delta | None:
        """Return the next news, or None after so many seconds; raises Ended when there'll be none."""
        if (news := self.ready()) is not None:
            return news
        self._next = self._next or asyncio.ensure_future(_next(self._news))
        await asyncio.wait((self._next, self._closing), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if self._closing.done():
            raise Ended
        if not self._next.done():
            return None
        news, self._next = self._next.result(), None
        if news is None:
            raise Ended
        return news

    def ready(self) -> Event | Delta | None:
        """Return the next news if there's some already that nobody waits for; raises Ended as `next` does."""
        if self._closing.done():
            raise Ended
        return self._news.ready() if self._next is None else None

    async def close(self) -> None:
        """Leave the feed, at once: whoever hangs up has this task cancelled wherever it waits, again and again."""
        await self._news.aclose()
        waits = [each for each in (self._closing, self._next) if each is not None]
        for each in waits:
            each.cancel()
        await asyncio.wait(waits)


class Ended(Exception):
    """The hub stops, or the reader is too slow."""


@asynccontextmanager
async def watching(services: Services, tenant: TenantId, person: PersonId) -> AsyncGenerator[Watch, None]:
    """Watch a person's news from here on."""
    watch = Watch(services.feed.watch(tenant, person), services.closing)
    try:
        yield watch
    finally:
        await watch.close()


async def settled(services: Services, message: Message, seconds: float) -> Message:
    """Return a person's message as soon as it waits for nothing from the hub, or as it is after so many seconds."""
    end = services.clock.monotonic() + seconds
    async with watching(services, message.tenant, message.person) as watch:
        while True:
            message = await services.store.message(message.id) or message
            left = end - services.clock.monotonic()
            if message.state in SETTLED or left <= 0:
                return message
            try:
                while not _concerns(await watch.next(left), message.id) and services.clock.monotonic() < end:
                    left = end - services.clock.monotonic()
            except Ended:
                return message


async def frames_of(
    services: Services,
    caller: Caller,
    after: int | None,
    *,
    teller: "Callable[[int], Teller]",
    good: Callable[[], Awaitable[bool]],
) -> Frames:
    """Yield hello, what was missed since `after`, and what comes; ends with the hub, the key, or a slow reader.

    `teller` makes who tells it, from what the reader has seen; `good` says whether the reader may still read.
    """
    async with watching(services, caller.tenant, caller.person) as watch:
        last = await services.store.last_event()
        yield (Frame(event="hello", data=msgspec.json.encode(Hello(last=last))),)
        # Who knows of events that the store doesn't (it was restored from a backup) goes on from where the store is.
        telling = teller(last if after is None else min(after, last))
        async for told in telling.catch_up(last):
            yield told
        while True:
            try:
                news = await watch.next(KEEP_ALIVE)
                if news is None and not await good():
                    return
                if news is None:
                    yield (ALIVE,)
                else:
                    async for told in telling.tell(_with_those_ready(watch, news)):
                        yield told
            except Ended:
                return


def _with_those_ready(watch: Watch, news: Event | Delta) -> Iterator[Event | Delta]:
    """Yield news, and those that are there already: a commit tells several things at once."""
    following: Event | Delta | None = news
    while following is not None:
        yield following
        following = watch.ready()


def frames(services: Services, caller: Caller, after: int | None, task: TaskId | None) -> Frames:
    """Return the frames for whoever has a key, of one task or of all; see frames_of."""

    def teller(seen: int) -> Teller:
        return Teller(services, caller, seen, task)

    async def good() -> bool:
        return await services.people.still_good(caller.key)

    return frames_of(services, caller, after, teller=teller, good=good)


LATELY = 64
"""Turns of which a piece may still be on its way when all of the answer was told."""


class Teller:
    """Tells one reader everything once, in order."""

    def __init__(self, services: Services, caller: Caller, seen: int, task: TaskId | None) -> None:
        self._services = services
        self._caller = caller
        self._seen = seen
        self._task = task
        self._ended: deque[TurnId] = deque(maxlen=LATELY)

    async def tell(self, news: Iterable[Event | Delta]) -> Frames:
        """Yield what's new: kept events in the store's order, which is the true one, and pieces between them."""
        to = 0
        for each in news:
            if isinstance(each, Event):
                # News of two commits may come the wrong way round.
                to = max(to, each.seq)
                continue
            async for told in self.catch_up(to):
                yield told
            if told := self.delta(each):
                yield told
        async for told in self.catch_up(to):
            yield told

    async def catch_up(self, to: int) -> Frames:
        """Yield the kept events that weren't told yet, up to a seq, a page at a time."""
        store = self._services.store
        while self._seen < to:
            events = await store.events(self._caller.tenant, self._caller.person, after=self._seen, limit=PAGE)
            told = [event for event in events if event.seq <= to]
            frames = [frame for event in told if (frame := await self._frame(event)) is not None]
            self._seen = told[-1].seq if told else self._seen
            if frames:
                yield tuple(frames)
            if len(told) < PAGE:
                self._seen = max(self._seen, to)

    async def _frame(self, event: Event) -> Frame | None:
        if event.kind == "reply" and event.turn:
            self._ended.append(event.turn)
        if self._task not in (None, event.task):
            return None
        return Frame(event=event.kind, id=event.seq, data=await self._data(event))

    def delta(self, delta: Delta) -> tuple[Frame, ...]:
        """Return the frame of a piece of an answer, unless all of the answer was told already."""
        if delta.turn in self._ended or self._task not in (None, delta.task):
            return ()
        view = DeltaView(task=delta.task, turn=delta.turn, message=delta.message, text=delta.text, whole=delta.whole)
        return (Frame(event="delta", data=msgspec.json.encode(view)),)

    async def _asked(self, event: Event) -> Pause | None:
        """Return the call that the event's turn stopped at: there's one at most."""
        store = self._services.store
        found = await store.pauses_of_task(event.task, states=EVERY, limit=PAUSES) if event.task else ()
        return next((pause for pause in found if (pause.turn, pause.kind) == (event.turn, "leave")), None)

    async def _data(self, event: Event) -> bytes:
        return msgspec.json.encode(await self._view(event))

    async def _view(self, event: Event) -> Struct | None:
        store = self._services.store
        match event.kind:
            case "task":
                task = await store.task(event.task) if event.task else None
                return await view_changed(store, task, self._services.config.hub.timezone) if task else None
            case "turn":
                turn = await store.turn(event.turn) if event.turn else None
                return view_turn(turn) if turn else None
            case "approval":
                pause = await self._asked(event)
                return await view_approval(store, pause) if pause else None
            case _:
                message = await store.message(event.message) if event.message else None
                return await view_message(store, message) if message else None


EVERY: tuple[PauseState, ...] = get_args(PauseState)


async def _next(news: AsyncIterator[Event | Delta]) -> Event | Delta | None:
    return await anext(news, None)


def _concerns(news: Event | Delta | None, message: MessageId) -> bool:
    """Say whether it's worth looking at a message again."""
    return isinstance(news, Event) and (news.message == message or news.kind in ("turn", "reply", "notice"))
