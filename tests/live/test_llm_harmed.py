"""The real small model when it's hurt: its process killed, stopped, starved, its file damaged or replaced."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from hub.errors import LLMTimeout, LLMUnavailable
from hub.llm.llamacpp import LlamaCpp
from hub.ports import Terms
from hub.records import TenantId
from tests.live.real import MODEL_SHA256, model_file
from tests.live.small import ASK, STORY, opened, serving, whole
from tests.unit.llm.counterpart import until

pytestmark = pytest.mark.live


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.llm.keeper.LOOK", 0.05)
    monkeypatch.setattr("hub.llm.keeper.GRACE", 0.3)


@pytest.mark.usefixtures("quick")
async def test_killed_it_fails_what_is_under_way_and_comes_back() -> None:
    async with serving(model_file()) as llm:
        answer = llm.chat(STORY, ASK, limit=500)
        await anext(answer)
        assert llm.pid
        os.kill(llm.pid, signal.SIGKILL)
        with pytest.raises(LLMUnavailable):
            async for _ in answer:
                pass

        async with asyncio.timeout(60):
            await llm.ready()
            assert (await whole(llm, STORY))[0]
        assert llm.info.restarts == 1


@pytest.mark.usefixtures("quick")
async def test_one_that_crashes_before_it_ever_served_comes_back_without_special_units(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(model_file()) as llm:
        for _ in range(2):
            before = llm.pid
            assert before
            os.kill(before, signal.SIGSEGV)
            await until(lambda before=before: llm.pid not in (None, before), 60)  # type: ignore[misc]
            await llm.ready()
            assert (await whole(llm, STORY))[0]

        told = [record.message for record in caplog.records if "special units" in record.message]
        assert len(told) == 1


@pytest.mark.usefixtures("quick")
async def test_hung_it_is_killed_after_a_deadline_and_comes_back() -> None:
    async with serving(model_file()) as llm:
        assert llm.pid
        os.kill(llm.pid, signal.SIGSTOP)
        with pytest.raises(LLMTimeout):
            await whole(llm, STORY, ask=Terms(tenant=TenantId("home"), deadline=0.3))

        await until(lambda: llm.info.restarts == 1)
        async with asyncio.timeout(60):
            await llm.ready()
            assert (await whole(llm, STORY))[0]


def damaged() -> Iterator[tuple[str, bytes, str]]:
    """Ways of being no model, and what's said of each."""
    data = model_file().read_bytes()
    yield "truncated", data[: len(data) // 2], "GGUF"
    yield "empty", b"", "GGUF"
    yield "html", b"<!DOCTYPE html><title>404</title>" * 100, "GGUF"
    noise = bytearray(data)
    half = len(noise) // 2
    noise[half:] = bytes(255 - byte for byte in noise[half:])
    yield "garbled", bytes(noise), "nonsense"
    dice, flipped = Random(1), bytearray(data)
    for at in dice.sample(range(half, len(data)), 2000):
        flipped[at] ^= 1 << dice.randrange(8)
    yield "flipped", bytes(flipped), "nonsense"


@pytest.mark.usefixtures("quick")
async def test_a_damaged_file_is_named_and_looked_at_again_when_mended(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    async with opened(path, sha256="") as llm:
        await until(lambda: llm.info.state == "broken")
        assert str(path) in llm.info.detail
        for name, data, said in damaged():
            (tmp_path / "new").write_bytes(data)
            (tmp_path / "new").replace(path)
            await until(lambda said=said: llm.info.state == "broken" and said in llm.info.detail, 60)  # type: ignore[misc]
            assert str(path) in llm.info.detail, name
            with pytest.raises(LLMUnavailable):
                await whole(llm, STORY)

        path.unlink()
        path.symlink_to(model_file())
        async with asyncio.timeout(120):
            await llm.ready()
            assert (await whole(llm, STORY))[0]


@pytest.mark.usefixtures("quick")
async def test_one_flipped_bit_is_found_by_the_hash(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    data = bytearray(model_file().read_bytes())
    data[-1000] ^= 1
    path.write_bytes(data)

    async with opened(path) as llm:
        await until(lambda: llm.info.state == "broken", 60)

        assert "SHA-256" in llm.info.detail


@pytest.mark.usefixtures("quick")
async def test_a_model_replaced_while_it_serves_is_loaded_anew(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.symlink_to(model_file())
    async with serving(path) as llm:
        before = llm.pid
        path.unlink()
        path.write_bytes(model_file().read_bytes())

        await until(lambda: llm.pid not in (None, before), 120)
        assert (await whole(llm, STORY))[0]


@pytest.mark.usefixtures("quick")
async def test_a_model_overwritten_while_it_serves_is_noticed_and_served_again_when_whole(
    tmp_path: Path,
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(model_file().read_bytes())
    async with serving(path) as llm:
        path.write_bytes(b"not a model any more" * 1000)
        await until(lambda: llm.info.state == "broken" and "SHA-256" in llm.info.detail, 60)
        with pytest.raises(LLMUnavailable):
            await whole(llm, STORY)

        path.write_bytes(model_file().read_bytes())
        async with asyncio.timeout(60):
            await llm.ready()
        assert (await whole(llm, STORY))[0]


@pytest.mark.usefixtures("quick")
async def test_one_that_gets_no_more_memory_comes_back_with_a_smaller_context(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(model_file()) as llm:
        assert llm.pid
        before = llm.info.context
        data = int(Path(f"/proc/{llm.pid}/status").read_text().split("VmData:")[1].split()[0]) * 1024
        resource.prlimit(llm.pid, resource.RLIMIT_DATA, (data + 1_000_000, data + 1_000_000))
        with pytest.raises(LLMUnavailable):
            await llm.fill(STORY, {"enum": [f"{'option' * 20} {n}" for n in range(20_000)]}, ASK)

        async with asyncio.timeout(60):
            await llm.ready()
        assert (await whole(llm, STORY))[0]
        assert llm.info.context == before // 2
    assert "it got no more memory" in caplog.text


async def test_a_limit_of_memory_makes_the_context_smaller() -> None:
    llm = LlamaCpp(model_file(), sha256=MODEL_SHA256, context=4096, threads=1, memory_mb=300)
    await llm.open()
    try:
        async with asyncio.timeout(60):
            await llm.ready()
        assert 512 <= llm.info.context < 4096
        assert (await whole(llm, STORY))[0]
        await asyncio.sleep(1.2)
        assert 0 < llm.info.memory_mb <= 300
        assert llm.info.restarts == 0
    finally:
        await llm.close()


async def test_a_limit_that_is_too_small_says_what_is_needed() -> None:
    llm = LlamaCpp(model_file(), threads=1, memory_mb=150)
    await llm.open()
    try:
        await until(lambda: llm.info.state == "broken", 60)
        assert "llm.memory_mb allows 150" in llm.info.detail
    finally:
        await llm.close()


async def test_it_dies_with_the_hub() -> None:
    code = (
        "import asyncio, sys, pathlib\n"
        "from hub.llm.llamacpp import LlamaCpp\n"
        "async def main():\n"
        "    llm = LlamaCpp(pathlib.Path(sys.argv[1]), threads=1)\n"
        "    await llm.open()\n"
        "    await llm.ready()\n"
        "    print(llm.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    hub = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(model_file()), stdout=asyncio.subprocess.PIPE
    )
    assert hub.stdout
    async with asyncio.timeout(120):
        worker = int(await hub.stdout.readline())

    hub.kill()
    await hub.wait()

    await until(lambda: not alive(worker))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
