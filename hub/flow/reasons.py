"""Why a route is what it is, in words."""

from collections import defaultdict
from collections.abc import Sequence

from hub.records import Candidate

PARTS = {
    "reader": ("read",),
    "model": ("gain", "surprise", "best_each", "choice"),
    "question": ("asked", "wide", "echo"),
    "ending": ("over", "settled", "thanks"),
    "words": ("overlap", "peak", "unknown", "words"),
    "manner": ("opener", "greeting", "told", "short", "pronoun", "answer", "further", "digits", "new", "count"),
}
"""Evidence whose name has one of these words in it, the first that fits; all else is about times."""
FOR_TASK = {
    "reader": "the reader finds that it goes on from what was said there",
    "model": "the language model finds it likely after those words",
    "question": "it answers what was asked there",
    "ending": "that task isn't over",
    "words": "it has words of that task",
    "manner": "it doesn't sound like the beginning of something",
    "times": "that task was spoken about lately",
}
FOR_NEW = {
    "reader": "the reader finds that it goes on from nothing that was said",
    "model": "the language model finds it as likely after a mere greeting",
    "question": "it doesn't answer what was asked",
    "ending": "what was spoken about is over",
    "words": "its words weren't used yet",
    "manner": "it sounds like the beginning of something",
    "times": "some time has passed",
}
AGAINST = {
    "reader": "what the reader finds",
    "model": "what the language model finds",
    "question": "what was asked last",
    "ending": "what seems to be over",
    "words": "its words",
    "manner": "the way it's put",
    "times": "the times",
}
TOLD = 2
"""Parts that are told of those which speak for it."""
MATTERS = 0.2
"""Of the logarithm of the odds; less isn't told."""


def reason(candidates: Sequence[Candidate]) -> str:
    """Say what made the likeliest candidate likelier than the next one; empty if there weren't two."""
    if len(candidates) < 2:
        return ""
    best, rival = sorted(candidates, key=lambda candidate: candidate.probability, reverse=True)[:2]
    of_best, of_rival = _parts(best), _parts(rival)
    parts = {part: of_best[part] - of_rival[part] for part in AGAINST}
    told = [part for part in sorted(parts, key=lambda part: -parts[part])[:TOLD] if parts[part] >= MATTERS]
    words = FOR_TASK if best.task else FOR_NEW
    name = f"“{rival.title}”" if rival.task else rival.title
    pro = " and ".join(words[part] for part in told) or "nothing tells them apart by much"
    against = min(parts, key=lambda part: parts[part])
    con = f"; against it: {AGAINST[against]}" if parts[against] <= -MATTERS else ""
    return f"Rather than {name}, for {pro}{con}."


def _parts(candidate: Candidate) -> dict[str, float]:
    """Add up a candidate's evidence by what it's about."""
    found: dict[str, float] = defaultdict(float)
    for name, value in candidate.evidence.items():
        words = name if name == "new" else name.removeprefix("new_")
        part = next((part for part, roots in PARTS.items() if any(root in words for root in roots)), "times")
        found[part] += value
    return found
