"""The waker's pages borrow scripts of the hub's site: each comes with all that it imports."""

import re

from hub.waker.pages import FILES


def test_what_a_script_imports_is_served_too() -> None:
    imported = {
        found
        for name, folder in FILES.items()
        if name.endswith(".js")
        for found in re.findall(r'^import .* from "\./([\w.-]+)";$', (folder / name).read_text(), flags=re.MULTILINE)
    }

    assert {"dom.js", "words.js"} <= imported
    assert imported <= FILES.keys()
