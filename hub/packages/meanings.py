"""What permissions and kinds of packages mean, in words for whoever decides: one table for all who show them."""

from collections.abc import Mapping

from hub.records import PackageKind

KINDS: Mapping[PackageKind, str] = {
    "plugin": "Tools for agents. It's code, and runs in a sandbox.",
    "agent": "A prompt with the names of the tools that it may use. It has no code.",
    "skill": "Instructions that agents read when they need them. It has no code of its own that runs.",
    "script": "A program that agents may run. It's code, and runs in a sandbox.",
    "server": "Tools for agents, from an MCP server. It's a program of its own, and runs in a sandbox.",
}

_WHOLE = {
    "fs:data": "Keep small documents of its own about each person, in the hub's data folder.",
    "fs:workspace:ro": "Read the files of the task that it's called for.",
    "fs:workspace:rw": "Read, write and delete the files of the task that it's called for.",
    "messages:read:task": "Read what was said in the task that it's called for.",
    "messages:send:task": "Write to the task's person, besides what the agent answers.",
    "messages:ask:task": "Ask the task's person a question, and wait for the answer.",
    "schedule": "Start tasks later, and again and again, in the name of the person it's called for.",
}
_NAMED = {
    "net": "Send and fetch data over the internet, to and from {name}.",
    "secrets": "Have the secret {name}, which you keep for it, sent to its hosts. Its program never sees the secret.",
    "tools": "Use the tool {name} by itself.",
}


def meaning(ask: str) -> str:
    """Say in a sentence what a package may once it's granted a permission, written as "net:api.example.org"."""
    kind, _, name = ask.partition(":")
    if ask in _WHOLE:
        return _WHOLE[ask]
    if kind in _NAMED and name:
        return _NAMED[kind].format(name=name)
    return f"Use {ask}. This hub has no words for that: grant it only if you know what it is."
