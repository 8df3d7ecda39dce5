"""The running hub against its own OpenAPI document: thousands of odd requests, and never a 5xx.

A thousand each time; AGENTHOST_API_CASES=20000 for a night's worth, and AGENTHOST_API_SEED for others of them.
"""

import asyncio
import os
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from hub.app import Hub
from hub.clock import SystemClock
from hub.config import Config, HubConfig, LimitsConfig
from hub.flow.people import owner_secret
from hub.loading import SHIPPED_AGENTS
from hub.manifests import load_agents
from hub.ports import Add
from hub.records import HOME
from hub.services import services_of
from hub.store.documents import MemoryDocuments
from hub.store.files import MemoryFiles
from hub.store.sql import SqlStore
from hub.testing import ScriptedLLM
from hub.web.app import build
from hub.web.server import Server
from tests.unit.web.test_isolation import KINDS, has_everything

CASES = int(os.environ.get("AGENTHOST_API_CASES", "1000"))
SEED = int(os.environ.get("AGENTHOST_API_SEED", "1"))
ONLY = os.environ.get("AGENTHOST_API_ONLY", "")
"""A part of the paths that are asked; empty: all."""
PATIENCE = 120.0
"""Seconds for an answer, on a machine that has much else to do."""
STREAMS = r"/events$|:stream$|:subscribe$"
"""What goes on until who asks hangs up."""
LAST = ("/v1/sign-out", "/v1/pause", "/v1/resume", "/v1/sessions")
"""What takes away or stops what others are tried out with."""
ALONG: tuple[dict[str, str], ...] = (
    {},
    {},
    {"Idempotency-Key": "again"},
    {"Idempotency-Key": "two words"},
    {"If-None-Match": "*", "Range": "bytes=5-1"},
    {"X-Forwarded-For": "nobody, ::1", "X-Forwarded-Proto": "javascript", "X-Forwarded-Host": "evil.example"},
    {"Accept": "application/xml;q=x", "Accept-Language": "\x7f;q=2", "Prefer": "respond-async, wait=x"},
    {"A2A-Version": "1.0", "Last-Event-ID": "99999999999999999999", "MCP-Protocol-Version": "1"},
)
"""Headers that no endpoint's document names."""


@dataclass(frozen=True)
class Served:
    """A hub that serves, and all by whom it can be asked."""

    url: str
    askers: tuple[Mapping[str, str], ...]
    """Headers of each."""
    ids: Mapping[str, str]
    """Of what there is, by kind."""


