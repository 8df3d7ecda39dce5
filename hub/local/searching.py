"""Words found in a lent folder's files: few hits of few files, so that no search reads a whole disk."""

import time

from hub.local.folders import Folder

FILES, HITS, LETTERS = 2_000, 50, 200
SECONDS = 10.0


def search(folder: Folder, words: str, seconds: float = SECONDS) -> str:
    """Return a line for each place where these words stand, whatever their capitals; blocks, for so long at most."""
    wanted, hits, end = words.casefold(), list[str](), time.monotonic() + seconds
    looked = 0
    for path, data in folder.files(FILES):
        looked += 1
        hits += _in(path, data, wanted)
        if len(hits) >= HITS or time.monotonic() > end:
            return "\n".join((*hits[:HITS], f"[stopped after {looked} files: ask for something rarer]"))
    return "\n".join(hits) or f"{words!r} stands in none of {looked} files."


def _in(path: str, data: bytes, wanted: str) -> list[str]:
    found = [path] if wanted in path.casefold() else []
    if b"\0" in data[:4096]:
        return found
    lines = data.decode(errors="replace").splitlines()
    return found + [
        f"{path}:{number}: {line.strip()[:LETTERS]}"
        for number, line in enumerate(lines, 1)
        if wanted in line.casefold()
    ]
