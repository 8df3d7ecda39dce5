"""Is a task really complete? A probability, from what was said and what tools did.

Thanks and goodbyes are set aside first: they end complete and incomplete tasks alike. What counts is the agent's last
act before them: did it report a result, or promise one, ask, or fail?
"""

import math
import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from hub.flow import weights
from hub.flow.evidence import ANSWER, CONFIRM, OPEN_QUESTION, OPENER, OVER, THANKS, Features

Spoken = tuple[Literal["user", "agent", "notice"], str]

END_CHARS = 400
MOST_WORDS = 20
MOST_LINES = 24
"""Beyond what was trained on, more says no more."""
REPORT = re.compile(
    r"\b(has been|have been|had been|was|were|is|are|'s|'re|'ve|have|i) (now |just |successfully |already )*"
    r"(booked|reserved|confirmed|made|scheduled|purchased|bought|sent|ordered|transferred|added|played|playing|started"
    r"|starting|set|saved|created|written|done|finished|completed?|ready)\b"
    r"|\b(booking|reservation|purchase|transfer|payment|order|appointment|tickets?|ride|cab|taxi|room|table)\b.{0,40}"
    r"\b(booked|successful|success|confirmed|complete|made|on its way|done)\b"
    r"|\b(ref|reference|confirmation)\b.{0,30}\b(?=\w*\d)(?=\w*[A-Z])\w{5,}\b|\ball set\b|\bsuccessful"
    r"|(^|[.!,] )\W*(now )?(done|booked|added|started|playing|sent|reserved|scheduled|saved|created)\b",
    re.IGNORECASE,
)
PROMISE = re.compile(
    r"\b((i'll|i will|we'll|we will) (?!be (happy|glad|here|pleased))|let me (?!know)|allow me|i('m| am) going to"
    r"|one moment|just a (moment|second|minute)|a moment|hold on|working on|on it\b|right away|please wait|shortly"
    r"|in progress|will be (done|made|sent)|get back to you|looking into|about to)",
    re.IGNORECASE,
)
FAILURE = re.compile(
    r"\b(sorry|unfortunately|apologi[sz]e|apologies|couldn'?t|could not|can'?t|cannot|unable|wasn'?t able|failed"
    r"|failure|not successful|wasn'?t successful|not available|unavailable|no (tables?|rooms?|matches|results)"
    r"|is ?n'?t available|error)\b|\bunsuccessful",
    re.IGNORECASE,
)
NO_SUCCESS = re.compile(r"\b(not|n'?t|un)( been| be)? ?(success|booked|reserved|made|done|complete)", re.IGNORECASE)
FURTHER_HELP = re.compile(
    r"\b(anything|something|any other|any more|what) (else|more|other)|\b(further|more|other) (help|assist\w*|question)"
    r"|\b(help|assist) you (with|further)|what else|\bwill that be all",
    re.IGNORECASE,
)


class Receipt(Struct, frozen=True, kw_only=True):
    """A tool call that was made for a task."""

    tool: str
    failed: bool
    """It raised an error or found nothing."""
    after: int
    """How many lines of the transcript had been said."""


class Judged(Struct, frozen=True, kw_only=True):
    """How likely a task is complete, and how that came about."""

    probability: float
    evidence: dict[str, float]
    """What each sign added to the score (the logarithm of the odds), by name."""


def judge(goal: str, transcript: Sequence[Spoken], receipts: Sequence[Receipt]) -> Judged:
    """Judge by what was said and done; no model is asked.

    Where it errs, it errs towards "not complete": calling an incomplete task complete was made twice as dear.
    """
    found = signs(goal, transcript, receipts)
    parts = {name: round(weights.COMPLETE.get(name, 0.0) * value, 3) for name, value in found.items() if value}
    return Judged(probability=complete(found), evidence={name: part for name, part in parts.items() if part})


def signs(goal: str, transcript: Sequence[Spoken], receipts: Sequence[Receipt]) -> Features:
    """Return what speaks for and against completeness in what was said and done."""
    lines = list(transcript) or [("user", goal)]
    kept = _without_goodbyes(lines)
    said = next((text for role, text in reversed(kept) if role == "agent"), "")[-END_CHARS:]
    wish = next((text for role, text in reversed(kept) if role == "user"), goal)[-END_CHARS:]
    wish_at = max((at for at, (role, _) in enumerate(kept) if role == "user"), default=0)
    later = [receipt for receipt in receipts if receipt.after > wish_at]
    asks = bool(said.rstrip().endswith("?") or CONFIRM.search(said))
    further = bool(FURTHER_HELP.search(said))
    report = reports(said)
    promise = bool(PROMISE.search(said))
    informed = any(letter.isdigit() for letter in said)
    agreed = bool(ANSWER.search(wish))
    farewell = len(kept) < len(lines)
    unanswered = kept[-1][0] == "user" if kept else False
    return {
        "bias": 1.0,
        "farewell": float(farewell),
        "unanswered": float(unanswered),
        "unanswered_farewell": float(unanswered and farewell),
        "asks": float(asks and not further),
        "asks_open": float(asks and not further and bool(OPEN_QUESTION.search(said))),
        "asks_farewell": float(asks and not further and farewell),
        "further": float(further),
        "report": float(report),
        "report_asks": float(report and asks and not further),
        "promise": float(promise and not report),
        "promise_farewell": float(promise and not report and farewell),
        "failure": float(bool(FAILURE.search(said))),
        "informed": float(informed),
        "informed_farewell": float(informed and farewell),
        "agreed": float(agreed),
        "agreed_farewell": float(agreed and farewell and not report),
        "asked_farewell": float(farewell and wish.rstrip().endswith("?")),
        "length": math.log1p(min(len(said.split()), MOST_WORDS)),
        "brief": float(len(said.split()) <= 8 and not report),
        "wish_opens": float(bool(OPENER.search(wish))),
        "wish_asks": float(wish.rstrip().endswith("?")),
        "lines": math.log1p(min(len(lines), MOST_LINES)),
        "receipt": float(any(not receipt.failed for receipt in later)),
        "receipt_failed": float(any(receipt.failed for receipt in later)),
    }


def complete(found: Features) -> float:
    """Return the probability: the logistic function of the weighted signs."""
    total = sum(weights.COMPLETE.get(name, 0.0) * value for name, value in found.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def reports(said: str) -> bool:
    """Say whether something is told to have been done."""
    return bool(REPORT.search(said)) and not NO_SUCCESS.search(said)


def _without_goodbyes(lines: Sequence[Spoken]) -> list[Spoken]:
    kept = list(lines)
    while kept and _goodbye(*kept[-1]):
        kept.pop()
    return kept


def _goodbye(role: str, text: str) -> bool:
    if role != "user":
        return bool(OVER.search(text) and not reports(text) and not PROMISE.search(text) and "?" not in text)
    return bool(THANKS.search(text)) and "?" not in text and not OPENER.search(text)
