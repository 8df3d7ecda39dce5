"""`agenthost models`: what models there are, fetching one, using one, and what one is like on this machine."""

import asyncio
import os
import signal
from pathlib import Path

import rich_click as click
from msgspec import Struct
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from hub.cli.folder import database, holder
from hub.cli.model_list import Known, checked, known, named
from hub.cli.model_speed import Speed, measured
from hub.cli.model_use import overridden, written
from hub.cli.place import config_or_exit, config_path, refuse
from hub.cli.words import console, plain, print_json, size, table
from hub.config import models_folder
from hub.errors import ConfigError, LLMError, PullError
from hub.weights import header, shelf
from hub.weights.names import Repo
from hub.weights.pulling import Progress as Step
from hub.weights.pulling import Pull

CONFIG = click.option("--config", "-c", type=click.Path(path_type=Path), help="The config file [config.toml, if there]")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class About(Struct, frozen=True, kw_only=True):
    """A model in full, for `--json`."""

    model: Known
    name: str
    architecture: str
    trained_context: int
    context: int
    vocabulary: int
    chat_template: bool
    embeds: bool
    vision: str
    memory: int
    """About how many bytes it takes with the config's context."""
    measured: Speed | None = None


@click.group(name="models")
def command() -> None:
    """List, fetch and choose the models on this machine."""


@command.command(name="list")
@click.option("--verify", is_flag=True, help="Read every file and compare its SHA-256; a gigabyte takes seconds.")
@CONFIG
@JSON
def list_(config: Path | None, verify: bool, as_json: bool) -> None:
    """List the models that are here or that the config names, and which are in use."""
    found = known(config_or_exit(config), os.environ, verify=verify)
    if as_json:
        print_json({"items": found, "next": None})
        return
    rows = table("name", "size", "weights", "sha256", "used by")
    for model in found:
        used = Text(", ".join(f"[{section}]" for section in model.used_by), "green")
        what = Text(plain(model.fault), "red") if model.fault else Text(_weights(model))
        rows.add_row(plain(model.name), size(model.size) if model.size else "", what, _state(model), used)
    console().print(rows)
    if any(model.checked is False for model in found):
        raise SystemExit(1)


@command.command(name="pull")
@click.argument("repo", metavar="OWNER/REPO[:FILE.gguf]")
@JSON
def pull(repo: str, as_json: bool) -> None:
    """Fetch a model from the Hugging Face Hub (HF_ENDPOINT), go on where a last try was cut off, and check its SHA-256.

    Without FILE the quantisation is chosen that suits this machine's memory. HF_TOKEN opens gated repositories.
    """
    wanted = Repo.named(repo)
    if wanted is None:
        raise click.UsageError(f"{repo!r} isn't a repository: write OWNER/REPO or OWNER/REPO:FILE.gguf.")
    folder = models_folder(os.environ)
    with Progress(
        TextColumn("{task.description}"),
        *(BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()),
        console=console(err=True),
        disable=as_json,
    ) as bar:
        try:
            found = asyncio.run(Pull(wanted, folder, os.environ).run(_Shown(bar)))
        except PullError as error:
            bar.stop()
            click.echo(str(error), err=True)
            raise SystemExit(1) from None
    if as_json:
        print_json(found)
        return
    click.echo(found.path)
    click.echo(f"SHA-256 {found.sha256}, as published. To use it: agenthost models use {repo}", err=True)


@command.command(name="use")
@click.argument("name")
@click.option("--reload", is_flag=True, help="Tell the running hub to take it over (SIGHUP).")
@CONFIG
def use(name: str, config: Path | None, reload: bool) -> None:
    """Write a model into the config's [llm]: a name from the list, a path, or `embedded`. All else there stays."""
    settings = config_or_exit(config)
    model = named(known(settings, os.environ), name)
    if model is None or model.kind in ("missing", "remote"):
        way = f"`agenthost models pull {name}` fetches it" if Repo.named(name) else "`agenthost models list` shows them"
        click.echo(f"There's no model {name!r} here; {way}.", err=True)
        raise SystemExit(1)
    path = config_path(config) or Path("config.toml")
    values = _values(model)
    try:
        written(path, values, os.environ)
    except ConfigError as error:
        refuse(*error.faults)
    click.echo(f"{path}: [llm] uses {model.name}.")
    for variable in overridden(os.environ, values):
        click.echo(f"{variable} is set in the environment, and wins over it: unset it.", err=True)
    _tell_hub(holder(database(settings)), reload=reload)


