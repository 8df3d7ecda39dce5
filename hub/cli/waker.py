"""`agenthost waker`: the small process that's up while the hub sleeps, and how it is."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import rich_click as click

from hub.cli.place import refuse
from hub.errors import ConfigError, StartError
from hub.waker.config import WakerConfig, load

CONFIG = Path("waker.toml")
OPTION = click.option("--config", "-c", type=click.Path(path_type=Path), help="The waker's config file [waker.toml]")


@click.group(name="waker", invoke_without_command=True)
@OPTION
@click.pass_context
def command(context: click.Context, config: Path | None) -> None:
    """Hear for a hub that sleeps, wake it, hand over what was said, and stop it when it says that it's idle."""
    context.obj = config or (CONFIG if CONFIG.is_file() else None)
    if context.invoked_subcommand is None:
        _run(_config(context.obj))


@command.command(name="status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def status(path: Path | None, as_json: bool) -> None:
    """Show how each hub is, how long its last start took, and what this month has cost."""
    config = _config(path)
    # httpx and rich are heavy: not for the process that's always up.
    import httpx  # noqa: PLC0415

    from hub.cli.words import console, plain, print_json, table  # noqa: PLC0415

    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(config.waker.host, config.waker.host)  # noqa: S104 - to knock at
    url = f"http://{host}:{config.waker.port}/waker/status"
    try:
        key = (config.data / "waker.key").read_text(encoding="utf-8").strip()
        answer = httpx.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=10, trust_env=False)
        answer.raise_for_status()
    except (OSError, httpx.HTTPError) as error:
        refuse(f"{url}: the waker doesn't answer ({error}); start it with: agenthost waker")
    found = answer.json()
    if as_json:
        print_json(found)
        return
    shown = table("hub", "state", "waiting", "woke in", "starts/h", "due", "this month", "")
    for hub in found["items"]:
        shown.add_row(*map(plain, _row(hub)))
    console().print(shown)
    for orphan in found["orphans"]:
        words = f"{orphan['id']}, made for hub {orphan['hub']}, is {orphan['state']}, and nobody's"
        click.echo(plain(f"{orphan['place']}: {words} since {_minute(orphan['seen_at'])}"))


def _row(hub: dict[str, object]) -> Sequence[str]:
    woke, due = hub["wake_seconds"], hub["next_due"]
    return (
        str(hub["name"]),
        str(hub["state"]),
        str(hub["waiting"]),
        "" if woke is None else f"{float(str(woke)):.1f} s",
        str(hub["starts_this_hour"]),
        "" if due is None else _minute(due),
        f"{float(str(hub['spent_this_month'])):.2f}",
        str(hub["detail"]),
    )


def _minute(at: object) -> str:
    return f"{datetime.fromtimestamp(float(str(at)), UTC):%Y-%m-%d %H:%M} UTC"


def _config(path: Path | None) -> WakerConfig:
    try:
        return load(path, os.environ)
    except ConfigError as error:
        refuse(*error.faults)


def _run(config: WakerConfig) -> None:
    from hub.waker.running import serve  # noqa: PLC0415

    try:
        raise SystemExit(serve(config))
    except StartError as error:
        refuse(str(error))
