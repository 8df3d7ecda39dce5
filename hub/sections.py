"""Sections of the config file that say what's there: where the hub listens, its models, tools with their own models."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Port = Annotated[int, Meta(ge=0, le=65535)]
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]
Price = Annotated[float, Meta(ge=0)]


class Secret(str):
    """A value that never shows itself in a log or a traceback."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(...)"


class HubConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[hub]: where it listens and keeps its data."""

    data: str = "data"
    host: str = "127.0.0.1"
    port: Port = 8080
    url: str = ""
    """How people reach it from outside, if not at http://host:port."""
    name: str = ""
    """What it's called among several hubs on one database; empty: its machine's name and its port."""
    timezone: str = "UTC"
    log: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class WakerSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[waker]: who starts and stops this hub, and hears for it while it sleeps; empty: nobody."""

    token: str = ""
    """What both sign by; the waker has the same for this hub."""
    token_file: str = ""


class StoreConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[store]: the database; empty means SQLite in the data folder."""

    url: str = ""
    password: str = ""
    """PostgreSQL's, if it isn't in the URL."""
    password_file: str = ""
    keep_events_days: Positive = 30
    keep_messages_days: Annotated[int, Meta(ge=0)] = 0
    """So long after their end tasks are kept with all that belongs to them; 0: for ever."""
    keep_corrections: bool = True
    """Tasks with a message that its person moved are kept: the router is measured by them."""
    keep_audit_days: Annotated[int, Meta(ge=0)] = 0
    """So long it's known what was done by whom; 0: for ever."""
    keep_entries_days: Positive = 7
    """So long it's known how a message came through the queues."""
    keep_deliveries_days: Annotated[int, Meta(ge=4)] = 14
    """So long it's kept what went to webhooks, and what was given up can be sent again."""


class AlertsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[alerts]: what the operator wants to know."""

    tell_owner: bool = False
    """In their own chat, each thing once."""
    waiting_minutes: Seconds = 5.0
    """A message that waits longer is told of."""
    backup_days: Annotated[int, Meta(ge=0)] = 7
    """An older last backup is told of; 0: never."""
    slow_tokens_per_second: Price = 2.0
    """A model that writes slower is told of; 0: never."""


class HandoverConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[handover]: how people take chats over from agents; a tenant's own rules go first."""

    words: bool = True
    """Whether who says that they want a human gets one asked for, as by /human."""
    signed: bool = True
    """Whether people see which answers a human wrote, and that human's name."""
    first_minutes: Seconds = 15.0
    """Until an operator's first answer is late."""
    end_minutes: Seconds = 480.0
    """Until it's late that it isn't over."""
    asking_minutes: Annotated[float, Meta(ge=0)] = 0.0
    """A task that waits so long for its person, or is stuck, gets a human asked for; 0: none does."""


class TelemetryConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[telemetry]: where traces go."""

    otlp_url: str = ""
    """Of a collector that speaks OTLP over HTTP; empty: nowhere."""
    sample: Annotated[float, Meta(ge=0, le=1)] = 1.0
    """The part of all messages that's traced."""


class DecisionsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[llm.decisions]: a model of its own for router, supervisor and tool choice."""

    backend: Literal["", "llamacpp", "remote"] = ""
    """Empty: the embedded model where llama.cpp is installed, else the chat model."""
    model: str = ""
    url: str = ""
    key: str = ""
    key_file: str = ""
    sha256: str = ""
    threads: Annotated[int, Meta(ge=0)] = 0
    context: Positive = 4096
    memory_mb: Annotated[int, Meta(ge=0)] = 0
    price_in: Price = 0.0
    price_cached: Price | None = None
    price_out: Price = 0.0


class FallbackConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[llm.fallback]]: who answers when those before are down or refuse."""

    backend: Literal["llamacpp", "remote"] = "remote"
    model: str = ""
    url: str = ""
    key: str = ""
    key_file: str = ""
    sha256: str = ""
    threads: Annotated[int, Meta(ge=0)] = 0
    context: Positive = 4096
    memory_mb: Annotated[int, Meta(ge=0)] = 0
    mmproj: str = ""
    price_in: Price = 0.0
    price_cached: Price | None = None
    price_out: Price = 0.0


class LLMConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[llm]: who answers."""

    backend: Literal["llamacpp", "remote"] = "llamacpp"
    model: str = ""
    """A GGUF file's path, OWNER/REPO[:FILE] on the Hugging Face Hub, or the remote server's name for a model; empty is
    the embedded one."""
    sha256: str = ""
    url: str = ""
    key: str = ""
    key_file: str = ""
    threads: Annotated[int, Meta(ge=0)] = 0
    """0: measured at start."""
    context: Positive = 4096
    memory_mb: Annotated[int, Meta(ge=0)] = 0
    """What a local model's process may take, its file included; 0: what it needs."""
    mmproj: str = ""
    """The projector's file that lets a local model see images."""
    answer_tokens: Positive = 512
    timeout_seconds: Seconds = 300.0
    first_token_seconds: Seconds = 120.0
    """Of a remote server: longer silence before an answer, or in it, means that it's down."""
    between_tokens_seconds: Seconds = 60.0
    price_in: Price = 0.0
    """Of a million tokens of prompts."""
    price_cached: Price | None = None
    """Of a million tokens that the server still knew; None: they cost what others do."""
    price_out: Price = 0.0
    fallback: tuple[FallbackConfig, ...] = ()
    decisions: DecisionsConfig = DecisionsConfig()


class SpeechConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[tools.speech]: who reads texts aloud."""

    engine: Literal["", "espeak-ng", "piper"] = ""
    """Empty: nobody."""
    voice: str = ""
    """espeak-ng: a voice's name, as "de"; empty is English. piper: the path of a voice's .onnx file."""


class HearingConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[tools.hearing]: who writes down what's spoken."""

    model: str = ""
    """The path of a whisper model in ggml's format; empty: nobody."""


class ImagesConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[tools.images]: who paints."""

    model: str = ""
    """The path of a Stable Diffusion model, as .safetensors or .gguf; empty: nobody."""
    steps: Annotated[int, Meta(ge=1, le=100)] = 20
    size: Annotated[int, Meta(ge=64, le=2048, multiple_of=64)] = 512
    """Of each side, in pixels."""
    seconds: Seconds = 900.0
    """One image may take so long."""


class ToolsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[tools]: those that need a library and a model of their own."""

    speech: SpeechConfig = SpeechConfig()
    hearing: HearingConfig = HearingConfig()
    images: ImagesConfig = ImagesConfig()
