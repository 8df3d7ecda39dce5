"""What it costs to call a plugin's tool, beside the bare run of its program in Monty."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hub.cli.bench_figures import Figure, at
from hub.flow.toolbox import Toolbox
from hub.manifests import Permissions, Plugin, Shown, ToolManifest
from hub.packages.hosts import Supplies
from hub.packages.plugins import plugin_tools
from hub.packages.scripts import Scripts
from hub.ports import Tool, ToolCall
from hub.records import HOME, OWNER, TaskId
from hub.store.documents import MemoryDocuments
from hub.testing import ScriptedLLM

if TYPE_CHECKING:
    from pydantic_monty import AsyncMonty

WARM = 50
"""Calls before the first that's measured."""
AIM = 1.0
"""Milliseconds that a call may take over the bare run."""
PROGRAM = '''
async def tally(word: str) -> str:
    """Count how often a word was given."""
    kept = await read("words") or {}
    kept[word] = kept.get(word, 0) + 1
    await write("words", kept)
    return f"{word}: {kept[word]}"
'''
PLUGIN = Plugin(
    name="tally",
    version="1.0.0",
    description="Tallies words.",
    tools={
        "tally": ToolManifest(
            words=("tally",), examples=(Shown(text="Tally a.", arguments={"word": "a"}),), others=("A rally.",)
        )
    },
    permissions=Permissions(fs="data"),
    program=PROGRAM,
    path="tally/plugin.py",
)


async def calling(calls: int) -> list[Figure]:
    """Measure warm calls of a plugin that reads and writes a document, in turn with bare runs of its program."""
    scripts = Scripts()
    (tool,) = plugin_tools({PLUGIN.name: PLUGIN}, (), scripts, MemoryDocuments(), Supplies())
    try:
        bare, ours = await _in_turn(tool, calls)
    finally:
        await scripts.close()
    over = at(ours, 50) - at(bare, 50)
    return [
        Figure(name="a program's bare run in Monty, p50", value=at(bare, 50) * 1000, unit="ms"),
        Figure(name="a warm call of a plugin's tool, p50", value=at(ours, 50) * 1000, unit="ms"),
        Figure(name="... over the bare run, p50", value=over * 1000, unit="ms", aim=AIM),
    ]


async def _in_turn(tool: Tool, calls: int) -> tuple[Sequence[float], Sequence[float]]:
    from pydantic_monty import AsyncMonty  # noqa: PLC0415 - only where it's measured

    toolbox = Toolbox((tool,), ScriptedLLM())
    call = ToolCall(
        tool=tool.name, arguments={"word": "a"}, key="k", tenant=HOME, person=OWNER, agent="a", task=TaskId("t")
    )
    bare: list[float] = []
    ours: list[float] = []
    async with AsyncMonty(max_processes=2) as pool:
        for _ in range(WARM + calls):
            began = time.perf_counter()
            await _run(pool)
            between = time.perf_counter()
            await toolbox.call(tool, call)
            bare.append(between - began)
            ours.append(time.perf_counter() - between)
    return bare[WARM:], ours[WARM:]


async def _run(pool: "AsyncMonty") -> None:
    kept: dict[str, Mapping[str, object]] = {}

    async def read(id: str) -> Mapping[str, object] | None:
        return kept.get(id)

    async def write(id: str, document: Mapping[str, object]) -> None:
        kept[id] = document

    async with pool.checkout(limits={"max_feed_duration_secs": 2.0, "max_memory": 64 << 20}) as session:
        hosts = {"read": read, "write": write}
        await session.feed_run(f"{PROGRAM}\n\nawait tally(word='a')", external_lookup=hosts)
