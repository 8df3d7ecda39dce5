"""The chat in a terminal: keys go in through a pipe, what's shown is read from its screen."""

import asyncio
import stat
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path

import pytest
from msgspec.structs import replace
from prompt_toolkit.data_structures import Size
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output
from rich.console import Console

from hub.cli.client import Client, Refused
from hub.cli.talk import Talk
from hub.cli.terminal import Terminal, history_file
from hub.config import Secret
from tests.unit.cli.conftest import Running

CTRL_C, CTRL_D = "\x03", "\x04"


class Seen:
    """A chat at work, its keyboard and its screen."""

    terminal: Terminal
    running: asyncio.Task[None]

    def __init__(self, pipe: PipeInput, talk: Talk) -> None:
        self.talk = talk
        self._pipe = pipe
        self.printed = StringIO()
        """What was shown for good."""
        self.live = StringIO()
        """All that was drawn around the input line."""

    def type(self, text: str) -> None:
        self._pipe.send_text(text)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not true():
                await asyncio.sleep(0.01)

    async def shows(self, text: str) -> None:
        await self.until(lambda: text in self.printed.getvalue())


@asynccontextmanager
async def chat(hub: Running, key: str | None = None) -> AsyncGenerator[Seen, None]:
    place = hub.place if key is None else replace(hub.place, key=Secret(key))
    with create_pipe_input() as pipe:
        seen = Seen(pipe, Talk("main"))
        output = Vt100_Output(seen.live, lambda: Size(rows=30, columns=80), term="xterm")
        async with Client(place) as client:
            terminal = Terminal(
                client,
                seen.talk,
                InMemoryHistory(),
                console=Console(file=seen.printed, width=80),
                input=pipe,
                output=output,
            )
            seen.terminal = terminal
            seen.running = asyncio.create_task(terminal.run())
            try:
                yield seen
            finally:
                seen.type(CTRL_D)
                async with asyncio.timeout(10):
                    await seen.running


async def test_what_is_typed_is_answered_under_its_task(hub: Running) -> None:
    async with chat(hub) as seen:
        seen.type("hello\r")
        await seen.shows("You said: hello")

        assert "> hello" in seen.printed.getvalue()
        assert "#1 hello" in seen.printed.getvalue()


async def test_an_answer_streams_over_the_input_line(slow_hub: Running) -> None:
    async with chat(slow_hub) as seen:
        seen.type("hello\r")
        # Only what changed is drawn, so the words may come one by one.
        await seen.until(lambda: "think" in seen.live.getvalue())

        assert "think" not in seen.printed.getvalue()


async def test_ctrl_c_stops_what_is_being_answered_and_keeps_what_was_written(slow_hub: Running) -> None:
    async with chat(slow_hub) as seen:
        seen.type("hello\r")
        await seen.until(lambda: any("think" in writing.text for writing in seen.talk.writing.values()))
        seen.type(CTRL_C)
        await seen.shows("Stopped.")
        await seen.shows("Let me think")

        assert not seen.talk.busy
        assert slow_hub.llm.cancelled == 1


async def test_ctrl_c_with_nothing_running_clears_the_line(hub: Running) -> None:
    async with chat(hub) as seen:
        await seen.until(lambda: bool(seen.talk.after))
        seen.type("a typo" + CTRL_C + "hello\r")
        await seen.shows("You said: hello")

        assert "typo" not in seen.printed.getvalue()
        assert len(hub.llm.prompts) == 1


async def test_a_number_answers_a_question(asking_hub: Running) -> None:
    async with chat(asking_hub) as seen:
        seen.type("hello\r")
        await seen.shows("You said: hello")
        seen.type("and this?\r")
        await seen.shows("2  A new task")
        seen.type("2\r")
        await seen.shows("You said: and this?")

        assert "#2 and this?" in seen.printed.getvalue()
        assert len(asking_hub.llm.prompts) == 2


async def test_a_hub_that_comes_back_is_waited_for_and_nothing_is_lost_or_doubled(hub: Running) -> None:
    async with chat(hub) as seen:
        seen.type("one\r")
        await seen.shows("You said: one")
        await asyncio.to_thread(hub.stop)
        seen.type("two\r")
        await seen.until(lambda: not seen.terminal.connected)
        await asyncio.to_thread(hub.start)
        await seen.shows("You said: two")

        assert seen.printed.getvalue().count("You said: one") == 1
        assert len(hub.llm.prompts) == 2


async def test_the_conversation_so_far_is_shown_at_the_start(hub: Running) -> None:
    async with chat(hub) as seen:
        seen.type("hello\r")
        await seen.shows("You said: hello")
    async with chat(hub) as seen:
        await seen.shows("You said: hello")

        assert "> hello" in seen.printed.getvalue()


async def test_what_is_said_elsewhere_appears_here(hub: Running) -> None:
    async with chat(hub) as seen, Client(hub.place) as web:
        await seen.until(lambda: bool(seen.talk.after))
        await web.post("/v1/messages", {"text": "from the web page"}, type(None))
        await seen.shows("You said: from the web page")

        assert seen.printed.getvalue().count("> from the web page") == 1


async def test_what_the_hub_refuses_is_told_and_the_chat_goes_on(hub: Running) -> None:
    async with chat(hub, key=hub.key_with("messages:read", "tasks:read")) as seen:
        seen.type("hello\r")
        await seen.shows("messages:write")
        seen.type("hello again\r")
        await seen.shows("> hello again")


async def test_a_key_that_is_not_accepted_ends_the_chat(hub: Running) -> None:
    with pytest.raises(Refused, match="is it this hub's"):
        async with chat(hub, key="ah_wrong") as seen:
            await seen.until(seen.running.done)


def test_the_lines_typed_are_kept_for_this_user_alone(tmp_path: Path) -> None:
    history = history_file({"XDG_STATE_HOME": str(tmp_path)}.get)
    history.append_string("hello")
    path = tmp_path / "agenthost" / "chat-history"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(history.load_history_strings()) == ["hello"]
