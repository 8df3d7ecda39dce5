"""A hub as a process: whatever the waker dies of, and whenever, the next one knows of what runs."""

import asyncio
import sys
from pathlib import Path

import pytest

from hub.waker.providers import ProviderFault
from hub.waker.providers.process import ProcessProvider
from tests.faults.harness import ROOT

DIES = """
import asyncio, os, sys
from pathlib import Path
from hub.waker.providers.process import ProcessProvider

class Dying(ProcessProvider):
    def _write(self, pid):
        print(pid, flush=True)
        {noting}
        os._exit(9)

asyncio.run(Dying({command!r}, Path({note!r})).start())
"""


@pytest.mark.parametrize("noting", ["pass", "super()._write(pid)"])
async def test_a_waker_that_dies_as_it_starts_a_process_leaves_none_behind(tmp_path: Path, noting: str) -> None:
    note, ran = tmp_path / "note", tmp_path / "ran"
    program = DIES.format(noting=noting, command=("touch", str(ran)), note=str(note))
    died = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    told, errors = await died.communicate()
    assert died.returncode == 9, errors.decode()
    async with asyncio.timeout(10):
        while Path(f"/proc/{int(told)}/cmdline").exists() and Path(f"/proc/{int(told)}/cmdline").read_bytes():
            await asyncio.sleep(0.01)
        while (await ProcessProvider(("touch",), note).describe()).state != "stopped":
            await asyncio.sleep(0.01)
    assert not ran.exists(), "it never began"


async def test_what_is_started_has_its_own_words_and_is_found_by_the_next_waker(tmp_path: Path) -> None:
    note, said = tmp_path / "note", tmp_path / "said"
    words = ("$(id)", "a b", "*", "; exit 3", "")
    program = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(repr(sys.argv[2:]) + sys.stdin.read())"
    command = (sys.executable, "-c", f"{program}; time.sleep(60)", str(said), *words)
    ours, next_one = ProcessProvider(command, note), ProcessProvider(command, note)
    await ours.start()
    async with asyncio.timeout(20):
        while not said.exists() or not said.read_text():
            await asyncio.sleep(0.01)
    assert said.read_text() == repr(list(words))
    assert (await next_one.describe()).state == "running"
    await next_one.stop()
    async with asyncio.timeout(20):
        while (await ours.describe()).state != "stopped":
            await asyncio.sleep(0.01)
    assert (await ours.describe()).detail == "it was killed by SIGTERM"


async def test_a_program_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ProviderFault, match="/no/hub: can't be run"):
        await ProcessProvider(("/no/hub", "run"), tmp_path / "note").start()
