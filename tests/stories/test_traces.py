"""A message is a trace, from its coming to its answer's delivery, over restarts, without a word of it."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer

from msgspec.structs import replace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from hub.config import Config, TelemetryConfig
from hub.ports import Add, Change, Save
from hub.records import HOME, Message
from hub.store.memory import MemoryStore
from hub.telemetry.traces import Traces, trace_of
from hub.testing import (
    NOON,
    FakeBridge,
    FakeClock,
    Hang,
    ScriptedLLM,
    a_message,
    a_step,
    a_task,
    a_turn,
    hello,
)
from hub.watching import Watch
from tests.stories.day import Day, at_work

CANARY = "canary-0193"


class Traced(Day):
    """A day whose hub is traced into memory."""

    spans: InMemorySpanExporter

    def watched(self, spans: InMemorySpanExporter, sample: float = 1.0) -> "Traced":
        self.spans = spans
        traces, meters = Traces(SimpleSpanProcessor(spans), self.clock, "1", sample), self.hub.watch.meters
        counted = meters.committed

        def both(changes: Sequence[Change], seconds: float) -> None:
            counted(changes, seconds)
            traces.committed(changes, seconds)

        meters.committed = both  # type: ignore[method-assign]  # a hub has both only by its config
        return self


def named(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    (span,) = (span for span in spans.get_finished_spans() if span.name == name)
    return span


def above(span: ReadableSpan) -> int:
    """Return the id of the span that it's below."""
    assert span.parent is not None
    return span.parent.span_id


async def asked(day: Day, text: str) -> Message:
    (message,) = [
        each for each in await day.store.messages_of_task((await day.task(1)).id, limit=9) if each.text == text
    ]
    return message


async def test_a_message_is_a_trace_from_accept_to_delivery() -> None:
    bridge = FakeBridge()
    day = Traced(ScriptedLLM(f"{CANARY}, certainly"), bridges={"fake": bridge}).watched(InMemorySpanExporter())
    async with day, at_work(day, bridge):
        await bridge.say(hello(f"Please look {CANARY}"))
        await day.quiet()
        message = await asked(day, f"Please look {CANARY}")
    spans = {span.name: span for span in day.spans.get_finished_spans()}

    assert {"message", "accept", "route", "turn", "deliver"} <= spans.keys()
    assert {span.context.trace_id for span in spans.values()} == {trace_of(message.id)}
    root = spans["message"]
    assert root.parent is None
    for child in ("accept", "route", "turn", "deliver"):
        assert above(spans[child]) == root.context.span_id
    assert CANARY not in " ".join(span.to_json() for span in spans.values())


async def test_a_turns_steps_are_below_it_and_other_messages_are_linked() -> None:
    spans = InMemorySpanExporter()
    traces = Traces(SimpleSpanProcessor(spans), FakeClock(), "1")
    first, second = a_message(), a_message()
    turn = a_turn(a_task(), messages=(first.id, second.id))
    tool = a_step(turn, kind="tool", name="look", request=CANARY, result=CANARY, failed=True, ms=250.0)
    traces.committed([Add(turn)], 0.001)
    traces.committed([Add(a_step(turn, number=2, kind="begun"))], 0.001)
    traces.committed([Add(tool)], 0.001)
    traces.committed([Save(replace(turn, state="done", ended_at=NOON, answer=CANARY))], 0.001)
    step, whole = named(spans, "tool look"), named(spans, "turn")

    assert (step.context.trace_id, above(step)) == (trace_of(first.id), whole.context.span_id)
    assert (step.status.is_ok, (step.end_time or 0) - (step.start_time or 0)) == (False, 250_000_000)
    assert [link.context.trace_id for link in whole.links] == [trace_of(second.id)]
    assert len(spans.get_finished_spans()) == 2
    assert CANARY not in step.to_json() + whole.to_json()


async def test_a_turn_after_a_restart_is_in_the_trace_of_its_message() -> None:
    store, spans = MemoryStore(), InMemorySpanExporter()
    day = Traced(ScriptedLLM(Hang()), store=store).watched(spans)
    async with day:
        message = await day.sends("Hello")
        await day.working()
    async with Traced(ScriptedLLM("Hi!"), store=store).watched(spans) as day:
        await day.quiet()

    turn = named(spans, "turn")
    assert turn.context.trace_id == trace_of(message.id)
    assert above(turn) == named(spans, "message").context.span_id


async def test_a_part_of_all_messages_is_traced_each_whole_or_not_at_all() -> None:
    spans = InMemorySpanExporter()
    traces = Traces(SimpleSpanProcessor(spans), FakeClock(), "1", 0.5)
    messages = [a_message() for _ in range(400)]
    for _ in range(2):
        for message in messages:
            traces.committed([Add(message)], 0.001)
    told = [span.context.trace_id for span in spans.get_finished_spans()]

    assert 100 < len(set(told)) < 300
    assert len(told) == 2 * len(set(told))


async def test_spans_come_to_a_collector_over_http() -> None:
    got: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        """Takes whatever is sent."""

        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    llm = ScriptedLLM()
    url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    watch = Watch(Config(telemetry=TelemetryConfig(otlp_url=url)), MemoryStore(), FakeClock(), (llm, llm), {})
    watch.witness.committed([Add(a_message(tenant=HOME))], 0.001)
    await watch.close()
    server.shutdown()
    thread.join()
    server.server_close()

    assert [path for path, _ in got] == ["/v1/traces"]
    assert b"agenthost.bridge" in got[0][1]


def test_nothing_of_it_is_loaded_where_the_config_names_no_collector() -> None:
    look = "import sys, hub.opening, hub.serving; sys.exit(any(n.startswith('opentelemetry') for n in sys.modules))"

    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
