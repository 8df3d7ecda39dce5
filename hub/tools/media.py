"""Reading aloud, writing down what's spoken, painting: offered where the config names a library and a model."""

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from hub.config import HearingConfig, ImagesConfig, SpeechConfig, ToolsConfig
from hub.errors import ToolError
from hub.ports import Effect, Example, Files, Parcels, Tool, ToolCall
from hub.records import File
from hub.tools.making import Order, make, missing
from hub.tools.schema import arguments, convert, text

LONGEST = 4_000
"""Characters read aloud, or describing an image."""
SPEAKING, HEARING = 120.0, 600.0
"""Seconds."""
FILE = 50_000_000
"""Bytes of what's made, or listened to."""


class _Words(Struct, frozen=True, kw_only=True):
    text: str


class _Name(Struct, frozen=True, kw_only=True):
    file: str = ""


class Speak:
    """Reads a text aloud, into a file that's sent to the person."""

    name = "speak"
    description = "Read a text aloud and send the person the recording."
    schema: Mapping[str, object] = arguments({"text": text("The words to be spoken", LONGEST)})
    effect: Effect = "keyed"
    of_task = True
    examples = (
        Example("Say “good morning” aloud", {"text": "good morning"}),
        Example("Read this to me: the train leaves at nine", {"text": "the train leaves at nine"}),
    )
    others = ("What did she say?", "Can you speak German?")
    seconds = SPEAKING

    def __init__(self, config: SpeechConfig, parcels: Parcels, files: Files) -> None:
        self._config = config
        self._parcels = parcels
        self._files = files

    def fits(self, text: str) -> bool:
        """Say whether the message asks for a voice."""
        return bool(_ALOUD.search(text))

    async def call(self, call: ToolCall) -> str:
        """Send the recording; raises ToolError."""
        words = convert(call.arguments, _Words).text
        order = Order(maker=self._config.engine, model=_place(self._config.voice), text=words)
        data = await make(order, None, self.seconds)
        await _send(self._parcels, self._files, call, data, name="speech.wav", media_type="audio/wav")
        return "The recording is sent."


class Draw:
    """Paints an image, which is sent to the person."""

    name = "draw"
    description = "Paint an image from a description and send it to the person."
    schema: Mapping[str, object] = arguments({"text": text("What the image shows, in English", LONGEST)})
    effect: Effect = "keyed"
    of_task = True
    examples = (
        Example("Draw a red fox in the snow", {"text": "a red fox in the snow"}),
        Example("Make me a picture of a lighthouse at night", {"text": "a lighthouse at night"}),
    )
    others = ("What do you see in the picture?", "When is the next prize draw?")

    def __init__(self, config: ImagesConfig, parcels: Parcels, files: Files) -> None:
        self._config = config
        self._parcels = parcels
        self._files = files
        self.seconds = config.seconds

    def fits(self, text: str) -> bool:
        """Say whether the message asks for an image."""
        return bool(_IMAGE.search(text))

    async def call(self, call: ToolCall) -> str:
        """Send the image; raises ToolError."""
        words, config = convert(call.arguments, _Words).text, self._config
        order = Order(
            maker="stable-diffusion", model=_place(config.model), text=words, steps=config.steps, size=config.size
        )
        data = await make(order, None, self.seconds)
        await _send(self._parcels, self._files, call, data, name="image.png", media_type="image/png")
        return f"The image is sent. It shows: {words}"


