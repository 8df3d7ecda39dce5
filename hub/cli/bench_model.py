"""Measures the model: its speed beside bare llama.cpp's, and how long the prompts are that it's given."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from hub.app import Hub
from hub.cli.bench_figures import Figure, line_of, process
from hub.cli.bench_store import a_hub, said
from hub.config import MODEL_SHA256
from hub.flow import lanes, prompts
from hub.llm.llamacpp import LlamaCpp
from hub.loading import SHIPPED_AGENTS
from hub.manifests import load_agents
from hub.ports import Add, End, Said, Terms
from hub.records import HOME, OWNER, Person
from hub.store.sql import SqlStore
from hub.testing import ScriptedLLM

ANSWER = (
    "The night train leaves Berlin at 22:31 and reaches Vienna at 10:07. A seat costs 59 euros, a bed in a shared"
    " compartment 89 euros, and breakfast is included with the bed. Shall I look at the way back too?"
)
QUESTIONS = (
    "How do I get from Berlin to Vienna by night train, and what does a seat cost compared with a bed?",
    "And what if I travel a day later, in the week before Christmas, with a bicycle?",
    "Can you compare that with the fastest connection by day, and tell me where I'd have to change?",
    "What's the cheapest way for two adults and a child of seven?",
)
TELL = "Tell me a long story about a train."
TOKENS = 64
ROUNDS = 3
"""Tries, the best of which counts: on a busy machine one alone says more about the others."""


async def speaking(path: Path) -> list[Figure]:
    """Have the model answer, first through the hub's engine and then by bare llama.cpp with as many threads."""
    llm = LlamaCpp(path, sha256=MODEL_SHA256, context=2048)
    await llm.open()
    try:
        await llm.ready()
        threads = llm.info.threads
        first = await _answer(llm, "Hello")
        again = await _answer(llm, "How are you today?")
        rate = max([_rate(await _answer(llm, TELL)) for _ in range(ROUNDS)])
    finally:
        await llm.close()
    bare = await _bare(path, threads)
    return [
        Figure(name="first token of 'hello', nothing known", value=first.ms_first, unit="ms", note=_told(first)),
        Figure(name="first token of the next chat", value=again.ms_first, unit="ms", note=_told(again)),
        Figure(name="tokens, through the hub", value=rate, unit="/s", better="more", note=f"{threads} threads"),
        Figure(name="tokens, bare llama.cpp", value=bare, unit="/s", better="more", note=f"{threads} threads"),
        Figure(name="of bare llama.cpp's speed", value=rate / bare * 100, unit="%", aim=90.0, better="more"),
    ]


class Reader(ScriptedLLM):
    """Says the same each time, and counts tokens as the real model does."""

    def __init__(self, model: LlamaCpp) -> None:
        super().__init__(lambda _: ANSWER, decisions=lambda _, options: options[-1], context=2048)
        self._model = model

    async def count(self, prompt: Sequence[Said]) -> int:
        """Return how many tokens the real model takes it for."""
        return await self._model.count(prompt)


async def prompting(folder: Path, path: Path) -> list[Figure]:
    """Say fifty things about one task, and count the tokens of the first 'hello' and of what comes later."""
    store, model = SqlStore.in_folder(folder), LlamaCpp(path, sha256=MODEL_SHA256, context=2048)
    await store.open()
    await model.open()
    try:
        await model.ready()
        await store.commit(Add(Person(id=OWNER, tenant=HOME, name="Owner", role="owner", created_at=datetime.now(UTC))))
        reader = Reader(model)
        await _converse(a_hub(folder, store, reader), "Hello", *(QUESTIONS * 13)[:49])
        counts = [await model.count(asked.prompt) for asked in reader.asked if asked.method == "chat"]
    finally:
        await model.close()
        await store.close()
    return [
        Figure(name="prompt of the first 'hello'", value=counts[0], unit="tokens", aim=1000),
        Figure(name="prompt of the 20th message", value=counts[19], unit="tokens", aim=2000),
        Figure(name="prompt of the 50th message", value=counts[49], unit="tokens", aim=2000),
    ]


async def _converse(hub: Hub, *texts: str) -> None:
    """Say things about one task, one after another."""
    task = None
    for text in texts:
        message, _ = await hub.inbox.keep(said(text, wish=task))
        await hub.work(lanes.chat(message.tenant, message.address))
        routed = await hub.store.message(message.id)
        task = routed.task if routed else None
        if task is None:
            raise RuntimeError("a message wasn't routed")
        await hub.work(lanes.task(task))


async def _answer(llm: LlamaCpp, text: str) -> End:
    """Have the default agent answer."""
    prompt = (prompts.system(load_agents([SHIPPED_AGENTS])["default"], datetime.now(UTC)), Said("user", text))
    async for piece in llm.chat(prompt, Terms(tenant=HOME), limit=TOKENS):
        if isinstance(piece, End):
            return piece
    raise RuntimeError("an answer without an end")


def _rate(end: End) -> float:
    return (end.tokens_out - 1) / (end.ms - end.ms_first) * 1000


def _told(end: End) -> str:
    return f"{end.tokens_new} of {end.tokens_in} tokens evaluated"


async def _bare(path: Path, threads: int) -> float:
    """Return the tokens a second of llama-cpp-python by itself, in a process of its own."""
    async with process("-m", "hub.cli.bench_bare", str(path), str(threads), str(TOKENS)) as started:
        return float(await line_of(started))
