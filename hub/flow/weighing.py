"""Which task is a message about? A probability for each open task and for a new one.

A small reader, trained for this, reads the message beside what was last said in each task. Where that leaves a doubt,
the language model is asked too, and never in prose: it says how likely the message is after each task's last words, and
how likely after a greeting. All that, and what `evidence` gathers, goes into one multinomial logistic model. A prompt
is plain text that grows at its end, so that a model which keeps prefixes evaluates little more than the message itself.
"""

import math
import time
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from hub.errors import LLMError, LLMTimeout, LLMUnavailable
from hub.flow import reading, weights
from hub.flow.evidence import Features, Line, Seen, gather
from hub.flow.sound import sound, sound_matches, sound_scores
from hub.ports import LLM, Matches, Matching, Said, Score, Scores, Scoring, Terms

__all__ = ["Line", "Seen", "Weighed", "fallback", "weigh", "weigh_by_choice"]

READER = "reader"
"""What a route's model is called where the reader decided alone."""
NEUTRAL = "Assistant: Hello! How can I help you?\nUser:"
PREFIX_CHARS = 480
"""About 120 tokens for each task."""
LINE_CHARS = 200
MESSAGE_CHARS = 240
LINES = 8
SHORT_TOKENS = 4
"""Added to a message's length, lest chance decide about a single word."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CHOICE_CHARS = 1_400
"""Of all tasks together, so that a choice is asked for in at most 600 tokens."""
SURE = 0.85
"""So sure of what the reader and the cheap evidence say, the language model needn't be asked."""
UNREAD = -9.0
"""A text whose logit says less than this says no less."""
DOUBT = 0.03
"""A choice bound to letters may be all or nothing; no letter is believed to be impossible."""


class Weighed(Struct, frozen=True, kw_only=True):
    """How likely a message belongs to each task, and how that came about."""

    probabilities: tuple[float, ...]
    """In the roster's order, and last that of a new task; they sum to 1."""
    evidence: tuple[dict[str, float], ...]
    """In the same order: what each feature added to the score (the logarithm of the odds), by name."""
    model: str
    """Empty if none was asked."""
    tokens: int
    """That a language model evaluated."""
    read: int = 0
    """Tokens that the reader read, which is a tenth of a language model's size."""
    ms: float
    trained: bool
    """Every weight was trained, with this very model if one was asked; otherwise the model's weight was set by hand."""


async def weigh(
    scoring: Scoring,
    text: str,
    roster: Sequence[Seen],
    now: datetime,
    terms: Terms,
    *,
    sha256: str = "",
    reader: Matching | None = None,
) -> Weighed:
    """Weigh with a model that can tell how likely a text is, and before it with a reader where there's one.

    `sha256` is the model file's: with the one that the weights were trained with, they serve; beside another model a
    reader decides alone. Raises what the model raises (LLMUnavailable, LLMTimeout, ContextOverflow); `fallback` never
    does.
    """
    if not roster:
        return fallback(text, roster, now)
    began = time.perf_counter()
    trained = sha256 == weights.MODEL_SHA256
    found = gather(text, roster, now)
    matches = await _matched(reader, text, roster, now, terms) if reader else None
    if matches:
        found = with_reader(found, matches.logits)
        if not trained or max(likely(found, weights.READ)) >= SURE:
            nobody = Scores(scores=(), model=READER, tokens=0, ms=0.0)
            return _weighed(found, weights.READ, nobody, began, trained, read=matches.tokens)
    asked = pairs(text, roster)
    scores = sound_scores(await scoring.score(asked, terms), asked)
    found = with_scores(found, scores.scores)
    if matches:
        return _weighed(found, weights.READ_SCORED, scores, began, trained, read=matches.tokens)
    return _weighed(found, weights.SCORED if trained else weights.UNTRAINED, scores, began, trained)


