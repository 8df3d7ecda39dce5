"""Measures many chats at once, through the hub's engine and through llama-server, side by side."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from msgspec import Struct

from hub.cli.bench_figures import Figure, at, line_of, process
from hub.config import MODEL_SHA256
from hub.llm.llamacpp import LlamaCpp
from hub.ports import End, Piece, Said, Terms
from hub.records import HOME
from hub.testing.llama_server import is_here

CHATS = (1, 4, 8)
ROUNDS = 3
"""In turns, the best of each: on a busy machine one alone says more about the others."""

CONTEXT = 8192
SLOTS = 4
"""Chats that llama-server keeps at once where nothing else is said; its cache in memory comes on top."""

ANSWER = 48
TICK = 0.005
RIVAL = "llama-server"
MISSING = "xllamacpp isn't installed, so llama-server isn't measured beside the hub: .venv/bin/uv pip install xllamacpp"

SYSTEM = (
    "You are the assistant of a small travel office in a harbour town. You help people to find trains, ferries and"
    " places to stay, and you answer in two or three plain sentences. Name the day and the time whenever you speak"
    " of a journey, and say from which platform or pier it leaves. If you aren't sure, say so, and say whom to ask."
    " Never promise a seat, a cabin or a price that wasn't confirmed. Bicycles, dogs and skis go along on most"
    " ferries, but need a ticket of their own on trains; children under six travel free, children under fifteen pay"
    " half. The office is open from Monday to Friday between nine and six, on Saturdays until noon; on Sundays and"
    " holidays only the telephone is answered. People write to you from a ship or a train, so keep it short, use no"
    " tables, and put what matters most first. Don't repeat the question. If somebody asks for something that has"
    " nothing to do with travelling, help if you can do so in a sentence, and otherwise tell them kindly that it's"
    " beyond this office. If somebody is in danger or ill, give the number 112 before anything else. What people told"
    " you about their plans stays between you and them; never mention another traveller's plans."
)
OPENINGS = (
    "How do I get from Hamburg to Gothenburg on Thursday with two bicycles?",
    "My mother is 84 and needs a lift. Which ferry to Trelleborg has one?",
    "What's the last train to Lübeck tonight?",
    "Can I take my dog along to Bornholm, and does he need a ticket?",
    "We're five people and want to see the fjords for a week in June. What do you suggest?",
    "I missed the ferry at noon. What now?",
    "Is there a night train to Stockholm, and can I lie down in it?",
    "How much luggage can each of us bring on the fast ferry?",
)
AFTER = "Thank you. And how do I get back on Sunday, if the weather is bad and the early one doesn't go?"


class Turn(Struct, frozen=True, kw_only=True):
    """One answer, as it was measured."""

    text: str
    first: float
    """Seconds until its first words."""
    tokens: int
    evaluated: int
    """Tokens of the prompt that weren't known any more."""


class Run(Struct, frozen=True, kw_only=True):
    """Some chats of two turns each, all at once."""

    seconds: float
    openings: list[Turn]
    afters: list[Turn]

    @property
    def rate(self) -> float:
        """Tokens written a second, of all chats together."""
        return sum(turn.tokens for turn in (*self.openings, *self.afters)) / self.seconds


Talk = Callable[[int, Sequence[Said]], Awaitable[Turn]]


async def beside(path: Path, chats: int, *, quick: bool) -> list[Figure]:
    """Have some chats answered by the hub's engine and by llama-server, in turns."""
    if not is_here():
        return [Figure(name=f"{chats} chats beside {RIVAL}", value=0, unit="", note=MISSING)]
    # As many as pay here, and no other number while it runs: both get the same.
    llm = LlamaCpp(path, sha256=MODEL_SHA256, context=CONTEXT, threads=await _threads(path))
    await llm.open()
    try:
        await llm.ready()
        return await _compared(llm, path, chats, 1 if quick else ROUNDS)
    finally:
        await llm.close()


async def _threads(path: Path) -> int:
    llm = LlamaCpp(path, sha256=MODEL_SHA256)
    await llm.open()
    try:
        await llm.ready()
        return llm.info.threads
    finally:
        await llm.close()


async def _compared(llm: LlamaCpp, path: Path, chats: int, rounds: int) -> list[Figure]:
    lags: list[float] = []
    ours: list[Run] = []
    theirs: list[Run] = []
    async with _rival(path, llm.info.threads, chats) as client:
        for number in range(rounds):
            async with _watched(lags):
                ours.append(await _run(_through(llm), chats, number))
            theirs.append(await _run(_over(client), chats, number))
    return _figures(chats, ours, theirs, lags, f"{llm.info.threads} threads")


