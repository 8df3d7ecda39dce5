"""What's done about a call: looked at, shown, decided, noted, done, noted. What isn't lent isn't even shown."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Literal, assert_never

import msgspec
from msgspec import Struct

from hub.errors import ToolError
from hub.lent import (
    AT_ONCE,
    RESULT,
    Answer,
    Call,
    ListFolder,
    ReadFile,
    RunCommand,
    SearchFolder,
    Wish,
    WriteFile,
)
from hub.local.approving import Approving, Decision, Deed
from hub.local.audit import Audit
from hub.local.commands import Runnable, run
from hub.local.folders import Folder, Refused
from hub.local.searching import search

A_MINUTE = 60
"""Calls within a minute; more are refused unseen."""
PART = 8_000
"""Characters of a file that are given at a time."""
KNOWN = 10_000
"""Calls whose ids are remembered."""


class Shelf(Struct, frozen=True, kw_only=True):
    """A folder that's lent, and whether it may be written to."""

    folder: Folder
    writable: bool


class Lender:
    """Carries out calls within what's lent."""

    def __init__(
        self,
        shelves: Mapping[str, Shelf],
        commands: Mapping[str, Runnable],
        approving: Approving,
        audit: Audit,
        clock: Callable[[], float],
    ) -> None:
        self._shelves = shelves
        self._commands = commands
        self._approving = approving
        self._audit = audit
        self._clock = clock
        self._at_work = 0
        self._times: deque[float] = deque(maxlen=A_MINUTE)
        self._ids: deque[str] = deque(maxlen=KNOWN)

    async def carry_out(self, call: Call) -> Answer:
        """Do what a call wishes for, if it's lent and its leave is given; every call comes to an answer."""
        try:
            self._admit(call)
        except Refused as error:
            return self._refused(call, str(error), "rule")
        self._at_work += 1
        try:
            return await self._carry_out(call)
        finally:
            self._at_work -= 1

    async def _carry_out(self, call: Call) -> Answer:
        try:
            deed, do = await self._prepared(call)
            self._audit.add(call.id, "asked", wish=noted(call.wish))
            word, by = await self._decided(call, deed)
            if word == "no":
                said = "nobody said yes in time" if by == "nobody" else "the person there said no"
                return self._refused(call, f"{said}. Nothing was done." if by != "rule" else TOO_MANY, by)
            self._audit.add(call.id, "approved", wish=noted(call.wish), by=by)
        except Refused as error:
            return self._refused(call, str(error), "rule")
        except ToolError as error:
            return Answer(id=call.id, outcome="failed", text=cut(str(error)))
        except OSError as error:
            # What can't be noted isn't done.
            return Answer(id=call.id, outcome="refused", text=f"its list of calls can't be written ({error}).")
        return await self._done(call, do)

    async def _decided(self, call: Call, deed: Deed) -> Decision:
        try:
            return await self._approving.decide(deed)
        except asyncio.CancelledError:
            self._note(call, "refused", "withdrawn", "nobody")
            raise

    async def _done(self, call: Call, do: "Do") -> Answer:
        try:
            answer = Answer(id=call.id, outcome="done", text=cut(await do()))
        except Refused as error:
            return self._refused(call, str(error), "rule")
        except ToolError as error:
            answer = Answer(id=call.id, outcome="failed", text=cut(str(error)))
        except asyncio.CancelledError:
            self._note(call, "failed", "withdrawn")
            raise
        self._note(call, answer.outcome, answer.text)
        return answer

    def _admit(self, call: Call) -> None:
        """Raise Refused for what no honest hub sends."""
        now = self._clock()
        if call.id in self._ids:
            raise Refused("this call came before. Nothing was done again.")
        self._ids.append(call.id)
        if self._at_work >= AT_ONCE:
            raise Refused(f"{AT_ONCE} calls are at work already.")
        if len(self._times) == A_MINUTE and now - self._times[0] < 60:
            raise Refused(f"more than {A_MINUTE} calls within a minute.")
        self._times.append(now)

    async def _prepared(self, call: Call) -> tuple[Deed, "Do"]:
        """Return what a call would do, as it's shown, and what does exactly that; raises ToolError."""
        wish = call.wish
        match wish:
            case ListFolder() | ReadFile() | SearchFolder():
                shelf = self._shelf(wish.folder)
                deed = _deed(call, "read", _looks(wish), always=f"read {wish.folder}")
                return deed, lambda: asyncio.to_thread(looked, shelf.folder, wish)
            case WriteFile():
                return await self._writing(call, wish)
            case RunCommand():
                command = self._commands.get(wish.command)
                if command is None:
                    raise Refused(f"no command {wish.command!r} is lent.")
                words = command.filled(wish.arguments)
                told = " ".join(map(repr, words))
                title = f"Run {command.name} in {command.folder}"
                deed = _deed(call, "run", title, body=told, always=f"run {command.name} {told}")
                return deed, lambda: run(command, words)
            case _:
                assert_never(wish)

    async def _writing(self, call: Call, wish: WriteFile) -> tuple[Deed, "Do"]:
        shelf = self._shelf(wish.folder)
        if not shelf.writable:
            raise Refused(f"the folder {wish.folder} is lent to be read only.")
        before = await asyncio.to_thread(shelf.folder.now, wish.path)
        what = "a new file" if before is None else f"in place of {len(before)} bytes"
        title = f"Write {len(wish.text)} characters into {wish.folder}/{wish.path}, {what}"
        deed = _deed(call, "write", title, body=wish.text, always=f"write {wish.folder}/{wish.path}")

        async def write() -> str:
            await asyncio.to_thread(shelf.folder.write, wish.path, wish.text.encode(), instead=before)
            return f"Wrote {len(wish.text)} characters into {wish.folder}/{wish.path}."

        return deed, write

    def _shelf(self, name: str) -> Shelf:
        found = self._shelves.get(name)
        if found is None:
            raise Refused(f"no folder {name!r} is lent.")
        return found

    def _refused(self, call: Call, why: str, by: str) -> Answer:
        self._note(call, "refused", why, by)
        return Answer(id=call.id, outcome="refused", text=cut(why))

    def _note(self, call: Call, what: str, text: str, by: str = "") -> None:
        try:
            self._audit.add(call.id, what, wish=noted(call.wish), by=by, result=text)
        except OSError:
            return  # what was done was noted before; what's refused needs no note to stay undone


