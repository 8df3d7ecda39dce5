"""/v1/responses on the wire: what's asked, and what's answered."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from hub.web.openai.chat_wire import Count, Model
from hub.web.openai.parts import Content

Id = Annotated[str, Meta(min_length=1, max_length=128)]


class InputItem(Struct, frozen=True, kw_only=True):
    """Something that came before, or that's new: said, called, or found by a call."""

    type: Literal["message", "function_call", "function_call_output", "reasoning", "item_reference"] = "message"
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: Content | None = None
    call_id: Annotated[str, Meta(max_length=128)] | None = None
    output: Content | None = None
    """What a call found."""


class FunctionTool(Struct, frozen=True, kw_only=True):
    """A tool that the program itself runs."""

    type: str
    """`function`; the agent's own tools are the agent's."""
    name: str = ""
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Choose(Struct, frozen=True, kw_only=True):
    """The function that's to be called."""

    type: Literal["function"]
    name: str


class Format(Struct, frozen=True, kw_only=True):
    """How the answer is to look."""

    type: Literal["text", "json_object", "json_schema"]
    schema: dict[str, Any] | None = None


class TextFormat(Struct, frozen=True, kw_only=True):
    """How the answer is to look."""

    format: Format | None = None


class NewResponse(Struct, frozen=True, kw_only=True):
    """Something to answer. Fields that aren't named here are passed over."""

    model: Model
    """An agent, or agent@version."""
    input: str | Annotated[list[InputItem], Meta(min_length=1, max_length=2_000)]
    instructions: str | None = None
    previous_response_id: Id | None = None
    """The response that this one follows, in the same task."""
    stream: bool | None = None
    background: bool | None = None
    """Don't wait: ask for the response later."""
    tools: Annotated[list[FunctionTool], Meta(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | Choose | None = None
    text: TextFormat | None = None
    max_output_tokens: Count | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    user: Annotated[str, Meta(max_length=200)] | None = None
    """The end user who speaks, as your own software calls them; needs the scope people:write."""
    metadata: dict[str, str | int] | None = None
    """Your own notes; `task` is the id or number of the task that it belongs to."""


Status = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]


class OutputText(Struct, frozen=True, kw_only=True, tag_field="type", tag="output_text"):
    """What's answered, in words."""

    text: str
    annotations: list[str] = field(default_factory=list)
    logprobs: list[str] = field(default_factory=list)


class OutputMessage(Struct, frozen=True, kw_only=True, tag_field="type", tag="message"):
    """What's answered."""

    id: str
    role: Literal["assistant"] = "assistant"
    status: Literal["in_progress", "completed", "incomplete"]
    content: list[OutputText]


class OutputCall(Struct, frozen=True, kw_only=True, tag_field="type", tag="function_call"):
    """A call that the program is to make."""

    id: str
    call_id: str
    name: str
    arguments: str
    status: Literal["in_progress", "completed"] = "completed"


Output = OutputMessage | OutputCall


class InputDetails(Struct, frozen=True, kw_only=True):
    """More about what was read."""

    cached_tokens: int = 0


class OutputDetails(Struct, frozen=True, kw_only=True):
    """More about what was written."""

    reasoning_tokens: int = 0


class ResponseUsage(Struct, frozen=True, kw_only=True):
    """What it took."""

    input_tokens: int
    input_tokens_details: InputDetails = InputDetails()
    output_tokens: int
    output_tokens_details: OutputDetails = OutputDetails()
    total_tokens: int


class ResponseError(Struct, frozen=True, kw_only=True):
    """Why nothing came of it."""

    code: str = "server_error"
    message: str


class Incomplete(Struct, frozen=True, kw_only=True):
    """Why it isn't whole."""

    reason: Literal["max_output_tokens"] = "max_output_tokens"


class ResponseView(Struct, frozen=True, kw_only=True):
    """A message of a person, with what's answered to it."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    completed_at: int | None = None
    status: Status
    background: bool
    error: ResponseError | None = None
    incomplete_details: Incomplete | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    metadata: dict[str, str]
    """Your own notes, and `task`: where it stands on the board."""
    model: str
    output: list[Output]
    parallel_tool_calls: bool = False
    previous_response_id: str | None = None
    store: bool = True
    temperature: float | None = None
    text: dict[str, Any]
    tool_choice: str | dict[str, str]
    tools: list[dict[str, Any]]
    top_p: float | None = None
    truncation: Literal["disabled"] = "disabled"
    usage: ResponseUsage | None = None


class Items(Struct, frozen=True, kw_only=True):
    """What was new in a request."""

    object: Literal["list"] = "list"
    data: list[dict[str, Any]]
    first_id: str | None
    last_id: str | None
    has_more: bool = False
