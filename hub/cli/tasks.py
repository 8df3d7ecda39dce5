"""`agenthost tasks`: what's being done, one task from near, and a hand on the brake."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import get_args
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
import rich_click as click
from rich.text import Text

from hub.cli.client import Client, Refused, Trouble
from hub.cli.place import Place, place_options
from hub.cli.wire import Moment, Said, Task, Turn
from hub.cli.words import ago, console, message, plain, print_json, short, span, state, table, tag, verdict
from hub.records import OPEN, TaskState

STATES = get_args(TaskState)
TYPED = click.Choice(STATES)
MOMENTS = 1_000
"""Of a timeline that's printed for people."""
SUBTASKS = 500
"""Of all tasks, the newest ones, that are looked through for those to be listed."""
SEEN = 50
"""Messages and turns of a task that `show` prints."""


class Listing(click.RichGroup):
    """A group that lists when nothing else is asked for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        bare = not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names)
        numbered = bool(args) and args[0].removeprefix("#").isdecimal()
        return super().parse_args(ctx, ["list", *args] if bare else ["show", *args] if numbered else args)


@click.group(name="tasks", cls=Listing)
def command() -> None:
    """List, show, stop, cancel or resume tasks; `agenthost tasks` alone lists them, `agenthost tasks 3` shows one."""


@command.command(name="list")
@click.option("--state", "-s", "wanted", type=TYPED, help="Only tasks in this state.")
@click.option("--open", "only_open", is_flag=True, help="Only tasks that aren't over.")
@click.option("--limit", "-n", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@place_options
def list_(place: Place, wanted: str | None, only_open: bool, limit: int, as_json: bool) -> None:
    """List the tasks, the newest first."""

    async def work(hub: Client) -> None:
        found = await hub.pages("/v1/tasks", msgspec.Raw, limit, {"state": wanted})
        tasks = [(raw, msgspec.json.decode(raw, type=Task)) for raw in found]
        if only_open:
            tasks = [(raw, task) for raw, task in tasks if task.state in OPEN]
        below = await hub.pages("/v1/tasks", Task, SUBTASKS, {"parent": "any"}) if tasks and not as_json else []
        if as_json:
            print_json({"items": [raw for raw, _ in tasks], "next": None})
        else:
            _table([task for _, task in tasks], below)

    _run(place, work)


def _table(tasks: list[Task], below: list[Task]) -> None:
    if not tasks:
        console().print("No tasks.")
        return
    rows = table("", "title", "state", "turns", "changed", "due")
    for deep, task in _with_subtasks(tasks, below):
        number, title = Text(f"#{task.number}", "bold"), short("  " * (deep - 1) + "↳ " * bool(deep) + task.title, 60)
        due = ago(task.due_at) if task.state in OPEN else ""
        due = f"{due}, {task.schedule.words}" if task.schedule else due
        rows.add_row(number, Text(title), state(task.state), str(task.used.turns), ago(task.updated_at), due)
    console().print(rows)


def _with_subtasks(tasks: list[Task], below: list[Task], deep: int = 0) -> Iterator[tuple[int, Task]]:
    """Yield each task with how deep it stands, and after it those that were split off from it."""
    for task in tasks:
        yield deep, task
        yield from _with_subtasks([one for one in reversed(below) if one.parent == task.id], below, deep + 1)


@command.command(name="show")
@click.argument("task")
@click.option("--timeline", is_flag=True, help="What happened to it, the oldest first.")
@click.option("--format", "format", type=click.Choice(["jsonl", "csv"]), help="All of the timeline, for a program.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@place_options
def show(place: Place, task: str, timeline: bool, format: str | None, as_json: bool) -> None:
    """Show TASK (its number or id): what it's for, what was said, what it cost, and how it's judged."""

    async def work(hub: Client) -> None:
        found = await find(hub, task)
        path = f"/v1/tasks/{found.id}"
        if timeline or format:
            await _print_timeline(hub, f"{path}/timeline", format, as_json)
            return
        if as_json:
            print_json(
                {
                    "task": await hub.get(path, msgspec.Raw),
                    "messages": await hub.pages(f"{path}/messages", msgspec.Raw, SEEN),
                    "turns": await hub.pages(f"{path}/turns", msgspec.Raw, SEEN),
                }
            )
            return
        _print_task(found)
        _print_messages(await hub.pages(f"{path}/messages", Said, SEEN))
        _print_turns(await hub.pages(f"{path}/turns", Turn, SEEN))

    _run(place, work)


async def _print_timeline(hub: Client, path: str, format: str | None, as_json: bool) -> None:
    if format:
        click.echo(await hub.text(path, {"format": format}), nl=False)
        return
    found = await hub.pages(path, msgspec.Raw, MOMENTS, {"order": "oldest"})
    if as_json:
        print_json({"items": found, "next": None})
        return
    rows = table("", "", "what", "took", "")
    for raw in found:
        each = msgspec.json.decode(raw, type=Moment)
        took = span(timedelta(milliseconds=each.ms)) if each.ms is not None else ""
        told = " · ".join(filter(None, [each.by, each.leave, short(each.detail, 80)]))
        at = f"{each.at.astimezone():%Y-%m-%d %H:%M:%S}"
        rows.add_row(Text(at, "dim"), each.kind, Text(each.what, "red" if each.failed else ""), took, Text(told))
    console().print(rows)


def _print_task(task: Task) -> None:
    screen = console()
    screen.print(Text.assemble(tag(task), "  ", state(task.state)))
    rows = {
        "goal": plain(task.goal) if task.goal != task.title else "",
        "agent": task.agent,
        "changed": ago(task.updated_at),
        "due": ago(task.due_at) if task.state in OPEN else "",
        "schedule": _schedule(task),
        "used": f"{task.used.turns} of {task.limits.turns} turns, {task.used.tokens} of {task.limits.tokens} tokens, "
        f"{task.used.minutes:.1f} of {task.limits.minutes:g} minutes",
        "verdict": verdict(task.verdict),
    }
    lines = table("", "")
    lines.show_header = False
    for name, value in rows.items():
        if value:
            lines.add_row(Text(name, "dim"), Text(value))
    screen.print(lines)


def _schedule(task: Task) -> str:
    if task.schedule is None:
        return ""
    schedule, here = task.schedule, ZoneInfo(task.schedule.zone or "UTC")
    coming = ", ".join(f"{run_at.astimezone(here):%a %Y-%m-%d %H:%M}" for run_at in schedule.next)
    return f"{schedule.words} ({schedule.zone}); missed runs: {schedule.missed}; next: {coming or 'none, it rests'}"


def _print_messages(messages: list[Said]) -> None:
    screen = console()
    for said in sorted(messages, key=lambda one: one.created_at):
        screen.print()
        screen.print(Text.assemble((said.role, "bold"), (f"  {ago(said.created_at)}  {said.state}", "dim")))
        screen.print(message(said), markup=False)


def _print_turns(turns: list[Turn]) -> None:
    if not turns:
        return
    rows = table("turn", "state", "tokens in", "out", "seconds", "verdict")
    for turn in sorted(turns, key=lambda one: one.number):
        told = plain(turn.error) if turn.error else verdict(turn.verdict)
        numbers = (str(turn.tokens_in), str(turn.tokens_out), f"{turn.ms / 1000:.1f}")
        rows.add_row(str(turn.number), state(turn.state), *numbers, Text(told))
    screen = console()
    screen.print()
    screen.print(rows)


def _change(name: str, help: str) -> None:
    @command.command(name=name, help=help)
    @click.argument("task")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @place_options
    def change(place: Place, task: str, as_json: bool) -> None:
        async def work(hub: Client) -> None:
            found = await find(hub, task)
            raw = await hub.post(f"/v1/tasks/{found.id}/{name}", {}, msgspec.Raw)
            if as_json:
                print_json(raw)
                return
            changed = msgspec.json.decode(raw, type=Task)
            console().print(Text.assemble(tag(changed), "  ", state(changed.state)))

        _run(place, work)


_change("stop", "Stop what's being done on TASK (its number or id); it waits for you then.")
_change("cancel", "Cancel TASK (its number or id) for good.")
_change("resume", "Go on with TASK (its number or id).")


async def find(hub: Client, name: str) -> Task:
    """Return a task by its number (as 3 or #3) or its id. Raises Trouble."""
    try:
        return await hub.get(f"/v1/tasks/{quote(name.removeprefix('#'), safe='')}", Task)
    except Refused as error:
        if error.status == 404:
            raise Trouble(f"There's no task {name}; `agenthost tasks` lists them.") from None
        raise


def _run(place: Place, work: Callable[[Client], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Client(place) as hub:
            await work(hub)

    asyncio.run(main())