Do = Callable[[], Awaitable[str]]
TOO_MANY = "too many questions wait, or were answered with no just now; the person there isn't asked."


def looked(folder: Folder, wish: ListFolder | ReadFile | SearchFolder) -> str:
    """Return what's seen in a folder; raises ToolError. Blocks."""
    match wish:
        case ListFolder():
            lines = folder.entries(wish.path)
            return "\n".join(lines) or "There are no files that may be seen."
        case ReadFile():
            return _part(wish, folder.read(wish.path))
        case SearchFolder():
            return search(folder, wish.words)
        case _:
            assert_never(wish)


def noted(wish: Wish) -> str:
    """Return a wish as it's noted: a text by its hash."""
    if isinstance(wish, WriteFile):
        digest = sha256(wish.text.encode()).hexdigest()
        wish = msgspec.structs.replace(wish, text=f"sha256 {digest}, {len(wish.text)} characters")
    return msgspec.json.encode(wish).decode()


def cut(text: str) -> str:
    """Return a text that fits into an answer."""
    return text if len(text) <= RESULT else f"{text[:RESULT]}\n[cut: {len(text) - RESULT} more characters]"


def _part(wish: ReadFile, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ToolError(f"{wish.path} is no text ({len(data)} bytes).") from None
    parts = max(1, -(-len(text) // PART))
    if wish.part > parts:
        raise ToolError(f"{wish.path} has {parts} parts.")
    shown = text[(wish.part - 1) * PART : wish.part * PART]
    return shown if parts == 1 else f"{shown}\n[part {wish.part} of {parts}]"


def _looks(wish: ListFolder | ReadFile | SearchFolder) -> str:
    match wish:
        case ListFolder():
            return f"List {wish.folder}/{wish.path}"
        case ReadFile():
            return f"Read {wish.folder}/{wish.path}"
        case SearchFolder():
            return f"Search {wish.folder} for {wish.words!r}"
        case _:
            assert_never(wish)


def _deed(call: Call, kind: Literal["read", "write", "run"], title: str, *, always: str, body: str = "") -> Deed:
    asker = f"{call.agent or 'an agent'}, for {call.task or 'no task'}"
    return Deed(call=call.id, kind=kind, title=title, body=body, asker=asker, tainted=call.tainted, always=always)
