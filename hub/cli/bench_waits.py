"""Measures who waits how long for whom: a router's decision while an answer is being written; and what's cancelled."""

import asyncio
import time
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from hub.cli.bench_figures import Figure, p50_and
from hub.config import MODEL_SHA256
from hub.flow.evidence import Line, Seen
from hub.flow.weighing import weigh
from hub.llm.llamacpp import LlamaCpp
from hub.ports import Piece, Priority, Said, Terms
from hub.records import HOME, Address, PersonId, Task, TaskId

LONG = 500
TELL = [Said("user", "Write a very long story about a train, with many people in it, and never stop.")]
DECIDE = Terms(tenant=HOME, priority=Priority.DECISION)
WARM, TIMES = 2, 15
GOALS = ("Book a ferry to Gothenburg for two bicycles", "Find a plumber for the kitchen", "Plan my mother's birthday")
MESSAGES = (
    "The early one on Thursday, please.",
    "Did he say what it costs?",
    "She likes chocolate cake best.",
    "And is there a cabin left?",
    "Tuesday after four would suit me.",
)


async def waiting(path: Path, *, quick: bool) -> list[Figure]:
    """Have messages routed among three open tasks, first in quiet, then while 500 tokens are being written.

    Then cancel long prompts, and see how soon the next one is served.
    """
    llm = LlamaCpp(path, sha256=MODEL_SHA256, context=2048)
    times = 5 if quick else TIMES
    await llm.open()
    try:
        await llm.ready()
        await decisions(llm, WARM, "warm")
        quiet = await decisions(llm, times, "quiet")
        busy = await while_writing(llm, times)
        stops = await cancelled(llm, times)
    finally:
        await llm.close()
    return [
        Figure(name="a router's decision in quiet, p50", value=median(quiet) * 1000, unit="ms"),
        Figure(name="the same while 500 tokens are written, p50", value=median(busy) * 1000, unit="ms"),
        Figure(name="longer while an answer is written", value=median(busy) / median(quiet), unit="×", aim=2.0),
        *p50_and(95, "cancelled in a prompt to free again", stops, (100.0, None)),
    ]


async def cancelled(llm: LlamaCpp, times: int) -> list[float]:
    """Return the seconds from cancelling a long prompt until the model has done something for somebody else.

    What it does is a single token that it has all but decided already.
    """
    tiny = [("Once upon a", " time")]
    await llm.score(tiny, DECIDE)
    found = []
    for number in range(times):
        prompt = [Said("user", f"{number} " + "The fishing boats came home and gulls circled above the market. " * 100)]
        answer = llm.chat(prompt, Terms(tenant=HOME), limit=5)
        call = asyncio.ensure_future(anext(answer))
        await asyncio.sleep(0.2)
        call.cancel()
        with suppress(asyncio.CancelledError):
            await call
        began = time.perf_counter()
        await answer.aclose()
        await llm.score(tiny, DECIDE)
        found.append(time.perf_counter() - began)
    return found


async def while_writing(llm: LlamaCpp, times: int) -> list[float]:
    """Return the seconds of some decisions, all of them made while a long answer was being written."""
    found: list[float] = []
    while len(found) < times:
        async with aclosing(llm.chat(TELL, Terms(tenant=HOME), limit=LONG, temperature=0.8)) as answer:
            while len(found) < times:
                took = await decisions(llm, 1, f"busy {len(found)}")
                # Only if the answer goes on was it being written all the time.
                if not isinstance(await anext(answer), Piece):
                    break
                found += took
    return found


async def decisions(llm: LlamaCpp, times: int, mark: str) -> list[float]:
    """Have the product's own router weigh messages, and return how many seconds each took."""
    now = datetime.now(UTC)
    roster = [_seen(number, goal, now) for number, goal in enumerate(GOALS)]
    found = []
    for number in range(times):
        text = f"{MESSAGES[number % len(MESSAGES)]} ({mark} {number})"
        began = time.perf_counter()
        await weigh(llm, text, roster, now, DECIDE, sha256=llm.info.sha256)
        found.append(time.perf_counter() - began)
    return found


def _seen(number: int, goal: str, now: datetime) -> Seen:
    at = now - timedelta(minutes=10 - number)
    task = Task(
        id=TaskId(f"t{number}"),
        tenant=HOME,
        person=PersonId("owner"),
        number=number + 1,
        origin=Address(bridge="http", chat="owner/main"),
        title=goal,
        goal=goal,
        agent="default",
        state="completed",
        created_at=at,
        updated_at=at,
    )
    reply = f"I am on it: {goal.lower()}. When would it suit you?"
    lines: tuple[Line, ...] = (("user", goal, at), ("agent", reply, at))
    return Seen(task=task, lines=lines, asked=number == 0)
