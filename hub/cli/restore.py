"""`agenthost restore`: brings back what a backup holds, all of it or nothing."""

from pathlib import Path

import rich_click as click

from hub.cli.archive import BackupError, bring_back
from hub.cli.place import config_options
from hub.cli.words import print_json
from hub.config import Config


@click.command(name="restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--force", is_flag=True, help="Move what's in the data folder aside.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the manifest.")
@config_options
def command(config: Config, file: Path, force: bool, as_json: bool) -> None:
    """Put the content of the backup FILE into the data folder; the hub must not be running.

    Hashes are checked before anything is moved. A folder that isn't empty is refused; with --force it's kept beside.
    """
    if config.store.url:
        raise click.ClickException("store.url: names a database elsewhere; leave it empty to restore into --data.")
    try:
        manifest, aside = bring_back(file, config.data, force=force)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json(manifest)
        return
    click.echo(f"{config.data}: as it was on {manifest.made_at:%Y-%m-%d %H:%M} UTC")
    if aside:
        click.echo(f"What was there is in {aside}")
    click.echo("The owner's key isn't in a backup: the hub makes a fresh one at its next start.")
