"""What the format itself asks of a skill before it's published: the verdict of its reference validator."""

import unicodedata
from pathlib import Path

from hub.manifests.skills import (
    COMPATIBLE,
    DESCRIBED,
    KNOWN,
    MANIFEST,
    NAMED,
    Flaw,
    Tree,
    tree,
)


def faults(folder: Path) -> tuple[str, ...]:
    """Return what's wrong with a skill by the letter of the format; empty if it may be published."""
    try:
        content = (folder / MANIFEST).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return (f"{MANIFEST}: isn't UTF-8 text; save it as UTF-8",)
    except OSError as error:
        return (f"{MANIFEST}: can't be read ({error.strerror})",)
    return faults_in(content, folder.name)


def faults_in(content: str, folder: str) -> tuple[str, ...]:
    """Return what's wrong with the text of a SKILL.md that lies in a folder of that name."""
    # The reference ends the front matter at the next three dashes, wherever they stand.
    begin, *parts = content.split("---", 2)
    if begin or len(parts) < 2:
        return (f"{MANIFEST}: must begin with front matter between two lines of ---",)
    try:
        keys = tree(parts[0], strictly=True)
    except Flaw as flaw:
        return (f"{MANIFEST}: {flaw}",)
    if not isinstance(keys, dict):
        return (f"{MANIFEST}: its front matter isn't a list of keys and values",)
    found = [f"{key}: isn't a key of the format" for key in sorted(keys.keys() - set(KNOWN))]
    found += _name(keys.get("name", ""), folder)
    found += _text("description", keys.get("description", ""), DESCRIBED, needed=True)
    if "compatibility" in keys:
        found += _text("compatibility", keys["compatibility"], COMPATIBLE, needed=False)
    return tuple(found)


def _text(key: str, value: Tree, most: int, *, needed: bool) -> list[str]:
    if not isinstance(value, str) or (needed and not value.strip()):
        return [f"{key}: must be a text"]
    return [f"{key}: has {len(value)} characters, {most} are the most"] if len(value) > most else []


def _name(value: Tree, folder: str) -> list[str]:
    if not isinstance(value, str) or not value.strip():
        return ["name: must be a text"]
    name = unicodedata.normalize("NFKC", value.strip())
    found = {
        f"name: has {len(name)} characters, {NAMED} are the most": len(name) > NAMED,
        "name: must be in small letters": name != name.lower(),
        "name: can't begin or end with a hyphen": name.startswith("-") or name.endswith("-"),
        "name: can't have two hyphens in a row": "--" in name,
        "name: only letters, digits and hyphens can be used": not all(one.isalnum() or one == "-" for one in name),
        f"name: the folder is called {folder}, a skill's name is that of its folder": unicodedata.normalize(
            "NFKC", folder
        )
        != name,
    }
    return [fault for fault, there in found.items() if there]
