"""Is a task really complete? A probability, from what was said and what tools did.

Thanks and goodbyes are set aside first: they end complete and incomplete tasks alike. What counts is the agent's last
act before them: did it report a result, or promise one, ask, or fail?
"""

import math
import re
from collections.abc import Mapping, Sequence
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
FAREWELL = re.compile(
    r"\bhave (a|an) (\w+ ){0,3}(day|night|evening|morning|afternoon|time|trip|stay|visit|journey|flight|ride|meal"
    r"|weekend|one)|\bhave fun|\bwish you|\bthank(s| you) for (using|contacting|calling|choosing)|\bhere to help"
    r"|\bcheers|\bstay safe|\bsee you|\buntil next time|\banytime",
    re.IGNORECASE,
)
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
    effect: str = ""
    """What the call changed, as its tool says; "" where nobody kept it."""


class Judged(Struct, frozen=True, kw_only=True):
    """How likely a task is complete, and how that came about."""

    probability: float
    evidence: dict[str, float]
    """What each sign added to the score (the logarithm of the odds), by name."""


COMPLETE = 0.4
"""From here on a task is called complete. By cross-validation on the training files there about as many verdicts are
right as anywhere, and 2.5 % of the incomplete are called complete, promises in unknown words among them."""


def judge(goal: str, transcript: Sequence[Spoken], receipts: Sequence[Receipt] | None) -> Judged:
    """Judge by what was said and done; no model is asked.

    `receipts` are all tool calls so far, None if nobody kept them: then their absence says nothing.
    """
    found = signs(goal, transcript, receipts)
    parts = {name: round(weights.COMPLETE.get(name, 0.0) * value, 3) for name, value in found.items() if value}
    return Judged(probability=complete(found), evidence={name: part for name, part in parts.items() if part})


def signs(goal: str, transcript: Sequence[Spoken], receipts: Sequence[Receipt] | None) -> Features:
    """Return what speaks for and against completeness in what was said and done."""
    lines = list(transcript) or [("user", goal)]
    kept = without_goodbyes(lines)
    said, before = [*(text[-END_CHARS:] for role, text in reversed(kept) if role == "agent"), "", ""][:2]
    wish = next((text for role, text in reversed(kept) if role == "user"), goal)[-END_CHARS:]
    wish_at = max((at for at, (role, _) in enumerate(kept) if role == "user"), default=0)
    later = [receipt for receipt in receipts or () if receipt.after > wish_at]
    asks = bool(said.rstrip().endswith("?") or CONFIRM.search(said))
    further = bool(FURTHER_HELP.search(said))
    report = reports(said)
    reported = reports(before) and not report
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
        "report_before": float(reported),
        "report_before_farewell": float(reported and farewell),
        "further_farewell": float(further and farewell),
        **_backing(kept, receipts, asks=asks and not further, farewell=farewell),
    }


def _backing(
    kept: Sequence[Spoken], receipts: Sequence[Receipt] | None, *, asks: bool, farewell: bool
) -> dict[str, float]:
    """Say what tools did for a task, and how often its person spoke since; nothing where nobody kept it."""
    if receipts is None:
        return {}
    good = [receipt.after for receipt in receipts if not receipt.failed]
    since = sum(role == "user" for role, _ in kept[good[-1] :]) if good else -1
    return {
        "kept": 1.0,
        "unbacked": float(not good),
        "last_failed": float(bool(receipts) and receipts[-1].failed),
        "backed": float(since == 0),
        "backed_asks": float(since == 0 and asks),
        "backed_before": float(since == 1),
        "backed_before_farewell": float(since == 1 and farewell),
        "backed_long_ago": float(since > 1),
    }


def complete(found: Features, table: Mapping[str, float] = weights.COMPLETE) -> float:
    """Return the probability: the logistic function of the weighted signs."""
    total = sum(table.get(name, 0.0) * value for name, value in found.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def reports(said: str) -> bool:
    """Say whether something is told to have been done."""
    return bool(REPORT.search(said)) and not NO_SUCCESS.search(said)


def without_goodbyes(lines: Sequence[Spoken]) -> list[Spoken]:
    """Return what was said before thanks and goodbyes, which end complete and incomplete tasks alike."""
    kept = list(lines)
    while kept and _goodbye(*kept[-1]):
        kept.pop()
    return kept


def _goodbye(role: str, text: str) -> bool:
    if role != "user":
        return bool(
            (OVER.search(text) or FAREWELL.search(text))
            and not reports(text)
            and not PROMISE.search(text)
            and "?" not in text
        )
    return bool(THANKS.search(text)) and "?" not in text and not OPENER.search(text)
