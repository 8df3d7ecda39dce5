"""What came of a program's message: words, or a call of one of its own tools; at once, or as it's written."""

from collections.abc import AsyncGenerator
from typing import Literal

import msgspec
from msgspec import Struct

from hub.flow.orders import CLIENT, Order, Orders, is_clients
from hub.flow.sound import sound_text
from hub.ports import Delta
from hub.records import Event, Message, MessageId, PauseId, TaskId
from hub.web.openai.faults import NoAnswer
from hub.web.services import Services
from hub.web.stream import EVERY, KEEP_ALIVE, SETTLED, Ended, Watch, settled, watching

WAIT = 600.0
"""Seconds that an answer is waited for: so long OpenAI's clients wait, too."""
MANY = 1_000


class Called(Struct, frozen=True, kw_only=True):
    """A call that the program itself is to make."""

    id: PauseId
    name: str
    arguments: str
    """JSON."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of a message, as it stands."""

    message: Message
    order: Order
    text: str = ""
    call: Called | None = None
    answer: Message | None = None
    """The last thing said in answer."""
    replies: tuple[Message, ...] = ()
    is_cut: bool = False
    """The answer had no room."""
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def finish(self) -> Literal["stop", "length", "tool_calls"]:
        """Why it ended, in OpenAI's words."""
        if self.call is not None:
            return "tool_calls"
        return "length" if self.is_cut else "stop"

    @property
    def task(self) -> TaskId | None:
        """The task that the message went to."""
        return self.message.task


async def outcome_of(services: Services, message: Message) -> Outcome:
    """Return what has come of a message so far."""
    order = await Orders(services.store).of(message) or Order()
    replies = await services.store.replies(message.id)
    turn = await services.store.turn(message.turn) if message.turn else None
    outcome = Outcome(message=message, order=order, replies=replies, answer=replies[-1] if replies else None)
    text = "\n\n".join(reply.text for reply in replies)
    if turn is None:
        return msgspec.structs.replace(outcome, text=text)
    steps = await services.store.steps(turn.id)
    most = min(services.config.llm.answer_tokens, order.tokens or services.config.llm.answer_tokens)
    wrote = turn.tokens_out - sum(step.tokens_out for step in steps if step.kind != "answer")
    return msgspec.structs.replace(
        outcome,
        text=text,
        call=await _call(services, message),
        is_cut=message.state == "answered" and wrote >= most and order.form is None,
        tokens_in=turn.tokens_in,
        tokens_out=turn.tokens_out,
    )


async def awaited(services: Services, message: Message, seconds: float = WAIT) -> Outcome:
    """Return what came of a message once it's answered; raises NoAnswer where nothing did."""
    message = await settled(services, message, seconds)
    outcome = await outcome_of(services, message)
    check(services, outcome)
    return outcome


def check(services: Services, outcome: Outcome) -> None:
    """Raise NoAnswer for a message that isn't answered, or that won't be."""
    message = outcome.message
    if message.state not in SETTLED and services.closing.is_set():
        text = "the hub is about to stop; it goes on when it's back, and the same request again waits on"
        raise NoAnswer(text, status=503, code="stopping")
    if message.state not in SETTLED:
        raise NoAnswer(
            f"message {message.id}: not answered within {WAIT:g} seconds; the work goes on, and the answer will stand"
            f" at GET /v1/messages/{message.id}, or wait for it with the same request again",
            status=504,
            code="still_at_work",
        )
    if message.state == "failed":
        error = message.error or "the turn failed"
        if "the model's context holds" in error:
            raise NoAnswer(error, status=400, code="context_length_exceeded", param="messages")
        if outcome.order.form is not None:
            text = f"no answer of this form: {error}"
            raise NoAnswer(text, status=400, code="unfit_json_schema", param="response_format")
        raise NoAnswer(error, status=500, code="turn_failed")


class Piece(Struct, frozen=True):
    """Some more of an answer; empty: only a sign of life."""

    text: str = ""


async def pieces_of(services: Services, message: Message) -> AsyncGenerator[Piece | Outcome, None]:
    """Yield an answer as it's written, and last what came of the message; raises NoAnswer as `awaited` does.

    All pieces together are the text. Where a model began anew after a crash, the new answer follows the old beginning:
    nobody can take back what was sent.
    """
    end = services.clock.monotonic() + WAIT
    teller = _Teller(message.id)
    async with watching(services, message.tenant, message.person) as watch:
        while (message := await services.store.message(message.id) or message).state not in SETTLED:
            left = end - services.clock.monotonic()
            if left <= 0:
                break
            try:
                async for piece in _until_news(watch, min(KEEP_ALIVE, left), teller):
                    yield piece
            except Ended:
                break
    outcome = await outcome_of(services, message)
    check(services, outcome)
    if outcome.call is None and (rest := teller.rest(outcome.text)):
        yield Piece(rest)
    yield outcome


async def _until_news(watch: Watch, seconds: float, teller: "_Teller") -> AsyncGenerator[Piece, None]:
    """Yield pieces until something was kept that may be about the message, or there was silence for so long."""
    while True:
        news = await watch.next(seconds)
        match news:
            case None:
                yield Piece()
                return
            case Delta():
                if text := teller.take(news):
                    yield Piece(text)
            case Event():
                if news.message == teller.message or news.kind in ("turn", "reply", "notice"):
                    return


class _Teller:
    """Knows what a stream's reader was told."""

    def __init__(self, message: MessageId) -> None:
        self.message = message
        self._told = ""

    def take(self, delta: Delta) -> str:
        if delta.message != self.message:
            return ""
        text = sound_text(delta.text)
        if delta.whole:
            return self.rest(text, over=False)
        self._told += text
        return text

    def rest(self, whole: str, *, over: bool = True) -> str:
        """Return what's still to be told of a text."""
        told = self._told.rstrip() if over else self._told
        if whole.startswith(told):
            rest = whole[len(told) :]
            if over and rest and self._told != told:
                # White space at a piece's end was told before.
                rest = rest.removeprefix(self._told[len(told) :])
        elif whole.strip() == told.strip():
            rest = ""
        else:
            rest = f"\n\n{whole}"
        self._told += rest
        return rest


async def _call(services: Services, message: Message) -> Called | None:
    if message.task is None:
        return None
    for pause in await services.store.pauses_of_task(message.task, states=EVERY, limit=MANY):
        if pause.turn == message.turn and is_clients(pause.tool):
            return Called(id=pause.id, name=pause.tool.removeprefix(CLIENT), arguments=pause.arguments)
    return None
