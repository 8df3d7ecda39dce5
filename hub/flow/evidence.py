"""What speaks for each task, and for a new one, before any model was asked: times, questions, words.

Pure functions over what the router has seen. The word lists are English; in another language their features stay at
zero, and times and scores decide.
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from hub.records import Task

Line = tuple[Literal["user", "agent", "notice"], str, datetime]
Features = dict[str, float]


class Seen(Struct, frozen=True, kw_only=True):
    """A task that a message may be about, and what was last said in it."""

    task: Task
    lines: tuple[Line, ...]
    """(role, text, at) of its last messages, oldest first; eight are enough."""
    asked: bool
    """It waits for its person's answer."""


class Shape(Struct, frozen=True, kw_only=True):
    """What a message looks like, whatever it is about."""

    words: frozenset[str]
    """Its content words, stemmed."""
    short: bool
    """At most three words, or no content word: "yes please", "that works"."""
    opener: bool
    told_new: bool
    """Says outright that it's about something new."""
    greeting: bool
    pronoun: bool
    answer: bool
    thanks: bool
    further: bool
    """Asks for one more thing: "also", "another"."""
    digits: bool
    question: bool


FUNCTION_WORDS = frozenset(
    """
    a about after all also am an and any are as at be been but by can could did do does doing done for from get give
    go going good got great had has have having he hello hey hi him his how i if in into is it its just know let like
    look looking make may me might more much my need no not now of off ok okay on one only or our out over perfect
    please really right see she should so some sounds sure take tell than thank thanks that the their them then there
    these they thing think this those through to too us very want was way we well were what when where which who why
    will with work works would yeah yep yes you your find help something anything else fine nice cool don didn doesn
    isn won couldn ll ve re im lot bit back
    """.split()  # noqa: SIM905 - a list of strings would fill two pages
)
GREETING = re.compile(r"^\W*(hi|hello|hey|good (morning|afternoon|evening|day)|greetings)\b", re.IGNORECASE)
OPENER = re.compile(
    r"\b(i('m| am)( also)? (looking|trying|interested|searching|hoping|planning|going to need)"
    r"|i('d| would)( also)? like|i( also)? (want|need|wanna|wish)"
    r"|(can|could|would|will) you( please| also)* (help|find|search|look|get|give|tell|show|recommend|book|make|remind)"
    r"|(help|find|show|remind) me|(search|looking) for|please (find|help|book|make))\b",
    re.IGNORECASE,
)
IMPERATIVE = re.compile(
    r"^\W*(please )?(calculate|compare|compute|convert|create|define|describe|draft|explain|generate|list|plan|remind"
    r"|schedule|solve|suggest|summari[sz]e|translate|write|how (do|can|to)|who (is|was)|why (do|does|is|are))\b",
    re.IGNORECASE,
)
PRONOUN = re.compile(r"\b(it|its|it's|that|that's|this|them|they|there|those|these|one|he|she|same)\b", re.IGNORECASE)
ANSWER = re.compile(
    r"^\W*(yes|yeah|yep|yup|no|nope|nah|not|ok|okay|sure|correct|right|exactly|great|perfect|sounds|fine|good|cool"
    r"|alright|awesome|that|either|any|nothing|none)\b",
    re.IGNORECASE,
)
THANKS = re.compile(
    r"\b(thanks|thank you|thx|bye|goodbye|that'?s (all|it)|that'?ll be|that is (all|it)|all i need)", re.IGNORECASE
)
FURTHER = re.compile(r"\b(also|another|as well|additionally|besides|in addition|next|other)\b", re.IGNORECASE)
SETTLED = re.compile(
    r"\b(booked|reserved|confirmed|confirmation|reference|successful|successfully|anything else|all set|something else"
    r"|scheduled|purchased|sent|added|done)\b",
    re.IGNORECASE,
)
OVER = re.compile(
    r"\b(goodbye|bye|enjoy|have a (good|great|nice|wonderful|lovely|pleasant|safe)|you('re| are) welcome|welcome"
    r"|glad (to|i)|happy to help|my pleasure|take care|no problem)\b",
    re.IGNORECASE,
)
CONFIRM = re.compile(r"\b(confirm|make sure|to check|is (that|this) (correct|right|ok))\b(?!ed)", re.IGNORECASE)
OPEN_QUESTION = re.compile(
    r"\b(what|when|where|which|who|how (many|much|long|about)|prefer|preference|specific|particular)\b[^.!?]*[.?]?\s*$",
    re.IGNORECASE,
)
TOLD_NEW = re.compile(
    r"\b((new|another|different|separate|unrelated) (task|topic|matter|subject)|unrelated|change of (topic|subject))\b",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W_]+")
DAY = 86_400.0
MOST_CHARS = 2_000
"""Of any text, so that a huge one costs no more than a long one."""
MOST_WORDS = 25
MOST_LINES = 8
"""Beyond what was trained on, more says no more."""
END_CHARS = 400
"""Of an agent's answer: where it asks, it asks at the end."""


def shape(text: str) -> Shape:
    """Look at a message by itself, at its beginning if it's long."""
    text = text[:MOST_CHARS]
    words = content(text)
    return Shape(
        words=words,
        short=len(WORD.findall(text)) <= 3 or not words,
        opener=bool(OPENER.search(text) or IMPERATIVE.search(text)),
        told_new=bool(TOLD_NEW.search(text)),
        greeting=bool(GREETING.search(text)),
        pronoun=bool(PRONOUN.search(text)),
        answer=bool(ANSWER.search(text)),
        thanks=bool(THANKS.search(text)),
        further=bool(FURTHER.search(text)),
        digits=any(letter.isdigit() for letter in text),
        question=text.rstrip().endswith("?"),
    )


