"""What became of a message, as spans for OpenTelemetry: accepted, routed, a turn with its tools, delivered.

A trace's id is made from the message's id, and so is that of its first span: what happens later, after a restart or on
another hub, finds its trace without anything being handed on. No words are in a span, only ids, names and numbers.

This module needs the extra `otel`; it's loaded only where the config names a collector.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeVar

from msgspec import Struct
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from hub.ports import Add, Change, Clock, Save
from hub.records import Event, Message, Step, Turn

Kept = TypeVar("Kept")
REMEMBERED = 10_000
"""Turns and deliveries under way."""
SETTLED = ("answered", "stopped", "failed")
Attributes = Mapping[str, str | int | float | bool]


class _Span(Struct, frozen=True, kw_only=True):
    """A span that's about to be told."""

    of: str
    """What the trace is about: a message's id, else a task's."""
    own: str
    """What the span's id is made from."""
    name: str
    start: datetime
    end: datetime
    parent: str | None
    attributes: Attributes
    failed: bool = False
    links: tuple[str, ...] = ()
    kind: SpanKind = SpanKind.INTERNAL


class Traces:
    """A Witness that tells spans to a processor."""

    def __init__(self, processor: SpanProcessor, clock: Clock, version: str, sample: float = 1.0) -> None:
        """Take the part of all messages that's told, from 0 to 1; a message is told whole or not at all."""
        self._processor = processor
        self._clock = clock
        self._sample = sample
        self._resource = Resource.create({"service.name": "agenthost", "service.version": version})
        self._turns: OrderedDict[str, str] = OrderedDict()
        """What the trace of a turn under way is about."""
        self._sending: OrderedDict[str, datetime] = OrderedDict()
        """Since when a message is being delivered."""

    def committed(self, changes: Sequence[Change], seconds: float) -> None:
        """See Witness."""
        told = {
            (change.record.kind, change.record.message)
            for change in changes
            if isinstance(change, Add) and isinstance(change.record, Event)
        }
        for change in changes:
            match change:
                case Add(Message(role="user") as message):
                    self._accepted(message, seconds)
                case Save(Message(role="user") as message):
                    self._went_on(message, routed=("route", message.id) in told)
                case Save(Message() as message):
                    self._delivered(message, told=("delivery", message.id) in told)
                case Add(Turn() as turn) | Save(Turn() as turn):
                    self._turned(turn)
                case Add(Step() as step):
                    self._stepped(step)
                case _:
                    pass

    def close(self) -> None:
        """Tell what isn't told yet; may take seconds."""
        self._processor.shutdown()

    # --- what happened

    def _accepted(self, message: Message, seconds: float) -> None:
        now = self._clock.now()
        self._tell(
            _Span(
                of=message.id,
                own=f"accept/{message.id}",
                name="accept",
                start=now - timedelta(seconds=seconds),
                end=now,
                parent=message.id,
                attributes={"agenthost.message": message.id, "agenthost.bridge": message.address.bridge},
                kind=SpanKind.CONSUMER,
            )
        )

    def _went_on(self, message: Message, *, routed: bool) -> None:
        now = self._clock.now()
        if routed and message.route is not None:
            route = message.route
            self._tell(
                _Span(
                    of=message.id,
                    own=f"route/{message.id}",
                    name="route",
                    start=now - timedelta(milliseconds=route.ms),
                    end=now,
                    parent=message.id,
                    attributes={
                        "agenthost.rule": route.rule,
                        "agenthost.task": route.task,
                        "agenthost.tokens_in": route.tokens,
                        "agenthost.model": route.model,
                    },
                )
            )
        elif message.state in SETTLED:
            self._tell(
                _Span(
                    of=message.id,
                    own=message.id,
                    name="message",
                    start=message.created_at,
                    end=now,
                    parent=None,
                    attributes={
                        "agenthost.message": message.id,
                        "agenthost.bridge": message.address.bridge,
                        "agenthost.state": message.state,
                        "agenthost.task": message.task or "",
                    },
                    failed=message.state == "failed",
                )
            )

    def _turned(self, turn: Turn) -> None:
        of: str = turn.messages[0] if turn.messages else turn.task
        if turn.ended_at is None:
            _remember(self._turns, turn.id, of)
            return
        of = self._turns.pop(turn.id, of)
        self._tell(
            _Span(
                of=of,
                own=turn.id,
                name="turn",
                start=turn.started_at,
                end=turn.ended_at,
                parent=of if turn.messages else None,
                attributes={
                    "agenthost.turn": turn.id,
                    "agenthost.task": turn.task,
                    "agenthost.state": turn.state,
                    "agenthost.tokens_in": turn.tokens_in,
                    "agenthost.tokens_out": turn.tokens_out,
                    "agenthost.verdict": type(turn.verdict).__name__.lower() if turn.verdict else "",
                },
                failed=turn.state == "failed",
                links=tuple(message for message in turn.messages if message != of),
            )
        )

    def _stepped(self, step: Step) -> None:
        of = self._turns.get(step.turn)
        if of is None or step.kind == "begun":
            return
        now = self._clock.now()
        self._tell(
            _Span(
                of=of,
                own=f"{step.turn}/{step.number}",
                name=f"tool {step.name}" if step.kind == "tool" else step.kind,
                start=now - timedelta(milliseconds=step.ms),
                end=now,
                parent=step.turn,
                attributes={
                    "agenthost.step": step.kind,
                    "agenthost.tokens_in": step.tokens_in,
                    "agenthost.tokens_out": step.tokens_out,
                    "agenthost.unsure": step.unsure,
                },
                failed=step.failed,
                kind=SpanKind.CLIENT,
            )
        )

    def _delivered(self, message: Message, *, told: bool) -> None:
        if message.state == "sending":
            _remember(self._sending, message.id, self._clock.now())
            return
        began = self._sending.pop(message.id, None) if told else None
        of = message.answers or message.task
        if began is None or of is None:
            return
        self._tell(
            _Span(
                of=of,
                own=f"deliver/{message.id}/{self._clock.now().timestamp()}",
                name="deliver",
                start=began,
                end=self._clock.now(),
                parent=message.answers,
                attributes={
                    "agenthost.message": message.id,
                    "agenthost.bridge": message.address.bridge,
                    "agenthost.state": message.state,
                },
                failed=message.state in {"failed", "unknown"},
                kind=SpanKind.PRODUCER,
            )
        )

    # --- how it's told

    def _tell(self, span: _Span) -> None:
        if _number(span.of, 8) >= self._sample * 2**64:
            return
        self._processor.on_end(
            ReadableSpan(
                name=span.name,
                context=_context(span.of, span.own),
                parent=_context(span.of, span.parent) if span.parent else None,
                resource=self._resource,
                attributes=span.attributes,
                links=[Link(_context(other, other)) for other in span.links],
                kind=span.kind,
                status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
                start_time=_nanoseconds(span.start),
                end_time=_nanoseconds(max(span.start, span.end)),
            )
        )


def trace_of(id: str) -> int:
    """Return the id of the trace that tells of a message, or of a task that nobody wrote for."""
    return _number(f"trace/{id}", 16)


def _context(of: str, own: str) -> SpanContext:
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(trace_of(of), _number(f"span/{own}", 8), is_remote=False, trace_flags=sampled)


def _number(text: str, size: int) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:size], "big")


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000


def _remember(kept: "OrderedDict[str, Kept]", name: str, value: Kept) -> None:
    kept[name] = value
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)
