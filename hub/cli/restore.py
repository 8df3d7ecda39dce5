"""`agenthost restore`: brings back what a backup holds, all of it or nothing."""

from pathlib import Path

import rich_click as click

from hub.cli.archive import BackupError, bring_back
from hub.cli.folder import DATABASE
from hub.cli.place import config_options
from hub.cli.words import print_json
from hub.config import Config
from hub.databases import Server, database_of
from hub.errors import StartError
from hub.store.postgres_server import url_of
from hub.store.transfer import others


@click.command(name="restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--force", is_flag=True, help="Move what's in the data folder aside.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the manifest.")
@config_options
def command(config: Config, file: Path, force: bool, as_json: bool) -> None:
    """Put the content of the backup FILE into the data folder; the hub must not be running.

    Hashes are checked before anything is moved. A folder that isn't empty is refused; with --force it's kept beside.
    With PostgreSQL in store.url, the records go into that database, which must be empty.
    """
    place = database_of(config.store, config.data)
    if isinstance(place, Path) and place != config.data / DATABASE:
        raise click.ClickException("store.url: names a file elsewhere; leave it empty to restore into --data.")
    try:
        if isinstance(place, Server) and others(url_of(place)):
            raise BackupError(f"{place}: a hub is at work there; stop it, then restore")
        server = place if isinstance(place, Server) else None
        manifest, aside = bring_back(file, config.data, force=force, server=server)
    except StartError as error:
        raise click.ClickException(str(error)) from None
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json(manifest)
        return
    click.echo(f"{server or config.data}: as it was on {manifest.made_at:%Y-%m-%d %H:%M} UTC")
    if aside:
        click.echo(f"What was there is in {aside}")
    click.echo("The owner's key isn't in a backup: the hub makes a fresh one at its next start.")
