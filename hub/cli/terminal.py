"""The chat in a terminal: an input line with history and completion, and answers streaming above it."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app_or_none
from prompt_toolkit.formatted_text import HTML, AnyFormattedText, merge_formatted_text
from prompt_toolkit.history import FileHistory, History
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console

from hub.cli.client import Away, Client, Trouble
from hub.cli.complete import Commands
from hub.cli.post import Post
from hub.cli.screen import live, render
from hub.cli.talk import Failure, Shown, Talk, You
from hub.cli.wire import Listing, Said, Task, TaskTag

PAUSES = (0.5, 1.0, 2.0, 3.0)
REMEMBERED = 10
"""Messages of the chat so far that are shown at the start."""


class Terminal:
    """One chat in one terminal."""

    def __init__(
        self,
        hub: Client,
        talk: Talk,
        history: History,
        *,
        console: Console,
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self._hub = hub
        self._talk = talk
        self._console = console
        self._post = Post(hub, talk, lambda text: self._show(Failure(text)))
        self.connected = False
        """Whether the hub answers."""
        self._tick = 0
        self._stop = asyncio.Event()
        self._session: PromptSession[str] = PromptSession(
            self._prompt,
            history=history,
            completer=Commands(lambda: talk.open_tasks),
            complete_while_typing=True,
            key_bindings=self._keys(),
            bottom_toolbar=self._toolbar,
            erase_when_done=True,
            input=input,
            output=output,
        )

    async def run(self) -> None:
        """Talk until the person leaves. Raises Trouble if the hub refuses us."""
        try:
            with patch_stdout(raw=True):
                async with asyncio.TaskGroup() as group:
                    others = [
                        group.create_task(work()) for work in (self._follow, self._post.run, self._stopper, self._spin)
                    ]
                    await self._read()
                    for other in others:
                        other.cancel()
        except* Trouble as troubles:
            trouble = troubles.exceptions[0]
        else:
            return
        raise trouble

    async def _read(self) -> None:
        while True:
            try:
                text = (await self._session.prompt_async()).strip()
            except EOFError:
                return
            if text in ("/quit", "/exit"):
                return
            if text:
                self._show(You(text))
                self._post.put(text)

    async def _stopper(self) -> None:
        while True:
            await self._stop.wait()
            self._stop.clear()
            try:
                await self._hub.post("/v1/chat/stop", {"chat": self._talk.chat}, type(None))
            except Trouble as error:
                self._show(Failure(error.message))

    async def _spin(self) -> None:
        while True:
            await asyncio.sleep(0.1 if self._talk.busy else 0.3)
            if self._talk.busy:
                self._tick += 1
                self._redraw()

    # --- what happens

    async def _follow(self) -> None:
        """Show what happens, and reconnect when the hub comes back; events missed meanwhile are told then."""
        failures = 0
        while True:
            try:
                async for event in self._hub.events(self._talk.after):
                    failures = 0
                    if event.kind == "hello" and not self._talk.after:
                        await self._recall()
                    self.connected = True
                    if event.kind == "message":
                        await self._post.settled()
                    self._show(*self._talk.take(event))
                    self._redraw()
            except Away:
                pass
            self.connected = False
            self._talk.writing.clear()
            self._redraw()
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
            failures += 1

    async def _recall(self) -> None:
        """Show where the conversation stood."""
        for task in (await self._hub.get("/v1/tasks", Listing[Task])).items:
            self._talk.tasks[task.id] = TaskTag(id=task.id, number=task.number, title=task.title, state=task.state)
        page = await self._hub.get("/v1/messages", Listing[Said], {"chat": self._talk.chat})
        for said in page.items[-REMEMBERED:]:
            self._show(*self._talk.recall(said))

    # --- what's seen

    def _show(self, *things: Shown) -> None:
        for thing in things:
            self._console.print(render(thing))

    def _redraw(self) -> None:
        self._session.app.invalidate()

    def _prompt(self) -> AnyFormattedText:
        app = get_app_or_none()
        prompt = HTML("<ansicyan><b>&gt; </b></ansicyan>")
        if app is None or app.is_done or not self._talk.busy:
            return prompt
        size = app.output.get_size()
        return merge_formatted_text([live(self._talk, size.columns, size.rows, self._tick), prompt])

    def _toolbar(self) -> AnyFormattedText:
        if not self.connected:
            left = f", {self._post.waiting} to send" if self._post.waiting else ""
            return HTML(f"<ansired>no hub there{left}: trying again</ansired>   Ctrl-D leaves")
        count = len(self._talk.open_tasks)
        tasks = f"{count} open {'task' if count == 1 else 'tasks'}" if count else "nothing open"
        return f"{tasks}   / commands   {'Ctrl-C stops' if self._talk.busy else 'Alt-Enter new line'}   Ctrl-D leaves"

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("c-c")
        def stop(event: KeyPressEvent) -> None:
            """Stop what's running; with nothing running, clear the line."""
            if self._talk.busy:
                self._stop.set()
            else:
                event.current_buffer.reset()

        @keys.add("escape", "enter")
        def newline(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text("\n")

        return keys


def history_file(environ: Callable[[str], str | None] = os.environ.get) -> FileHistory:
    """Return the lines typed so far, kept for this user alone."""
    state = environ("XDG_STATE_HOME") or str(Path(environ("HOME") or "~").expanduser() / ".local" / "state")
    path = Path(state) / "agenthost" / "chat-history"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND, 0o600))
    return FileHistory(path)