async def weigh_by_choice(llm: LLM, text: str, roster: Sequence[Seen], now: datetime, terms: Terms) -> Weighed:
    """Weigh with a model that can only choose a letter of a list, and with the cheap evidence.

    Raises what `decide` raises.
    """
    if not roster:
        return fallback(text, roster, now)
    began = time.perf_counter()
    letters = list(LETTERS[: len(roster) + 1])
    decision = sound(await llm.decide(choice(text, roster), letters, terms, lead="Answer: "), letters)
    found = gather(text, roster, now)
    for features, probability in zip(found, decision.probabilities, strict=True):
        features["choice"] = math.log(DOUBT + (1 - DOUBT) * probability)
    scores = Scores(scores=(), model=decision.model, tokens=decision.tokens, ms=decision.ms)
    return _weighed(found, weights.CHOSEN, scores, began, trained=False)


def fallback(text: str, roster: Sequence[Seen], now: datetime) -> Weighed:
    """Weigh with no model at all: by times, questions and words."""
    began = time.perf_counter()
    nobody = Scores(scores=(), model="", tokens=0, ms=0.0)
    return _weighed(gather(text, roster, now), weights.CHEAP, nobody, began, trained=True)


def pairs(text: str, roster: Sequence[Seen]) -> list[tuple[str, str]]:
    """Return what the model scores: the message after a greeting, then after each task's last words."""
    message = " " + _cut(text, MESSAGE_CHARS)
    return [(NEUTRAL, message), *((prefix(seen), message) for seen in roster)]


def prefix(seen: Seen) -> str:
    """Return a task's last words as a prompt that the message continues."""
    said = [_line(role, words) for role, words, _ in seen.lines[-LINES:]] or [_line("user", seen.task.goal)]
    return "".join(said[_start(said) :]) + "User:"


def with_scores(found: Sequence[Features], scores: Sequence[Score]) -> list[Features]:
    """Add what the model's scores say to the features of each task and of a new one."""
    neutral, *after = scores
    tokens = max(1, neutral.tokens)
    gains = [score.logprob - neutral.logprob for score in after]
    tasks = [features | _gains(gain, tokens, features) for features, gain in zip(found[:-1], gains, strict=True)]
    new = {"new_surprise": -neutral.logprob / tokens, "new_best_each": _clip(max(gains) / tokens, 3.0)}
    return [*tasks, found[-1] | new]


def with_reader(found: Sequence[Features], logits: Sequence[float]) -> list[Features]:
    """Add what the reader says to the features of each task and of a new one: how likely it holds each to be."""
    top = max(logits)
    total = top + math.log(sum(math.exp(logit - top) for logit in logits))
    sure = [max(UNREAD, logit - total) for logit in logits]
    tasks = [
        features | {"read": value, "read_last": value * features["last"], "read_asked": value * features["asked"]}
        for features, value in zip(found[:-1], sure, strict=False)
    ]
    last, new = sure[-1], found[-1]
    return [
        *tasks,
        new
        | {"new_read": last, "new_read_opener": last * new["new_opener"], "new_read_count": last * new["new_count"]},
    ]


def anew(roster: Sequence[Seen]) -> Weighed:
    """Return that a message is about something new, whatever else is open."""
    return Weighed(
        probabilities=(*(0.0 for _ in roster), 1.0),
        evidence=(*({} for _ in roster), {"errand": 1.0}),
        model="",
        tokens=0,
        ms=0.0,
        trained=True,
    )


def likely(found: Sequence[Features], table: Mapping[str, float]) -> tuple[float, ...]:
    """Return the probabilities: the softmax of each one's weighted features."""
    sums = [sum(table.get(name, 0.0) * value for name, value in features.items()) for features in found]
    top = max(sums)
    powers = [math.exp(value - top) for value in sums]
    return tuple(power / sum(powers) for power in powers)


