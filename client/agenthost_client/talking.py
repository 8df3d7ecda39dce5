"""Messages and files: what's said, and what's answered."""

from collections.abc import Sequence

from agenthost_client.calls import Ask, Group, Upload, Via, call, listing, put
from agenthost_client.records import Accepted, Message, Stopped, StoredFile

WAIT = 100.0
"""Seconds that the hub is asked to wait for an answer at a time; it takes 120 at most."""


def _said(
    text: str,
    files: Sequence[StoredFile],
    task: int | str | None,
    agent: str | None,
    chat: str | None,
    reply_to: str | None,
    on_behalf_of: str | None,
) -> dict[str, object]:
    rest = put(task=task, agent=agent, chat=chat, reply_to=reply_to, on_behalf_of=on_behalf_of)
    if not files:
        return {"text": text, **rest}
    parts = [{"type": "file", "sha256": file.sha256, "name": file.name} for file in files]
    return {"parts": [*([{"type": "text", "text": text}] if text else []), *parts], **rest}


class Messages(Group[Via]):
    """What's said and what's answered."""

    @call("POST", "/v1/messages", Accepted)
    def say(
        self,
        text: str,
        *,
        files: Sequence[StoredFile] = (),
        task: int | str | None = None,
        agent: str | None = None,
        chat: str | None = None,
        reply_to: str | None = None,
        on_behalf_of: str | None = None,
        key: str | None = None,
    ) -> Ask:
        """Say something; when this returns, the hub has it on its disk. The answer comes as an event, or by `get`.

        `task` is a task's number or id, or "new"; without it the router finds out. `key` is an idempotency key of your
        own: said again under it, it's the same message.
        """
        return Ask(body=_said(text, files, task, agent, chat, reply_to, on_behalf_of), key=key)

    @call("POST", "/v1/messages", Message)
    def ask(
        self,
        text: str,
        *,
        seconds: float = 60.0,
        files: Sequence[StoredFile] = (),
        task: int | str | None = None,
        agent: str | None = None,
        chat: str | None = None,
        reply_to: str | None = None,
        on_behalf_of: str | None = None,
        key: str | None = None,
    ) -> Ask:
        """Say something, and wait for what comes of it: the message with its `replies`, and `answer` their text.

        Its state is answered, asking (the hub wants to know something), stopped or failed. Raises NotAnsweredYet after
        so many seconds; it's kept nevertheless.
        """
        body = _said(text, files, task, agent, chat, reply_to, on_behalf_of)
        return Ask(query={"wait": min(seconds, WAIT)}, body=body, key=key, seconds=seconds, until_done=True)

    @call("GET", "/v1/messages/{id}", Message)
    def get(self, id: str) -> Ask:
        """Return a message with its replies."""
        return Ask(path={"id": id})

    @listing("/v1/messages", Message, backwards=True)
    def chat(self, chat: str | None = None) -> Ask:
        """Read a chat, the newest message first; without a name the main one."""
        return Ask(query=put(chat=chat))

    @call("PUT", "/v1/messages/{id}/task", Message)
    def move(self, id: str, task: int | str) -> Ask:
        """Put a wrong route right: have a message answered in the task where it belongs, or in a "new" one."""
        return Ask(path={"id": id}, body={"task": task})

    @call("POST", "/v1/messages/{id}/choice", Accepted)
    def choose(self, id: str, choice: str) -> Ask:
        """Answer a question with one of its choices."""
        return Ask(path={"id": id}, body={"choice": choice})

    @call("POST", "/v1/chat/stop", Stopped)
    def stop(self, chat: str | None = None) -> Ask:
        """Stop whatever runs for a chat."""
        return Ask(body=put(chat=chat))


class Files(Group[Via]):
    """Files that go with messages."""

    @call("POST", "/v1/files", StoredFile)
    def send(self, data: bytes, name: str, media_type: str = "application/octet-stream") -> Ask:
        """Keep a file: for a day a message may name it, and then it stays with that."""
        return Ask(upload=Upload(name=name, data=data, media_type=media_type))

    @call("GET", "/v1/files/{sha256}", bytes)
    def get(self, sha256: str) -> Ask:
        """Return the bytes of a file."""
        return Ask(path={"sha256": sha256})