@command.command(name="info")
@click.argument("name", required=False)
@click.option("--run/--no-run", default=True, help="Load it and measure its speed [run]")
@CONFIG
@JSON
def info(name: str | None, run: bool, config: Path | None, as_json: bool) -> None:
    """Say what a model is and how fast it is on this machine; without NAME, the one that answers."""
    settings = config_or_exit(config)
    model = named(known(settings, os.environ), name)
    if model is None or not model.path or model.kind == "missing":
        told = model.fault or "it runs elsewhere: ask its server" if model else "`agenthost models list` shows them"
        click.echo(f"There's no file of {name or 'the model in use'} here; {told}.", err=True)
        raise SystemExit(1)
    try:
        head = header.read(Path(model.path))
        speed = asyncio.run(measured(Path(model.path), settings.llm.context)) if run and not head.projector else None
    except (OSError, ValueError, LLMError) as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None
    about = _about(checked(model), head, settings.llm.context, speed)
    if as_json:
        print_json(about)
    else:
        _show(about)


class _Shown:
    """A download on the screen; and why it's this file, once."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task: TaskID | None = None

    def __call__(self, step: Step) -> None:
        if self._task is None:
            if step.why:
                self._bar.console.print(plain(f"Taking {step.name}: {step.why}."))
            self._task = self._bar.add_task(plain(step.name), total=step.size)
        self._bar.update(self._task, completed=step.done)


def _values(model: Known) -> dict[str, str]:
    if model.kind == "embedded":
        return {"backend": "llamacpp", "model": "", "sha256": ""}
    return {"backend": "llamacpp", "model": model.path, "sha256": model.sha256 or shelf.sha256(Path(model.path))}


def _tell_hub(pid: str, *, reload: bool) -> None:
    if not pid:
        click.echo("The hub takes it over when it starts.")
    elif reload and pid.isdecimal():
        os.kill(int(pid), signal.SIGHUP)
        click.echo(f"The running hub (process {pid}) was told to take it over; `agenthost status` shows it.")
    else:
        click.echo(f"The running hub takes it over on SIGHUP: kill -HUP {pid}")


def _about(model: Known, head: header.Header, context: int, speed: Speed | None) -> About:
    beside = sorted(path.name for path in Path(model.path).parent.glob("*mmproj*.gguf"))
    return About(
        model=model,
        name=head.name,
        architecture=head.architecture,
        trained_context=head.context,
        context=min(context, head.context or context),
        vocabulary=head.vocabulary,
        chat_template=head.chat_template,
        embeds=head.embeds,
        vision="this is a projector (mmproj), not a model" if head.projector else ", ".join(beside),
        memory=head.memory(model.size, min(context, head.context or context)),
        measured=speed,
    )


def _show(about: About) -> None:
    model, speed = about.model, about.measured
    lines = {
        "file": model.path,
        "is": ", ".join(filter(None, (about.name, about.architecture, _weights(model)))),
        "sha256": f"{model.sha256} ({_state(model).plain})",
        "context": f"{about.context} tokens, trained for {about.trained_context}",
        "vocabulary": f"{about.vocabulary} tokens",
        "chat": "has a template" if about.chat_template else "has no template: it wasn't made for conversation",
        "embeddings": "made for them" if about.embeds else "not made for them",
        "vision": about.vision or "none: no projector (mmproj) lies beside it",
        "memory": f"about {size(about.memory)}"
        + (f"; {size(speed.memory)} when it was measured" if speed and speed.memory else ""),
        "speed here": f"writes {speed.writes:.0f} and reads {speed.reads:.0f} tokens/s, {speed.threads} threads,"
        f" ready after {speed.ready_seconds:.1f} s"
        if speed
        else "not measured",
    }
    rows = table("", "")
    rows.show_header = False
    for name, value in lines.items():
        rows.add_row(Text(name, "dim"), plain(value))
    console().print(rows)


def _weights(model: Known) -> str:
    if model.kind == "remote":
        return f"at {plain(model.url)}"
    count = model.parameters
    amount = f"{count / 1e9:.1f}B" if count >= 1e9 else f"{count / 1e6:.0f}M"
    return " ".join(filter(None, (amount if count else "", model.quantisation)))


def _state(model: Known) -> Text:
    if model.checked is not None:
        return Text("right", "green") if model.checked else Text("WRONG", "red")
    if model.kind in ("remote", "missing"):
        return Text("")
    return Text("known" if model.sha256 else "nobody said", "" if model.sha256 else "yellow")
