"""A model file that's missing, cut off or damaged: said in words, messages are kept, and answered once it's mended."""

import os
import shutil
from pathlib import Path
from random import Random

import pytest

from tests.faults.length import some_of
from tests.faults.served import Served, eventually
from tests.live.real import MODEL_SHA256, model_file

pytestmark = pytest.mark.faults

CONFIG = """\
[llm]
model = "{path}"
sha256 = "{sha256}"
context = 1024
answer_tokens = 8
"""
WORDS = {
    "missing": "No such file",
    "cut off": "SHA-256",
    "damaged": "SHA-256",
    "empty": "SHA-256",
    "web page": "SHA-256",
    "nonsense": "talks nonsense",
}
"""What's said of each, in the status and in the log."""


@pytest.mark.live
@pytest.mark.parametrize("fault", some_of(["missing", "cut off", "damaged", "empty", "web page", "nonsense"]))
async def test_a_bad_model_file_is_told_and_mended_without_a_restart(tmp_path: Path, fault: str) -> None:
    good, path = model_file(), tmp_path / "model.gguf"
    spoil(good, path, fault)
    # Without the sum that it should have, only trying shows that a model talks nonsense.
    sha256 = "" if fault == "nonsense" else MODEL_SHA256
    async with Served(tmp_path, CONFIG.format(path=path, sha256=sha256)) as hub:

        async def told() -> bool:
            return (await hub.get("/v1/status"))["llm"]["state"] in {"absent", "broken"}

        await eventually(told, "the status doesn't say it")
        llm = (await hub.get("/v1/status"))["llm"]
        assert str(path) in llm["detail"] or path.name in llm["detail"]
        assert WORDS[fault] in llm["detail"]
        assert WORDS[fault] in hub.log
        print(f"\n{fault}: {llm['state']}: {llm['detail']}")

        message = await hub.said("Hello")
        assert message.status_code == 202
        id = message.json()["id"]

        async def said_in_the_chat() -> bool:
            items = (await hub.get("/v1/messages"))["items"]
            return any("kept your message" in item["text"] for item in items)

        await eventually(said_in_the_chat, "the person wasn't told")
        assert (await hub.get(f"/v1/messages/{id}"))["state"] == "routed"
        assert (await hub.http.get("/healthz")).status_code == 200

        mended = tmp_path / "mended.gguf"
        shutil.copyfile(good, mended)
        mended.replace(path)

        async def answered() -> bool:
            return str((await hub.get(f"/v1/messages/{id}"))["state"]) == "answered"

        await eventually(answered, f"not answered with a good file: {hub.log[-2000:]}", within=120)


@pytest.mark.live
async def test_a_model_replaced_while_the_hub_runs_is_told_and_nobody_loses_an_answer(tmp_path: Path) -> None:
    good, path = model_file(), tmp_path / "model.gguf"
    shutil.copyfile(good, path)
    async with Served(tmp_path, CONFIG.format(path=path, sha256=MODEL_SHA256)) as hub:
        assert (await hub.said("Hello", wait=120)).json()["state"] == "answered"
        spoil(good, tmp_path / "other.gguf", "damaged")
        (tmp_path / "other.gguf").replace(path)

        async def told() -> bool:
            llm = (await hub.get("/v1/status"))["llm"]
            return bool(llm["state"] == "broken" and "SHA-256" in llm["detail"])

        await eventually(told, "the status doesn't say it")
        assert "the file has changed" in hub.log
        id = (await hub.said("And how are you?")).json()["id"]
        shutil.copyfile(good, tmp_path / "mended.gguf")
        (tmp_path / "mended.gguf").replace(path)

        async def answered() -> bool:
            return str((await hub.get(f"/v1/messages/{id}"))["state"]) == "answered"

        await eventually(answered, f"not answered: {hub.log[-2000:]}", within=60)


def spoil(good: Path, path: Path, fault: str) -> None:
    """Put a bad file in the model's place."""
    if fault == "missing":
        return
    if fault in {"empty", "web page"}:
        path.write_bytes(b"<!DOCTYPE html><title>404 Not Found</title>" * (fault == "web page") * 100)
        return
    shutil.copyfile(good, path)
    size, dice = path.stat().st_size, Random(1)
    with path.open("r+b") as file:
        if fault == "cut off":
            file.truncate(size // 2)
        elif fault == "nonsense":
            for at in sorted(dice.sample(range(size // 2, size), 2000)):
                file.seek(at)
                file.write(dice.randbytes(1))
        else:
            file.seek(path.stat().st_size // 2)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("[limits]\nturns = 0\n", "limits.turns"),
        ("[hub]\nprot = 8080\n", "hub.prot"),
        ("[hub\n", "TOML"),
        ("\xff", ""),
        ('[llm]\nbackend = "remote"\n', "llm.url"),
    ],
)
async def test_a_hub_with_a_broken_config_says_what_and_doesnt_start(tmp_path: Path, config: str, words: str) -> None:
    hub = Served(tmp_path, config)
    (tmp_path / "config.toml").write_bytes(config.encode("latin-1"))

    assert await hub.refused() != 0
    assert words in hub.log
    assert "Traceback" not in hub.log