def choice(text: str, roster: Sequence[Seen]) -> list[Said]:
    """Return the prompt that offers each task, and a new one, under a letter."""
    room = min(280, CHOICE_CHARS // len(roster))
    listed = [f"{letter}) {_told(seen, room)}" for letter, seen in zip(LETTERS, roster, strict=False)]
    listed.append(f"{LETTERS[len(roster)]}) something new")
    return [
        Said(
            "system",
            "A person has several tasks under way. Say which one their new message is about. Answer with its letter.",
        ),
        Said("user", "\n".join([*listed, f"New message: {_cut(text, MESSAGE_CHARS)}", "Which letter?"])),
    ]


def _gains(gain: float, tokens: int, features: Features) -> Features:
    """How much likelier the message is after this task's words than after a greeting, in tens of nats."""
    tens = _clip(gain / 10, 3.0)
    return {
        "gain": tens,
        "gain_each": _clip(gain / (tokens + SHORT_TOKENS), 3.0),
        "gain_last": features["last"] * tens,
        "gain_asked": features["asked"] * tens,
    }


async def _matched(reader: Matching, text: str, roster: Sequence[Seen], now: datetime, terms: Terms) -> Matches | None:
    """Let the reader read the first tasks of the roster; None where it turns out that there's no reader."""
    blocks = reading.blocks(roster, now)
    read = blocks[: reading.MOST_TASKS]
    try:
        found = sound_matches(await reader.match(reading.question(text), read, terms), read)
        *logits, new = found.logits
        unread = [min(logits) + UNREAD] * (len(blocks) - len(logits))
        return replace(found, logits=(*logits, *unread, new))
    except (LLMUnavailable, LLMTimeout):
        raise
    except LLMError:
        return None


def _weighed(
    found: Sequence[Features],
    table: Mapping[str, float],
    scores: Scores,
    began: float,
    trained: bool,
    *,
    read: int = 0,
) -> Weighed:
    table = {**weights.TOLD, **table}
    parts = tuple(
        {name: round(table[name] * value, 3) for name, value in features.items() if table.get(name) and value}
        for features in found
    )
    return Weighed(
        probabilities=likely(found, table),
        evidence=parts,
        model=scores.model,
        tokens=scores.tokens,
        read=read,
        ms=(time.perf_counter() - began) * 1000,
        trained=trained,
    )


def _start(said: Sequence[str]) -> int:
    """Begin at a line that stays the beginning while more is said.

    Were it simply the oldest that fits, each new line would move it and the model would read all of them again. A
    checksum picks every second of the person's lines, whatever surrounds them.
    """
    room = PREFIX_CHARS
    oldest = len(said)
    while oldest > 0 and (oldest == len(said) or _weight(said[oldest - 1]) <= room):
        oldest -= 1
        room -= _weight(said[oldest])
    anchors = (at for at in range(oldest, len(said) - 1) if said[at].startswith("User") and _picked(said[at]))
    return next(anchors, oldest)


def _picked(line: str) -> bool:
    return zlib.crc32(line.encode()) % 2 == 0


def _line(role: str, text: str) -> str:
    return f"{'User' if role == 'user' else 'Assistant'}: {_cut(text, LINE_CHARS)}\n"


def _cut(text: str, chars: int) -> str:
    """Keep the beginning and the end, on one line: what is asked stands mostly at one of them."""
    if len(text) > 8 * chars:
        text = text[: 4 * chars] + text[-4 * chars :]
    line = " ".join(text.split())
    weight = _weight(line)
    if weight <= chars:
        return line
    kept = max(8, chars * len(line) // weight)
    tail = kept // 3
    return f"{line[: kept - tail - 5]} ... {line[-tail:]}"


def _weight(text: str) -> int:
    """Return how many letters of English cost as many tokens: the small model spells other scripts byte by byte."""
    return len(text) + 3 * sum(letter > "\x7f" for letter in text)


def _told(seen: Seen, room: int) -> str:
    said = next((text for role, text, _ in reversed(seen.lines) if role == "agent"), "")
    goal = _cut(seen.task.goal, room // 2)
    return f"{goal} | last answer: {_cut(said, room // 2)}" if said else goal


def _clip(value: float, most: float) -> float:
    return max(-most, min(most, value))
