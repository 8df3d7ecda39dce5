"""`agenthost new`: a package of one's own, which works at once."""

from pathlib import Path

import rich_click as click

from hub.packages.skeletons import SKELETONS, skeleton


@click.command(name="new")
@click.argument("kind", type=click.Choice(sorted(SKELETONS)))
@click.argument("name")
@click.option(
    "--in",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The folder that gets it [this one]",
)
def command(kind: str, name: str, folder: Path) -> None:
    """Begin a package of your own: a folder NAME with the smallest KIND that works, and its test."""
    try:
        files = next(skeleton(known, name) for known in SKELETONS if known == kind)
    except ValueError as error:
        raise click.BadParameter(f"{name!r} won't do; {error}.", param_hint="NAME") from None
    place = folder / name
    try:
        place.mkdir()
        for path, text in files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text, encoding="utf-8")
    except FileExistsError:
        raise click.ClickException(f"{place}: is there already; choose another name, or remove it.") from None
    except OSError as error:
        raise click.ClickException(f"{place}: can't be written ({error.strerror}).") from None
    for path in files:
        click.echo(f"Written: {place / path}")
    click.echo(f"Try it:  agenthost packages test {place}")
    click.echo(f"Use it:  agenthost install {place}")
