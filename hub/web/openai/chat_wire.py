"""/v1/chat/completions on the wire: what's asked, and what's answered."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from hub.web.openai.parts import Content

Count = Annotated[int, Meta(ge=1, le=2**31)]
Words = Annotated[str, Meta(max_length=512)]
Model = Annotated[str, Meta(min_length=1, max_length=128)]


class FunctionCall(Struct, frozen=True, kw_only=True):
    """Which function is called, and with what."""

    name: str
    arguments: str = ""
    """JSON."""


class ToolCall(Struct, frozen=True, kw_only=True):
    """A call that the program is to make."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class ChatMessage(Struct, frozen=True, kw_only=True):
    """One thing said in a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Content | None = None
    tool_calls: Annotated[list[ToolCall], Meta(max_length=128)] | None = None
    tool_call_id: Annotated[str, Meta(max_length=128)] | None = None


class Function(Struct, frozen=True, kw_only=True):
    """A function of the program."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Tool(Struct, frozen=True, kw_only=True):
    """A tool that the program itself runs."""

    type: Literal["function"]
    function: Function


class Named(Struct, frozen=True, kw_only=True):
    """A function's name."""

    name: str


class Choose(Struct, frozen=True, kw_only=True):
    """The function that's to be called."""

    type: Literal["function"]
    function: Named


class JsonSchema(Struct, frozen=True, kw_only=True):
    """What the answer has to fit."""

    name: str = ""
    schema: dict[str, Any] | None = None


class Format(Struct, frozen=True, kw_only=True):
    """How the answer is to look."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(Struct, frozen=True, kw_only=True):
    """What a stream tells besides."""

    include_usage: bool | None = None


class NewCompletion(Struct, frozen=True, kw_only=True):
    """A conversation that's to be gone on with. Fields that aren't named here are passed over."""

    model: Model
    """An agent, or agent@version."""
    messages: Annotated[list[ChatMessage], Meta(min_length=1, max_length=2_000)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: Annotated[list[Tool], Meta(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | Choose | None = None
    response_format: Format | None = None
    max_completion_tokens: Count | None = None
    max_tokens: Count | None = None
    stop: Words | Annotated[list[Words], Meta(max_length=4)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    n: int | None = None
    logprobs: bool | None = None
    modalities: list[str] | None = None
    user: Annotated[str, Meta(max_length=200)] | None = None
    """The end user who speaks, as your own software calls them; needs the scope people:write."""
    metadata: dict[str, str | int] | None = None
    """Your own notes; `task` is the id or number of the task that it belongs to."""


class PromptDetails(Struct, frozen=True, kw_only=True):
    """More about what was read."""

    cached_tokens: int = 0


class ChatUsage(Struct, frozen=True, kw_only=True):
    """What it took."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails = PromptDetails()


class Answer(Struct, frozen=True, kw_only=True):
    """What's answered."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = None
    tool_calls: list[ToolCall] | UnsetType = UNSET


Finish = Literal["stop", "length", "tool_calls"]


class AnswerChoice(Struct, frozen=True, kw_only=True):
    """The answer: there's one."""

    index: int = 0
    message: Answer
    finish_reason: Finish
    logprobs: None = None


class Completion(Struct, frozen=True, kw_only=True):
    """A conversation with its answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[AnswerChoice]
    usage: ChatUsage
    system_fingerprint: str
    metadata: dict[str, str]
    """`task`: where it stands on the board."""


class CallDelta(Struct, frozen=True, kw_only=True):
    """A call in a stream."""

    index: int
    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class Delta(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some more of an answer."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    tool_calls: list[CallDelta] = field(default_factory=list)


class DeltaChoice(Struct, frozen=True, kw_only=True):
    """Some more of the answer."""

    index: int = 0
    delta: Delta
    finish_reason: Finish | None = None
    logprobs: None = None


class Chunk(Struct, frozen=True, kw_only=True):
    """An event of a stream."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[DeltaChoice]
    usage: ChatUsage | UnsetType | None = UNSET
    system_fingerprint: str
    metadata: dict[str, str] | UnsetType = UNSET
