"""A model is fetched from a Hub: resumed, checked, whole or not there at all, and the token goes to nobody else."""

import asyncio
import logging
import random
import shutil
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from hub.errors import PullError
from hub.weights import shelf
from hub.weights.names import Repo
from hub.weights.pulling import Progress, Pull
from tests.unit.weights.counterpart import Hub

DATA = random.Random(1).randbytes(300_000)
MODEL = "model-Q4_K_M.gguf"
TOKEN = "hf_very_secret"


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with Hub() as hub:
        hub.files = {MODEL: DATA, "model-Q8_0.gguf": DATA * 2, "mmproj-model-F16.gguf": b"eyes"}
        hub.hashes = {name: sha256(data).hexdigest() for name, data in hub.files.items()}
        yield hub


def pull(hub: Hub, folder: Path, file: str = MODEL, **environ: str) -> Pull:
    return Pull(Repo(hub.repo, file), folder, {"HF_ENDPOINT": hub.url, **environ}, pause=0.001, memory=1 << 40)


async def run(pull: Pull) -> tuple[shelf.Pulled, list[Progress]]:
    seen: list[Progress] = []
    return await pull.run(seen.append), seen


def models_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*.gguf")]


async def test_a_model_is_fetched_and_known_by_its_sha256(hub: Hub, tmp_path: Path) -> None:
    found, seen = await run(pull(hub, tmp_path))

    assert Path(found.path).read_bytes() == DATA
    assert found.sha256 == shelf.sha256(Path(found.path)) == hub.hashes[MODEL]
    assert (seen[0].done, seen[-1].done, seen[-1].size) == (0, len(DATA), len(DATA))
    assert shelf.find(tmp_path, Repo(hub.repo)) == found


async def test_what_is_here_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    first, _ = await run(pull(hub, tmp_path))
    asked = len(hub.asked)

    assert (await run(pull(hub, tmp_path)))[0] == first
    assert len(hub.asked) == asked


async def test_a_connection_that_breaks_is_followed_by_another_from_there(hub: Hub, tmp_path: Path) -> None:
    hub.cut = [100_000, 150_000]

    found, _ = await run(pull(hub, tmp_path))

    assert Path(found.path).read_bytes() == DATA
    assert hub.begun == ["", "bytes=100000-", "bytes=250000-"]


async def test_a_download_that_was_given_up_goes_on_later_and_is_no_model_meanwhile(hub: Hub, tmp_path: Path) -> None:
    hub.cut = [100_000, 0, 0, 0, 0, 0]
    with pytest.raises(PullError, match="broke off"):
        await run(pull(hub, tmp_path))
    assert models_in(tmp_path) == []
    assert shelf.find(tmp_path, Repo(hub.repo)) is None
    hub.cut, hub.begun = [], []

    found, _ = await run(pull(hub, tmp_path))

    assert hub.begun == ["bytes=100000-"]
    assert Path(found.path).read_bytes() == DATA
    assert list(tmp_path.rglob("*.part")) == []


async def test_a_cancelled_download_goes_on_later(hub: Hub, tmp_path: Path) -> None:
    begun = asyncio.Event()
    work = asyncio.ensure_future(pull(hub, tmp_path).run(lambda progress: begun.set() if progress.done else None))
    await begun.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert models_in(tmp_path) == []

    assert Path((await run(pull(hub, tmp_path)))[0].path).read_bytes() == DATA


async def test_a_server_that_cannot_begin_in_the_middle_begins_again(hub: Hub, tmp_path: Path) -> None:
    hub.cut, hub.ranges = [100_000], False

    assert Path((await run(pull(hub, tmp_path)))[0].path).read_bytes() == DATA


async def test_a_wrong_hash_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    hub.hashes[MODEL] = "0" * 64

    with pytest.raises(PullError, match="not 0000000000000000…: damaged on the way"):
        await run(pull(hub, tmp_path))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_a_file_longer_than_announced_is_refused(hub: Hub, tmp_path: Path) -> None:
    class Long(Hub):
        def _listing(self) -> object:
            return {"siblings": [{"rfilename": MODEL, "lfs": {"sha256": self.hashes[MODEL], "size": 1000}}]}

    async with Long() as long:
        long.files, long.hashes = hub.files, hub.hashes
        with pytest.raises(PullError, match="longer than the 1000 bytes"):
            await run(pull(long, tmp_path))


async def test_a_repository_that_is_not_there_is_told(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(PullError, match=r"there's no some/other at http://127\.0\.0\.1.*mend the name"):
        await run(Pull(Repo("some/other"), tmp_path, {"HF_ENDPOINT": hub.url}))


async def test_a_file_that_is_not_there_is_told_with_those_that_are(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(PullError, match=f"has no nope.gguf; it has: {MODEL}, model-Q8_0.gguf$"):
        await run(pull(hub, tmp_path, "nope.gguf"))


async def test_a_gated_repository_says_what_to_do(hub: Hub, tmp_path: Path) -> None:
    hub.gated = TOKEN

    with pytest.raises(PullError, match=r"set HF_TOKEN to a token that may read it.*accept its terms at http"):
        await run(pull(hub, tmp_path))
    with pytest.raises(PullError, match="the token in HF_TOKEN may not read it"):
        await run(pull(hub, tmp_path, HF_TOKEN="another"))


async def test_the_token_opens_it_and_reaches_neither_the_files_host_nor_a_log(
    hub: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hub.gated, hub.cut = TOKEN, [1000]

    await run(pull(hub, tmp_path, HF_TOKEN=TOKEN))

    assert {host: key for host, _, key in hub.asked} == {"127.0.0.1": f"Bearer {TOKEN}", "127.0.0.2": ""}
    assert TOKEN not in caplog.text


async def test_without_a_name_the_file_is_chosen_and_the_reason_told(hub: Hub, tmp_path: Path) -> None:
    found, seen = await run(pull(hub, tmp_path, ""))

    assert Path(found.path).name == "model-Q8_0.gguf"
    assert seen[0].why == "8 bits a weight, for it's small"


async def test_a_full_disk_is_told_before_anything_is_fetched(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("hub.weights.pulling.shutil.disk_usage", lambda _: usage._replace(free=1_000_000))

    with pytest.raises(PullError, match=r"0\.0 GB free, and 0\.3 GB are needed; make room"):
        await run(pull(hub, tmp_path))
    assert hub.begun == []


async def test_two_at_once_do_not_write_over_each_other(hub: Hub, tmp_path: Path) -> None:
    results = await asyncio.gather(run(pull(hub, tmp_path)), run(pull(hub, tmp_path)), return_exceptions=True)

    refused = [result for result in results if isinstance(result, PullError)]
    assert len(refused) == 1
    assert "already by another process" in str(refused[0])
    assert Path((await run(pull(hub, tmp_path)))[0].path).read_bytes() == DATA


async def test_a_hub_that_is_not_there_may_come_later(tmp_path: Path) -> None:
    with pytest.raises(PullError, match=r"127\.0\.0\.1:9 can't be reached") as caught:
        await Pull(Repo("some/model"), tmp_path, {"HF_ENDPOINT": "http://127.0.0.1:9"}).run(lambda _: None)
    assert caught.value.passes
