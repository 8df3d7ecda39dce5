"""A small labelled stream of our own: a trip and a cake, by turns."""

import gzip
import json
from pathlib import Path
from typing import Any

TRIP, CAKE = "T1", "T2"
SAID = [
    ("user", "I'm looking for a train from Bonn to Berlin.", TRIP, "new"),
    ("agent", "On which day do you want to travel?", TRIP, None),
    ("user", "Can you find me a recipe for a carrot cake?", CAKE, "new"),
    ("agent", "Here is one with carrots and almonds. Do you want it without nuts?", CAKE, None),
    ("user", "Without nuts, please, the cake is for a child.", CAKE, "stay"),
    ("agent", "Then take pumpkin seeds in place of the almonds.", CAKE, None),
    ("user", "On Friday, in the morning.", TRIP, "switch"),
    ("agent", "There is a train from Bonn to Berlin on Friday at 8:15.", TRIP, None),
]


def a_stream(name: str = "own-1", **labels: Any) -> dict[str, Any]:
    """Return the stream as a line of a file has it; `labels` are added to the third of the person's messages."""
    messages: list[dict[str, Any]] = []
    for at, (role, text, task, kind) in enumerate(SAID):
        message = {"i": at, "t": 30 * at, "role": role, "text": text, "gold_task": task}
        messages.append(message | ({"kind": kind, "short": False} if kind else {}))
    messages[4] |= labels
    return {"stream": name, "source": "own", "tasks": [{"task": TRIP}, {"task": CAKE}], "messages": messages}


def a_cut(name: str, answer: str, *, complete: int, kind: str, **more: Any) -> dict[str, Any]:
    """Return a transcript of one wish and one answer."""
    said = [{"role": "user", "text": "Book me a table for two tonight."}, {"role": "agent", "text": answer}]
    return {"id": name, "complete": complete, "kind": kind, "transcript": said} | more


def write(path: Path, *lines: dict[str, Any] | str) -> Path:
    """Write JSON lines, gzipped if the name says so."""
    told = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(told) if path.suffix == ".gz" else told)
    return path
