"""`agenthost send`: one message, kept once however often the connection breaks, and its answer."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import msgspec
import rich_click as click

from hub.cli.client import Client
from hub.cli.place import Place, place_options
from hub.cli.wire import Accepted, Said

WAIT = 120.0
LATE = 3
SETTLED = ("answered", "stopped", "failed", "asking", "moved")
EXITS = {"answered": 0, "moved": 0, "asking": LATE, "stopped": 1, "failed": 1}


@click.command(name="send")
@click.argument("text", required=False)
@click.option("--task", "-t", help="The task that it's about: its number or id, or `new` [the router finds it]")
@click.option("--agent", "-a", help="The agent for a new task.")
@click.option("--chat", default="main", show_default=True, help="The chat that it's said in.")
@click.option(
    "--wait", "-w", is_flag=False, flag_value=str(WAIT), metavar="[SECONDS]", help="Show the answer [within 120 s]"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@place_options
def command(
    *, place: Place, text: str | None, task: str | None, agent: str | None, chat: str, wait: str | None, as_json: bool
) -> None:
    """Send TEXT (`-`: what comes in on standard input) to the hub, and with --wait show the answer.

    Exit status: 0 accepted, or with --wait answered; 1 failed or stopped; 3 not answered in time, or the hub asks
    which task is meant.
    """
    seconds, text = _seconds(wait, text)
    if text in (None, "-"):
        text = sys.stdin.read()
    if not text or not text.strip():
        raise click.UsageError("There's nothing to send: give a text, or - to read it from standard input.")
    body = {"text": text, "task": _task(task), "agent": agent, "chat": chat}
    raise SystemExit(asyncio.run(_send(place, body, seconds, as_json)))


def _seconds(wait: str | None, text: str | None) -> tuple[float | None, str | None]:
    """Understand `--wait "hello"` too: what stands there may be the text, and not the seconds."""
    if wait is None:
        return None, text
    try:
        return float(wait), text
    except ValueError:
        if text is None:
            return WAIT, wait
        raise click.UsageError(f"--wait takes seconds, not {wait!r}.") from None


def _task(task: str | None) -> str | int | None:
    number = (task or "").removeprefix("#")
    return int(number) if number.isdecimal() and len(number) < 10 else task


async def _send(place: Place, body: dict[str, object], seconds: float | None, as_json: bool) -> int:
    async with Client(place) as hub:
        accepted = await send(hub, body)
        if seconds is None:
            click.echo(msgspec.json.encode(accepted) if as_json else f"Accepted: {accepted.id}")
            return 0
        raw, said = await answer(hub, accepted.id, seconds)
    if as_json:
        click.echo(msgspec.json.format(bytes(raw), indent=2))
    else:
        show(said)
    return EXITS.get(said.state, LATE)


async def send(hub: Client, body: dict[str, object], *, patient: bool = False) -> Accepted:
    """Have a message kept; what's None in its body is left out. Raises Trouble."""
    said = {name: value for name, value in body.items() if value is not None}
    return await hub.post("/v1/messages", said, Accepted, patient=patient)


async def answer(
    hub: Client, id: str, seconds: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> tuple[msgspec.Raw, Said]:
    """Return a message with its replies once it's settled, or as it is after so many seconds; its JSON too.

    It's asked for again and again rather than waited for on one connection, so that a hub that's restarted meanwhile
    is no trouble.
    """
    until = time.monotonic() + seconds
    pause = 0.05
    while True:
        raw = await hub.get(f"/v1/messages/{id}", msgspec.Raw, patient=True)
        said = msgspec.json.decode(raw, type=Said)
        left = until - time.monotonic()
        if said.state in SETTLED or left <= 0:
            return raw, said
        await sleep(min(pause, left))
        pause = min(pause * 1.3, 0.5)


def show(said: Said) -> None:
    """Print a message's answers, each under its task."""
    # Loading rich takes longer than sending a message, and only this needs it.
    from hub.cli.words import console, message, plain, tag  # noqa: PLC0415

    screen = console()
    for reply in said.replies:
        if reply.task:
            screen.print(tag(reply.task))
        screen.print(message(reply), markup=False)
    problems = console(err=True)
    if said.state == "failed":
        problems.print(f"Failed: {plain(said.error or 'the hub gave no reason')}", markup=False)
    elif said.state == "stopped":
        problems.print("Stopped.")
    elif said.state not in SETTLED:
        problems.print(f"Not answered yet ({said.state}); it's kept, and will be answered: message {said.id}.")
