"""Paths that programs, LLMs and people give for files of a folder of ours: which ones are taken at all."""

import re
import unicodedata

from hub.errors import ToolError

DEPTH = 8
PART_BYTES = 120
PATH_BYTES = 400
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\\\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def parts_of(path: str) -> tuple[str, ...]:
    """Return the parts of a relative path, none of which leads up or is hidden; raises ToolError in words for an LLM.

    A file that's called otherwise than it looks (by control characters, marks of direction, or letters that are
    composed in another way) has no such path.
    """
    parts = tuple(path.split("/"))
    if fault := _fault(path, parts):
        raise ToolError(f"The path {path[:80]!r} can't be used: {fault}. Give one such as notes.txt or drafts/plan.md.")
    return parts


def _fault(path: str, parts: tuple[str, ...]) -> str:
    faults = {
        "it's empty": not path,
        "it has characters that can't be seen, or a backslash": bool(_UNREADABLE.search(path)),
        "its letters aren't composed (NFC)": unicodedata.normalize("NFC", path) != path,
        "a part of it is empty, begins with a dot or has spaces around it": any(map(_odd, parts)),
        f"it's more than {DEPTH} folders deep": len(parts) > DEPTH,
        f"it's longer than {PATH_BYTES} bytes": _bytes(path) > PATH_BYTES,
        f"a name in it is longer than {PART_BYTES} bytes": max(map(_bytes, parts)) > PART_BYTES,
    }
    return next((fault for fault, there in faults.items() if there), "")


def _odd(part: str) -> bool:
    return not part or part.startswith(".") or part != part.strip()


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))
