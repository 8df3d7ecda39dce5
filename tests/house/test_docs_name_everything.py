"""What an operator or a program can meet has its place in docs/reference/."""

import re

from hub.config import key_paths
from tests.house.tree import ROOT, classes


def test_every_config_key_is_in_the_reference() -> None:
    pages = reference()

    assert [path for path in key_paths() if not is_told(path, pages)] == []


def test_every_error_is_in_the_reference() -> None:
    words = set(re.findall(r"\w+", reference()))

    assert [node.name for node in classes(ROOT / "hub" / "errors.py") if node.name not in words] == []


def is_told(path: str, pages: str) -> bool:
    """Whether a key stands there by its whole path, or by its name in backticks below a heading with its [section]."""
    if re.search(rf"(?<![\w.]){re.escape(path)}(?![\w.]*\w)", pages):
        return True
    section, _, key = path.rpartition(".")
    chapters = re.split(r"^#+ ", pages, flags=re.MULTILINE)
    return any(f"[{section}]" in chapter.split("\n", 1)[0] and f"`{key}`" in chapter for chapter in chapters)


def reference() -> str:
    pages = sorted((ROOT / "docs" / "reference").glob("*.md"))
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)
