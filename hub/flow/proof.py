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


CHANGES = re.compile(
    r"(^|[.!?,;]|\b(please|can you|could you|would you|will you|(want|like|need|love|wish)( you)? to|and|then|also|now"
    r"|just|let'?s))\W*"
    r"(book|reserve|buy|order|purchase|pay|transfer|send|mail|e-?mail|post|publish|upload|download|install|cancel|call"
    r"|phone|invite|subscribe|delete|remove|move|copy|rename|save|store|deploy|restart|play"
    r"|(turn|switch) (on|off)|set (an alarm|a reminder|a timer)"
    r"|(write|put|add|append|note)\b[^.!?]{0,80}\b(in|into|to|as|under) (a |the |my )?(\w+ )?"
    r"(file|list|calendar|document|folder|[\w-]+\.[a-z]{2,4})"
    r"|(make|create) (a|the|an) (\w+ )?(file|folder|document))\b"
    r"|\b(buch|reservier|bestell|bezahl|überweis|schick|stornier|lösch|speicher)\w*"
    r"|\b(reserva|compra|paga|transfiere|env[ií]a|cancela|borra|guarda)\b",
    re.IGNORECASE,
)
"""Orders that leave something changed: a tool that changes something has to have done it."""
REMINDS = re.compile(r"\bremind (me|us|him|her|them)\b|\berinner\w* (mich|uns)\b", re.IGNORECASE)
"""What's to be planned; at its time it's words."""
ANSWERS = re.compile(
    r"\?|^\W*(what|which|who|whose|when|where|why|how|is|are|was|were|do|does|did|can|could|should|will)\b"
    r"|\b(tell|give|show|name|list|explain|describe|translate|summari[sz]e|sum up|compare|suggest|recommend|draft"
    r"|write|compose|rewrite|rephrase|calculate|compute|work out|count|convert|define|say|sing|think|answer|greet)\b"
    r"|\b(sag|nenn|erklär|übersetz|schreib|vergleich|zähl|rechne)\w*",
    re.IGNORECASE,
)
"""Goals that words alone can reach: an answer is what was wanted."""


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


def lacking(
    transcript: Sequence[Spoken], receipts: Sequence[Receipt], *, changed: bool, planned: bool, able: bool
) -> str:
    """Return what an assignment certainly lacks, as it's told to its agent; or nothing.

    What's to leave something changed needs a receipt of a change, whatever anybody judges, if it isn't seen that it's
    `changed`; what was `planned` and falls due has only to be said. If whoever judges isn't
    `able` to, words alone are enough only where words were wanted, and an answer that tells of a failure never is.
    """
    wishes = [text for role, text in transcript if role == "user"]
    good = [receipt for receipt in receipts if not receipt.failed]
    changed = changed or any(receipt.effect != "none" for receipt in good)
    wants = any(map(CHANGES.search, wishes)) or (not planned and any(map(REMINDS.search, wishes)))
    if wants and not changed:
        return "nothing was changed for it yet: call the tool that does it, or say what's missing"
    if able:
        return ""
    said, _ = _last(transcript)
    if FAILURE.search(said) and not reports(said):
        return "it didn't work: try another way, or say what's missing"
    if not good and not any(map(ANSWERS.search, wishes)):
        return "nothing shows that it's done: call a tool that does it, or say what's missing"
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
    if fresh := [receipt for receipt in receipts if receipt.after > wish_at]:
        # What only looked, or isn't told of, is no proof that the answer is made of it.
        did = reports(said) and any(receipt.effect != "none" for receipt in fresh)
        return Proof(complete=True, why="a tool did it, and the answer tells of it", firm=did)
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
