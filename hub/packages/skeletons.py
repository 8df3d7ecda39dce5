"""What a package of one's own begins as: for each kind the smallest one that works, with its test.

In the texts $name stands for the package's name, and $tool for what its function is called.
"""

from collections.abc import Mapping
from string import Template

from hub.manifests.reading import NAME
from hub.records import PackageKind

PLUGIN_MANIFEST = """\
name = "$name"
version = "0.1.0"
description = "Counts words."

# Each table is a function of plugin.py that agents may call. It's offered for messages that have one of its words (* at
# the end stands for any letters); from examples and others a small model learns when to call it, and with what.
[tools.$tool]
words = ["$name", "how many words", "count the words"]
examples = [
  { text = "How many words are in 'to be or not to be'?", arguments = { text = "to be or not to be" } },
]
others = ["How many people live in Rome?"]

# What it may use besides reckoning has to stand here, and whoever installs it has to grant it. For example:
# [permissions]
# fs = "data"                   # await read(id), write(id, document), erase(id), ids(): documents of its own
# net = ["api.example.org"]     # this host, and no other
"""
PLUGIN_PROGRAM = '''\
"""Plain functions with types. They run in a sandbox: no files, no network, few modules (json, re, math and such)."""


def $tool(text: str, least: int = 1) -> str:
    """Count the words of a text that have at least so many letters."""
    # The line above is all that an agent is told. An error's text is read by it too: say what would be right.
    if least < 1:
        raise ValueError("least must be 1 or more")
    count = sum(len(word) >= least for word in text.split())
    return "1 word" if count == 1 else f"{count} words"
'''
PLUGIN_TEST = '''\
"""The functions themselves, as plain Python: `agenthost packages test .` runs this, and the examples in the sandbox."""

import pytest
from plugin import $tool


def test_words_are_counted() -> None:
    assert $tool("to be or not to be") == "6 words"
    assert $tool("to be or not to be", least=3) == "1 word"


def test_a_length_that_no_word_has_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        $tool("to be", least=0)
'''
AGENT_MANIFEST = """\
name = "$name"
version = "0.1.0"
description = "Plans a day in short lists."

# Tools that it may use, by the names that `agenthost` lists at GET /v1/tools; one that isn't installed isn't offered.
tools = ["clock", "calculate"]

# What one task may cost before its person is asked.
[limits]
turns = 10
tokens = 20_000
minutes = 30.0
"""
AGENT_PROMPT = """\
You help people plan their day. Today is {date}. Answer with a short list, a time before each line, and nothing else.
"""
AGENT_TEST = '''\
"""What can be said of a prompt without a model: that it's short, and says what it must."""

import tomllib
from pathlib import Path

HERE = Path(__file__).parent


def test_the_prompt_is_short() -> None:
    """It's sent with every turn, and a small model reads about a hundred tokens a second."""
    assert len((HERE / "prompt.md").read_text(encoding="utf-8").split()) < 200


def test_it_is_told_the_date_for_it_plans_days() -> None:
    assert "{date}" in (HERE / "prompt.md").read_text(encoding="utf-8")
    assert "clock" in tomllib.loads((HERE / "agent.toml").read_text(encoding="utf-8"))["tools"]
'''
SCRIPT_MANIFEST = """\
name = "$name"
version = "0.1.0"
description = "Counts the lines of a file."

# It's offered for messages that have one of these words (* at the end stands for any letters); from examples and others
# a small model learns when to run it, and with what.
words = ["$name", "how many lines", "count the lines"]
examples = [{ text = "How many lines has poem.txt?", arguments = { path = "poem.txt" } }]
others = ["How many people live in Rome?"]

# What it may use besides reckoning, which whoever installs it has to grant.
[permissions]
fs = "workspace:ro"             # await list_files(), read_file(path): the files of the task
"""
SCRIPT_PROGRAM = '''\
"""A program that runs in a sandbox: no network, no files but the task's, and few modules (json, re, math and such)."""


async def main(path: str) -> str:
    """Count the lines of a file, and those that aren't empty."""
    # The line above is all that an agent is told. An error's text is read by it too: say what would be right.
    return counted(await read_file(path))


def counted(text: str) -> str:
    lines = text.splitlines()
    return f"{len(lines)} lines, {sum(bool(line.strip()) for line in lines)} of them not empty"
'''
SCRIPT_TEST = '''\
"""The program as plain Python: `agenthost packages test .` runs this, and its examples in the sandbox.

There the files of the folder examples/ lie in the task's workspace.
"""

from main import counted


def test_lines_are_counted() -> None:
    assert counted("Roses are red,\\n\\nviolets are blue.") == "3 lines, 2 of them not empty"
    assert counted("") == "0 lines, 0 of them not empty"
'''
SCRIPT_EXAMPLE = """\
Roses are red,

violets are blue.
"""
SKILL = """\
---
name: $name
description: How to write minutes. Use it when somebody wants notes, minutes or a protocol of a meeting.
license: MIT
metadata:
  version: 0.1.0
---
Write minutes like this:

1. One line with the date and who was there.
2. A list of what was decided, each with who does it until when.
3. Nothing that was only talked about. If there are many decisions, follow `references/example.md`.
"""
SKILL_FILE = """\
2 March, Ann and Bea

- The shop opens at nine from April on (Bea, until 20 March).
- A second bicycle is bought (Ann, this week).
"""
SKILL_TEST = '''\
"""What can be said of instructions without a model: that they're short, and that the files that they name are there."""

import re
from pathlib import Path

HERE = Path(__file__).parent
TEXT = (HERE / "SKILL.md").read_text(encoding="utf-8")


def test_the_instructions_are_short() -> None:
    """An agent reads all of them when it uses the skill."""
    assert len(TEXT.split()) < 500


def test_each_file_that_they_name_is_there() -> None:
    assert [name for name in re.findall(r"`(references/[^`]+)`", TEXT) if not (HERE / name).is_file()] == []
'''
SKELETONS: Mapping[PackageKind, Mapping[str, str]] = {
    "plugin": {"plugin.toml": PLUGIN_MANIFEST, "plugin.py": PLUGIN_PROGRAM, "test_plugin.py": PLUGIN_TEST},
    "agent": {"agent.toml": AGENT_MANIFEST, "prompt.md": AGENT_PROMPT, "test_agent.py": AGENT_TEST},
    "script": {
        "script.toml": SCRIPT_MANIFEST,
        "main.py": SCRIPT_PROGRAM,
        "test_main.py": SCRIPT_TEST,
        "examples/poem.txt": SCRIPT_EXAMPLE,
    },
    "skill": {"SKILL.md": SKILL, "references/example.md": SKILL_FILE, "test_skill.py": SKILL_TEST},
}


def skeleton(kind: PackageKind, name: str) -> Mapping[str, str]:
    """Return a new package's files, by their paths; raises ValueError for a name that a package can't have."""
    if not NAME.fullmatch(name) or name.endswith("-"):
        raise ValueError("use lower-case letters, digits and hyphens between them, 64 at most")
    tool = f"{name.replace('-', '_')[:58]}_words"
    return {path: Template(text).substitute(name=name, tool=tool) for path, text in SKELETONS[kind].items()}
