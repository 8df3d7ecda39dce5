"""`agenthost local` as it's run: in a terminal, with real keys pressed; and how little it loads."""

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from hub.cli.local import command
from hub.errors import ConfigError
from hub.local.config import LocalConfig, LocalToml, lent, load
from hub.testing import ScriptedLLM
from tests.house.tree import ROOT
from tests.local.served import Served, a_hub

HEAVY = {
    "litestar",
    "sqlalchemy",
    "alembic",
    "aiogram",
    "slixmpp",
    "llama_cpp",
    "pydantic",
    "httpx",
    "uvicorn",
    "mcp",
    "psycopg",
    "boto3",
}


class Screen:
    """A terminal with a program in it."""

    def __init__(self, master: int) -> None:
        self._master = master
        self.shown = ""

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    async def shows(self, words: str, times: int = 1) -> None:
        """Wait until it shows something so many times."""
        async with asyncio.timeout(60):
            while len(re.findall(re.escape(words), plain(self.shown))) < times:
                with suppress(BlockingIOError, OSError):
                    self.shown += os.read(self._master, 1 << 16).decode(errors="replace")
                await asyncio.sleep(0.02)


def plain(text: str) -> str:
    return re.sub(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[@-Z\\-_])", "", text).replace("\r", "")


@asynccontextmanager
async def a_terminal(*arguments: str, cwd: Path) -> AsyncIterator[tuple[Screen, asyncio.subprocess.Process]]:
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", "local", *arguments, stdin=slave, stdout=slave, stderr=slave, cwd=cwd,
        env={**environ(), "HOME": str(cwd), "TERM": "xterm"},
        start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        yield Screen(master), process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        os.close(master)


def environ() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


def python(*arguments: str) -> str:
    """Run Python, and return what it prints."""
    run = subprocess.run(
        [sys.executable, *arguments], env=environ(), capture_output=True, text=True, check=True, timeout=60
    )
    return run.stdout


async def key_file(served: Served, folder: Path) -> Path:
    path = folder / "local.key"
    path.write_text(await served.key_for(), encoding="utf-8")
    path.chmod(0o600)
    return path


async def test_whats_in_my_notes_folder_asked_in_a_chat_and_approved_in_the_terminal(tmp_path: Path) -> None:
    """The whole of it: the program in a terminal, a question on the screen, y and Enter, and the answer in the chat."""
    llm = ScriptedLLM(
        "There's todo.md, of 4 bytes.",
        "I've not written it.",
        decisions=["computer_list", "none", "computer_write", "none"],
        fills=[{"folder": "notes"}, {"folder": "notes", "path": "todo.md", "text": "bread"}],
    )
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "todo.md").write_text("milk", encoding="utf-8")
    async with a_hub(llm) as served, served.client() as api:
        options = ("--hub", served.url, "--key-file", str(await key_file(served, tmp_path)), "--name", "laptop")
        async with a_terminal(*options, "--folder", f"notes={notes}", cwd=tmp_path) as (screen, process):
            await screen.shows("Connected as 'laptop'")
            asked = asyncio.create_task(api.messages.ask("Is there anything to do, by my notes folder?", task="new"))
            await screen.shows("List notes/")
            await screen.shows("Do it?")
            screen.press("y\r")
            said = await asked
            asked = asyncio.create_task(api.messages.ask("Write bread into todo.md in my notes folder", task="new"))
            await screen.shows("| bread")
            await screen.shows("Do it?", 2)
            screen.press("n\r")
            refused = await asked
            screen.press("\x03")
            if process.returncode is None:
                process.send_signal(2)
            await asyncio.wait_for(process.wait(), 20)

    assert said.answer == "There's todo.md, of 4 bytes."
    assert refused.answer.startswith("I've not written it.")
    assert (notes / "todo.md").read_text(encoding="utf-8") == "milk"
    notes_of_calls = tmp_path / ".local/share/agenthost/local.jsonl"
    audit = [json.loads(line) for line in notes_of_calls.read_text("utf-8").splitlines()]
    assert [line["what"] for line in audit] == ["begun", "asked", "approved", "done", "asked", "refused", "ended"]
    checked = python("-m", "hub", "local", "--check-audit", "--audit", str(notes_of_calls))
    assert "7 lines" in checked