# Litestar leaves the files of a form that's cut off to be closed with their last reference, a moment later.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <function SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning"
)
# Schemathesis does, for bodies of forms.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
def test_no_request_makes_the_hub_fail_or_answer_otherwise_than_it_says(tmp_path: Path) -> None:
    """Every endpoint but the streams, with fitting and with misfit data, of what there is and of what there isn't."""
    seen: Counter[int] = Counter()
    with a_hub(tmp_path) as hub:
        schema = schemathesis.openapi.from_url(f"{hub.url}/schema/openapi.json", timeout=PATIENCE).exclude(
            path_regex=STREAMS
        )
        operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
        asked = [each for each in operations if ONLY in each.path]
        asked.sort(key=lambda each: (each.method == "delete", each.path.startswith(LAST)))
        # About every third one takes nothing, and so nothing misfit.
        examples = max(2, 3 * CASES // (5 * len(asked)))
        faults: list[str] = []
        for operation in asked:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                # Nothing misfit can be sent to an endpoint that takes nothing.
                with suppress(Unsatisfiable):
                    try:
                        try_out(operation, mode, hub, examples, seen)
                    except FailureGroup as error:
                        faults.append(f"{operation.label} ({mode.value}): {error}")
                        print(faults[-1], flush=True)
            print(f"{operation.label}: {sum(seen.values())} requests so far", flush=True)
    print(f"{sum(seen.values())} requests of {len(asked)} operations: {dict(sorted(seen.items()))}")
    assert len(operations) >= 150
    assert not faults, "\n\n".join(faults)
    assert not [status for status in seen if status >= 500]
    # It isn't all refused at the door.
    assert seen[200] + seen[201] + seen[202] + seen[204] > sum(seen.values()) / 50


def try_out(
    operation: schemathesis.APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    hub: Served,
    examples: int,
    seen: Counter[int],
) -> None:
    kind = next((kind for prefix, kind in KINDS.items() if operation.path.startswith(prefix)), "")
    real = {**hub.ids, "id": hub.ids.get(kind, "owner"), "name": "default"}

    @seed(SEED)
    @given(
        case=operation.as_strategy(generation_mode=mode),
        asker=st.sampled_from(hub.askers),
        there=st.booleans(),
        along=st.sampled_from(ALONG),
    )
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    def check(case: schemathesis.Case[Any], asker: Mapping[str, str], there: bool, along: dict[str, str]) -> None:
        if there and case.path_parameters:
            case.path_parameters = {name: real.get(name, told) for name, told in case.path_parameters.items()}
        # Nobody waits two minutes for an answer here.
        case.query = {name: value for name, value in (case.query or {}).items() if name != "wait"}
        # What stands in a header's place mustn't be taken for what it would have been.
        beside = {name: value for name, value in along.items() if name not in (case.headers or {})}
        answer = case.call(headers={**beside, **asker}, timeout=PATIENCE)
        seen[answer.status_code] += 1
        # Fitting data may still be refused: no document says which tasks there are, or that a text isn't blank. And
        # what's asked for without a key may be asked for by one, too.
        excluded: list[Any] = [positive_data_acceptance, ignored_auth]
        if any(isinstance(value, list | dict) for value in case.query.values()):
            # What may come once and comes more often is taken once; an object's names go over the wire as texts.
            excluded.append(negative_data_rejection)
        case.validate_response(answer, excluded_checks=excluded)

    check()


@contextmanager
def a_hub(folder: Path) -> Iterator[Served]:
    """Serve a hub on real SQLite, with one of everything in it, from a thread of its own."""
    key = owner_secret(folder / "owner.key")
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    started, stop = threading.Event(), threading.Event()
    found: dict[str, str] = {}
    codes: list[str] = []

    async def serve() -> None:
        store = SqlStore.in_folder(folder)
        await store.open()
        hub = a_hub_on(store, folder)
        await hub.people.ensure_owner(key)
        ids, records = has_everything(HOME)
        await store.commit(*map(Add, records))
        found.update(ids)
        codes.append(hub.people.new_code())
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
        while not started.wait(1):
            assert thread.is_alive()
        yield Served(url, tuple(askers(url, key, codes[0])), found)
    finally:
        stop.set()
        thread.join(20)


def a_hub_on(store: SqlStore, folder: Path) -> Hub:
    llm = ScriptedLLM(lambda prompt: "Certainly.", fills=lambda prompt, schema: {})
    unhurried = LimitsConfig(requests_per_key=0, requests_per_person=0, requests_per_tenant=0)
    return Hub(
        Config(hub=HubConfig(data=str(folder)), limits=unhurried),
        store=store,
        llm=llm,
        decider=llm,
        documents=MemoryDocuments(),
        files=MemoryFiles(),
        clock=SystemClock(),
        agents=load_agents([SHIPPED_AGENTS]),
        bridges={},
    )


def askers(url: str, key: str, code: str) -> Iterator[Mapping[str, str]]:
    """Return the headers of the owner, mostly; of a browser that's signed in, of one key with few rights, of nobody."""
    owner = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url) as client:
        assert client.post("/v1/sign-in", json={"code": code}).status_code == 204
        client.get("/v1/whoami")
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        browser = {"Cookie": cookies, "x-csrftoken": client.cookies["csrftoken"]}
        few = client.post("/v1/keys", json={"name": "few", "scopes": ["messages:read"]}, headers=owner).json()
    yield from (owner, owner, owner, owner, browser, browser, {"Authorization": f"Bearer {few['key']}"}, {})
