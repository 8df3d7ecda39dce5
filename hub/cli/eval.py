"""`agenthost eval`: how good this very router and supervisor are, over labelled data or over what people corrected."""

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import rich_click as click

from hub.cli import eval_goals, eval_words
from hub.cli.archive import copy_records
from hub.cli.eval_progress import Progress, deciding
from hub.cli.folder import DATABASE
from hub.cli.place import config_options, refuse
from hub.cli.words import print_json
from hub.clock import SystemClock
from hub.config import Config, LimitsConfig
from hub.databases import database_of
from hub.errors import StartError, StoreError
from hub.evals import completion, history, routing
from hub.evals.lines import DataError
from hub.evals.streams import streams
from hub.flow.supervisor import Supervisor
from hub.flow.toolbox import Toolbox
from hub.flow.weigher import Weigher
from hub.llms import Models
from hub.ports import LLM, LLMInfo
from hub.records import HOME
from hub.store.documents import MemoryDocuments
from hub.store.sql import SqlStore
from hub.tools import built_in

T = TypeVar("T")
FILES = click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
LIMIT = click.option("--limit", type=click.IntRange(min=1), help="Only the first N streams or items of each file.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
PREDICTIONS = click.option("--predictions", type=click.Path(path_type=Path), help="Write each answer as a JSON line.")
WANTED: dict[str, tuple[routing.Mode, ...]] = {
    "both": routing.MODES,
    "teacher-forced": ("teacher-forced",),
    "on-line": ("on-line", "asking"),
}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an evaluation found, and with which model."""

    file: str
    model: str
    threads: int
    figures: routing.Figures | completion.Figures | history.Figures


@click.group(name="eval")
def command() -> None:
    """Measure the router and the supervisor over labelled data, as they are configured here."""


command.add_command(eval_goals.command)


@command.command(name="routing")
@FILES
@LIMIT
@JSON
@PREDICTIONS
@click.option("--mode", type=click.Choice(list(WANTED)), default="both", help="Which protocol [both]")
@click.option("--ask", type=click.FloatRange(0, 1), help="The share of messages that may be asked about [0.1]")
@click.option("--history", "of_history", is_flag=True, help="Score the live router against what people corrected.")
@config_options
def routing_command(
    config: Config,
    files: tuple[Path, ...],
    limit: int | None,
    as_json: bool,
    predictions: Path | None,
    mode: str,
    ask: float | None,
    of_history: bool,
) -> None:
    """Route the messages of FILES (.jsonl or .jsonl.gz) and compare with their labels.

    Replies and threads aren't used, only what was said and when. `--predictions` writes the on-line answers without
    asking, and with `--ask` those with asking.
    """
    if bool(files) == of_history:
        raise click.UsageError("name one or more files, or --history")
    decider = _decider(config)
    if of_history:
        _tell([_run(_history(config, decider))], as_json=as_json)
        return
    written: list[routing.Prediction] = []
    wanted = [one for one in WANTED[mode] if one != "asking" or ask != 0]
    told = _run(route(files, decider, config.limits, wanted, limit, ask, written))
    if predictions:
        _write(predictions, written)
    _tell(told, as_json=as_json)


@command.command(name="completion")
@FILES
@LIMIT
@JSON
@PREDICTIONS
@config_options
def completion_command(
    config: Config, files: tuple[Path, ...], limit: int | None, as_json: bool, predictions: Path | None
) -> None:
    """Judge the transcripts of FILES (.jsonl or .jsonl.gz): is the task complete?"""
    if not files:
        raise click.UsageError("name one or more files")
    decider = _decider(config)
    written: list[completion.Prediction] = []
    told = _run(judge(files, decider, limit, written))
    if predictions:
        _write(predictions, written)
    _tell(told, as_json=as_json)


async def route(
    files: Sequence[Path],
    decider: LLM,
    limits: LimitsConfig,
    modes: Sequence[routing.Mode],
    limit: int | None,
    ask: float | None,
    written: list[routing.Prediction],
) -> list[Told]:
    """Route each file in each mode; the answers are added to `written`. Raises DataError."""
    told = []
    errand = Toolbox(built_in(SystemClock(), ZoneInfo("UTC"), MemoryDocuments()), decider).wants_one
    kept = {"teacher-forced", "on-line" if ask is None else "asking"}
    async with deciding(decider):
        for file in files:
            items = list(streams(file, limit))
            for mode in modes:
                weigher, budget = (
                    Weigher(decider, limits, errand),
                    routing.Budget(routing.ASKED if ask is None else ask),
                )
                found = []
                with Progress(f"{file.name}, {mode}", len(items)) as progress:
                    async for answered in routing.answers(weigher, items, mode, limits, budget):
                        found.append(answered)
                        progress.step()
                told.append(_told(str(file), decider.info, routing.figures(mode, found)))
                if mode in kept:
                    written += [line for answered in found for line in routing.predictions(mode, answered)]
    return told


async def judge(
    files: Sequence[Path], decider: LLM, limit: int | None, written: list[completion.Prediction]
) -> list[Told]:
    """Judge each file; the verdicts are added to `written`. Raises DataError."""
    told = []
    async with deciding(decider):
        for file in files:
            items = list(completion.cuts(file, limit))
            found = []
            with Progress(file.name, len(items)) as progress:
                async for verdict in completion.verdicts(Supervisor(decider), items):
                    found.append(verdict)
                    progress.step()
            told.append(_told(str(file), decider.info, completion.figures(found)))
            written += completion.predictions(found)
    return told


async def _history(config: Config, decider: LLM) -> Told:
    """Score over a copy of the database, so that a hub at work isn't disturbed."""
    place = database_of(config.store, config.data)
    if isinstance(place, Path) and not place.is_file():
        raise DataError(f"{place}: there's no database; name the data folder with --data")
    with tempfile.TemporaryDirectory(prefix="agenthost-eval-") as folder:
        try:
            await asyncio.to_thread(copy_records, place, Path(folder) / DATABASE)
        except (sqlite3.Error, StoreError) as error:
            raise DataError(f"{place}: can't be read: {error}") from None
        store = SqlStore(Path(folder) / DATABASE)
        await store.open()
        try:
            async with deciding(decider):
                found = await history.figures(store, HOME, Weigher(decider, config.limits), config.limits)
        finally:
            await store.close()
    return _told(str(place), decider.info, found)


def _told(file: str, info: LLMInfo, figures: routing.Figures | completion.Figures | history.Figures) -> Told:
    serves = info.state in {"ready", "restarting"}
    return Told(file=file, model=info.model if serves else "", threads=info.threads, figures=figures)


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except (DataError, StartError) as error:
        refuse(str(error))


def _write(path: Path, lines: Sequence[msgspec.Struct]) -> None:
    try:
        path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    except OSError as error:
        refuse(f"{path}: can't be written: {error.strerror}")


def _tell(told: Sequence[Told], *, as_json: bool) -> None:
    if as_json:
        print_json({"items": told, "next": None})
    else:
        eval_words.show(told)


def _decider(config: Config) -> LLM:
    """Return the LLM that decides; what it costs here isn't counted against the hub's day."""
    return Models(config, os.environ, MemoryDocuments(), SystemClock()).decider
