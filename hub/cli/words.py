"""How things look in a terminal: one place for tags, times, tables and JSON.

What others wrote is never printed as it came: control characters in it could move the cursor or retitle the window.
"""

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.cli.wire import Said, Task, TaskTag
from hub.cli.wire_packages import Installed
from hub.records import Verdict

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_red")
SHADES = {
    "working": "yellow",
    "input-required": "magenta",
    "completed": "green",
    "failed": "red",
    "canceled": "dim",
    "ready": "green",
    "broken": "red",
    "absent": "red",
    "running": "green",
    "connecting": "yellow",
    "waiting": "yellow",
    "refused": "red",
}


def console(*, err: bool = False) -> Console:
    """Return a console for this terminal; piped output is plain and isn't wrapped."""
    stream = sys.stderr if err else sys.stdout
    return Console(stderr=err, highlight=False, soft_wrap=not stream.isatty())


def plain(text: str) -> str:
    """Return a text without the characters that a terminal would obey, or that turn its order around."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def tag(task: TaskTag | Task | None) -> Text:
    """Say which task something belongs to."""
    if task is None:
        return Text()
    colour = COLOURS[task.number % len(COLOURS)]
    return Text.assemble((f"#{task.number}", f"bold {colour}"), (f" {short(task.title, 40)}", colour))


def short(text: str, length: int) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(plain(text).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def ago(time: datetime | None) -> str:
    """Say how long ago it was, or when it will be."""
    if time is None:
        return ""
    passed = datetime.now(UTC) - time
    return f"in {span(-passed)}" if passed < timedelta(seconds=-1) else f"{span(passed)} ago"


def span(lasted: timedelta) -> str:
    """Say how long something is, or was."""
    seconds = max(lasted.total_seconds(), 0.0)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def size(count: int) -> str:
    """Say how much so many bytes are."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError  # GB takes everything


def state(word: str) -> Text:
    """Return a state in its colour."""
    return Text(word, SHADES.get(word, ""))


def verdict(found: Verdict | None) -> str:
    """Say in a line how the supervisor sees a task."""
    if found is None:
        return ""
    parts = {
        name: value for name, value in msgspec.to_builtins(found).items() if name not in ("type", "choices", "failed")
    }
    kind = found.__struct_config__.tag
    return short(": ".join([str(kind), *(str(value) for value in parts.values() if value != "")]), 200)


def table(*columns: str) -> Table:
    """Return an empty table with light lines."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def message(said: Said) -> str:
    """Return what was said, in plain words: its text, and the choices that it offers as numbered lines."""
    lines = [plain(said.text)]
    lines += [f"  {number}. {plain(choice.text)}" for number, choice in enumerate(said.choices, 1)]
    return "\n".join(lines)


def sheet_lines(package: Installed) -> list[str]:
    """Say what a package is, where it's from, and what it may or would."""
    lines = [f"{package.kind} {package.id} {package.now.version} ({package.state}): {plain(package.description)}"]
    lines += [f"  {plain(package.what)}"] if package.what else []
    if package.tools:
        lines.append(f"  {'would use' if package.kind == 'agent' else 'tools'}: {', '.join(package.tools)}")
    for ask in package.permissions:
        may = f"may ({ask.id})" if ask.granted else f"may, if you grant {ask.id}"
        lines.append(f"  {may}: {plain(ask.meaning)}")
    if not package.permissions:
        lines.append("  asks for no permission")
    lines += [f"  note: {plain(note)}" for note in package.notes]
    lines += [f"  a scan found: {plain(found)}" for found in package.found]
    lines.append(f"  from: {plain(package.now.source) or 'unknown'}, SHA-256 {package.now.digest[:12]}")
    latest = package.next or package.now
    if latest.origin:
        lines.append(f"  signed by: the key {latest.origin.key} of {latest.origin.name.partition('/')[0]}")
        lines.append(f"  registry: {plain(latest.origin.registry)}")
    else:
        lines.append("  signed by: nobody")
    lines += [f"  {plain(text)}" for text in standing_lines(package)]
    if package.next:
        lines.append(f"  waits: {package.next.version}, from {plain(package.next.source) or 'unknown'}")
    if package.before:
        lines.append(f"  before: {package.before.version}")
    return lines


def standing_lines(package: Installed) -> list[str]:
    """Say what its registry said last of a package, a line for each thing that wants to be known."""
    standing = package.standing
    if standing is None:
        return []
    lines = [f"TAKEN AWAY by its registry: {standing.revoked}"] if standing.revoked else []
    lines += [f"taken back by its publisher: {standing.yanked}"] if standing.yanked else []
    lines += [f"newer: {standing.newer.version}, listed {ago(standing.newer.since)}"] if standing.newer else []
    return lines + ([f"not looked at lately: {standing.fault}"] if standing.fault else [])


def print_json(value: Any) -> None:
    """Print JSON, indented; a Raw as the hub told it."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