def _figures(chats: int, ours: list[Run], theirs: list[Run], lags: list[float], note: str) -> list[Figure]:
    what = f"{chats} chat{'s' if chats > 1 else ''}"
    rate, rival = (max(run.rate for run in runs) for runs in (ours, theirs))
    first, rival_first = (median(turn.first for run in runs for turn in run.afters) for runs in (ours, theirs))
    new, rival_new = (sum(turn.evaluated for turn in runs[-1].afters) for runs in (ours, theirs))
    told = f"{new} tokens evaluated, {RIVAL} {rival_new}"
    return [
        Figure(name=f"{what}, tokens through the hub", value=rate, unit="/s", better="more", note=note),
        Figure(name=f"{what}, tokens by {RIVAL}", value=rival, unit="/s", better="more", note=note),
        Figure(name=f"{what}, of {RIVAL}'s tokens", value=rate / rival, unit="×", aim=1.0, better="more"),
        Figure(name=f"{what}, first token of a second turn", value=first * 1000, unit="ms", note=told),
        Figure(name=f"{what}, the same by {RIVAL}", value=rival_first * 1000, unit="ms"),
        Figure(
            name=f"{what}, of {RIVAL}'s time to it",
            value=first / rival_first,
            unit="×",
            # Where both evaluate the same, there's nothing to win.
            aim=0.5 if rival_new > 2 * new else None,
        ),
        Figure(name=f"{what}, lag of the hub's event loop, p99", value=at(lags, 99) * 1000, unit="ms", aim=20.0),
    ]


async def _run(talk: Talk, chats: int, number: int) -> Run:
    began = time.perf_counter()
    prompts = [
        [Said("system", SYSTEM), Said("user", f"{OPENINGS[chat]} (Booking {chats}-{chat}-{number}.)")]
        for chat in range(chats)
    ]
    openings = await asyncio.gather(*(talk(chat, prompt) for chat, prompt in enumerate(prompts)))
    more = [
        [*prompt, Said("assistant", turn.text), Said("user", AFTER)]
        for prompt, turn in zip(prompts, openings, strict=True)
    ]
    afters = await asyncio.gather(*(talk(chat, prompt) for chat, prompt in enumerate(more)))
    return Run(seconds=time.perf_counter() - began, openings=list(openings), afters=list(afters))


def _through(llm: LlamaCpp) -> Talk:
    async def talk(chat: int, prompt: Sequence[Said]) -> Turn:
        began, first, text = time.perf_counter(), 0.0, ""
        async for piece in llm.chat(prompt, Terms(tenant=HOME), limit=ANSWER):
            match piece:
                case Piece(text=more):
                    first = first or time.perf_counter() - began
                    text += more
                case End() as end:
                    return Turn(text=text, first=first, tokens=end.tokens_out, evaluated=end.tokens_new)
        raise RuntimeError("an answer without an end")

    return talk


def _over(client: httpx.AsyncClient) -> Talk:
    async def talk(chat: int, prompt: Sequence[Said]) -> Turn:
        messages = [{"role": said.role, "content": said.text} for said in prompt]
        # The hub's own sampling.
        body = {"messages": messages, "max_tokens": ANSWER, "stream": True, "temperature": 0}
        body |= {"repeat_penalty": 1.1, "repeat_last_n": 64}
        began, first, text, timings = time.perf_counter(), 0.0, "", dict[str, Any]()
        async with client.stream("POST", "/chat/completions", json=body) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if not line.startswith("data: {"):
                    continue
                event = json.loads(line.removeprefix("data: "))
                timings = event.get("timings") or timings
                for choice in event["choices"]:
                    if more := choice["delta"].get("content"):
                        first = first or time.perf_counter() - began
                        text += more
        return Turn(text=text, first=first, tokens=timings["predicted_n"], evaluated=timings["prompt_n"])

    return talk


@asynccontextmanager
async def _rival(path: Path, threads: int, chats: int) -> AsyncIterator[httpx.AsyncClient]:
    slots = min(chats, SLOTS)
    options = ("--threads", str(threads), "--context", str(CONTEXT // SLOTS), "--parallel", str(slots))
    async with process("-m", "hub.testing.llama_server", str(path), *options) as started:
        url = await line_of(started)
        # It closes connections that were kept without a word.
        fresh = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=url, timeout=300, limits=fresh) as client:
            yield client


@asynccontextmanager
async def _watched(lags: list[float]) -> AsyncIterator[None]:
    """Take down how late this event loop wakes up from each short sleep."""

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK)
            lags.append(time.perf_counter() - began - TICK)

    watching = asyncio.ensure_future(watch())
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