class Transcribe:
    """Writes down what's spoken in a file that the person sent."""

    name = "transcribe"
    description = "Write down what is spoken in a recording that the person sent."
    schema: Mapping[str, object] = arguments({}, {"file": text("The file's name; empty for the newest one", 200)})
    effect: Effect = "none"
    of_task = True
    examples = (
        Example("Write down what I say in this recording", {}),
        Example("Transcribe interview.ogg", {"file": "interview.ogg"}),
    )
    others = ("Write down that I like tea", "What's on the record?")
    seconds = HEARING
    outside = True

    def __init__(self, config: HearingConfig, parcels: Parcels, files: Files) -> None:
        self._config = config
        self._parcels = parcels
        self._files = files

    def fits(self, text: str) -> bool:
        """Say whether the message is about a recording, or is one."""
        return bool(_RECORDING.search(text))

    async def call(self, call: ToolCall) -> str:
        """Return the words; raises ToolError."""
        name = convert(call.arguments, _Name).file
        heard = [
            file for file in await self._parcels.received(call) if file.media_type.startswith(("audio/", "video/"))
        ]
        file = next((file for file in heard if name in ("", file.name)), None)
        if file is None:
            names = ", ".join(file.name for file in heard) or "none"
            raise ToolError(f"There's no recording {name!r} in this task. Recordings here: {names}.")
        if file.size > FILE:
            raise ToolError(f"{file.name} is too long to be listened to: {file.size // 1_000_000} MB.")
        order = Order(maker="whisper", model=_place(self._config.model))
        words = (await make(order, await self._files.read(file.sha256), self.seconds)).decode("utf-8", "replace")
        return words.strip() or f"Nothing is spoken in {file.name}."


def media(config: ToolsConfig, parcels: Parcels, files: Files) -> tuple[Tool, ...]:
    """Return the tools that the config names a library and a model for, and that can work."""
    return tuple(tool for tool, faults in _asked_for(config, parcels, files) if not faults)


def lacking(config: ToolsConfig) -> tuple[str, ...]:
    """Return what keeps tools that the config asks for from working, each with its key and the way out."""
    found = []
    if config.speech.engine:
        found += _faults("tools.speech", config.speech.engine, "voice", config.speech.voice)
    if config.hearing.model:
        found += _faults("tools.hearing", "whisper", "model", config.hearing.model)
    if config.images.model:
        found += _faults("tools.images", "stable-diffusion", "model", config.images.model)
    return tuple(found)


def _asked_for(config: ToolsConfig, parcels: Parcels, files: Files) -> list[tuple[Tool, list[str]]]:
    asked: list[tuple[Tool, list[str]]] = []
    if engine := config.speech.engine:
        faults = _faults("tools.speech", engine, "voice", config.speech.voice)
        asked.append((Speak(config.speech, parcels, files), faults))
    if config.hearing.model:
        faults = _faults("tools.hearing", "whisper", "model", config.hearing.model)
        asked.append((Transcribe(config.hearing, parcels, files), faults))
    if config.images.model:
        faults = _faults("tools.images", "stable-diffusion", "model", config.images.model)
        asked.append((Draw(config.images, parcels, files), faults))
    return asked


def _faults(section: str, maker: str, key: str, path: str) -> list[str]:
    faults = [f"{section}: {lack}"] if (lack := missing(maker)) else []
    if maker != "espeak-ng" and not Path(_place(path)).is_file():
        faults.append(f"{section}.{key}: no file {path!r}; give the path of the model")
    return faults


def _place(path: str) -> str:
    return str(Path(path).expanduser()) if "/" in path or path.startswith("~") else path


async def _send(parcels: Parcels, files: Files, call: ToolCall, data: bytes, *, name: str, media_type: str) -> None:
    sha256, size = await files.put(data, limit=FILE)
    await parcels.send(call, File(name=name, media_type=media_type, size=size, sha256=sha256))


_ALOUD = re.compile(
    r"\b(?:aloud|out loud|voice message|read (?:it|this|that)\b.*\bto me|speak (?:it|this|that))", re.IGNORECASE
)
_IMAGE = re.compile(
    r"\b(?:draw|paint|sketch|illustrate|(?:make|create|generate|want|need) (?:me )?(?:an? |another )?(?:\w+ )?"
    r"(?:image|picture|painting|drawing|illustration|logo))\b",
    re.IGNORECASE,
)
_RECORDING = re.compile(
    r"\b(?:transcri\w+|recording|voice (?:message|note)|dictat\w+)|\.(?:ogg|oga|mp3|wav|m4a|opus|flac)\b", re.IGNORECASE
)
