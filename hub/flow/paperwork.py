"""The files that a goal names: what's to be read is read before anything is written, and what's to be written is.

A small model asked to "count the errors in log.txt and write the number into errors.txt" writes first, and into
whichever file it thinks of. What the goal says plainly needn't be left to it.
"""

import re
from collections.abc import Mapping, Sequence

from hub.flow.checking import named_in
from hub.ports import Filing, Tool
from hub.records import FileExists, Step, Task

_FILE = re.compile(r"(?<![\w/.-])[\w-]+(?:/[\w-]+)*\.[A-Za-z][A-Za-z0-9]{1,4}\b")


def wanted(task: Task) -> tuple[str, ...]:
    """Return the files that an assignment is to write: those that were agreed on, and those that its goal names so."""
    if task.kind != "assignment":
        return ()
    checks = (*task.checks, *named_in(task.goal))
    return tuple(dict.fromkeys(check.path for check in checks if isinstance(check, FileExists)))


def unwritten(task: Task, calls: Sequence[Step], tools: Mapping[str, Tool]) -> tuple[str, ...]:
    """Return those of them that no call of this turn has written."""
    written = {step.request for step in calls if not step.failed and _writes(tools.get(step.name))}
    return tuple(path for path in wanted(task) if not any(f'"{path}"' in request for request in written))


def first(task: Task, tool: Tool | None, offered: Sequence[Tool], calls: Sequence[Step]) -> Tool | None:
    """Return what's to be called before a tool, or in place of answering: a file's reader, or its writer.

    None: nothing stands in the way of what was chosen. A tool that was called in this turn isn't called again for it.
    """
    named = {each.name: each for each in offered}
    used = {step.name for step in calls}
    left = [each for each in offered if isinstance(each, Filing) and each.name not in used]
    if not unwritten(task, calls, named) or (tool is not None and not _writes(tool)):
        return None
    reader = next((each for each in left if not _writes(each)), None)
    if reader is not None and not used and source(task):
        return reader
    return next((each for each in left if _writes(each)), None) if tool is None else None


def source(task: Task) -> str:
    """Return the one file that a goal names besides those that it wants written; or nothing."""
    named = dict.fromkeys(_FILE.findall(task.goal))
    found = [path for path in named if path not in wanted(task)]
    return found[0] if len(found) == 1 else ""


def bound(task: Task, tool: Tool, calls: Sequence[Step]) -> Mapping[str, str]:
    """Return the argument that's certain: which file is read, or is to be written now."""
    if not isinstance(tool, Filing) or task.kind != "assignment":
        return {}
    if _writes(tool):
        paths = unwritten(task, calls, {tool.name: tool})
        return {tool.file: paths[0]} if len(paths) == 1 else {}
    path = source(task)
    return {tool.file: path} if path and wanted(task) else {}


def _writes(tool: object) -> bool:
    return isinstance(tool, Filing) and getattr(tool, "effect", "none") != "none"
