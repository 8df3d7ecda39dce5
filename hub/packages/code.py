"""Code that an agent writes in answer to "compute this": checked, run within limits, told what was wrong with it."""

import re
from collections.abc import Awaitable, Callable

from hub.errors import ToolError
from hub.manifests import Allowance, Permissions
from hub.packages.hosts import Supplies, hosts, stubs
from hub.packages.scripts import Failed, Scripts
from hub.packages.trail import Trail
from hub.ports import Documents, ToolCall

LIMITS = Allowance(seconds=10.0, memory_mb=128, calls=100)
CHARACTERS = 8_000
"""Of code."""
SURE = re.compile(
    r"invalid-syntax|unresolved-(import|reference)|(unknown|missing|too-many-positional)-argument|call-non-callable"
)
"""What a check finds that fails whatever the values are; the rest may be right: an agent's code has no types."""
FOUND = re.compile(r"main\.py:(\d+):\d+: error\[([a-z-]+)\] (.+)")
MODULES = (
    "asyncio, base64, bisect, collections, copy, csv, datetime, decimal, functools, hashlib, itertools, json, math, "
    "random, re, time, typing, unicodedata"
)


def computing(scripts: Scripts, documents: Documents, supplies: Supplies) -> Callable[[ToolCall, str], Awaitable[str]]:
    """Return what runs an agent's code: it may read the files of the task's workspace, if this hub has workspaces."""
    permissions = Permissions(fs="workspace:ro" if supplies.workspaces else "", limits=LIMITS)
    given = stubs(permissions)

    async def compute(call: ToolCall, code: str) -> str:
        """Return what the code printed and its last expression's value; raises ToolError with the line at fault."""
        if len(code) > CHARACTERS:
            raise ToolError(f"The code has {len(code)} characters; {CHARACTERS} are the most. Do it in less.")
        functions = hosts("", permissions, "none", call, documents, supplies, Trail())
        try:
            ended = await scripts.compute(code, given, LIMITS, functions, _certain)
        except Failed as failed:
            raise ToolError(_told(failed, code)) from None
        if not ended:
            raise ToolError(
                "The code ran, but showed nothing. End it with the expression that's asked for, or print it."
            )
        return ended

    return compute


def _certain(found: str) -> bool:
    """Say whether what the type check found is sure to fail."""
    return any(SURE.fullmatch(rule) for _, rule, _ in FOUND.findall(found))


def _told(failed: Failed, code: str) -> str:
    """Write what went wrong in one line, and the line that it went wrong in."""
    line, what = failed.line, failed.text
    found = [(int(number), text) for number, rule, text in FOUND.findall(failed.text) if SURE.fullmatch(rule)]
    if found:
        line, what = found[0]
        what = what.strip().rstrip(".").replace("`", "'")
    if "resolve imported module" in what or "No module named" in what:
        what = f"{what}. There are only: {MODULES}"
    lines = code.splitlines()
    shown = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return f"Line {line}: {what}\n{shown}" if shown else what