async def test_without_a_terminal_only_what_was_let_is_done(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "todo.md").touch()
    async with a_hub(ScriptedLLM()) as served, served.client() as api:
        options = ("--hub", served.url, "--name", "laptop", "--yes-read", "--folder", f"notes={tmp_path / 'notes'}")
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub", "local", *options, stdin=quiet, stdout=quiet,
            env={**environ(), "HOME": str(tmp_path), "AGENTHOST_KEY": served.key},
        )  # fmt: skip
        try:
            await served.lent("laptop")
            read = await api.packages.call_tool("computer_list", {"folder": "notes"})
            written = await api.packages.call_tool("computer_write", {"folder": "notes", "path": "a.txt", "text": "b"})
        finally:
            process.terminate()
            await process.wait()

    assert (read.result, read.failed) == ("todo.md (0 bytes)", False)
    assert written.failed
    assert not (tmp_path / "notes" / "a.txt").exists()


def test_it_loads_no_server_no_database_no_model_and_stays_small() -> None:
    program = (
        "import sys, re; import hub.cli.local, hub.local.running, hub.local.terminal;"
        "print(sorted({name.split('.')[0] for name in sys.modules}), "
        "re.search(r'VmRSS:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    names, _, kilobytes = python("-c", program).strip().rpartition(" ")

    assert not set(eval(names)) & HEAVY
    assert int(kilobytes) < 64_000


def wish(
    *folders: str, commands: tuple[str, ...] = (), toml: LocalToml | None = None, key: str = "ah_key"
) -> LocalConfig:
    return lent(
        toml or LocalToml(),
        hub=None,
        key=key,
        name=None,
        folders=folders,
        commands=commands,
        audit=Path("notes.jsonl"),
        yes_read=False,
    )


def test_options_and_file_say_what_is_lent(tmp_path: Path) -> None:
    (tmp_path / "local.toml").write_text(
        f'hub = "https://hub.example.org"\nname = "tower"\nyes_read = true\n\n[folders.notes]\npath = "{tmp_path}"\n\n'
        '[commands.log]\nrun = "echo {count:int} {what}"\nfolder = "notes"\n',
        encoding="utf-8",
    )
    config = wish(
        f"papers={tmp_path}", f"drafts={tmp_path}:ro", commands=("hi=echo hi",), toml=load(tmp_path / "local.toml")
    )

    assert (config.hub, config.name, config.yes_read) == ("https://hub.example.org", "tower", True)
    assert {name: each.write for name, each in config.folders.items()} == {
        "notes": False,
        "papers": True,
        "drafts": False,
    }
    assert config.commands["log"].takes == ("count", "what")
    assert config.commands["log"].folder == tmp_path
    assert str(tmp_path) not in str(config.hello())


@pytest.mark.parametrize(
    ("folders", "commands", "word"),
    [
        ((), (), "nothing is lent"),
        (("notes",), (), "NAME=PATH"),
        (("no tes=/tmp",), (), "a name has letters"),
        (("notes=/nowhere",), (), "there's no folder"),
        (("a=/tmp",), ("a=echo",), "used twice"),
        ((), ("x=nosuchprogram",), "there's no program"),
        ((), ("x=echo 'a",), "can't be read"),
        ((), ("x=echo a{b}",), "whole word"),
        ((), ("x={a}",), "not the first"),
        ((), ("x",), "NAME='git status'"),
        ((), ("x@nowhere=echo",), "neither lent nor"),
    ],
)
def test_what_cannot_be_lent_is_told_with_the_way_out(
    folders: tuple[str, ...], commands: tuple[str, ...], word: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(word)):
        wish(*folders, commands=commands)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("ah_key", encoding="utf-8")
    (tmp_path / "key").chmod(0o644)
    done = CliRunner().invoke(command, ["--key-file", str(tmp_path / "key"), "--folder", f"notes={tmp_path}"])

    assert done.exit_code == 2
    assert "chmod 600" in done.output
    with pytest.raises(ConfigError, match="no key"):
        wish(f"notes={tmp_path}", key="")


def test_the_whole_computer_is_not_lent(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        command, ["--folder", "all=/", "--audit", str(tmp_path / "a.jsonl")], env={"AGENTHOST_KEY": "ah_key"}
    )

    assert done.exit_code == 2
    assert "the whole computer isn't lent" in done.output
