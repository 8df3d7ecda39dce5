"""What a server doesn't take of the OpenAI wire, learned from its refusals."""

from hub.errors import LLMRefused

Body = dict[str, object]

RENAMED = {"max_tokens": "max_completion_tokens"}
"""Newer models want the limit under another name."""

SPARED = ("temperature", "stream_options")
"""What some refuse, and an answer can do without: they have one temperature, or count no tokens of streams."""


class Dialect:
    """How to say something to a server, so that it's taken."""

    def __init__(self) -> None:
        self._renamed: dict[str, str] = {}
        self._spared: set[str] = set()

    def of(self, body: Body) -> Body:
        """Return a request's body as the server takes it."""
        return {self._renamed.get(key, key): value for key, value in body.items() if key not in self._spared}

    def learn(self, body: Body, refusal: LLMRefused) -> None:
        """Learn from the refusal of a body: what it takes from now on may differ from what was sent."""
        text = str(refusal)
        self._renamed.update({key: name for key, name in RENAMED.items() if key in body and name in text})
        self._spared.update(key for key in SPARED if key in body and key in text)
