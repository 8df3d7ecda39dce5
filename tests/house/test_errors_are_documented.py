"""Every error that a program or an operator can meet has its place in docs/reference/.

That every config key has one, is in test_config_example.py.
"""

import re

from tests.house.tree import ROOT, classes


def test_every_error_is_in_the_reference() -> None:
    pages = sorted((ROOT / "docs" / "reference").glob("*.md"))
    words = {word for page in pages for word in re.findall(r"\w+", page.read_text(encoding="utf-8"))}

    assert [node.name for node in classes(ROOT / "hub" / "errors.py") if node.name not in words] == []
