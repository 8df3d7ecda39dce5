"""A prompt -> the model's tokens, by its own chat template.

Only the template's frame may hold control tokens. What was said is tokenised as plain text, so that nobody who writes
`<|im_end|>` speaks for somebody else.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import jinja2
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from hub.ports import Said

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""For a model that brings none."""

_HOLE = re.compile("\ue000([0-9]+)\ue001")


class Words(Protocol):
    """What tokenises; the engine does."""

    @property
    def adds_bos(self) -> bool: ...
    @property
    def bos(self) -> int | None: ...
    @property
    def eos(self) -> int | None: ...
    @property
    def template(self) -> str: ...
    @property
    def eyes(self) -> "Eyes | None": ...
    def tokens(self, text: str, *, special: bool = False) -> list[int]: ...
    def piece(self, token: int, *, special: bool = False) -> bytes: ...


class Eyes(Protocol):
    """What turns an image into positions; the engine's vision does."""

    def tokens(self, data: bytes) -> list[int]: ...


class Template:
    """A model's chat template."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._render = _renderer(words)
        probe = self._render([{"role": "user", "content": " x "}])
        self._trims = " x " not in probe

    def tokens(self, prompt: Sequence[Said]) -> list[int]:
        """Return the prompt's tokens up to where the assistant begins to speak; raises ValueError.

        A template that has no place for a system text or for one role twice in a row gets them joined.
        """
        try:
            return self._fill(prompt)
        except (jinja2.TemplateError, ValueError):
            pass
        try:
            return self._fill(_plainer(prompt))
        except (jinja2.TemplateError, ValueError) as error:
            raise ValueError(f"the model's chat template can't render this prompt: {error}") from None

    def _fill(self, prompt: Sequence[Said]) -> list[int]:
        rendered = self._render([{"role": said.role, "content": f"\ue000{i}\ue001"} for i, said in enumerate(prompt)])
        tokens: list[int] = []
        # split() with one group alternates: frame, the number of what was said, frame, ...
        for i, piece in enumerate(_HOLE.split(rendered)):
            if i % 2 == 0:
                tokens += self._words.tokens(piece, special=True)
            else:
                said = prompt[int(piece)]
                tokens += self._seen(said)
                tokens += self._words.tokens(said.text.strip() if self._trims else said.text)
        bos = self._words.bos
        if self._words.adds_bos and bos is not None and tokens[:1] != [bos]:
            tokens.insert(0, bos)
        return tokens

    def _seen(self, said: Said) -> list[int]:
        """Return the images that come before a text."""
        tokens: list[int] = []
        if eyes := self._words.eyes:
            for image in said.images:
                tokens += eyes.tokens(image.data) + self._words.tokens("\n")
        return tokens


def _renderer(words: Words) -> Callable[[list[dict[str, str]]], str]:
    def text(token: int | None) -> str:
        return "" if token is None else words.piece(token, special=True).decode("utf-8", "replace")

    # It renders in jinja2's sandbox: a template comes with a file from anywhere.
    formatter: Any = Jinja2ChatFormatter(words.template or CHATML, eos_token=text(words.eos), bos_token=text(words.bos))
    return lambda messages: str(formatter(messages=messages).prompt)


def _plainer(prompt: Sequence[Said]) -> list[Said]:
    joined: list[Said] = []
    for said in prompt:
        role = "user" if said.role == "system" else said.role
        if joined and joined[-1].role == role:
            joined[-1] = Said(role, f"{joined[-1].text}\n\n{said.text}", (*joined[-1].images, *said.images))
        else:
            joined.append(Said(role, said.text, said.images))
    return joined
