"""`agenthost backup`: everything that's kept, in one file."""

from pathlib import Path

import rich_click as click

from hub.cli.archive import BackupError, back_up
from hub.cli.place import config_options
from hub.cli.words import print_json, size
from hub.config import Config
from hub.databases import database_of


@click.command(name="backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the manifest.")
@config_options
def command(config: Config, file: Path, as_json: bool) -> None:
    """Write everything that's kept into FILE, a zip; the hub may be running.

    In it are the database, the documents, the files and the tasks' workspaces. Not in it: the owner's key, the config,
    models.
    """
    try:
        manifest = back_up(database_of(config.store, config.data), config.data, file)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json(manifest)
        return
    counts = manifest.counts
    click.echo(
        f"{file}: {size(file.stat().st_size)}, {counts.get('messages', 0)} messages, "
        f"{counts.get('tasks', 0)} tasks, {len(manifest.files) - 1} documents and files"
    )
