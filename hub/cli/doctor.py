"""`agenthost doctor`: finds what's wrong, and says the fix; with the hub up or down."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import rich_click as click
from rich.text import Text

from hub.cli import interview
from hub.cli.check import located
from hub.cli.client import Client
from hub.cli.examine import LOCAL, Finding, fault, fine
from hub.cli.place import config_path, find, read_config
from hub.cli.words import console, plain, print_json
from hub.config import Config
from hub.errors import ConfigError

MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fault": ("✗", "red")}


@click.command(name="doctor")
@click.option("--config", "-c", type=click.Path(path_type=Path), help="The config file [config.toml, if there]")
@click.option("--data", "-d", type=click.Path(path_type=Path), help="The data folder, in place of the config's.")
@click.option("--url", help="Where the hub is [AGENTHOST_URL, else by the config]")
@click.option("--key", help="The API key [AGENTHOST_KEY, else the owner's from the data folder]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(config: Path | None, data: Path | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Find what's wrong, and say how to mend it; exit status 1 if there's a fault.

    The hub may be running or not. Nothing is changed.
    """
    try:
        settings = read_config(config, hub_data=data)
    except ConfigError as error:
        path = config_path(config)
        findings = [
            fault("config", located(line, path), "Mend it; `agenthost check` looks again.") for line in error.faults
        ]
    else:
        findings = asyncio.run(examine(settings, os.environ, url, key))
    if as_json:
        print_json({"items": findings, "next": None})
    else:
        show(findings)
    raise SystemExit(1 if any(finding.state == "fault" for finding in findings) else 0)


async def examine(
    config: Config, environ: Mapping[str, str], url: str | None = None, key: str | None = None
) -> list[Finding]:
    """Do every check, and return what each found."""
    findings = [fine("config", "no faults")]
    findings += await asyncio.to_thread(lambda: [check(config, environ) for check in LOCAL])
    findings += await interview.remote(config)
    findings += await _accounts(config)
    place = find(environ, config, url=url, key=key)
    findings.append(await interview.hub(place, config))
    if findings[-1].text.startswith("answers"):
        async with Client(place) as client:
            # The hub's own word may say again what was found from outside.
            told = {finding.check for finding in findings if finding.state != "ok"}
            findings += [found for found in await interview.inside(client) if found.check not in told]
            findings += await interview.secrets(client, config)
    return findings


async def _accounts(config: Config) -> list[Finding]:
    if not config.bridges:
        return []
    # The hub's parts take a second to load: only where there's an account to be tried out.
    from hub.clock import SystemClock  # noqa: PLC0415
    from hub.opening import accounts  # noqa: PLC0415
    from hub.store.documents import MemoryDocuments  # noqa: PLC0415
    from hub.store.files import MemoryFiles  # noqa: PLC0415
    from hub.store.memory import MemoryStore  # noqa: PLC0415

    try:
        # Nothing of what's kept is needed for it, and nothing is to be changed.
        return await interview.accounts(
            accounts(config, MemoryStore(), MemoryFiles(), MemoryDocuments(), SystemClock())
        )
    except ConfigError as error:
        return [fault("bridges", line, "Mend it; `agenthost check` looks again.") for line in error.faults]


def show(findings: list[Finding]) -> None:
    """Print them, with the fix below what needs one."""
    screen = console()
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        mark, colour = MARKS[finding.state]
        screen.print(Text.assemble((mark, colour), f" {finding.check:<{width}}  {plain(finding.text)}"))
        if finding.fix:
            screen.print(Text(f"  {'':<{width}}  -> {plain(finding.fix)}", "bold"))
    counts = {state: sum(finding.state == state for finding in findings) for state in MARKS}
    screen.print(f"{counts['fault']} faults, {counts['warn']} warnings, {counts['ok']} fine")
