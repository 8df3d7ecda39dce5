"""`agenthost yank`: a version that was published is taken back, or given out again."""

import asyncio

import rich_click as click

from hub.cli.publish import named
from hub.cli.registries import Registry, registry_options


@click.command(name="yank")
@click.argument("reference")
@click.option("--reason", "-r", default="", help="Why, for those who have it installed.")
@click.option("--undo", is_flag=True, help="Give it out again.")
@registry_options
def command(registry: Registry, config: object, reference: str, reason: str, undo: bool) -> None:
    """Take back REFERENCE, as PUBLISHER/NAME@VERSION: only who asks for this very version still gets it."""
    publisher, name, version = named(reference)
    if not version:
        raise click.UsageError(f"{reference}: name the version too, as {publisher}/{name}@1.0.0.")
    if not reason and not undo:
        raise click.UsageError("--reason: say why; those who have it installed are told.")
    asyncio.run(_yank(registry, f"/packages/{publisher}/{name}/versions/{version}", reason, undo))
    click.echo(f"{reference} is {'given out again' if undo else 'taken back'}.")


async def _yank(registry: Registry, path: str, reason: str, undo: bool) -> None:
    async with registry:
        if undo:
            await registry.post(f"{path}/unyank", {}, type(None))
        else:
            await registry.post(f"{path}/yank", {"reason": reason}, type(None))
