"""`agenthost eval goals`: how the whole hub, as it's configured, ends long work that can or can't be done."""

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import rich_click as click
from msgspec.structs import replace

from hub.app import Hub
from hub.cli.eval_progress import PATIENCE, Progress
from hub.cli.place import config_options, refuse
from hub.cli.words import console, plain, print_json, table
from hub.clock import SystemClock
from hub.config import Config
from hub.errors import StartError
from hub.evals import goals
from hub.evals.goals import Figures, Goal, Outcome
from hub.evals.lines import DataError
from hub.flow.agreeing import YES
from hub.opening import opened
from hub.ports import Workspaces
from hub.records import HOME, OWNER, Address, Task
from hub.store.workspaces import FolderWorkspaces

LOOK = 0.05
"""Seconds between two looks at whether anything is still worked on."""
SHOWN = 200
"""Characters of what was said."""


class LeapingClock(SystemClock):
    """The machine's time, put forward where a task would only wait."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead

    def leap(self, to: datetime) -> None:
        """Be at a time, or a moment after it, if it hasn't come yet."""
        self._ahead += max(0.0, (to - self.now()).total_seconds()) + 0.001


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a file's goals, and with which model."""

    file: str
    model: str
    figures: Figures
    outcomes: list[Outcome]


@click.command(name="goals")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N goals of each file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@config_options
def command(config: Config, files: tuple[Path, ...], limit: int | None, as_json: bool) -> None:
    """Hand over the goals of FILES (.jsonl) to a hub of this config's models and tools, and see how each ends.

    Its data lie in a folder of their own, which is gone afterwards. Where a task would wait for a time, the hub's clock
    is put forward.
    """
    try:
        told = asyncio.run(_measured(config, files, limit))
    except (DataError, StartError) as error:
        refuse(str(error))
    if as_json:
        print_json({"items": told, "next": None})
    else:
        for each in told:
            _show(each)


async def _measured(config: Config, files: Sequence[Path], limit: int | None) -> list[Told]:
    wanted = {file: list(goals.goals(file, limit)) for file in files}
    clock = LeapingClock()
    with tempfile.TemporaryDirectory(prefix="agenthost-eval-") as folder:
        apart = replace(config, hub=replace(config.hub, data=folder, log_level="error"), bridges=())
        apart = replace(apart, store=replace(apart.store, url=""))
        async with AsyncExitStack() as stack:
            hub, _ = await opened(apart, stack, {}, (), clock)
            workspaces = FolderWorkspaces(Path(folder) / "workspaces", size=config.limits.workspace_mb << 20)
            await workspaces.open()
            async with asyncio.timeout(PATIENCE):
                await hub.llm.ready()
            return [await _of_file(hub, clock, workspaces, file, of) for file, of in wanted.items()]


async def _of_file(hub: Hub, clock: LeapingClock, workspaces: Workspaces, file: Path, wanted: Sequence[Goal]) -> Told:
    outcomes = []
    with Progress(file.name, len(wanted)) as progress:
        for goal in wanted:
            outcomes.append(await worked_on(hub, clock, workspaces, goal))
            progress.step()
    return Told(file=str(file), model=hub.llm.info.model, figures=goals.figures(outcomes), outcomes=outcomes)


async def worked_on(hub: Hub, clock: LeapingClock, workspaces: Workspaces, goal: Goal) -> Outcome:
    """Hand a goal over, have it worked on until it ends or rests, and return how."""
    began = time.monotonic()
    task, _ = await hub.tasks.assign(
        tenant=HOME,
        person=OWNER,
        address=Address(bridge="http", chat=f"{OWNER}/{goal.id}"),
        text=goal.goal,
        external_id=f"goal:{goal.id}",
        agent=goal.agent or None,
        limits=goal.limits,
        checks=goal.checks,
    )
    for path, text in goal.files.items():
        await workspaces.write(HOME, task.id, path, text.encode())
    # Nothing was begun before the files were there: the lanes are looked at from here on.
    async with asyncio.TaskGroup() as group:
        work = group.create_task(hub.dispatcher.run(hub.work))
        ended = await _ended(hub, clock, task)
        work.cancel()
    said = [each for each in await hub.store.messages_of_task(task.id, limit=20) if each.role != "user"]
    answer = next((each.text for each in reversed(said) if each.role == "agent"), "")
    used = ended.used
    return Outcome(
        id=goal.id,
        ends=goal.ends,
        state=ended.state,
        said=said[-1].text if said else "",
        why=await _why(hub, ended),
        proved=goals.proved(goal, await _files(workspaces, task), answer),
        turns=used.turns,
        tokens=used.tokens,
        seconds=round(time.monotonic() - began, 1),
        within=ended.state in {"completed", "input-required"}
        and used.turns <= goal.limits.turns
        and used.tokens <= goal.limits.tokens,
    )


async def _ended(hub: Hub, clock: LeapingClock, task: Task) -> Task:
    while True:
        while hub.dispatcher.busy:  # noqa: ASYNC110 - what works on the lanes tells nobody when it's done
            await asyncio.sleep(LOOK)
        task = await hub.store.task(task.id) or task
        if task.proposed:
            # As a person would who is asked for it.
            await hub.agreeing.decide(task.id, YES)
        due = await hub.store.next_due()
        if task.state not in {"submitted", "working"} or due is None:
            return task
        clock.leap(due)
        await hub.scheduler.tick()


async def _why(hub: Hub, task: Task) -> str:
    moved = await hub.store.transitions(task.id, limit=1)
    return moved[0].why if moved else ""


async def _files(workspaces: Workspaces, task: Task) -> Mapping[str, str]:
    found = await workspaces.list(HOME, task.id)
    return {each.path: (await workspaces.read(HOME, task.id, each.path)).decode(errors="replace") for each in found}


def _show(told: Told) -> None:
    found = told.figures
    screen = console()
    screen.print(f"\n[bold]{plain(told.file)}[/bold]  ({plain(told.model)})")
    listed = table("goal", "should end", "ended", "turns", "tokens", "s", "because")
    for each in told.outcomes:
        wrong = "FALSE DONE " if each.false_done else ""
        listed.add_row(
            plain(each.id),
            each.ends,
            f"{wrong}{each.state}" + ("" if each.right or wrong else " (wrong)"),
            str(each.turns),
            str(each.tokens),
            f"{each.seconds:.0f}",
            plain(each.why[:SHOWN]),
        )
    screen.print(listed)
    screen.print(f"reached {found.reached} of {found.reachable} that can be")
    screen.print(f"asked, or told what's missing: {found.asked} of {found.unreachable} that can't")
    screen.print(f"falsely called complete: {found.false_done} of {found.goals}")
    screen.print(f"ended within their limits: {found.within} of {found.goals}")
    screen.print(
        f"turns {found.turns.mean:.1f}, tokens {found.tokens.mean:.0f}, seconds {found.seconds.mean:.1f} on average"
    )
