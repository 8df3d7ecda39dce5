"""Functions that let a program take part in its task: hear and tell the person, plan for later, call other tools."""

from msgspec.structs import replace

from hub.manifests import Permissions
from hub.packages.scripts import Hosts
from hub.packages.trail import Trail
from hub.ports import Errands, ToolCall

READ = "async def said() -> list[str]: ...\n"
SAYING = "async def say(text: str) -> None: ...\n"
ASKING = "async def ask(question: str) -> str: ...\n"
PLANNING = "async def plan(when: str, text: str) -> str: ...\n"
USING = "async def use(tool: str, arguments: dict[str, Any]) -> str: ...\n"
HEARD = 8_000
"""Characters of what the person said, the last ones."""
TEXT_CHARACTERS = 4_000
WHEN_CHARACTERS = 100
ARGUMENTS = 50
"""Of a tool that's used."""


def task_functions(errands: Errands | None, permissions: Permissions, call: ToolCall, trail: Trail) -> Hosts:
    """Return what of it the permissions give, but for `ask`: that one isn't answered by the hub."""
    task = _Task(errands, permissions, call, trail)
    functions: tuple[tuple[bool, Hosts], ...] = (
        ("read:task" in permissions.messages, {"said": task.said}),
        ("send:task" in permissions.messages, {"say": task.say}),
        (permissions.schedule, {"plan": task.plan}),
        (bool(permissions.tools), {"use": task.use}),
    )
    return {name: function for given, each in functions if given for name, function in each.items()}


class _Task:
    def __init__(self, errands: Errands | None, permissions: Permissions, call: ToolCall, trail: Trail) -> None:
        self._errands = errands
        self._tools = permissions.tools
        self._call = call
        self._trail = trail

    async def said(self) -> list[str]:
        heard: list[str] = []
        room = HEARD
        for text in reversed(await self._given().said(self._call)):
            heard.append(text[:room])
            room -= len(text)
            if room <= 0:
                break
        return heard[::-1]

    async def say(self, text: object) -> None:
        await self._given().say(self._next("say"), _text("what's said", text, TEXT_CHARACTERS))

    async def plan(self, when: object, text: object) -> str:
        when = _text("the time", when, WHEN_CHARACTERS)
        text = _text("what's planned", text, TEXT_CHARACTERS)
        return await self._given().plan(self._next("plan"), when, text)

    async def use(self, tool: object, arguments: object) -> str:
        if tool not in self._tools:
            raise PermissionError(f"{str(tool)[:80]!r} isn't among permissions.tools: {', '.join(self._tools)}")
        if not isinstance(arguments, dict) or not all(isinstance(name, str) for name in arguments):
            raise TypeError('a tool\'s arguments are a dictionary by their names, as {"city": "Bonn"}')
        if len(arguments) > ARGUMENTS:
            raise ValueError(f"{len(arguments)} arguments; {ARGUMENTS} are the most")
        return await self._given().use(self._next("use"), str(tool), arguments)

    def _next(self, what: str) -> ToolCall:
        """Return the call with a key of its own for each errand: begun again, a program repeats them in this order."""
        return replace(self._call, key=f"{self._call.key}/{what}{self._trail.done[what]}")

    def _given(self) -> Errands:
        if self._errands is None:
            raise RuntimeError("this hub runs no errands for programs")
        return self._errands


def _text(what: str, text: object, most: int) -> str:
    if not isinstance(text, str) or not text.strip():
        raise TypeError(f"{what} is a text, and not empty")
    if len(text) > most:
        raise ValueError(f"{what} has {len(text)} characters; {most} are the most")
    return text
