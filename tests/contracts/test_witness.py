"""What every Witness promises: it takes whatever was committed, at once, and nobody's commit fails for it."""

import time
from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from hub.ports import Add, Change, Remove, Save, Witness
from hub.records import Record
from hub.telemetry.meters import Meters
from hub.telemetry.traces import Traces
from hub.testing import (
    FakeClock,
    a_correction,
    a_follow,
    a_key,
    a_link,
    a_message,
    a_package,
    a_pairing,
    a_pause,
    a_person,
    a_pin,
    a_posting,
    a_replay,
    a_reply,
    a_route,
    a_step,
    a_taint,
    a_task,
    a_thread,
    a_turn,
    an_entry,
    an_event,
    an_installation,
)

WITNESSES: dict[str, Callable[[], Witness]] = {
    "meters": lambda: Meters(FakeClock(), lambda: ("big", "small")),
    "traces": lambda: Traces(SimpleSpanProcessor(InMemorySpanExporter()), FakeClock(), "1"),
}


@pytest.fixture(params=WITNESSES)
def witness(request: pytest.FixtureRequest) -> Witness:
    return WITNESSES[request.param]()


def every_record() -> list[Record]:
    task, key = a_task(), a_key()
    turn, message = a_turn(task), a_message(route=a_route(task), task=task.id)
    said: list[Record] = [
        message,
        a_reply(message),
        a_correction(message, task, task),
        a_posting(message),
        an_entry(message),
    ]
    of_task: list[Record] = [
        task,
        turn,
        a_step(turn),
        a_pin(task),
        a_taint(task),
        a_thread(task),
        a_follow(task),
        a_pause(turn),
    ]
    of_hub: list[Record] = [
        a_person(),
        a_link(),
        key,
        a_replay(key),
        a_pairing(),
        a_package(),
        an_installation(),
        an_event(),
    ]
    return [*said, *of_task, *of_hub]


@pytest.mark.parametrize("kind", [Add, Save, Remove])
def test_it_takes_every_kind_of_change(witness: Witness, kind: type[Add] | type[Save] | type[Remove]) -> None:
    for record in every_record():
        witness.committed([kind(record)], 0.001)
    witness.committed([kind(record) for record in every_record()], 0.001)
    witness.committed([], 0.0)


def test_it_takes_a_hundred_thousand_changes_in_seconds(witness: Witness) -> None:
    changes: list[Change] = [Add(record) for record in every_record()]
    began = time.monotonic()
    for _ in range(100_000 // len(changes)):
        witness.committed(changes, 0.001)
    assert time.monotonic() - began < 20
