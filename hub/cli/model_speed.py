"""How fast a model is on this machine: loaded, asked, and let go."""

import asyncio
import importlib.util
from pathlib import Path

from msgspec import Struct

from hub.errors import LLMUnavailable
from hub.llm.llamacpp import LlamaCpp
from hub.ports import LLM, End, Said, Terms
from hub.records import HOME

PATIENCE = 300.0
TOKENS = 48
LONG = "The night train leaves Berlin at 22:31 and reaches Vienna at 10:07. " * 20
ASK = Terms(tenant=HOME, deadline=PATIENCE)


class Speed(Struct, frozen=True, kw_only=True):
    """What was measured: tokens a second, bytes, seconds."""

    writes: float
    reads: float
    threads: int
    memory: int
    ready_seconds: float


async def measured(path: Path, context: int) -> Speed:
    """Load a model, have it read a page and write some words; raises LLMError."""
    if importlib.util.find_spec("llama_cpp") is None:
        raise LLMUnavailable("llama.cpp isn't installed, so that nothing can be measured: `make venv` builds it")
    llm = LlamaCpp(path, context=context)
    began = asyncio.get_running_loop().time()
    await llm.open()
    try:
        await _ready(llm)
        ready = asyncio.get_running_loop().time() - began
        first = await _answer(llm, LONG)
        again = await _answer(llm, "Tell me a long story about a train.")
        return Speed(
            writes=max(_rate(first), _rate(again)),
            reads=first.tokens_new / max(first.ms_first, 1.0) * 1000,
            threads=llm.info.threads,
            memory=_memory(llm.pid),
            ready_seconds=ready,
        )
    finally:
        await llm.close()


async def _ready(llm: LLM) -> None:
    waiting = asyncio.ensure_future(llm.ready())
    try:
        async with asyncio.timeout(PATIENCE):
            while not waiting.done():
                await asyncio.wait([waiting], timeout=0.2)
                if llm.info.state in ("absent", "broken"):
                    raise LLMUnavailable(llm.info.detail)
    except TimeoutError:
        raise LLMUnavailable(f"it wasn't ready after {PATIENCE:.0f} s: {llm.info.detail}") from None
    finally:
        waiting.cancel()


async def _answer(llm: LLM, text: str) -> End:
    async for piece in llm.chat([Said("user", text)], ASK, limit=TOKENS):
        if isinstance(piece, End):
            return piece
    raise LLMUnavailable("an answer without an end")


def _rate(end: End) -> float:
    return max(0, end.tokens_out - 1) / max(1.0, end.ms - end.ms_first) * 1000


def _memory(pid: int | None) -> int:
    """Return the most bytes of memory that a process took; 0 where the system doesn't tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    line = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "")
    return int(line.split()[1]) * 1024 if line else 0
