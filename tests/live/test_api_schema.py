"""The running hub against its own OpenAPI document: thousands of odd requests, and never a 5xx."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from hub.app import Hub
from hub.clock import SystemClock
from hub.config import Config, HubConfig
from hub.flow.people import owner_secret
from hub.loading import SHIPPED_AGENTS
from hub.manifests import load_agents
from hub.services import services_of
from hub.store.documents import MemoryDocuments
from hub.store.files import MemoryFiles
from hub.store.sql import SqlStore
from hub.testing import ScriptedLLM
from hub.web.app import build
from hub.web.server import Server

EXAMPLES = 12
"""Requests of each kind for each endpoint."""


# Litestar leaves the files of a form that's cut off to be closed with their last reference, a moment later.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <function SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning"
)
def test_no_request_makes_the_hub_fail_or_answer_otherwise_than_it_says(tmp_path: Path) -> None:
    """Every endpoint but the stream, with fitting and with misfit data: answers are as the document says."""
    with a_hub(tmp_path) as (url, key):
        schema = schemathesis.openapi.from_url(f"{url}/schema/openapi.json").exclude(path="/v1/events")
        operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
        for operation in operations:
            try_out(operation, GenerationMode.POSITIVE, {"Authorization": f"Bearer {key}"})
            # Nothing misfit can be sent to an endpoint that takes nothing.
            with suppress(Unsatisfiable):
                try_out(operation, GenerationMode.NEGATIVE, {"Authorization": f"Bearer {key}"})
    assert len(operations) >= 24


def try_out(
    operation: schemathesis.APIOperation[Any, Any, Any, Any], mode: GenerationMode, headers: dict[str, str]
) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def check(case: schemathesis.Case[Any]) -> None:
        # Fitting data may still be refused: no document says which tasks there are, or that a text isn't blank.
        # Nobody waits two minutes for an answer here.
        case.query = {name: value for name, value in (case.query or {}).items() if name != "wait"}
        case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    check()


@contextmanager
def a_hub(folder: Path) -> Iterator[tuple[str, str]]:
    """Serve a hub on real SQLite from a thread of its own; give its address and the owner's key."""
    key = owner_secret(folder / "owner.key")
    listening = socket.create_server(("127.0.0.1", 0))
    started, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        store = SqlStore.in_folder(folder)
        await store.open()
        llm = ScriptedLLM(lambda prompt: "Certainly.")
        hub = Hub(
            Config(hub=HubConfig(data=str(folder))),
            store=store,
            llm=llm,
            decider=llm,
            documents=MemoryDocuments(),
            files=MemoryFiles(),
            clock=SystemClock(),
            agents=load_agents([SHIPPED_AGENTS]),
            bridges={},
        )
        await hub.people.ensure_owner(key)
        server = Server(build(services_of(hub, key)), closing=hub.closing)
        async with asyncio.TaskGroup() as group:
            work = group.create_task(hub.run())
            serving = group.create_task(server.serve(sockets=[listening]))
            while not stop.is_set():
                await asyncio.sleep(0.05)
                if server.started:
                    started.set()
            server.should_exit = True
            await serving
            work.cancel()
        await store.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert started.wait(20)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", key
    finally:
        stop.set()
        thread.join(20)
