"""The terminal of `agenthost local`: what happens, and the questions, with nothing hidden in them that steers."""

import sys
from contextlib import AbstractContextManager
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.patch_stdout import patch_stdout

from hub.local.approving import Deed, Word

WORDS: dict[str, Word] = {"y": "yes", "yes": "yes", "n": "no", "no": "no", "a": "always", "always": "always"}
UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks that show as nothing, though Unicode calls them printable."""


class Terminal:
    """Asks and tells in a terminal."""

    def __init__(self) -> None:
        self._prompt: PromptSession[str] = PromptSession()

    def tell(self, text: str) -> None:
        """Print a line."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    async def ask(self, deed: Deed) -> Word:
        """See Asks."""
        self.tell(question(deed))
        while True:
            try:
                said = await self._prompt.prompt_async("Do it? [y]es, [n]o, [a]lways in this session: ")
            except EOFError:
                return "no"
            if word := WORDS.get(said.strip().casefold()):
                return word

    def beside(self) -> AbstractContextManager[Any]:
        """Have lines printed above a question that waits."""
        return patch_stdout()


def question(deed: Deed) -> str:
    """Return a deed as it's shown: every letter of what's written or run, and what can't be seen as its number."""
    lines = ["", f"{legible(deed.asker)} wants to:", f"  {legible(deed.title)}"]
    if deed.body:
        lines += [f"  | {legible(line)}" for line in deed.body.split("\n")]
    if deed.tainted:
        lines.append("  Mind: this task has read words of others, and may have been talked into it.")
    lines.append(f"  (always: {legible(deed.always)})")
    return "\n".join(lines)


def legible(text: str) -> str:
    """Return a line in which nothing is hidden: what shows as nothing, or turns or moves others, is escaped."""
    return "".join(letter if _is_plain(letter) else f"\\u{{{ord(letter):x}}}" for letter in text)


def _is_plain(letter: str) -> bool:
    return letter.isprintable() and letter not in UNSEEN and not "\ufe00" <= letter <= "\ufe0f"
