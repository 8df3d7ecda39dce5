"""`agenthost chat`: the conversation in this terminal, or line by line where there's none."""

import asyncio
import sys

import rich_click as click

from hub.cli.client import Client
from hub.cli.place import Place, place_options
from hub.cli.send import EXITS, answer, send, show
from hub.cli.talk import Talk

PATIENCE = 600.0
"""Seconds that a line's answer is waited for where there's no terminal."""


@click.command(name="chat")
@click.option("--chat", default="main", show_default=True, help="Which conversation; the web page's is `main`.")
@place_options
def command(place: Place, chat: str) -> None:
    """Talk to your agents: answers stream in, several side by side, each under its task.

    Ctrl-C stops what's being answered, Ctrl-D leaves, Tab completes commands. Without a terminal each line of standard
    input is a message, and its answer is printed before the next one is sent.
    """
    if sys.stdin.isatty() and sys.stdout.isatty():
        asyncio.run(_talk(place, chat))
    else:
        raise SystemExit(asyncio.run(_lines(place, chat)))


async def _talk(place: Place, chat: str) -> None:
    # prompt_toolkit takes a while to load, and only this branch needs it.
    from rich.console import Console  # noqa: PLC0415

    from hub.cli.terminal import Terminal, history_file  # noqa: PLC0415

    async with Client(place) as hub:
        await Terminal(hub, Talk(chat), history_file(), console=Console(highlight=False)).run()


async def _lines(place: Place, chat: str) -> int:
    worst = 0
    async with Client(place) as hub:
        while line := await asyncio.to_thread(sys.stdin.readline):
            if not line.strip():
                continue
            accepted = await send(hub, {"text": line.strip(), "chat": chat})
            _, said = await answer(hub, accepted.id, PATIENCE)
            show(said)
            worst = max(worst, EXITS.get(said.state, 1))
    return worst
