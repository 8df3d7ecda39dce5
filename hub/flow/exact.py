"""A call's arguments to the byte: as they're kept, and as a person is shown them, so that no difference can hide."""

import re
from collections.abc import Mapping

import msgspec

LONGEST = 3_000
"""Characters that a person is shown for one decision. More doesn't fit into a message whole, and nobody reads it."""
UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks that show as nothing, though Unicode calls them printable."""
WORD = re.compile(r"\S+")


def sealed(arguments: Mapping[str, object]) -> str:
    """Return arguments as JSON that's the same for the same arguments."""
    return msgspec.json.encode(dict(arguments), order="sorted").decode()


def opened(json: str) -> dict[str, object]:
    """Return the arguments that were sealed."""
    return msgspec.json.decode(json, type=dict[str, object])


def legible(json: str) -> str:
    """Return sealed arguments for a person's eyes, as JSON with the very same meaning.

    What can't be seen, turns the direction of writing or ends a block of code is escaped, and so is each letter of an
    address that only looks like one of the alphabet.
    """
    shown = "".join(_escaped(letter) if _hides(letter) else letter for letter in msgspec.json.format(json, indent=2))
    return WORD.sub(lambda found: _address(found[0]), shown)


def _address(word: str) -> str:
    if "@" not in word and "://" not in word:
        return word
    return "".join(_escaped(letter) if ord(letter) > 126 else letter for letter in word)


def _hides(letter: str) -> bool:
    if letter == "\n":
        return False
    return letter == "`" or not letter.isprintable() or letter in UNSEEN or "\ufe00" <= letter <= "\ufe0f"


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
