"""A running registry against its own OpenAPI document: thousands of odd requests, and never a 5xx.

A few hundred each time; AGENTHOST_REGISTRY_CASES=20000 for a night's worth.
"""

import asyncio
import os
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance
from sqlalchemy import update

from hub.clock import SystemClock
from hub.registry.parts import Parts, at_work, opened
from hub.registry.tables import accounts
from hub.shelves import ShelfConfig
from hub.web.server import Server
from tests.apps import registry_over
from tests.unit.registry.publishing import a_plugin, published

CASES = int(os.environ.get("AGENTHOST_REGISTRY_CASES", "300"))
PACKAGES = 40
MOST = 1_000_000
ALONG: tuple[dict[str, str], ...] = (
    {},
    {"Range": "bytes=0-9"},
    {"Range": "bytes=99999999-"},
    {"If-None-Match": "*"},
    {"Idempotency-Key": "again"},
    {"Idempotency-Key": "two words"},
    {"AgentHost-Hub": "none", "AgentHost-Fetch": "e30="},
    {"X-Forwarded-For": "nobody, ::1"},
)
"""Headers that no endpoint's document names."""
CONFIG = ShelfConfig(
    listed_after_days=0,
    rate_after_days=0,
    new_packages=MOST,
    new_versions=MOST,
    reads_per_minute=MOST,
    writes_per_minute=MOST,
    downloads_per_minute=MOST,
    sign_ins_per_minute=MOST,
    sign_ups_per_day=MOST,
    admins=("chief",),
)


# Litestar leaves the files of a form that's cut off to be closed with their last reference, a moment later.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <function SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning"
)
def test_no_request_makes_the_registry_fail_or_answer_otherwise_than_it_says(tmp_path: Path) -> None:
    """Every endpoint, by strangers, members, moderators and admins, of what there is and of what there isn't."""
    seen: Counter[int] = Counter()
    with a_registry(tmp_path) as (url, tokens):
        schema = schemathesis.openapi.from_url(f"{url}/registry/schema/openapi.json")
        operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
        # About every other one takes nothing, and so nothing misfit.
        each = max(4, 2 * CASES // (3 * len(operations)))
        # What takes the tokens and packages away that others are tried out with comes last.
        operations.sort(key=lambda each: (each.method == "delete", "/session" in each.path))
        faults: list[str] = []
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                # Nothing misfit can be sent to an endpoint that takes nothing.
                with suppress(Unsatisfiable):
                    try:
                        try_out(operation, mode, tokens, each, seen)
                    except FailureGroup as error:
                        faults.append(f"{operation.label}: {error}")
    print(f"{sum(seen.values())} requests of {len(operations)} operations: {dict(sorted(seen.items()))}")
    assert len(operations) >= 30
    assert not faults, "\n".join(faults)
    assert not [status for status in seen if status >= 500]
    # It isn't all refused at the door.
    assert seen[200] + seen[201] + seen[204] > sum(seen.values()) / 50


def try_out(
    operation: schemathesis.APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    tokens: list[str],
    examples: int,
    seen: Counter[int],
) -> None:
    @given(
        case=operation.as_strategy(generation_mode=mode),
        token=st.sampled_from(["", *tokens]),
        there=st.none() | st.integers(0, PACKAGES - 1),
        along=st.sampled_from(ALONG),
    )
    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        phases=[Phase.generate],
    )
    def check(case: schemathesis.Case[Any], token: str, there: int | None, along: dict[str, str]) -> None:
        real = {"publisher": "ann", "name": f"echo-{there}", "version": "1.0.0", "path": "plugin.py", "account": "ann"}
        if there is not None and case.path_parameters:
            case.path_parameters = {name: real.get(name, told) for name, told in case.path_parameters.items()}
        headers = {**along, **({"Authorization": f"Bearer {token}"} if token else {})}
        # Fitting data may still be refused: no document says which packages there are, or whose they are.
        # No endpoint's document says that it takes no token: the one that's sent may be of somebody who may.
        answer = case.call(headers=headers)
        seen[answer.status_code] += 1
        case.validate_response(answer, excluded_checks=[positive_data_acceptance, ignored_auth])

    check()


@contextmanager
def a_registry(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a registry with some packages from a thread of its own; give its address and tokens of all who may."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    started, stop = threading.Event(), threading.Event()
    tokens: list[str] = []

    async def serve() -> None:
        async with opened(CONFIG, folder, url, SystemClock(), memory=64) as parts, at_work(parts):
            tokens.extend(await peopled(parts))
            server = Server(registry_over(parts), closing=asyncio.Event(), proxied=False)
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(server.serve(sockets=[listening]))
                while not stop.is_set():
                    await asyncio.sleep(0.05)
                    if server.started:
                        started.set()
                server.should_exit = True
                await serving

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert started.wait(60)
        yield url, tokens
    finally:
        stop.set()
        thread.join(20)


async def peopled(parts: Parts) -> list[str]:
    """Open accounts of each role, and publish packages of which some aren't listed; return the accounts' tokens."""
    tokens = []
    for name in ("ann", "bob", "mod", "chief"):
        _, token = await parts.accounts.create(name, "", "correct horse battery", name)
        tokens.append(token)
    raised = update(accounts).where(accounts.c.name == "mod").values(role="moderator")
    await parts.shelf.write(lambda connection: connection.execute(raised) and None)
    for number in range(PACKAGES):
        name = f"echo-{number}"
        state = ("listed", "listed", "held", "quarantined")[number % 4]
        await published(parts, "ann", name, state=state, archive=a_plugin(name, "1.0.0"))  # type: ignore[arg-type]
    return tokens
