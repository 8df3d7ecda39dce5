"""Reading aloud, writing down, painting: with the real espeak-ng where it's installed; without a library, in words."""

import os
import wave
from io import BytesIO
from pathlib import Path

import pytest

from hub.config import HearingConfig, ImagesConfig, SpeechConfig, ToolsConfig
from hub.errors import ToolError
from hub.ports import Tool, ToolCall
from hub.records import File
from hub.store.files import FileStore
from hub.tools.making import Order, make, missing
from hub.tools.media import Draw, Speak, Transcribe, lacking, media
from tests.unit.tools.calls import use

# Where CI is, .ci/run has installed it: there the tests fail without it.
needs_espeak = pytest.mark.skipif(
    bool(missing("espeak-ng")) and os.environ.get("CI") != "true", reason="espeak-ng isn't installed"
)


class Carrier:
    """Takes files, as Parcels promises."""

    def __init__(self, *received: File) -> None:
        self.sent: list[File] = []
        self._received = received

    async def send(self, call: ToolCall, file: File) -> None:
        self.sent.append(file)

    async def received(self, call: ToolCall) -> tuple[File, ...]:
        return self._received


@pytest.fixture
async def files(tmp_path: Path) -> FileStore:
    store = FileStore(tmp_path / "files")
    await store.open()
    return store


def all_tools(files: FileStore, carrier: Carrier) -> tuple[Tool, ...]:
    return (
        Speak(SpeechConfig(engine="espeak-ng"), carrier, files),
        Transcribe(HearingConfig(model="none.bin"), carrier, files),
        Draw(ImagesConfig(model="none.gguf"), carrier, files),
    )


@needs_espeak
async def test_a_text_is_read_aloud_and_sent(files: FileStore) -> None:
    carrier = Carrier()
    speak = Speak(SpeechConfig(engine="espeak-ng"), carrier, files)

    assert await use(speak, text="--help is what I said, and nothing else") == "The recording is sent."

    [sent] = carrier.sent
    with wave.open(BytesIO(await files.read(sent.sha256))) as sound:
        assert sound.getnframes() / sound.getframerate() > 1
    assert (sent.name, sent.media_type) == ("speech.wav", "audio/wav")


@needs_espeak
async def test_a_voice_that_is_not_there_is_told_in_words(files: FileStore) -> None:
    speak = Speak(SpeechConfig(engine="espeak-ng", voice="klingon-x"), Carrier(), files)

    with pytest.raises(ToolError, match="espeak-ng failed"):
        await use(speak, text="hello")


async def test_what_takes_too_long_is_stopped() -> None:
    with pytest.raises(ToolError, match=r"longer than 0\.01 seconds and was stopped"):
        await make(Order(maker="piper", model="none.onnx", text="hello"), None, 0.01)


@pytest.mark.parametrize("maker", ["piper", "whisper", "stable-diffusion"])
async def test_a_makers_crash_costs_one_call(maker: str) -> None:
    with pytest.raises(ToolError, match=f"{maker} failed: "):
        await make(Order(maker=maker, model="/nowhere/none.bin", text="hello"), b"no sound", 60)


async def test_only_recordings_of_the_task_are_listened_to(files: FileStore) -> None:
    photo = File(name="a.jpg", media_type="image/jpeg", size=1, sha256="0" * 64)
    memo = File(name="memo.ogg", media_type="audio/ogg", size=1, sha256="0" * 64)
    hear = Transcribe(HearingConfig(model="none.bin"), Carrier(photo, memo), files)

    with pytest.raises(ToolError, match=r"no recording 'a\.jpg' in this task\. Recordings here: memo\.ogg"):
        await use(hear, file="a.jpg")


def test_nothing_is_offered_unless_the_config_names_it(files: FileStore) -> None:
    assert media(ToolsConfig(), Carrier(), files) == ()
    assert lacking(ToolsConfig()) == ()


def test_what_cannot_work_is_not_offered_and_its_lack_is_told(files: FileStore, tmp_path: Path) -> None:
    config = ToolsConfig(
        speech=SpeechConfig(engine="piper", voice=str(tmp_path / "voice.onnx")),
        hearing=HearingConfig(model=str(tmp_path / "whisper.bin")),
        images=ImagesConfig(model=str(tmp_path / "paint.gguf")),
    )

    assert media(config, Carrier(), files) == ()
    told = "\n".join(lacking(config))
    assert "tools.speech.voice: no file" in told
    assert "tools.hearing.model: no file" in told
    assert "tools.images.model: no file" in told


def test_each_is_offered_for_its_examples_and_not_for_plain_talk(files: FileStore) -> None:
    for tool in all_tools(files, Carrier()):
        examples = tool.examples if isinstance(tool, Speak | Draw | Transcribe) else ()
        assert [example.text for example in examples if not tool.fits(example.text)] == []
        assert not tool.fits("Who wrote Hamlet?")
