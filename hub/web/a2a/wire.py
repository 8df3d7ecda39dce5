"""A2A's records as JSON: only what we read of them, and what we write. What's unknown is let be."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct

from hub.records import TaskState

State = Literal[
    "TASK_STATE_UNSPECIFIED",
    "TASK_STATE_SUBMITTED",
    "TASK_STATE_WORKING",
    "TASK_STATE_INPUT_REQUIRED",
    "TASK_STATE_COMPLETED",
    "TASK_STATE_FAILED",
    "TASK_STATE_CANCELED",
    "TASK_STATE_REJECTED",
    "TASK_STATE_AUTH_REQUIRED",
]
STATES: dict[TaskState, State] = {
    "submitted": "TASK_STATE_SUBMITTED",
    "working": "TASK_STATE_WORKING",
    "input-required": "TASK_STATE_INPUT_REQUIRED",
    "completed": "TASK_STATE_COMPLETED",
    "failed": "TASK_STATE_FAILED",
    "canceled": "TASK_STATE_CANCELED",
}
RESTING: frozenset[TaskState] = frozenset({"input-required", "completed", "failed", "canceled"})
OVER: frozenset[TaskState] = frozenset({"completed", "failed", "canceled"})
Metadata = dict[str, Any]
Name = Annotated[str, Meta(max_length=200)]


class Part(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A piece of a message or an artifact: one of text, raw (bytes in base64), url and data."""

    text: str | None = None
    raw: str | None = None
    url: str | None = None
    data: Any = UNSET
    filename: str | None = None
    media_type: str | None = None


class Said(Struct, frozen=True, kw_only=True, rename="camel"):
    """A message as a client sends it."""

    message_id: Annotated[str, Meta(min_length=1, max_length=200)]
    parts: Annotated[list[Part], Meta(min_length=1, max_length=20)]
    role: Literal["ROLE_USER", "ROLE_AGENT", 1, 2, None] = None
    context_id: str | None = None
    task_id: Name | None = None
    metadata: Metadata | None = None


class Configuration(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a client wants its answer."""

    history_length: Annotated[int, Meta(ge=0, le=2**31)] | None = None
    return_immediately: bool | None = None
    task_push_notification_config: Any = None


class SendRequest(Struct, frozen=True, kw_only=True, rename="camel"):
    """SendMessage and SendStreamingMessage."""

    message: Said
    configuration: Configuration | None = None
    metadata: Metadata | None = None


class TaskRequest(Struct, frozen=True, kw_only=True, rename="camel"):
    """GetTask, CancelTask and SubscribeToTask."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    history_length: Annotated[int, Meta(ge=0, le=2**31)] | None = None


class ListRequest(Struct, frozen=True, kw_only=True, rename="camel"):
    """ListTasks."""

    context_id: Name | None = None
    status: State | None = None
    page_size: Annotated[int, Meta(ge=1, le=100)] | None = None
    page_token: Annotated[str, Meta(max_length=20)] | None = None
    history_length: Annotated[int, Meta(ge=0, le=2**31)] | None = None
    status_timestamp_after: Annotated[datetime, Meta(tz=True)] | None = None
    include_artifacts: bool | None = None


class Nothing(Struct, frozen=True, kw_only=True):
    """A request that says nothing that we need."""


# --- what we write


class Message(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Something said, by a person's program or by an agent."""

    message_id: str
    context_id: str = ""
    task_id: str = ""
    role: Literal["ROLE_USER", "ROLE_AGENT"]
    parts: list[Part]


class Status(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """How a task stands."""

    state: State
    message: Message | None = None
    timestamp: datetime


class Artifact(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a task has brought forth: an answer, or a file."""

    artifact_id: str
    name: str = ""
    parts: list[Part]


class Task(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A task."""

    id: str
    context_id: str
    status: Status
    artifacts: list[Artifact] = []
    history: list[Message] = []


class StatusUpdate(Struct, frozen=True, kw_only=True, rename="camel"):
    """A task stands otherwise now."""

    task_id: str
    context_id: str
    status: Status


class ArtifactUpdate(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A piece of an artifact, or all of it."""

    task_id: str
    context_id: str
    artifact: Artifact
    append: bool = False
    last_chunk: bool = False


class Update(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One event of a stream, or what came of a message: one of these."""

    task: Task | None = None
    message: Message | None = None
    status_update: StatusUpdate | None = None
    artifact_update: ArtifactUpdate | None = None


class TaskList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A piece of a listing."""

    tasks: list[Task]
    next_page_token: str
    page_size: int
    total_size: int
