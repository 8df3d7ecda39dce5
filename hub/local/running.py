"""`agenthost local`, put together: what's lent, who decides, what's noted, and the line to the hub."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

from hub.errors import ConfigError
from hub.local.approving import Approving, Asks
from hub.local.audit import Audit
from hub.local.carrying import Lender, Shelf
from hub.local.config import LocalConfig
from hub.local.folders import Folder
from hub.local.session import Session


async def serve(config: LocalConfig, *, interactive: bool) -> None:
    """Lend until cancelled; raises ConfigError, StartError, and OSError or Broken for the notes."""
    if not interactive:
        # Nobody is there to ask: what isn't let beforehand is refused.
        await lend(config, None, print)
        return
    from hub.local.terminal import Terminal  # noqa: PLC0415 - only for who sits there

    terminal = Terminal()
    await lend(config, terminal, terminal.tell, terminal.beside())


async def lend(
    config: LocalConfig,
    asks: Asks | None,
    tell: Callable[[str], None],
    beside: AbstractContextManager[Any] | None = None,
) -> None:
    """Lend what's configured, with somebody to ask."""
    clock = asyncio.get_running_loop().time
    with ExitStack() as stack:
        audit = stack.enter_context(Audit(config.audit, config.hub))
        shelves = {name: Shelf(folder=_open(stack, name, wish.path), writable=wish.write)
                   for name, wish in config.folders.items()}  # fmt: skip
        approving = Approving(asks, clock, yes_read=config.yes_read)
        lender = Lender(shelves, config.commands, approving, audit, clock)
        session = Session(config.hub, config.key, config.hello(), lender, tell)
        stack.enter_context(beside or nullcontext())
        for line in summary(config, asks is not None):
            tell(line)
        audit.add("", "begun")
        try:
            await session.run()
        finally:
            audit.add("", "ended")


def summary(config: LocalConfig, asking: bool) -> list[str]:
    """Return what's lent, as its owner is told at the start."""
    lines = [f"This computer lends to your agents at {config.hub}:"]
    for name, wish in config.folders.items():
        lines.append(f"  folder {name}: {wish.path} ({'read and write' if wish.write else 'read only'})")
    for name, command in config.commands.items():
        lines.append(f"  command {name}: {command.shown} (in {command.folder})")
    if asking:
        lines.append(
            f"Each call is asked about here ({'but reading' if config.yes_read else 'reading too'}); Ctrl-C ends it."
        )
    else:
        lines.append(f"Nobody is asked here: {'all but reading' if config.yes_read else 'everything'} is refused.")
    lines.append(f"Notes: {config.audit}")
    return lines


def _open(stack: ExitStack, name: str, path: str) -> Folder:
    place = Path(path).expanduser()
    if place.resolve() == Path("/"):
        raise ConfigError(f"folders.{name}.path: the whole computer isn't lent; name a folder")
    try:
        return stack.enter_context(Folder(place))
    except OSError as error:
        raise ConfigError(f"folders.{name}.path: {path} can't be opened ({error.strerror})") from None
