"""What evidence settles by itself, before anything is weighed: a promise isn't a result, a claim isn't a receipt."""

import re
from collections.abc import Sequence

from msgspec import Struct

from hub.flow.judging import FAILURE, PROMISE, Receipt, Spoken, reports, without_goodbyes

NEEDS_HANDS = re.compile(
    r"(^|[.!?,;:]|\b(please|can you|could you|would you|will you|(want|like|need|love|wish)( you)? to|and|then|also|now"
    r"|just|let'?s))\W*"
    r"(book|reserve|buy|order|purchase|pay|transfer|send|mail|e-?mail|post|publish|upload|download|install|cancel|call"
    r"|phone|invite|subscribe|delete|remove|move|copy|rename|save|store|deploy|restart|(turn|switch) (on|off)|play|find"
    r"|search|look (up|for)|check|fetch|get me|monitor|watch)\b"
    r"|\b(buch|reservier|bestell|bezahl|überweis|schick|stornier|lösch|ruf\w* .{0,40}\ban\b|such\w* (mir|nach))\w*"
    r"|\b(reserva|compra|pide|paga|transfiere|env[ií]a|cancela|busca|encuentra|llama|borra)\w*",
    re.IGNORECASE,
)
"""Words for what can't be done by words alone: it takes a tool, and a tool leaves a receipt."""


REFUSED = re.compile(
    r"\b(could ?n[o']?t|can(no|')t|unable to|not able to|n'?t able to|failed to)( \w+){0,2} (book|reserve|make|get|find"
    r"|complete|buy|purchase|order|transfer|send|schedule|confirm|cancel|pay|do)\b"
    r"|\b(booking|reservation|purchase|transfer|payment|order|appointment|request) (was|has been|is)( not|n't) "
    r"|\bunsuccessful|\bnot successful",
    re.IGNORECASE,
)
"""Of the complete tasks in the training files none ends with such words."""
BRIEF = 25
"""Words: a longer answer that promises something may still be what was asked for, a letter or a poem."""


class Proof(Struct, frozen=True, kw_only=True):
    """What the evidence shows, with the reason as it's told to the agent."""

    complete: bool
    why: str
    firm: bool = True
    """There's a receipt, or a promise; otherwise it's only to be presumed, and a model that can judge may differ."""


def unproven(transcript: Sequence[Spoken], receipts: Sequence[Receipt] | None) -> str:
    """Return what's claimed or promised without anything to show for it, as it's told to the agent; or nothing."""
    said, wish_at = _last(transcript)
    done = [receipt for receipt in receipts or () if not receipt.failed]
    fresh = any(receipt.after > wish_at for receipt in done)
    hands = _needs_hands(transcript)
    if PROMISE.search(said) and not reports(said) and not fresh and (hands or len(said.split()) <= BRIEF):
        return "it was promised, but nothing was done yet: do it now, or say that you can't"
    if hands and not fresh and not reports(said) and REFUSED.search(said):
        return "it didn't work: try another way, or say what's missing"
    if receipts is not None and not done and hands and reports(said):
        return "it's said to be done, but no tool did it: call the tool, or say what's missing"
    return ""


def proof(transcript: Sequence[Spoken], receipts: Sequence[Receipt] | None) -> Proof | None:
    """Return what's certain: that nothing shows a result, or, of an order given once, that something does.

    None: it has to be weighed. In a conversation the person's last words decide as much as any receipt.
    """
    if why := unproven(transcript, receipts):
        return Proof(complete=False, why=why)
    if sum(role == "user" for role, _ in transcript) > 1 or receipts is None:
        return None
    return _of_order(transcript, receipts)


def _of_order(transcript: Sequence[Spoken], receipts: Sequence[Receipt]) -> Proof | None:
    said, wish_at = _last(transcript)
    if receipts and receipts[-1].failed:
        return Proof(complete=False, why=f"the {receipts[-1].tool} tool failed: try another way, or say what's missing")
    if not said.strip() or said.rstrip().endswith("?") or FAILURE.search(said):
        return None
    if any(receipt.after > wish_at for receipt in receipts):
        return Proof(complete=True, why="a tool did it, and the answer tells of it")
    if _needs_hands(transcript):
        return Proof(complete=False, why="no tool did anything for it: call one, or say what's missing", firm=False)
    return Proof(complete=True, why="the answer is what was asked for", firm=False)


def _last(transcript: Sequence[Spoken]) -> tuple[str, int]:
    """Return what the agent said last before the goodbyes, and where the person's last wish stands."""
    kept = without_goodbyes(transcript)
    said = next((text for role, text in reversed(kept) if role == "agent"), "")
    return said, max((at for at, (role, _) in enumerate(kept) if role == "user"), default=0)


def _needs_hands(transcript: Sequence[Spoken]) -> bool:
    return any(role == "user" and NEEDS_HANDS.search(text) for role, text in transcript)