def content(text: str) -> frozenset[str]:
    """Return the words of a text that carry its meaning, without endings."""
    found = (word for word in WORD.findall(text.lower()) if word not in FUNCTION_WORDS)
    return frozenset(_stem(word) for word in found if len(word) > 1 or word.isdigit())


def gather(text: str, roster: Sequence[Seen], now: datetime) -> list[Features]:
    """Return the features of each task of the roster, in its order, and last those of a new task."""
    message = shape(text)
    known = [_words(seen) for seen in roster]
    idf = _rarity(message.words, known)
    newest = sorted(range(len(roster)), key=lambda at: _last_at(roster[at]), reverse=True)
    ranks = {at: rank for rank, at in enumerate(newest)}
    old = [
        _of_task(message, seen, known[at], idf, rank=ranks[at], age=_age(now, _last_at(seen)))
        for at, seen in enumerate(roster)
    ]
    return [*old, _of_new(message, known, idf, [old[at] for at in newest])]


def _of_task(
    message: Shape, seen: Seen, known: frozenset[str], idf: Mapping[str, float], *, rank: int, age: float
) -> Features:
    said = next((text for role, text, _ in reversed(seen.lines) if role == "agent"), "")[-END_CHARS:]
    last = float(rank == 0)
    asked = float(seen.asked or said.rstrip().endswith("?") or bool(CONFIRM.search(said)))
    wide = asked * bool(OPEN_QUESTION.search(said))
    overlap = _share(message.words & known, idf)
    echo = _share(message.words & content(said), idf)
    told = not message.answer and not message.opener and not message.question
    over = float(bool(OVER.search(said)) and not asked)
    settled = float(bool(SETTLED.search(said)))
    return {
        "last": last,
        "second": float(rank == 1),
        "age": age,
        "last_age": last * age,
        "last_pause": last * _pause(age),
        "asked": asked,
        "last_asked": last * asked,
        "over": over,
        "settled": settled,
        "overlap": overlap,
        "echo": echo,
        "opener_overlap": message.opener * overlap,
        "peak": max((idf[word] for word in message.words & known), default=0.0),
        "greeting_last": last * message.greeting,
        "last_short": last * message.short,
        "last_answer": last * message.answer,
        "last_further": last * message.further,
        "asked_answer": asked * message.answer,
        "asked_question": asked * message.question,
        "asked_wide": wide,
        "wide_answer": wide * message.answer,
        "wide_told": wide * told,
        "asked_told": asked * told,
        "asked_digits": asked * message.digits,
        "thanks_settled": settled * message.thanks,
        "thanks_over": over * message.thanks,
        "turns": math.log1p(min(len(seen.lines), MOST_LINES)),
    }


def _of_new(
    message: Shape, known: Sequence[frozenset[str]], idf: Mapping[str, float], newest: Sequence[Features]
) -> Features:
    last = newest[0] if newest else {}
    pause = _pause(last.get("age", 0.0))
    strange = _share(message.words.difference(*known), idf)
    return {
        "new": 1.0,
        "new_told": float(message.told_new),
        "new_opener": float(message.opener),
        "new_greeting": float(message.greeting),
        "new_short": float(message.short),
        "new_pronoun": float(message.pronoun),
        "new_answer": float(message.answer),
        "new_thanks": float(message.thanks),
        "new_further": float(message.further),
        "new_digits": float(message.digits),
        "new_unknown": strange,
        "new_words": math.log1p(min(len(message.words), MOST_WORDS)),
        "new_count": math.log1p(len(known)),
        "new_age": last.get("age", 0.0),
        "new_pause": pause,
        "new_opener_pause": message.opener * pause,
        "new_unknown_opener": message.opener * strange,
        "new_last_asked": last.get("asked", 0.0),
        "new_last_over": last.get("over", 0.0),
        "new_last_settled": last.get("settled", 0.0),
        "new_opener_over": message.opener * last.get("over", 0.0),
        "new_opener_asked": message.opener * last.get("asked", 0.0),
    }


def _words(seen: Seen) -> frozenset[str]:
    return content(" ".join(text[:MOST_CHARS] for text in (seen.task.goal, *(text for _, text, _ in seen.lines))))


def _last_at(seen: Seen) -> datetime:
    return seen.lines[-1][2] if seen.lines else seen.task.updated_at


def _age(now: datetime, at: datetime) -> float:
    """Minutes and days both matter: 0 is now, 1 is a day."""
    seconds = max(0.0, (now - at).total_seconds())
    return math.log1p(seconds) / math.log1p(DAY)


def _pause(age: float) -> float:
    """From 0 to 1: whoever was silent for more than some five minutes may have begun to do something else."""
    seconds = math.expm1(age * math.log1p(DAY))
    return seconds * seconds / (seconds * seconds + 90_000.0)


def _rarity(words: frozenset[str], known: Sequence[frozenset[str]]) -> dict[str, float]:
    """A word that all tasks share tells them apart no more than one that none has."""
    total = len(known) + 1
    return {word: math.log((total + 1) / (1 + sum(word in some for some in known))) for word in words}


def _share(words: frozenset[str], idf: Mapping[str, float]) -> float:
    total = sum(idf.values())
    return sum(idf[word] for word in words) / total if total else 0.0


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if len(word) - len(ending) >= 4 and word.endswith(ending):
            return word.removesuffix(ending)
    return word
