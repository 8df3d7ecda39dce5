"""A long text, a part at a time: each small enough for a tool's result, and always cut at the same places."""

from hub.errors import ToolError

CHARACTERS = 1_600
"""Of a part: with what stands around it it stays below what a result may have."""


def portion(text: str, part: int, characters: int = CHARACTERS) -> tuple[str, int]:
    """Return a part of a text, counted from 1, and how many there are; raises ToolError if there's none such."""
    cuts = _cuts(text.strip(), characters)
    if not 1 <= part <= len(cuts):
        raise ToolError(f"There is no part {part}: it has {len(cuts)}.")
    return cuts[part - 1].strip(), len(cuts)


def read_on(part: int, parts: int) -> str:
    """Say where one is in a text, and how it goes on."""
    if parts == 1:
        return ""
    return f"[Part {part} of {parts}." + (f" Read on with part={part + 1}.]" if part < parts else "]")


def _cuts(text: str, characters: int) -> list[str]:
    """Cut before the most, at the end of a paragraph if one is near, else of a line, a sentence, a word."""
    cuts = []
    while len(text) > characters:
        at = characters
        for sign in ("\n\n", "\n", ". ", " "):
            found = text.rfind(sign, characters * 2 // 3, characters)
            if found > 0:
                at = found + len(sign)
                break
        cuts.append(text[:at])
        text = text[at:]
    return [*cuts, text]
