"""What the OpenAPI document shows: a request and its answer for the operations that programs begin with, and errors."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

MESSAGE, TASK, TURN, PERSON = (
    "01a202f41e2d53857d168be94633",
    "01a202f41e335a72ec84e3d5f044",
    "01a202f41e4b11a0c5bb1f5f3c07",
    "01a1ff00aa000000000000000001",
)
AT = "2026-11-30T08:00:00Z"


class Example(Struct, frozen=True, kw_only=True):
    """A request's body, and the answer that has this status."""

    status: int
    asked: Any = None
    answered: Any = None


_NAMED = {"id": TASK, "number": 5, "title": "What is 12 * 12?", "state": "completed"}
_REPLY = {
    "id": "01a202f41e60048790c5f5af014f",
    "state": "sent",
    "role": "agent",
    "text": "12 * 12 = 144",
    "html": "<p>12 * 12 = 144</p>",
    "parts": [{"type": "text", "text": "12 * 12 = 144"}],
    "task": _NAMED,
    "route": None,
    "chat": "main",
    "bridge": "http",
    "author": None,
    "human": None,
    "reply_to": None,
    "answers": MESSAGE,
    "turn": TURN,
    "used": ["calculate"],
    "choices": [],
    "created_at": AT,
    "error": None,
}
_ROUTE = {
    "rule": "explicit",
    "probability": 1.0,
    "new": True,
    "reason": "",
    "candidates": [],
    "model": "",
    "tokens": 0,
    "ms": 0.0,
}
_SAID = {
    **_REPLY,
    "id": MESSAGE,
    "state": "answered",
    "role": "user",
    "text": "What is 12 * 12?",
    "html": "<p>What is 12 * 12?</p>",
    "parts": [{"type": "text", "text": "What is 12 * 12?"}],
    "route": _ROUTE,
    "answers": None,
    "turn": TURN,
    "used": [],
    "replies": [_REPLY],
}
_TASK = {
    "id": TASK,
    "number": 6,
    "title": "Say good morning",
    "goal": "Say good morning",
    "agent": "default",
    "kind": "assignment",
    "state": "submitted",
    "created_at": AT,
    "updated_at": AT,
    "due_at": "2026-12-01T08:00:00Z",
    "schedule": {
        "words": "at 08:00 on weekdays",
        "cron": "0 8 * * 1-5",
        "every": 0.0,
        "zone": "UTC",
        "missed": "once",
        "jitter": 0.0,
        "start": None,
        "until": None,
        "next": ["2026-12-01T08:00:00Z"],
    },
    "run_at": "2026-12-01T08:00:00Z",
    "limits": {"turns": 3, "tokens": 100_000, "minutes": 120.0, "money": 0.0},
    "used": {"turns": 0, "tokens": 0, "minutes": 0.0, "money": 0.0, "subtasks": None},
    "verdict": None,
    "plan": [],
    "parent": None,
    "depth": 0,
    "origin": {"bridge": "http", "chat": "main"},
    "checks": [],
    "proposed": [],
}
_APPROVAL = {
    "id": "01a202f41e7700aa11bb22cc33dd",
    "task": {**_NAMED, "state": "input-required"},
    "turn": TURN,
    "tool": "web_fetch",
    "arguments": {"url": "https://example.org/"},
    "shown": '{\n  "url": "https://example.org/"\n}',
    "why": "the task has read a stranger's words, and this tells somebody outside",
    "state": "approved",
    "answer": "approved",
    "created_at": AT,
    "expires_at": "2026-11-30T08:30:00Z",
    "reason": "",
    "decided_at": "2026-11-30T08:01:00Z",
    "decided_by": PERSON,
}
_KEY = {
    "id": "01a202f41e9900000000000000aa",
    "name": "kitchen",
    "person": PERSON,
    "scopes": ["messages:write", "messages:read"],
    "created_at": AT,
    "expires_at": "2027-01-01T00:00:00Z",
}
_TENANT = {"id": "01a202f41eaa00000000000000bb", "name": "Cat hotel", "created_at": AT}

EXAMPLES: Mapping[str, Example] = {
    "messages_say": Example(status=200, asked={"text": "What is 12 * 12?", "task": "new"}, answered=_SAID),
    "messages_read": Example(status=200, answered=_SAID),
    "messages_chat": Example(status=200, answered={"items": [_SAID], "next": None}),
    "messages_move": Example(status=200, asked={"task": 5}, answered=_SAID),
    "messages_choose": Example(status=202, asked={"choice": "new"}, answered={"id": MESSAGE, "state": "asking"}),
    "messages_stop": Example(status=200, asked={"chat": "main"}, answered={"stopped": 1}),
    "tasks_list": Example(status=200, answered={"items": [_TASK], "next": None}),
    "tasks_read": Example(status=200, answered=_TASK),
    "tasks_assign": Example(
        status=201,
        asked={"text": "Say good morning", "schedule": "0 8 * * 1-5", "limits": {"turns": 3}},
        answered=_TASK,
    ),
    "tasks_change": Example(status=200, asked={"schedule": "every weekday at 8"}, answered=_TASK),
    "approvals_list": Example(status=200, answered={"items": [_APPROVAL], "next": None}),
    "approvals_approve": Example(status=200, answered=_APPROVAL),
    "keys_make": Example(
        status=201,
        asked={
            "name": "kitchen",
            "scopes": ["messages:write", "messages:read"],
            "expires_at": "2027-01-01T00:00:00Z",
        },
        answered={**_KEY, "key": "ah_..."},
    ),
    "keys_whoami": Example(
        status=200,
        answered={
            "person": {"id": PERSON, "name": "owner", "role": "owner"},
            "tenant": "home",
            "scopes": ["admin"],
            "timezone": "Europe/Berlin",
        },
    ),
    "tenants_make": Example(
        status=201,
        asked={"name": "Cat hotel", "quotas": {"messages": 1000}},
        answered={**_TENANT, "key": "ah_...", "key_id": "01a202f41ebb00000000000000cc"},
    ),
    "packages_call": Example(
        status=200,
        asked={"arguments": {"expression": "12 * 12"}},
        answered={"result": "12 * 12 = 144", "failed": False},
    ),
}
"""By operation."""

DETAILS: Mapping[int, str] = {
    400: "text: must be str | null, it is int",
    401: "Authorization: that key is unknown, revoked or past its end; use a good one",
    403: "key: 'kitchen' lacks the scope tasks:read (it has messages:write, messages:read); use another key, or make "
    "one: agenthost keys create NAME --scopes tasks:read",
    404: "task: there's no '17'; GET /v1/tasks lists them",
    409: "Idempotency-Key: it came before with another body; use a fresh key for another request",
    413: "body: too large; send less in one go",
    422: "plugin.toml: version: must be as 1.2.3",
    429: "50 of your messages wait for an answer; send more when some are answered",
    500: "the hub failed at this; its log tells more under the id 5f3c07aa.",
    503: "not kept: the disk is full; send it again in a while",
}
"""What an error's `detail` may say, by status."""
