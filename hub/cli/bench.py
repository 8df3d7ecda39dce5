"""`agenthost bench`: measures how fast the hub is here, beside what it aims at."""

import asyncio
import importlib.util
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import rich_click as click
from rich.text import Text

from hub.cli import (
    bench_chats,
    bench_downloads,
    bench_load,
    bench_model,
    bench_registry,
    bench_rest,
    bench_served,
    bench_servers,
    bench_store,
    bench_telegram,
    bench_tools,
    bench_waits,
    bench_waker,
    bench_xmpp,
)
from hub.cli.bench_figures import Figure
from hub.cli.words import console, print_json
from hub.config import embedded_model

HISTORIES = (10, 1_000, 100_000)
MANY = 1_000
Measure = Callable[[], Awaitable[list[Figure]]]


@click.command(name="bench")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quick", is_flag=True, help="Half a minute of smaller measurements, good for a first look.")
@click.option(
    "--only",
    default="",
    help="Only what has this in its name: store, start, served, telegram, xmpp, waker, tools, downloads, load, idle, "
    "schedules, model, beside, registry.",
)
def command(as_json: bool, quick: bool, only: str) -> None:
    """Measure how fast the hub is here; what misses its aim is marked.

    Everything happens in a temporary folder and in hubs of its own: one that runs here isn't touched, but takes
    its share of the processors. Exit status 1 if an aim is missed.
    """
    figures = asyncio.run(_measure(quick, only, quiet=as_json))
    if as_json:
        print_json({"items": [shown(figure) for figure in figures], "next": None})
    raise SystemExit(1 if any(figure.met is False for figure in figures) else 0)


async def _measure(quick: bool, only: str, *, quiet: bool) -> list[Figure]:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="agenthost-bench-") as folder:
        async for found in measured(Path(folder), quick=quick, only=only):
            figures += found
            if not quiet:
                show(found)
    return figures


async def measured(folder: Path, *, quick: bool, only: str = "") -> AsyncIterator[list[Figure]]:
    """Yield the figures, as each group of them is measured."""
    for name, measure in measures(folder, quick=quick):
        if f" {only}" in f" {name}":
            yield await measure()


def measures(folder: Path, *, quick: bool) -> list[tuple[str, Measure]]:
    """Return what's measured, by name."""
    model = embedded_model(os.environ)
    has_model = bool(importlib.util.find_spec("llama_cpp")) and model.is_file()
    found: list[tuple[str, Measure]] = [
        ("store accepts", lambda: bench_store.accepting(folder / "accepts", messages=2_000 if quick else 20_000)),
        ("store routing", lambda: _routing(folder, HISTORIES[:2] if quick else HISTORIES)),
        ("start", lambda: bench_served.starting(folder / "start")),
        ("served accepts", lambda: bench_served.accepting(folder / "http", seconds=3 if quick else 10)),
        ("tools of servers", lambda: bench_servers.calling(folder / "servers", calls=200 if quick else 2_000)),
        ("telegram", lambda: bench_telegram.keeping(folder / "telegram", messages=50 if quick else 300)),
        ("xmpp", lambda: bench_xmpp.keeping(folder / "xmpp", messages=50 if quick else 300)),
        ("waker acknowledges", lambda: bench_waker.acknowledging(folder / "asleep", updates=300 if quick else MANY)),
        ("waker wakes", lambda: bench_waker.waking(folder / "woken", starts=4 if quick else 20, embedded=has_model)),
        (
            "waker stands before",
            lambda: bench_waker.standing_before(folder / "waker", requests=200 if quick else MANY),
        ),
        ("tools", lambda: bench_tools.calling(200 if quick else 1_000)),
        ("downloads", lambda: bench_downloads.fetching(folder / "downloads", seconds=3.0 if quick else 15.0)),
        ("idle ticks", lambda: bench_rest.ticking(folder / "ticks", seconds=200 if quick else 1_200)),
        ("idle with tasks", lambda: bench_rest.idling(folder / "resting", seconds=10.0 if quick else 60.0)),
        ("schedules", lambda: bench_rest.bursting(folder / "burst")),
        ("registry", lambda: bench_registry.searching(folder / "registry", packages=5_000 if quick else 100_000)),
        ("load", lambda: bench_load.loading(folder / "load", minutes=0.2 if quick else 1.0)),
        ("served answers", lambda: bench_served.answering(folder / "answers", messages=30 if quick else 200)),
    ]
    if url := os.environ.get("AGENTHOST_BENCH_POSTGRES"):
        count = 2_000 if quick else 20_000
        found.insert(1, ("store accepts", lambda: bench_store.accepting(folder / "pg", messages=count, url=url)))
    if has_model:
        seconds = 5.0 if quick else 20.0
        found += [
            ("idle", lambda: bench_served.idling(folder / "idle", "", seconds=seconds)),
            ("model speed", lambda: bench_model.speaking(model)),
            ("model prompts", lambda: bench_model.prompting(folder / "prompts", model)),
            ("model waits", lambda: bench_waits.waiting(model, quick=quick)),
            *(
                (f"beside {chats}", partial(bench_chats.beside, model, chats, quick=quick))
                for chats in bench_chats.CHATS
            ),
        ]
    else:
        console(err=True).print("No embedded model here: idle and model aren't measured; `make venv` brings it.")
    return found


async def _routing(folder: Path, histories: Sequence[int]) -> list[Figure]:
    figures: list[Figure] = []
    for history in histories:
        figures += await bench_store.routing(folder / f"history{history}", history=history)
    return [*figures, bench_store.flatness(figures)]


def show(figures: Sequence[Figure]) -> None:
    """Print some figures, each on a line with its aim."""
    for figure in figures:
        mark = Text(" ") if figure.met is None else Text("✓", "green") if figure.met else Text("✗", "red")
        value = f"{_number(figure.value):>8} {figure.unit:<7}"
        console().print(Text.assemble(mark, f" {figure.name:<50}", (value, "bold"), (_aim(figure), "dim")))


def shown(figure: Figure) -> dict[str, object]:
    """Return a figure as JSON has it."""
    return {
        "name": figure.name,
        "value": round(figure.value, 3),
        "unit": figure.unit,
        "aim": figure.aim,
        "better": figure.better,
        "met": figure.met,
        "note": figure.note,
    }


def _aim(figure: Figure) -> str:
    wanted = ""
    if figure.aim is not None:
        wanted = f"aim {'≤' if figure.better == 'less' else '≥'} {_number(figure.aim)}"
    return ", ".join(filter(None, (wanted, figure.note)))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
