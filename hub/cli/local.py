"""`agenthost local`: lends folders and commands of this computer to one's agents, a yes or no for each call."""

import asyncio
import os
import sys
from pathlib import Path

import rich_click as click

from hub.errors import AgentHostError, ConfigError, StartError


@click.command(name="local")
@click.option(
    "--config", "-c", type=click.Path(path_type=Path), help="A local.toml, in place of or beside the options."
)
@click.option("--hub", help="Where the hub is [AGENTHOST_URL, else http://127.0.0.1:8080]")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    help="A file with a key that has the scope local:lend [AGENTHOST_KEY]",
)
@click.option("--name", help="What this computer is called [its own name]")
@click.option(
    "--folder", "folders", multiple=True, metavar="NAME=PATH[:ro]", help="Lend a folder; :ro to be read only."
)
@click.option("--command", "commands", multiple=True, metavar="NAME[@FOLDER]=WORDS", help="Lend a command.")
@click.option("--yes-read", is_flag=True, help="Let folders be read without being asked.")
@click.option(
    "--audit", type=click.Path(path_type=Path), help="Where each call is noted [local.jsonl in the data folder]"
)
@click.option("--check-audit", is_flag=True, help="Say whether the notes are whole, and end.")
def command(
    config: Path | None,
    hub: str | None,
    key_file: Path | None,
    name: str | None,
    folders: tuple[str, ...],
    commands: tuple[str, ...],
    yes_read: bool,
    audit: Path | None,
    check_audit: bool,
) -> None:
    """Lend folders and commands of this computer to your agents, and to nobody else's.

    The computer calls the hub; nothing listens here. Before anything is done you're shown all of it and asked.
    """
    from hub.local.audit import Broken, check  # noqa: PLC0415 - help is quick
    from hub.local.config import lent, load  # noqa: PLC0415
    from hub.local.running import serve  # noqa: PLC0415

    try:
        toml = load(config)
        notes = audit or (Path(toml.audit).expanduser() if toml.audit else _notes())
        if check_audit:
            count, last = check(notes)
            click.echo(f"{notes}: {count} lines, each follows the one before; the last one's hash is {last}")
            return
        wish = lent(
            toml,
            hub=hub or os.environ.get("AGENTHOST_URL"),
            key=_key(key_file or (Path(toml.key_file).expanduser() if toml.key_file else None)),
            name=name,
            folders=folders,
            commands=commands,
            audit=notes,
            yes_read=yes_read,
        )
        asyncio.run(serve(wish, interactive=sys.stdin.isatty()))
    except (Broken, OSError) as error:
        _end(f"{notes}: {error}")
    except ConfigError as error:
        _end(*error.faults, code=2)
    except (StartError, AgentHostError) as error:
        _end(str(error))
    except KeyboardInterrupt:
        click.echo("Nothing is lent any more.")


def _key(path: Path | None) -> str:
    if path is None:
        return os.environ.get("AGENTHOST_KEY", "").strip()
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"--key-file: {path} can be read by others; chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"--key-file: {path} can't be read ({error.strerror})") from None


def _notes() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "agenthost" / "local.jsonl"


def _end(*lines: str, code: int = 1) -> None:
    for line in lines:
        click.echo(line, err=True)
    raise SystemExit(code)
